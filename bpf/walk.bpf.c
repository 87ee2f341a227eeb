// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Walking towards the root of the mount tree; see walk.bpf.h. */
#include "walk.bpf.h"

/* One walk towards the root of the mount tree. */
struct walk {
	__u64 dentry;
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

static long walk_step(__u32 unused, struct walk *walk)
{
	struct qstr name;
	__u64 parent;
	__u32 at;

	if (folder_folds(walk->dentry))
		walk->scratch->fold = walk->at;	/* what was just written lies in this folder */
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
	FORGET(at);
	at &= WEIR_PATH_MAX - 1;	/* for the verifier, which has lost the bound */
	walk->scratch->path[at] = name.len;
	if (bpf_probe_read_kernel(&walk->scratch->path[at + 1], name.len & 0xff, name.name))
		return 1;
	if (walk->scratch->path[at + 1] == '/')
		return 1;	/* no name: a root that is not the mount's, or found by handle */
	walk->at = at;
	if (parent == walk->dentry)
		return 1;	/* a root, but not the mount's: unreachable */
	walk->dentry = parent;
	return 0;
}

int weir_path_walk(__u64 dentry, __u64 vfsmount, int target)
{
	struct walk walk = {
		.dentry = dentry,
		.mount = mount_of(vfsmount),
		.mount_root = (__u64)READ_KERNEL(struct vfsmount, vfsmount, mnt_root),
		.scratch = path_scratch(target),
		.at = WEIR_PATH_MAX,
	};

	if (!walk.scratch)
		return -1;
	walk.scratch->fold = WEIR_PATH_MAX;
	bpf_loop(WEIR_PATH_MAX, walk_step, &walk, 0);
	return walk.done ? walk.at : walk.at | WALK_PARTIAL;
}
