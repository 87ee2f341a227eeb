// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finding the place of an object in the path trie, the slow and sure way; see path.bpf.h. */
#include "path.bpf.h"

#define PATH_SPINS 100000	/* reads of an odd count before it is taken as stuck */

static __always_inline __u32 edge_follow(__u32 index, __u32 node, __u64 name, __u32 len)
{
	void *edges = bpf_map_lookup_elem(&weir_edges, &index);
	struct weir_edge_key key;
	__u32 *child;

	if (!edges)
		return EDGE_FAILED;
	for (int i = 0; i <= WEIR_NAME_MAX / WEIR_CHUNK; i++) {
		bool last = len < WEIR_CHUNK;
		__u32 part = last ? len : WEIR_CHUNK;

		__builtin_memset(&key, 0, sizeof(key));
		key.node = node;
		FORGET(part);
		if (part > WEIR_CHUNK || bpf_probe_read_kernel(key.chunk, part, (void *)name))
			return EDGE_FAILED;
		child = bpf_map_lookup_elem(edges, &key);
		if (!child)
			return EDGE_NONE;
		node = *child;
		if (last)
			return node;
		name += WEIR_CHUNK;
		len -= WEIR_CHUNK;
	}
	return EDGE_FAILED;	/* longer than a name can be */
}

__u32 weir_edge_follow(__u32 index, __u32 node, __u64 name, __u32 len)
{
	return edge_follow(index, node, name, len);
}

/* One descent through the trie, along a path in scratch space. */
struct descent {
	struct weir_scratch *scratch;
	__u32 index;
	__u32 at;
	__u32 node;
	__u32 parent;		/* place of what the last component lies in */
	bool self;
	bool failed;
};

/* Of the names that lead on from a node; a node that cannot be told has some of all. */
static __always_inline __u32 node_lengths(__u32 index, __u32 node)
{
	void *nodes = bpf_map_lookup_elem(&weir_nodes, &index);
	struct weir_node *entry = nodes ? bpf_map_lookup_elem(nodes, &node) : NULL;

	return entry ? entry->lengths : (1u << WEIR_LENGTH_BITS) - 1;
}

static long descent_step(__u32 unused, struct descent *descent)
{
	__u32 at = descent->at, len, child;

	if (at >= WEIR_PATH_MAX)
		return 1;
	len = descent->scratch->path[at];
	descent->parent = PLACE(descent->node, descent->self);
	descent->at = at + 1 + len;
	if (!descent->self)
		return 0;
	/* a rule may name it in other letters: only where no rule goes on is that the same */
	if (at >= descent->scratch->fold && node_lengths(descent->index, descent->node)) {
		descent->failed = true;
		return 1;
	}
	child = edge_follow(descent->index, descent->node,
			    (__u64)&descent->scratch->path[at + 1], len);
	if (child == EDGE_FAILED) {
		descent->failed = true;
		return 1;
	}
	if (child)
		descent->node = child;
	else
		descent->self = false;
	return 0;
}

/*
 * The place below a root of the path in scratch space that begins at `at`, in
 * the low word, and in the high one the place of the directory it lies in. 0:
 * unresolved.
 */
__u64 weir_path_descend(__u32 index, __u32 root, __u32 at)
{
	struct descent descent = {
		.scratch = path_scratch(false),
		.index = index,
		.at = at,
		.node = root,
		.parent = PLACE(root, true),
		.self = true,
	};

	if (!descent.scratch)
		return PLACE_UNRESOLVED;
	bpf_loop(WEIR_PATH_MAX, descent_step, &descent, 0);
	if (descent.failed || descent.at < WEIR_PATH_MAX)
		return PLACE_UNRESOLVED;
	return (__u64)descent.parent << 32 | PLACE(descent.node, descent.self);
}

/* What is allowed below a node: WEIR_ACCESS_BIT()s. */
static __always_inline __u32 node_allowed(__u32 index, __u32 node)
{
	__u32 allowed = 0;

	for (int i = 0; i < WEIR_ACCESS_COUNT; i++) {
		if (!DECISION_DENIES(weir_node_verdict(index, node, false, WEIR_ACCESS_BIT(i))))
			allowed |= WEIR_ACCESS_BIT(i);
	}
	return allowed;
}

/*
 * A directory no name leads on from is remembered as what lies below it: none
 * is looked at. One in which names may be spelt otherwise is not, else.
 */
static __always_inline void dir_remember(__u32 index, __u64 check, __u32 place, __u64 counts,
					 bool may_fold)
{
	volatile struct weir_dir *dir = dir_slot(check);
	__u32 node = PLACE_NODE(place), lengths = node_lengths(index, node);
	__u64 found;

	if (!dir || (may_fold && lengths && PLACE_SELF(place)))
		return;
	if (!lengths)
		place = PLACE(node, false);
	found = FOUND(place, node_allowed(index, node), lengths);
	dir->found = found;
	dir->counts = counts;
	dir->seal = dir_seal(check, found, counts);
}

/*
 * An object on a mount outside every namespace. Its own root: a pipe, socket,
 * memfd or the like, but no folder. On a file system that the kernel mounted for itself
 * (security modules have such): nothing that rules could name. Otherwise a
 * layer: overlayfs opens its files on private mounts of ordinary file systems,
 * and they are reached only through a file of its own, which was decided.
 */
static __always_inline __u32 place_internal(__u64 dentry, __u64 vfsmount)
{
	const struct vfsmount *mnt = (void *)vfsmount;
	const struct dentry *object = (void *)dentry;

	if (BPF_CORE_READ(object, d_parent) == object)
		return (BPF_CORE_READ(object, d_inode, i_mode) & S_IFMT) == S_IFDIR ?
			       PLACE_UNRESOLVED :
			       PLACE_PSEUDO;
	return BPF_CORE_READ(mnt, mnt_sb, s_flags) & SB_KERNMOUNT ? PLACE_UNRESOLVED : PLACE_LAYER;
}

static long spin_step(__u32 unused, struct path_counts *counts)
{
	*counts = path_counts_read();
	return path_counts_steady(*counts);
}

/* Waits until neither a rename nor a mount is under way. */
static __always_inline bool counts_settle(struct path_counts *counts)
{
	*counts = path_counts_read();
	if (!path_counts_steady(*counts))
		bpf_loop(PATH_SPINS, spin_step, counts, 0);
	return path_counts_steady(*counts);
}

/* The mount namespace of the current task; 0: it has none any more. */
static __always_inline __u64 task_mnt_ns(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return (__u64)BPF_CORE_READ(task, nsproxy, mnt_ns);
}

__u32 weir_path_resolve(__u32 index, __u64 dentry, __u64 vfsmount, __u64 check, __u64 check_counts)
{
	struct path_counts counts;
	__u64 mnt_ns, places, parent;
	bool may_fold;
	int walked;

	if (!counts_settle(&counts))
		return PLACE_UNRESOLVED;
	mnt_ns = (__u64)READ_KERNEL(struct mount, mount_of(vfsmount), mnt_ns);
	if (mnt_ns == MNT_NS_INTERNAL)
		return place_internal(dentry, vfsmount);
	parent = (__u64)READ_KERNEL(struct dentry, dentry, d_parent);
	may_fold = READ_KERNEL(struct dentry, parent, d_flags) & DCACHE_OP_HASH ||
		   dentry_encoding(parent);
	walked = weir_path_walk(dentry, vfsmount, false);
	if (!path_counts_same(counts, path_counts_read()))
		return PLACE_AGAIN;
	if (walked < 0 || walked & WALK_PARTIAL || !mnt_ns || mnt_ns != task_mnt_ns())
		return PLACE_UNRESOLVED;
	places = weir_path_descend(index, WEIR_NODE_ROOT, walked);
	if (places && check && check_counts == path_counts_word(counts))
		dir_remember(index, check, places >> 32, check_counts, may_fold);
	return places;
}

__u32 weir_socket_resolve(__u32 index, __u64 dentry, __u64 vfsmount)
{
	struct path_counts counts;
	__u64 mnt_ns;
	int walked;

	if (!counts_settle(&counts))
		return PLACE_UNRESOLVED;
	mnt_ns = (__u64)READ_KERNEL(struct mount, mount_of(vfsmount), mnt_ns);
	walked = weir_path_walk(dentry, vfsmount, false);
	if (!path_counts_same(counts, path_counts_read()))
		return PLACE_AGAIN;
	if (walked < 0 || walked & WALK_PARTIAL || !mnt_ns || mnt_ns == MNT_NS_INTERNAL)
		return PLACE_UNRESOLVED;
	return weir_path_descend(index, WEIR_NODE_UNIX, walked);
}

__u32 weir_place_verdict(__u32 index, __u32 place, __u32 access)
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
		return weir_node_verdict(index, PLACE_NODE(place), PLACE_SELF(place), access);
	}
}
