// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The file system for pins: enforcement that outlives the process that set it up. */
#include <errno.h>
#include <linux/magic.h>
#include <sys/mount.h>
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
