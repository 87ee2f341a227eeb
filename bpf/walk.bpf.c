// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Walking towards the root of the mount tree; see walk.bpf.h. */
#include "walk.bpf.h"

/* One walk towards the root of the mount tree. */
struct walk {
	__u64 dentry;
	__u64 below;		/* whose name was written last; 0: nobody's of this mount */
	__u64 mount;
	__u64 mount_root;	/* dentry */
	struct weir_scratch *scratch;
	__u32 at;		/* offset in scratch->path of the outermost component so far */
	bool done;
};

/*
 * May a name in this folder be spelt otherwise? What cannot be read may. A
 * dentry that was found by handle may lack the operations of its file system.
 */
static __always_inline bool folder_folds(__u64 dentry)
{
	__u64 inode = (__u64)READ_KERNEL(struct dentry, dentry, d_inode);

	if (!inode || READ_KERNEL(struct inode, inode, i_flags) & S_CASEFOLD)
		return true;
	return READ_KERNEL(struct dentry, dentry, d_flags) & DCACHE_OP_HASH &&
	       !dentry_encoding(dentry);
}

/* The root of a mount is reached. If it is that of procfs: whose entry was it below? */
static __always_inline void process_note(struct walk *walk)
{
	__u64 inode;

	if (!walk->below || !dentry_is_proc(walk->dentry))
		return;
	inode = (__u64)READ_KERNEL(struct dentry, walk->below, d_inode);
	walk->scratch->process = walk->at;
	walk->scratch->process_task = inode ? proc_task(inode) : 0;
}

static long walk_step(__u32 unused, struct walk *walk)
{
	__u64 parent, name;
	__u32 at, len;

	if (folder_folds(walk->dentry))
		walk->scratch->fold = walk->at;	/* what was just written lies in this folder */
	if (walk->dentry == walk->mount_root) {
		process_note(walk);
		walk->below = 0;
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
	len = READ_KERNEL(struct dentry, walk->dentry, d_name.len);
	name = (__u64)READ_KERNEL(struct dentry, walk->dentry, d_name.name);
	if (!parent || !len || len > WEIR_NAME_MAX)
		return 1;
	at = walk->at - len - 1;
	if (at >= WEIR_PATH_MAX)
		return 1;	/* longer than a path may be */
	FORGET(at);
	at &= WEIR_PATH_MAX - 1;	/* for the verifier, which has lost the bound */
	walk->scratch->path[at] = len;
	if (bpf_probe_read_kernel(&walk->scratch->path[at + 1], len & 0xff, (void *)name))
		return 1;
	if (walk->scratch->path[at + 1] == '/')
		return 1;	/* no name: a root that is not the mount's, or found by handle */
	walk->at = at;
	walk->below = walk->dentry;
	if (parent == walk->dentry)
		return 1;	/* a root, but not the mount's: unreachable */
	walk->dentry = parent;
	return 0;
}

int weir_path_walk(__u64 dentry, __u64 vfsmount, int target)
{
	struct walk walk = {
		.dentry = dentry,
		/*
		 * before 6.7 the verifier takes a callback to find only what the first call
		 * does: what changes from call to call must not be known to it
		 */
		.below = weir_config.zero,
		.mount = mount_of(vfsmount),
		.mount_root = (__u64)READ_KERNEL(struct vfsmount, vfsmount, mnt_root),
		.scratch = path_scratch(target),
		.at = WEIR_PATH_MAX + weir_config.zero,
	};

	if (!walk.scratch)
		return -1;
	walk.scratch->fold = WEIR_PATH_MAX;
	walk.scratch->process = WEIR_PATH_MAX;
	bpf_loop(WEIR_PATH_MAX, walk_step, &walk, 0);
	return walk.done ? walk.at : walk.at | WALK_PARTIAL;
}

/* One way up, of which only a hash is kept. */
struct climb {
	__u64 dentry;
	__u64 mount;
	__u64 mount_root;
	__u64 hash;
	bool done;
};

/* What is read of a dentry at once; its parent and its name stand side by side. */
struct dentry_part {
	__u64 parent;
	__u64 name;		/* its hash, which takes the parent in, and its length */
};

static __always_inline bool dentry_part_read(struct dentry_part *part, __u64 dentry)
{
	__u32 offset = bpf_core_field_offset(struct dentry, d_parent);

	_Static_assert(sizeof(*part) == 16, "a pointer and a struct qstr without its own");
	return bpf_core_field_offset(struct dentry, d_name) == offset + sizeof(part->parent) &&
	       !bpf_probe_read_kernel(part, sizeof(*part), (void *)(dentry + offset));
}

static long climb_step(__u32 unused, struct climb *climb)
{
	struct dentry_part part;
	__u64 parent;

	if (climb->dentry != climb->mount_root) {
		if (!dentry_part_read(&part, climb->dentry))
			return 1;
		MIX(climb->hash, climb->dentry, part.name);
		climb->dentry = part.parent;
		return 0;
	}
	parent = (__u64)READ_KERNEL(struct mount, climb->mount, mnt_parent);
	MIX(climb->hash, climb->mount, climb->dentry);
	climb->hash ^= (__u64)READ_KERNEL(struct mount, climb->mount, mnt_ns);
	climb->done = parent == climb->mount;
	if (climb->done || !parent)
		return 1;
	climb->dentry = (__u64)READ_KERNEL(struct mount, climb->mount, mnt_mountpoint);
	climb->mount_root = (__u64)READ_KERNEL(struct mount, parent, mnt.mnt_root);
	climb->mount = parent;
	return 0;
}

__u64 weir_chain(__u64 dir, __u64 vfsmount)
{
	struct climb climb = {
		.dentry = dir,
		.mount = mount_of(vfsmount),
		.mount_root = (__u64)READ_KERNEL(struct vfsmount, vfsmount, mnt_root),
	};

	bpf_loop(CHAIN_MAX, climb_step, &climb, 0);
	return climb.done ? climb.hash : CHAIN_NONE;
}
