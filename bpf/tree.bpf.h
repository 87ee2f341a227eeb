/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The way through all mounts that lie on one, for a bpf_loop() of TREE_STEPS. It
 * went by all of them (whole) only if mount_lock's count stood still meanwhile.
 */
#ifndef WEIR_TREE_BPF_H
#define WEIR_TREE_BPF_H

#include "walk.bpf.h"

#define TREE_STEPS (1 << 17)	/* of which a mount takes two or three */

struct tree {
	__u64 top;
	__u64 at;
	bool down;	/* what is on it comes next, not what is beside it */
	bool whole;
};

/* As in weir_path_walk(): what changes from step to step must not be known to the verifier. */
#define TREE(mount)                                                      \
	{                                                                \
		.top = (mount), .at = (mount), .down = !weir_config.zero \
	}

static __always_inline __u64 tree_links(__u64 mount)
{
	return mount + bpf_core_field_offset(struct mount, mnt_mounts);
}

/*
 * A step; the mount it comes to, on the way down or back, is at. Returns whether it was the last.
 */
static __always_inline bool tree_ends(struct tree *tree)
{
	__u64 next, parent;

	if (tree->down) {
		next = (__u64)READ_KERNEL(struct mount, tree->at, mnt_mounts.next);
		tree->down = next != tree_links(tree->at);
	} else {
		tree->whole = tree->at == tree->top;
		if (tree->whole)
			return true;
		parent = (__u64)READ_KERNEL(struct mount, tree->at, mnt_parent);
		next = (__u64)READ_KERNEL(struct mount, tree->at, mnt_child.next);
		tree->down = next != tree_links(parent);
		if (!tree->down)
			tree->at = parent;
	}
	if (!tree->down)
		return false;
	if (!next)
		return true;	/* cannot be read */
	tree->at = next - bpf_core_field_offset(struct mount, mnt_child);
	return false;
}

#endif
