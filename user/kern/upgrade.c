// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Replacing the programs of another build; see upgrade.h. */
#include "kern/upgrade.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "kern/set.h"

#define BUILD_NONE "none"

bool upgrade_wanted(const struct kern *kern)
{
	char build[64], path[PATH_MAX];
	ssize_t len = readlink(set_path(kern, "", SET_BUILD, path), build, sizeof(build) - 1);

	if (len < 0)
		return true;
	build[len] = '\0';
	return strcmp(build, set_build) != 0;
}

/* Through a link of another name, so that there is one at any time. */
int upgrade_mark(const struct kern *kern, const char *build)
{
	char path[PATH_MAX], next[PATH_MAX];

	set_path(kern, SET_NEXT, SET_BUILD, next);
	if (unlink(next) < 0 && errno != ENOENT)
		return -errno;
	if (symlink(build, next) < 0 || rename(next, set_path(kern, "", SET_BUILD, path)) < 0)
		return -errno;
	return 0;
}

static int fail(const struct kern *kern, int err, char **ret_message)
{
	return kern_fail(ret_message, err, "cannot replace programs in %s: %s", kern->folder,
			 strerror(-err));
}

int upgrade_begin(struct kern *kern, char **ret_message)
{
	int r = set_folder_clear(kern->folder_fd, SET_NEXT);

	if (r >= 0 && mkdirat(kern->folder_fd, SET_NEXT, 0700) < 0)
		r = -errno;
	if (r >= 0)
		r = upgrade_mark(kern, BUILD_NONE);
	return r < 0 ? fail(kern, r, ret_message) : 0;
}

/* Puts a pin in the place of another; what nothing else holds ends. */
static int pin_replace(const struct kern *kern, int fd, const char *kind, const char *name)
{
	char path[PATH_MAX], next[PATH_MAX];

	if (bpf_obj_pin(fd, set_path(kern, SET_NEXT, name, next)) < 0)
		return -errno;
	return rename(next, set_path(kern, kind, name, path)) < 0 ? -errno : 0;
}

int upgrade_program(struct kern *kern, const char *name, const struct bpf_program *program)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];

	if (program_by_hand(program))
		return pin_replace(kern, bpf_program__fd(program), SET_CALLS, name);
	fd = bpf_obj_get(set_path(kern, SET_LINKS, name, path));
	if (fd < 0 || bpf_link_update(fd, bpf_program__fd(program), NULL) < 0)
		return -errno;
	return 0;
}

int upgrade_link(struct kern *kern, const char *name, struct bpf_link *link, char **ret_message)
{
	int r = pin_replace(kern, bpf_link__fd(link), SET_LINKS, name);

	return r < 0 ? fail(kern, r, ret_message) : 0;
}

static bool program_known(const struct kern *kern, const char *name)
{
	const struct bpf_object_skeleton *skeleton = kern->skel->skeleton;

	for (int i = 0; i < skeleton->prog_cnt; i++)
		if (strcmp(skeleton->progs[i].name, name) == 0)
			return true;
	return false;
}

static int folder_sift(const struct kern *kern, const char *kind)
{
	char path[PATH_MAX];
	DIR *dir = opendir(set_path(kern, "", kind, path));
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && !program_known(kern, entry->d_name) &&
		    unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			r = -errno;
	closedir(dir);
	return r;
}

int upgrade_end(struct kern *kern, char **ret_message)
{
	int r = folder_sift(kern, SET_LINKS);

	if (r >= 0)
		r = folder_sift(kern, SET_CALLS);
	if (r >= 0)
		r = upgrade_mark(kern, set_build);
	return r < 0 ? fail(kern, r, ret_message) : 0;
}
