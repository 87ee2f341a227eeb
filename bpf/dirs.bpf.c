// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Remembering what directories mean; see dirs.bpf.h. */
#include "dirs.bpf.h"
#include "guard.bpf.h"

/* What is known of the names in a directory at a node; false: it could not be told. */
static __always_inline bool dir_describe(__u32 index, __u32 node, bool self, struct weir_dir *ret)
{
	const struct weir_node *entry = node_get(index, node);
	const struct weir_glob *glob;
	__u32 lengths = 0, other;

	if (!entry)
		return false;
	other = entry->other;
	ret->node = node;
	ret->found = FOUND(self && other ? PLACE(other, true) : PLACE(node, false),
			   entry->below_allows, 0);
	if (!self)
		return true;
	lengths = entry->lengths;
	if (!entry->globs && other && other != node) {
		entry = node_get(index, other);
		if (!entry)
			return false;
		lengths |= entry->lengths;
	}
	ret->found |= FOUND(0, 0, lengths);
	ret->literal = lengths;
	if (!entry->globs)
		return true;
	glob = glob_get(index, entry->globs);
	if (!glob)
		return false;
	ret->first = glob->first;
	ret->last = glob->last;
	ret->found |= FOUND(0, 0, glob->lengths & ((1u << WEIR_LENGTH_BITS) - 1));
	return true;
}

static __always_inline __u64 dir_more_seal(__u64 check, const struct weir_dir *dir)
{
	__u64 seal = check + dir->found;

	MIX(seal, dir->first, dir->last);
	return seal ^ ((__u64)dir->literal << 32 | dir->node);
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
	__u64 parent = (__u64)READ_KERNEL(struct dentry, dentry, d_parent);
	__u32 place = place_index >> 32, index = place_index;
	struct weir_dir *slot = dir_slot(check), dir = {.counts = counts};

	if (!slot || !dir_lasts() || (__u32)counts == EVENT_NONE ||
	    !dir_describe(index, PLACE_NODE(place), PLACE_SELF(place), &dir))
		return 0;
	if (FOUND_LENGTHS(dir.found) &&
	    (READ_KERNEL(struct dentry, parent, d_flags) & DCACHE_OP_HASH ||
	     dentry_encoding(parent)))
		return 0;
	dir.chain = weir_chain(parent, vfsmount);
	if (dir.chain == CHAIN_NONE || counts != path_counts_kept(path_counts_read()))
		return 0;
	dir.seal = dir_seal(check, dir.found, counts, dir.chain);
	if (dir_guarded(parent))
		dir.seal ^= SEAL_GUARDED;
	dir.more_seal = dir_more_seal(check, &dir);
	*slot = dir;
	return 0;
}

/* Takes an entry out whole; false: it is another directory's, or torn. */
static __always_inline bool dir_take(__u64 check, struct weir_dir *ret)
{
	struct weir_dir *slot = dir_slot(check);

	if (!slot)
		return false;
	*ret = *slot;
	asm volatile("" ::: "memory");	/* what was read before counts no more */
	return (ret->seal ^ dir_seal(check, ret->found, ret->counts, ret->chain)) <= SEAL_GUARDED &&
	       ret->more_seal == dir_more_seal(check, ret);
}

/* Is a name none of those that a glob takes? What cannot be read might be one. */
static __always_inline bool name_is_other(const struct weir_dir *dir, __u64 name, __u32 len)
{
	__u8 byte;

	if (!len || dir->literal & WEIR_LENGTH_BIT(len))
		return false;
	if (dir->first && (bpf_probe_read_kernel(&byte, 1, (void *)name) ||
			   dir->first >> (byte & 63) & 1))
		return false;
	return !dir->last || !(bpf_probe_read_kernel(&byte, 1, (void *)(name + len - 1)) ||
			       dir->last >> (byte & 63) & 1);
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

/*
 * The counts must not have moved since before the directory was found: the
 * object may have been renamed out of it, and the entry renewed by another since.
 */
__u64 weir_name_recall(__u32 index, __u64 dentry, __u64 check, __u64 counts)
{
	__u32 len, child;
	__u64 name;
	struct weir_dir known;

	if (!dir_take(check, &known))
		return PLACE_UNRESOLVED;
	name = (__u64)READ_KERNEL(struct dentry, dentry, d_name.name);
	len = READ_KERNEL(struct dentry, dentry, d_name.len);
	if (!name_is_other(&known, name, len)) {
		child = name_follow(index, known.node, name, len);
		if (child == EDGE_FAILED)
			return PLACE_UNRESOLVED;
		known.found = child ? PLACE(child, true) : PLACE(known.node, false);
	}
	return known.counts == counts && counts == path_counts_kept(path_counts_read()) ?
		       known.found :
		       PLACE_UNRESOLVED;
}
