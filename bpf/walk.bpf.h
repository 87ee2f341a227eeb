/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The name of an object, found by walking dentries and mounts to the root of
 * its mount tree. A walk means something only between two equal and even
 * readings of the kernel's rename and mount sequence counts.
 */
#ifndef WEIR_WALK_BPF_H
#define WEIR_WALK_BPF_H

#include "maps.bpf.h"

#include <bpf/bpf_core_read.h>
#include <linux/magic.h>
#include <linux/stat.h>

#define SB_KERNMOUNT (1u << 22)	/* linux/fs.h: mounted by the kernel for itself */
#define DCACHE_OP_HASH 1u	/* linux/dcache.h: names below may be the same in other letters */
#define S_CASEFOLD (1u << 15)	/* linux/fs.h: of a folder, where its file system has both kinds */
#define MNT_NS_INTERNAL ((__u64)-22)	/* ERR_PTR(-EINVAL), fs/mount.h */

/* The mount namespace of the current task; 0: it has none any more. */
static __always_inline __u64 task_mnt_ns(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return (__u64)BPF_CORE_READ(task, nsproxy, mnt_ns);
}

#define EVENT_NONE 0	/* a copy of another namespace, in which nothing was mounted since */

/* When something in the current task's mount namespace was mounted, moved or unmounted last. */
static __always_inline __u32 task_mount_event(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return BPF_CORE_READ(task, nsproxy, mnt_ns, event);
}

struct path_counts {
	__u32 rename;
	__u32 mount;
};

/*
 * Both counts. A seqlock_t begins with its count. They are data symbols without
 * type information, which the object linker does not take as externs: user
 * space looks their addresses up, and refuses to start where it cannot.
 */
static __always_inline struct path_counts path_counts_read(void)
{
	struct path_counts counts = {0};

	if (bpf_probe_read_kernel(&counts.rename, sizeof(counts.rename),
				  (void *)weir_config.rename_lock) ||
	    bpf_probe_read_kernel(&counts.mount, sizeof(counts.mount),
				  (void *)weir_config.mount_lock))
		counts.rename = 1;	/* never steady: every path is unresolved */
	return counts;
}

static __always_inline bool path_counts_same(struct path_counts a, struct path_counts b)
{
	return a.rename == b.rename && a.mount == b.mount;
}

static __always_inline __u64 path_counts_word(struct path_counts counts)
{
	return (__u64)counts.rename << 32 | counts.mount;
}

#define COUNTS_ODD 0x100000001ULL	/* of path_counts_word(): one is under way */

static __always_inline bool path_counts_steady(struct path_counts counts)
{
	return !(path_counts_word(counts) & COUNTS_ODD);
}

/*
 * What names are remembered under, between equal counts: that of renames, and
 * the event of the task's mount namespace instead of that of mounts, for it can
 * be read where it lies, at a tenth of the cost. It changes while the count is
 * odd, with whatever moves or takes away a mount of the namespace
 * (touch_mnt_namespace() wakes up those who poll /proc/PID/mounts), and is never
 * the same in two namespaces, but for EVENT_NONE, under which nothing is kept.
 */
static __always_inline __u64 path_counts_kept(struct path_counts counts)
{
	return (__u64)counts.rename << 32 | task_mount_event();
}

static __always_inline __u64 mount_of(__u64 vfsmount)
{
	return vfsmount - bpf_core_field_offset(struct mount, mnt);
}

/* The address is worked out before: what stands inside a CO-RE read is relocated as a whole. */
#define READ_KERNEL(type, address, field)             \
	({                                            \
		const type *object_ = (void *)(address); \
		BPF_CORE_READ(object_, field);        \
	})

/* The encoding by which names of a file system may fold, in the folders that want it. */
static __always_inline __u64 dentry_encoding(__u64 dentry)
{
	__u64 block = (__u64)READ_KERNEL(struct dentry, dentry, d_sb);

	return bpf_core_field_exists(struct super_block, s_encoding) ?
		       (__u64)READ_KERNEL(struct super_block, block, s_encoding) :
		       0;
}

#define PIDTYPE_PID 0

/* The task that an entry of /proc is of, by address; 0: of none. */
static __always_inline __u64 proc_task(__u64 inode)
{
	struct proc_inode *entry =
		(void *)(inode - bpf_core_field_offset(struct proc_inode, vfs_inode));
	struct pid *pid = BPF_CORE_READ(entry, pid);
	__u64 link = pid ? (__u64)BPF_CORE_READ(pid, tasks[PIDTYPE_PID].first) : 0;

	return link ? link - bpf_core_field_offset(struct task_struct, pid_links[PIDTYPE_PID]) : 0;
}

/* Is it the root of a procfs? */
static __always_inline bool dentry_is_proc(__u64 dentry)
{
	__u64 block = (__u64)READ_KERNEL(struct dentry, dentry, d_sb);

	return READ_KERNEL(struct super_block, block, s_magic) == PROC_SUPER_MAGIC &&
	       (__u64)READ_KERNEL(struct dentry, dentry, d_parent) == dentry;
}

/* Room for the path of the current task's object, or for its other name. */
static __always_inline struct weir_scratch *path_scratch(bool target)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (target)
		return bpf_task_storage_get(&weir_target, task, NULL,
					    BPF_LOCAL_STORAGE_GET_F_CREATE);
	return bpf_task_storage_get(&weir_path, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

#define WALK_PARTIAL 0x10000	/* added to the offset: the root was not reached */
#define WALK_AT(walked) ((walked) & 0xffff)

/*
 * Writes the path of an object into scratch space (path_scratch(target)).
 * Its field fold is the offset of the outermost component whose folder may
 * take other spellings for the same name (WEIR_PATH_MAX: none); process, that
 * of the component in the root of a procfs, and process_task the task that it
 * is the entry of (0: it is nobody's).
 *
 * Returns the offset at which it begins, with WALK_PARTIAL when it did not
 * reach the root of the mount tree (what was seen is there all the same, for
 * the record), or < 0 without scratch space.
 */
int weir_path_walk(__u64 dentry, __u64 vfsmount, int target);

#define MIX_FACTOR 0x9e3779b97f4a7c15ULL
#define MIX(hash, one, two)                                       \
	((hash) = (((hash) ^ (one)) * MIX_FACTOR ^ (two)) * MIX_FACTOR, (hash) ^= (hash) >> 32)

#define CHAIN_NONE 0		/* there are too many, or it is cut */
#define CHAIN_MAX 64		/* directories and mounts that a chain may have */

/*
 * A hash of a directory, all that it lies in and the mounts up to the root.
 * While that stays the same, so do the names of what lies in the directory.
 */
__u64 weir_chain(__u64 dir, __u64 vfsmount);

#endif
