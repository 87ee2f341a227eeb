// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What ioctl(2) does to a file beside what its descriptor is open for, and to a
 * terminal. Flags and the like are decided by the path; see object.bpf.h.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <linux/fscrypt.h>
#include <linux/fsverity.h>
#include <linux/msdos_fs.h>

#include "guard.bpf.h"
#include "object.bpf.h"

#define TIOCSTI 0x5412u		/* asm-generic/ioctls.h */
#define TIOCLINUX 0x541cu

/* Whatever size its argument has: that differs for who calls as i386. */
#define COMMAND(cmd) ((cmd) & 0xffff)	/* _IOC_TYPE and _IOC_NR */
#define EXT4_SETVERSION 0x6604u		/* of fs/ext4, beside FS_IOC_SETVERSION */

/* Flags and the like, which a descriptor opened for reading is enough to change. */
static __always_inline bool ioctl_changes(unsigned int cmd)
{
	switch (COMMAND(cmd)) {
	case COMMAND(FS_IOC_SETFLAGS):
	case COMMAND(FS_IOC_FSSETXATTR):
	case COMMAND(FS_IOC_SETVERSION):
	case EXT4_SETVERSION:
	case COMMAND(FS_IOC_ENABLE_VERITY):
	case COMMAND(FS_IOC_SET_ENCRYPTION_POLICY):
	case COMMAND(FS_IOC_ADD_ENCRYPTION_KEY):	/* opens to all, and closes, what lies */
	case COMMAND(FS_IOC_REMOVE_ENCRYPTION_KEY):	/* in folders that are encrypted */
	case COMMAND(FS_IOC_REMOVE_ENCRYPTION_KEY_ALL_USERS):
	case COMMAND(FAT_IOCTL_SET_ATTRIBUTES):
	case COMMAND(BTRFS_IOC_SUBVOL_SETFLAGS):
	case COMMAND(BTRFS_IOC_SET_RECEIVED_SUBVOL):
		return true;
	}
	return false;
}

/*
 * Subvolumes: a snapshot gives all that lies in one a second name, which no hook
 * compares with the first; removing one removes all that lies in it.
 */
static __always_inline bool ioctl_retitles(unsigned int cmd)
{
	return cmd == BTRFS_IOC_SNAP_CREATE || cmd == BTRFS_IOC_SNAP_CREATE_V2 ||
	       cmd == BTRFS_IOC_SUBVOL_CREATE || cmd == BTRFS_IOC_SUBVOL_CREATE_V2 ||
	       cmd == BTRFS_IOC_SNAP_DESTROY || cmd == BTRFS_IOC_SNAP_DESTROY_V2;
}

static __always_inline int ioctl_decide(struct file *file, unsigned int cmd)
{
	struct path_action action = {0};

	if (!ioctl_changes(cmd) && !ioctl_retitles(cmd))
		return 0;
	action.dentry = number_away(file->f_path.dentry);
	action.mnt = number_away(file->f_path.mnt);
	action.access = WRITE;
	action.device = ioctl_retitles(cmd);
	return action_decide(&action, WEIR_EVENT_FILE_ATTRIBUTE);
}

SEC("lsm/file_ioctl")
int BPF_PROG(weir_file_ioctl, struct file *file, unsigned int cmd)
{
	return ioctl_decide(file, cmd);
}

/* By the 32-bit entry, which any program can use. */
SEC("lsm/file_ioctl_compat")
int BPF_PROG(weir_file_ioctl_compat, struct file *file, unsigned int cmd)
{
	return ioctl_decide(file, cmd);
}

/*
 * What is put into the input of a terminal is read by whoever reads next, outside
 * too. The launcher has a filter of system calls for it, which who was moved into a
 * scope has not.
 */
static __always_inline int terminal_ask(unsigned int cmd)
{
	if (cmd != TIOCSTI && cmd != TIOCLINUX)
		return 0;
	return weir_guard_plain(WEIR_EVENT_GUARD_ESCAPE, WEIR_ASK_TERMINAL, GUARD_NOTHING, 0) ?
		       -EPERM :
		       0;
}

SEC("lsm/file_ioctl")
int BPF_PROG(weir_guard_ioctl, struct file *file, unsigned int cmd)
{
	return terminal_ask(cmd);
}

SEC("lsm/file_ioctl_compat")
int BPF_PROG(weir_guard_ioctl_compat, struct file *file, unsigned int cmd)
{
	return terminal_ask(cmd);
}
