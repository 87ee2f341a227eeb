// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finding the place of an object, and what that decides; see path.bpf.h. */
#include "path.bpf.h"

#define PATH_TRIES 32		/* walks before a name that keeps changing is unresolved */
#define PATH_SPINS 100000	/* reads of an odd count before it is taken as stuck */

/*
 * An object on a mount outside every namespace. On a file system that the
 * kernel mounted for itself: its own root is a pipe, socket, memfd or the like,
 * or a folder; the rest (security modules have such) is nothing that rules could
 * name. Otherwise a layer: overlayfs opens its files and folders on private
 * mounts of ordinary file systems, and they are reached only through one of its
 * own, which was decided.
 */
static __always_inline __u32 place_internal(__u64 dentry, __u64 vfsmount)
{
	const struct vfsmount *mnt = (void *)vfsmount;
	const struct dentry *object = (void *)dentry;
	bool root = BPF_CORE_READ(object, d_parent) == object;
	bool folder = (BPF_CORE_READ(object, d_inode, i_mode) & S_IFMT) == S_IFDIR;

	if (BPF_CORE_READ(mnt, mnt_sb, s_flags) & SB_KERNMOUNT)
		return root && !folder ? PLACE_PSEUDO : PLACE_UNRESOLVED;
	return root && !folder ? PLACE_UNRESOLVED : PLACE_LAYER;
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

/* What a walk came to, besides the offset at which the path begins. */
#define WALKED_NONE -1		/* it does not reach the root, or keeps changing */
#define WALKED_INTERNAL -2	/* on a mount outside every namespace */

/*
 * Walks until the counts have stood still around it. files: from the mounts of
 * the current task; else those of any namespace will do.
 */
int weir_path_steady(__u64 dentry, __u64 vfsmount, int files, __u64 *ret_counts)
{
	struct path_counts counts;
	__u64 mnt_ns;
	int walked;

#pragma clang loop unroll(disable)
	for (int i = 0; i < PATH_TRIES; i++) {
		if (!ret_counts || !counts_settle(&counts))
			return WALKED_NONE;
		*ret_counts = path_counts_kept(counts);
		mnt_ns = (__u64)READ_KERNEL(struct mount, mount_of(vfsmount), mnt_ns);
		if (mnt_ns == MNT_NS_INTERNAL)
			return WALKED_INTERNAL;
		walked = weir_path_walk(dentry, vfsmount, false);
		if (!path_counts_same(counts, path_counts_read()))
			continue;
		if (walked < 0 || walked & WALK_PARTIAL || !mnt_ns ||
		    (files && mnt_ns != task_mnt_ns()))
			return WALKED_NONE;
		return walked;
	}
	return WALKED_NONE;
}

/* The place of an object by a walk; what it lies in is remembered under check, if there is one. */
static __always_inline __u32 path_resolve(__u64 whose, __u64 dentry, __u64 vfsmount, __u64 check,
					  __u64 check_counts)
{
	__u64 counts = 0, places;
	int walked = weir_path_steady(dentry, vfsmount, true, &counts);

	if (walked == WALKED_INTERNAL)
		return place_internal(dentry, vfsmount);
	if (walked < 0)
		return PLACE_UNRESOLVED;
	places = weir_path_descend(whose, WEIR_NODE_ROOT, walked);
	if (places && check && check_counts == counts)
		weir_dir_remember((places & ~0xffffffffULL) | WHOSE_INDEX(whose), dentry, vfsmount,
				  check, counts);
	return places;
}

__u32 weir_path_resolve(__u64 whose, __u64 dentry, __u64 vfsmount)
{
	return path_resolve(whose, dentry, vfsmount, 0, 0);
}

__u32 weir_socket_resolve(__u32 index, __u64 dentry, __u64 vfsmount)
{
	__u64 counts = 0;
	int walked = weir_path_steady(dentry, vfsmount, false, &counts);

	return walked < 0 ? PLACE_UNRESOLVED :
			    weir_path_descend(WHOSE(0, index), WEIR_NODE_UNIX, walked);
}

__u64 weir_path_place(__u64 whose, __u64 dentry, __u64 vfsmount, __u64 hash)
{
	__u64 check = 0, counts, found;

	if ((__u64)READ_KERNEL(struct vfsmount, vfsmount, mnt_root) == dentry)
		return path_resolve(whose, dentry, vfsmount, 0, 0);
	/* its directory behind a reading of the counts: it may change from here on */
	counts = path_counts_kept(path_counts_read());
	found = weir_dir_recall(dentry, vfsmount, hash, &check);
	if (found == FOUND_NAMED)
		found = weir_name_place(WHOSE_INDEX(whose), dentry, check, counts);
	if (found != PLACE_UNRESOLVED)
		return found;
	return path_resolve(whose, dentry, vfsmount, check, counts);
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
		return DECIDE_LAYER;
	default:
		return weir_node_verdict(index, PLACE_NODE(place), PLACE_SELF(place), access);
	}
}

int weir_place_widens(__u32 index, __u32 from, __u32 to)
{
	for (int i = 0; i < WEIR_ACCESS_COUNT; i++) {
		__u32 after = weir_place_verdict(index, to, WEIR_ACCESS_BIT(i)), before;

		if (DECISION_DENIES(after))
			continue;
		before = weir_place_verdict(index, from, WEIR_ACCESS_BIT(i));
		/* what a grant allowed for a while would be allowed for longer */
		if (DECISION_DENIES(before) || (DECISION_GRANTED(before) && before != after))
			return true;
	}
	return false;
}

/* WEIR_ACCESS_BIT()s of what grants allow at a place, whether they have ended or not. */
static __always_inline __u32 place_granted(const struct weir_node *node, __u32 place)
{
	__u32 granted = 0;

	for (int i = 0; i < WEIR_ACCESS_COUNT; i++) {
		weir_rule_t rule = PLACE_SELF(place) ? node->self[i] : node->below[i];

		if (rule & WEIR_RULE_GRANT && !(rule & WEIR_RULE_DENY))
			granted |= WEIR_ACCESS_BIT(i);
	}
	return granted;
}

/* What is allowed at a place and everywhere below it, grants apart, since they end. */
static __always_inline __u32 place_always(const struct weir_node *node, __u32 place)
{
	return PLACE_SELF(place) ? node->always & node->self_allows : node->below_allows;
}

int weir_dir_widens(__u32 index, __u32 from, __u32 to)
{
	__u32 always, ever;
	const __u32 create = WEIR_ACCESS_BIT(WEIR_ACCESS_CREATE);
	const __u32 delete = WEIR_ACCESS_BIT(WEIR_ACCESS_DELETE);
	const struct weir_node *old, *new;

	if (from == to)
		return false;
	old = node_get(index, PLACE_NODE(from));
	new = node_get(index, PLACE_NODE(to));
	if (!old || !new || from == PLACE_LAYER || to == PLACE_LAYER)
		return true;
	always = place_always(old, from);
	ever = PLACE_SELF(to) ? new->ever | new->self_allows : new->below_allows;
	ever |= place_granted(new, to);
	return ever & ~always || !(always & delete) || !(place_always(new, to) & create);
}

/* Asks the tables as the hooks do when they have walked, for tests. */
SEC("syscall")
int weir_decide_path(struct weir_ask_path *ask)
{
	struct weir_scratch *scratch = path_scratch(false);
	__u32 place = PLACE_UNRESOLVED;

	if (!scratch || ask->at > WEIR_ASK_PATH_MAX)
		return 1;
	scratch->fold = WEIR_PATH_MAX;
	scratch->process = WEIR_PATH_MAX;
	if (!bpf_probe_read_kernel(&scratch->path[WEIR_PATH_MAX - WEIR_ASK_PATH_MAX],
				   WEIR_ASK_PATH_MAX, ask->path))
		place = weir_path_descend(WHOSE(0, ask->instance), WEIR_NODE_ROOT,
					  WEIR_PATH_MAX - WEIR_ASK_PATH_MAX + ask->at);
	for (int i = 0; i < WEIR_ACCESS_COUNT; i++)
		ask->decisions[i] = weir_place_verdict(ask->instance, place, WEIR_ACCESS_BIT(i));
	return 0;
}
