// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Pins on a bpffs: enforcement that outlives the process that set it up. */
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "kern/state.h"

#define BPFFS "/sys/fs/bpf"

int bpffs_ensure(void)
{
	struct statfs fs;

	if (statfs(BPFFS, &fs) < 0)
		return -errno;
	if (fs.f_type == BPF_FS_MAGIC)
		return 0;
	if (mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=700") < 0)
		return -errno;
	return 0;
}

/* mkdir -p, mode 0700; an existing last folder is an error. */
static int folder_make(const char *dir)
{
	_cleanup_free_ char *path = strdup(dir);
	char *slash;

	if (!path)
		return -ENOMEM;
	for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(path, 0700) < 0 ? -errno : 0;
}

int kern_pin(struct kern *kern, const char *dir, char **ret_message)
{
	const struct bpf_object_skeleton *skeleton = kern->skel->skeleton;
	int err, i;

	err = bpffs_ensure();
	if (err < 0)
		return kern_fail(
			ret_message, err,
			"cannot mount a bpffs at " BPFFS ": %s; without it "
			"enforcement would end with weir itself. Mount it: mount -t bpf bpf " BPFFS,
			strerror(-err));
	err = folder_make(dir);
	if (err < 0)
		return kern_fail(ret_message, err, "cannot make %s: %s", dir, strerror(-err));
	kern->pin_dir = strdup(dir);
	if (!kern->pin_dir)
		return kern_fail(ret_message, -ENOMEM, "out of memory");
	for (i = 0; i < skeleton->prog_cnt; i++) {
		_cleanup_free_ char *path = NULL;
		struct bpf_link **link = skeleton->progs[i].link;

		if (!link || !*link)
			continue;
		if (asprintf(&path, "%s/%s", dir, skeleton->progs[i].name) < 0)
			return kern_fail(ret_message, -ENOMEM, "out of memory");
		err = bpf_link__pin(*link, path);
		if (err < 0)
			return kern_fail(ret_message, err, "cannot pin %s: %s", path,
					 strerror(-err));
	}
	return 0;
}
