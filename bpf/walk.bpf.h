/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The name of an object, found by walking dentries and mounts to the root of
 * its mount tree. A walk means something only between two equal and even
 * readings of the kernel's rename and mount sequence counts.
 */
#ifndef WEIR_WALK_BPF_H
#define WEIR_WALK_BPF_H

#include "maps.bpf.h"
#include "scope.bpf.h"

#include <bpf/bpf_core_read.h>

#define PATH_TRIES 32		/* walks before a name that keeps changing is unresolved */
#define PATH_SPINS 100000	/* reads of an odd count before it is taken as stuck */
#define MNT_NS_INTERNAL ((__u64)-22)	/* ERR_PTR(-EINVAL), fs/mount.h */

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
	struct weir_config *config = config_get();
	struct path_counts counts = {0};

	if (!config)
		return counts;
	bpf_probe_read_kernel(&counts.rename, sizeof(counts.rename), (void *)config->rename_lock);
	bpf_probe_read_kernel(&counts.mount, sizeof(counts.mount), (void *)config->mount_lock);
	return counts;
}

static __always_inline bool path_counts_steady(struct path_counts counts)
{
	return !((counts.rename | counts.mount) & 1);
}

static __always_inline bool path_counts_same(struct path_counts a, struct path_counts b)
{
	return a.rename == b.rename && a.mount == b.mount;
}

static long spin_step(__u32 unused, struct path_counts *counts)
{
	*counts = path_counts_read();
	return path_counts_steady(*counts);
}

/* One walk towards the root of the mount tree. */
struct walk {
	__u64 dentry;
	__u64 mount;
	__u64 mount_root;	/* dentry */
	struct weir_scratch *scratch;
	__u32 at;		/* offset in scratch->path of the outermost component so far */
	bool done;
};

static __always_inline __u64 mount_of(__u64 vfsmount)
{
	return vfsmount - bpf_core_field_offset(struct mount, mnt);
}

#define READ_KERNEL(type, address, field) BPF_CORE_READ((type *)(address), field)

static long walk_step(__u32 unused, struct walk *walk)
{
	struct qstr name;
	__u64 parent;
	__u32 at;

	if (walk->dentry == walk->mount_root) {
		parent = (__u64)READ_KERNEL(struct mount, walk->mount, mnt_parent);
		if (parent == walk->mount) {
			walk->done = true;
			return 1;
		}
		walk->dentry = (__u64)READ_KERNEL(struct mount, walk->mount, mnt_mountpoint);
		walk->mount = parent;
		walk->mount_root = (__u64)READ_KERNEL(struct mount, parent, mnt.mnt_root);
		return !walk->dentry || !parent;
	}
	parent = (__u64)READ_KERNEL(struct dentry, walk->dentry, d_parent);
	name.len = READ_KERNEL(struct dentry, walk->dentry, d_name.len);
	name.name = READ_KERNEL(struct dentry, walk->dentry, d_name.name);
	if (!parent || !name.len || name.len > WEIR_NAME_MAX)
		return 1;
	at = walk->at - name.len - 1;
	if (at >= WEIR_PATH_MAX)
		return 1;	/* longer than a path may be */
	walk->scratch->path[at] = name.len;
	if (bpf_probe_read_kernel(&walk->scratch->path[at + 1], name.len & 0xff, name.name))
		return 1;
	walk->at = at;
	if (parent == walk->dentry)
		return 1;	/* a root, but not the mount's: unreachable */
	walk->dentry = parent;
	return 0;
}

/*
 * Writes the path of an object into scratch space, *ret_at its start there.
 * Returns false when it did not reach the root of the tree; what was seen is
 * there all the same, for the record.
 */
static __noinline __attribute__((unused)) bool path_walk(__u64 dentry, __u64 vfsmount, struct weir_scratch *scratch,
				 __u32 *ret_at)
{
	struct walk walk = {
		.dentry = dentry,
		.mount = mount_of(vfsmount),
		.mount_root = (__u64)READ_KERNEL(struct vfsmount, vfsmount, mnt_root),
		.scratch = scratch,
		.at = WEIR_PATH_MAX,
	};

	bpf_loop(WEIR_PATH_MAX, walk_step, &walk, 0);
	*ret_at = walk.at;
	return walk.done;
}

static __always_inline struct weir_scratch *path_scratch(void)
{
	return bpf_task_storage_get(&weir_path, bpf_get_current_task_btf(), NULL,
				    BPF_LOCAL_STORAGE_GET_F_CREATE);
}

#endif
