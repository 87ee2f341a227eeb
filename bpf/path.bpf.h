/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which place of the path trie is an object at, and what does that allow?
 *
 * The name is walked (walk.bpf.h) to the root of the task's mount namespace
 * and followed through the trie. A name that keeps changing, or does not reach
 * that root, is unresolved, which denies.
 *
 * What a directory means to an instance is remembered under the sequence
 * counts of its walk, so that a usual open costs neither a walk nor a look-up
 * by name. Any rename or mount on the machine makes everything remembered stale.
 */
#ifndef WEIR_PATH_BPF_H
#define WEIR_PATH_BPF_H

#include "verdict.bpf.h"
#include "walk.bpf.h"

/*
 * A place: node << 1, and 1 when the path still is in the trie at that node
 * (its `self` decides), 0 when it has left the trie below it (`below` decides).
 */
#define PLACE_UNRESOLVED 0
#define PLACE_PSEUDO 1		/* pipe, socket, memfd: on no mount of any namespace */
#define PLACE_LAYER 0xffffffff	/* a layer of a stacked file system, whose own file was decided */
#define PLACE(node, self) ((node) << 1 | (self))
#define PLACE_NODE(place) ((place) >> 1)
#define PLACE_SELF(place) ((place) & 1)

/*
 * Follows one component from a node. name is read where it lies, in kernel
 * memory or in scratch space; len at most WEIR_NAME_MAX.
 * Returns the child, 0 when the trie has no such name below this node.
 */
static __always_inline __u32 edge_follow(void *edges, __u32 node, const void *name, __u32 len)
{
	struct weir_edge_key key;
	__u32 *child;

	for (int i = 0; i <= WEIR_NAME_MAX / WEIR_CHUNK; i++) {
		__u32 rest = len - i * WEIR_CHUNK;
		bool last = rest < WEIR_CHUNK;

		__builtin_memset(&key, 0, sizeof(key));
		key.node = node;
		if (last)
			bpf_probe_read_kernel(key.chunk, rest & 31 & -(rest < WEIR_CHUNK),
					      name + i * WEIR_CHUNK);
		else
			bpf_probe_read_kernel(key.chunk, WEIR_CHUNK, name + i * WEIR_CHUNK);
		child = bpf_map_lookup_elem(edges, &key);
		if (!child)
			return 0;
		node = *child;
		if (last)
			return node;
	}
	return 0;
}

/* One descent through the trie, along a path in scratch space. */
struct descent {
	struct weir_scratch *scratch;
	__u32 index;
	__u32 at;
	__u32 node;
	__u32 parent;		/* place of what the last component lies in */
	bool self;
};

static long descent_step(__u32 unused, struct descent *descent)
{
	void *edges = bpf_map_lookup_elem(&weir_edges, &descent->index);
	__u32 at = descent->at, len, child;

	if (at >= WEIR_PATH_MAX)
		return 1;
	len = descent->scratch->path[at];
	descent->parent = PLACE(descent->node, descent->self);
	descent->at = at + 1 + len;
	if (!descent->self)
		return 0;
	child = edges ? edge_follow(edges, descent->node, &descent->scratch->path[at + 1], len) : 0;
	if (child)
		descent->node = child;
	else
		descent->self = false;
	return 0;
}

/* Place of a path that was walked, and of the directory it lies in. */
static __noinline __attribute__((unused)) __u32 path_descend(struct weir_scratch *scratch, __u32 at, __u32 index,
				     __u32 *ret_parent)
{
	struct descent descent = {
		.scratch = scratch,
		.index = index,
		.at = at,
		.node = WEIR_NODE_ROOT,
		.parent = PLACE(WEIR_NODE_ROOT, true),
		.self = true,
	};

	bpf_loop(WEIR_PATH_MAX, descent_step, &descent, 0);
	*ret_parent = descent.parent;
	return PLACE(descent.node, descent.self);
}

#define MIX(hash, word) \
	((hash) = ((hash) ^ (__u64)(word)) * 0x9e3779b97f4a7c15ULL, (hash) ^= (hash) >> 32)

/*
 * What identifies a remembered directory: the instance, the directory in its
 * mount, the task's mount namespace, and the counts under which it was walked.
 * The parent, the name's hash and the inode guard against a dentry whose
 * memory went to another directory.
 */
static __always_inline __u64 dir_check(const struct weir_config *config, __u64 serial,
				       struct dentry *dir, struct vfsmount *mnt, __u64 mnt_ns,
				       struct path_counts counts)
{
	struct inode *inode = dir->d_inode;
	__u64 hash = config->seed;

	MIX(hash, serial);
	MIX(hash, dir);
	MIX(hash, mnt);
	MIX(hash, mnt_ns);
	MIX(hash, (__u64)counts.rename << 32 | counts.mount);
	MIX(hash, dir->d_parent);
	MIX(hash, dir->d_name.hash_len);
	MIX(hash, inode);
	MIX(hash, inode->i_ino);
	MIX(hash, inode->i_generation);
	return hash;
}

static __always_inline struct weir_dir *dir_slot(__u64 check)
{
	__u32 slot = check >> (64 - WEIR_DIRS_BITS);

	return bpf_map_lookup_elem(&weir_dirs, &slot);
}

static __always_inline __u32 dir_recall(__u64 check)
{
	volatile struct weir_dir *dir = dir_slot(check);
	__u64 state;

	if (!dir)
		return PLACE_UNRESOLVED;
	state = dir->state;
	return (dir->check ^ state) == check ? (__u32)state : PLACE_UNRESOLVED;
}

static __always_inline void dir_remember(__u64 check, __u32 place)
{
	volatile struct weir_dir *dir = dir_slot(check);

	if (!dir)
		return;
	dir->state = place;
	dir->check = check ^ place;
}

/* By the remembered meaning of the directory it lies in. PLACE_UNRESOLVED: walk. */
static __always_inline __u32 path_recall(struct dentry *dentry, __u32 index, __u64 check,
					 struct path_counts counts)
{
	__u32 dir = dir_recall(check), child;
	void *edges;

	if (dir == PLACE_UNRESOLVED || !PLACE_SELF(dir))
		return dir;
	edges = bpf_map_lookup_elem(&weir_edges, &index);
	if (!edges)
		return PLACE_UNRESOLVED;
	child = edge_follow(edges, PLACE_NODE(dir), dentry->d_name.name, dentry->d_name.len);
	if (!path_counts_same(counts, path_counts_read()))
		return PLACE_UNRESOLVED;	/* the name may have been half of one and half of another */
	return child ? PLACE(child, true) : PLACE(PLACE_NODE(dir), false);
}

/*
 * An object on a mount outside every namespace: a pipe, socket, memfd or the
 * like is its own root; anything else there is a layer (overlayfs opens its
 * files on private mounts), reached only through a file that was decided.
 */
static __always_inline __u32 place_internal(struct dentry *dentry)
{
	return dentry->d_parent == dentry ? PLACE_PSEUDO : PLACE_LAYER;
}

/* By walking, until the counts stood still around a walk. */
static __noinline __attribute__((unused)) __u32 path_resolve(struct dentry *dentry, struct vfsmount *mnt, __u64 mnt_ns,
				     __u32 index, __u64 serial)
{
	struct weir_scratch *scratch = path_scratch();
	struct weir_config *config = config_get();
	struct path_counts counts;
	__u32 at, place, parent;

	if (!scratch || !config)
		return PLACE_UNRESOLVED;
	for (int i = 0; i < PATH_TRIES; i++) {
		__u64 ns;
		bool done;

		counts = path_counts_read();
		if (!path_counts_steady(counts)) {
			bpf_loop(PATH_SPINS, spin_step, &counts, 0);
			if (!path_counts_steady(counts))
				return PLACE_UNRESOLVED;
		}
		ns = (__u64)READ_KERNEL(struct mount, mount_of((__u64)mnt), mnt_ns);
		if (ns == MNT_NS_INTERNAL)
			return place_internal(dentry);
		done = path_walk((__u64)dentry, (__u64)mnt, scratch, &at);
		if (!path_counts_same(counts, path_counts_read()))
			continue;
		if (!done || ns != mnt_ns)
			return PLACE_UNRESOLVED;
		place = path_descend(scratch, at, index, &parent);
		if (dentry != mnt->mnt_root)
			dir_remember(dir_check(config, serial, dentry->d_parent, mnt, mnt_ns,
					       counts), parent);
		return place;
	}
	return PLACE_UNRESOLVED;
}

/* The place of an object in the trie of an instance. */
static __always_inline __u32 path_place(struct dentry *dentry, struct vfsmount *mnt, __u32 index,
					__u64 serial)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct weir_config *config = config_get();
	__u64 mnt_ns = (__u64)task->nsproxy->mnt_ns;
	struct path_counts counts = path_counts_read();
	__u32 place;

	if (config && path_counts_steady(counts) && dentry != mnt->mnt_root) {
		place = path_recall(dentry, index, dir_check(config, serial, dentry->d_parent, mnt,
							     mnt_ns, counts), counts);
		if (place != PLACE_UNRESOLVED)
			return place;
	}
	return path_resolve(dentry, mnt, mnt_ns, index, serial);
}

/* What holds of every path before it is looked at. 0: look. */
static __always_inline __u32 files_verdict(const struct weir_instance *instance)
{
	if (instance->flags & WEIR_INSTANCE_WITHOUT_FILES)
		return DECIDE_ALLOW(WEIR_REASON_UNRESTRICTED, 0);
	if (instance_expired(instance))
		return DECIDE_DENY(WEIR_REASON_EXPIRED, 0);
	if (instance->flags & WEIR_INSTANCE_FILES_UNRESTRICTED)
		return DECIDE_ALLOW(WEIR_REASON_UNRESTRICTED, 0);
	return 0;
}

static __always_inline __u32 place_verdict(__u32 index, __u32 place, __u32 access)
{
	switch (place) {
	case PLACE_UNRESOLVED:
		return DECIDE_DENY(WEIR_REASON_UNRESOLVED_PATH, 0);
	case PLACE_PSEUDO:
		return access & WEIR_ACCESS_BIT(WEIR_ACCESS_EXECUTE) ?
			       DECIDE_DENY(WEIR_REASON_NO_RULE, 0) :
			       DECIDE_ALLOW(WEIR_REASON_UNRESTRICTED, 0);
	case PLACE_LAYER:
		return DECIDE_ALLOW(WEIR_REASON_UNRESTRICTED, 0);
	default:
		return node_verdict(index, PLACE_NODE(place), PLACE_SELF(place), access);
	}
}

#endif
