// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Remembering what directories mean; see dirs.bpf.h. */
#include "dirs.bpf.h"
#include "guard.bpf.h"

/*
 * What is known of the names in a directory at a node; false: it could not be
 * told. A function of its own, because stack is short; so is weir_name_recall().
 */
static __noinline bool dir_describe(__u32 index, __u32 node, bool self, __u64 *ret_found,
				    struct weir_dir_names *ret)
{
	const struct weir_node *entry = node_get(index, node);
	const struct weir_glob *glob;
	__u32 other;

	if (!entry)
		return false;
	other = entry->other;
	ret->node = node;
	*ret_found = FOUND(self && other ? PLACE(other, true) : PLACE(node, false),
			   entry->below_allows, 0);
	if (!self)
		return true;
	ret->edges = entry->edges;
	if (!entry->globs && other && other != node) {
		entry = node_get(index, other);
		if (!entry)
			return false;
		ret->edges.lengths |= entry->edges.lengths;
		ret->edges.first |= entry->edges.first;
		ret->edges.last |= entry->edges.last;
	}
	*ret_found |= FOUND(0, 0, ret->edges.lengths);
	if (!entry->globs)
		return true;
	glob = glob_get(index, entry->globs);
	if (!glob)
		return false;
	ret->first = glob->first;
	ret->last = glob->last;
	*ret_found |= FOUND(0, 0, glob->lengths & ((1u << WEIR_LENGTH_BITS) - 1));
	return true;
}

/* Whose process an entry is can change: nothing is remembered from the root of procfs on. */
static __always_inline bool dir_lasts(void)
{
	const struct weir_scratch *scratch = path_scratch(false);

	return scratch && scratch->process == WEIR_PATH_MAX;
}

/* Is its file system one of those that the guard looks at? */
static __always_inline bool dir_guarded(__u64 dir)
{
	__u64 super = (__u64)READ_KERNEL(struct dentry, dir, d_sb);

	return guard_super(READ_KERNEL(struct super_block, super, s_magic), true) !=
	       GUARD_KIND_USUAL;
}

/* One in which names may be spelt otherwise is not remembered, where that matters. */
int weir_dir_remember(__u64 place_index, __u64 dentry, __u64 vfsmount, __u64 check, __u64 counts)
{
	__u64 parent = (__u64)READ_KERNEL(struct dentry, dentry, d_parent), found, chain, seal;
	__u32 place = place_index >> 32, index = place_index;
	struct weir_dir_names names = {0};
	struct weir_dir *slot = dir_slot(check);

	if (!slot || !dir_lasts() || (__u32)counts == EVENT_NONE ||
	    !dir_describe(index, PLACE_NODE(place), PLACE_SELF(place), &found, &names))
		return 0;
	if (FOUND_LENGTHS(found) &&
	    (READ_KERNEL(struct dentry, parent, d_flags) & DCACHE_OP_HASH ||
	     dentry_encoding(parent)))
		return 0;
	chain = weir_chain(parent, vfsmount);
	if (chain == CHAIN_NONE || counts != path_counts_kept(path_counts_read()))
		return 0;
	seal = dir_seal(check, found, counts, chain);
	if (dir_guarded(parent))
		seal ^= SEAL_GUARDED;
	*slot = (struct weir_dir){seal, found, counts, chain, dir_names_seal(check, found, &names),
				  names};
	return 0;
}

/* Takes an entry out; 0: it is another directory's, or torn. Otherwise what it found. */
static __always_inline __u64 dir_take(__u64 check, __u64 *ret_counts, struct weir_dir_names *ret)
{
	volatile struct weir_dir *slot = dir_slot(check);
	__u64 found, counts;

	if (!slot)
		return 0;
	found = slot->found;
	counts = slot->counts;
	if ((slot->seal ^ dir_seal(check, found, counts, slot->chain)) > SEAL_GUARDED ||
	    !dir_names_take(slot, check, found, ret))
		return 0;
	*ret_counts = counts;
	return found;
}

/*
 * What is remembered under check of the directory of an object, as
 * weir_dir_recall() has it. If something was renamed or mounted somewhere, but
 * nothing above the directory, that is good again.
 */
static __always_inline __u64 dir_renew(__u64 dentry, __u64 vfsmount, __u64 check)
{
	__u64 dir = (__u64)READ_KERNEL(struct dentry, dentry, d_parent), found, chain, old, answer;
	struct path_counts counts = path_counts_read();
	volatile struct weir_dir *slot = dir_slot(check);
	__u64 guarded, now = path_counts_kept(counts);

	if (!slot || !path_counts_steady(counts) || (__u32)now == EVENT_NONE)
		return PLACE_UNRESOLVED;
	found = slot->found;
	answer = found;
	chain = slot->chain;
	old = slot->counts;
	guarded = slot->seal ^ dir_seal(check, found, old, chain);
	if (guarded > SEAL_GUARDED ||
	    (old != now && weir_chain(dir, vfsmount) != chain) ||
	    (__u64)READ_KERNEL(struct dentry, dentry, d_parent) != dir)
		return PLACE_UNRESOLVED;
	if (FOUND_LENGTHS(found) & WEIR_LENGTH_BIT(READ_KERNEL(struct dentry, dentry, d_name.len)))
		answer = FOUND_NAMED;
	if (!path_counts_same(counts, path_counts_read()))
		return PLACE_UNRESOLVED;
	slot->seal = dir_seal(check, found, now, chain) ^ guarded;
	slot->counts = now;
	return answer;
}

__u64 weir_dir_recall(__u64 dentry, __u64 vfsmount, __u64 hash, __u64 *ret_check)
{
	__u64 dir = (__u64)READ_KERNEL(struct dentry, dentry, d_parent), inode;
	struct dir_id id = {.dir = dir, .mnt = vfsmount - dir, .mnt_ns = task_mnt_ns() - dir};

	if (!ret_check)
		return PLACE_UNRESOLVED;
	inode = (__u64)READ_KERNEL(struct dentry, dir, d_inode);
	id.name_hash = READ_KERNEL(struct dentry, dir, d_name.hash);
	id.ino = READ_KERNEL(struct inode, inode, i_ino);
	id.generation = READ_KERNEL(struct inode, inode, i_generation);
	*ret_check = dir_check(hash, &id);
	return dir_renew(dentry, vfsmount, *ret_check);
}

/* No place: that is told by following the name from a node. */
#define FOUND_AT(node) ((__u64)(node) << 32)
#define FOUND_AT_NODE(found) (FOUND_PLACE(found) ? 0 : (__u32)((found) >> 32))

/*
 * As weir_name_place() has it, as far as the name is known to be none that
 * matters; else FOUND_AT() the node from which it is to be followed. The counts
 * must not have moved since before the directory was found: the object may have
 * been renamed out of it, and the entry renewed by another since.
 */
__noinline __u64 weir_name_recall(__u64 dentry, __u64 check, __u64 counts)
{
	__u64 name, known_counts = 0, found;
	struct weir_dir_names names;
	__u32 len;

	found = dir_take(check, &known_counts, &names);
	if (!found || known_counts != counts)
		return PLACE_UNRESOLVED;
	name = (__u64)READ_KERNEL(struct dentry, dentry, d_name.name);
	len = READ_KERNEL(struct dentry, dentry, d_name.len);
	if (!name_is_other(&names, name, len))
		found = FOUND_AT(names.node);
	return counts == path_counts_kept(path_counts_read()) ? found : PLACE_UNRESOLVED;
}

__u64 weir_name_place(__u32 index, __u64 dentry, __u64 check, __u64 counts)
{
	__u64 found = weir_name_recall(dentry, check, counts);
	__u32 node = FOUND_AT_NODE(found), child;

	if (!node)
		return found;
	child = name_follow(index, node, (__u64)READ_KERNEL(struct dentry, dentry, d_name.name),
			    READ_KERNEL(struct dentry, dentry, d_name.len));
	if (child == EDGE_FAILED || counts != path_counts_kept(path_counts_read()))
		return PLACE_UNRESOLVED;
	return child ? PLACE(child, true) : PLACE(node, false);
}
