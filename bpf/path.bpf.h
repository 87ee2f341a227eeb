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

#include "scope.bpf.h"
#include "verdict.bpf.h"
#include "walk.bpf.h"

/*
 * A place: node << 1, and 1 when the path still is in the trie at that node
 * (its `self` decides), 0 when it has left the trie below it (`below` decides).
 */
#define PLACE_UNRESOLVED 0
#define PLACE_PSEUDO 1		/* pipe, socket, memfd: on no mount of any namespace */
#define PLACE_LAYER 0xffffffff	/* a layer of a stacked file system, whose own file was decided */
#define PLACE_AGAIN 0xfffffffe	/* the name changed meanwhile */
#define PLACE(node, self) ((node) << 1 | (self))
#define PLACE_NODE(place) ((place) >> 1)
#define PLACE_SELF(place) ((place) & 1)

/*
 * A place as it was found, in the low word. In the high one what is known of
 * it: the accesses that are allowed below it, though not by which rule, and
 * the lengths of the names that lead on from it.
 */
#define FOUND(place, allowed, lengths) \
	((place) | (__u64)((allowed) | (lengths) << WEIR_ACCESS_COUNT) << 32)
#define FOUND_PLACE(found) ((__u32)(found))
#define FOUND_ALLOWED(found) ((__u32)((found) >> 32) & ((1u << WEIR_ACCESS_COUNT) - 1))
#define FOUND_LENGTHS(found) ((__u32)((found) >> 32) >> WEIR_ACCESS_COUNT)

#define PATH_TRIES 32		/* walks before a name that keeps changing is unresolved */

#define EDGE_NONE 0		/* the trie has no such name below this node */
#define EDGE_FAILED 0xffffffff	/* could not be told: the path is unresolved */

/*
 * Follows one component from a node. name is an address in kernel memory or
 * scratch space, read where it lies.
 * Returns the child, EDGE_NONE or EDGE_FAILED.
 */
__u32 weir_edge_follow(__u32 index, __u32 node, __u64 name, __u32 len);

/*
 * The place of an object, by one walk; PLACE_AGAIN when the counts did not
 * stand still around it. Addresses are numbers: it reads by helper. check and
 * check_counts: under what the directory is remembered; 0: not at all.
 */
__u32 weir_path_resolve(__u32 index, __u64 dentry, __u64 vfsmount, __u64 check, __u64 check_counts);

/*
 * The same among the rules for unix sockets, of the name a socket is bound to:
 * that which the mounts of its binder give it.
 */
__u32 weir_socket_resolve(__u32 index, __u64 dentry, __u64 vfsmount);

#define MIX_FACTOR 0x9e3779b97f4a7c15ULL
#define MIX(hash, one, two)                                       \
	((hash) = (((hash) ^ (one)) * MIX_FACTOR ^ (two)) * MIX_FACTOR, (hash) ^= (hash) >> 32)

/*
 * What identifies a remembered directory: the instance (with a secret, in hash),
 * the directory in its mount, and the task's mount namespace. The parent, the
 * name's hash and the inode guard against a dentry whose memory went to
 * another directory.
 */
static __always_inline __u64 dir_check(volatile __u64 *cells, __u64 hash,
				       struct dentry *dir, struct vfsmount *mnt,
				       struct mnt_namespace *mnt_ns)
{
	struct inode *inode = dir->d_inode;

	MIX(hash, number_of(cells, dir), number_of(cells, mnt));
	MIX(hash, number_of(cells, mnt_ns), number_of(cells, dir->d_parent));
	MIX(hash, (__u64)dir->d_name.hash << 32 | dir->d_name.len, number_of(cells, inode));
	MIX(hash, inode->i_ino, inode->i_generation);
	return hash;
}

static __always_inline struct weir_dir *dir_slot(__u64 check)
{
	__u32 slot = check >> (64 - WEIR_DIRS_BITS);

	return bpf_map_lookup_elem(&weir_dirs, &slot);
}

/* Holds an entry together: a torn one, or another directory's, has another seal. */
static __always_inline __u64 dir_seal(__u64 check, __u64 found, __u64 counts)
{
	return check ^ found ^ counts * MIX_FACTOR;
}

/*
 * By the remembered meaning of the directory it lies in, dir, to which check
 * belongs. That holds, and so does all that is read of the object once the
 * entry has been read, if the counts still are what they were around the walk.
 * PLACE_UNRESOLVED: walk.
 */
static __always_inline __u64 path_recall(volatile __u64 *cells,
					 struct dentry *dentry, struct dentry *dir, __u32 index,
					 __u64 check)
{
	volatile struct weir_dir *known = dir_slot(check);
	__u64 found, counts;
	__u32 child = EDGE_NONE;

	if (!known)
		return PLACE_UNRESOLVED;
	found = known->found;
	counts = known->counts;
	if (known->seal != dir_seal(check, found, counts))
		return PLACE_UNRESOLVED;
	asm volatile("" ::: "memory");	/* what was read before counts no more */
	if (dentry->d_parent != dir)
		return PLACE_UNRESOLVED;
	if (PLACE_SELF(found)) {
		if (FOUND_LENGTHS(found) & WEIR_LENGTH_BIT(dentry->d_name.len))
			child = weir_edge_follow(index, PLACE_NODE(FOUND_PLACE(found)),
						 number_of(cells, dentry->d_name.name),
						 dentry->d_name.len);
		if (child == EDGE_FAILED)
			return PLACE_UNRESOLVED;
		found = child ? PLACE(child, true) : found & ~1ULL;
	}
	return counts == path_counts_word(path_counts_read()) ? found : PLACE_UNRESOLVED;
}

/* The place of an object by walks; its directory is remembered. */
static __always_inline __u32 path_walked(volatile __u64 *cells, struct dentry *dentry,
					 struct vfsmount *mnt, __u32 index, __u64 check,
					 struct path_counts counts)
{
	__u64 object = number_of(cells, dentry), vfsmount = number_of(cells, mnt);
	__u32 place;

	for (int i = 0; i < PATH_TRIES; i++) {
		place = weir_path_resolve(index, object, vfsmount, check, path_counts_word(counts));
		if (place != PLACE_AGAIN)
			return place;
	}
	return PLACE_UNRESOLVED;
}

/* The place of an object in the trie of an instance, as FOUND_PLACE() and FOUND_ALLOWED(). */
static __always_inline __u64 path_place(struct dentry *dentry, struct vfsmount *mnt, __u32 index,
					__u64 serial)
{
	struct task_struct *task = bpf_get_current_task_btf();
	volatile __u64 cells[2] = {0};
	struct dentry *dir = dentry->d_parent;
	struct path_counts counts;
	__u64 hash, found, check = 0;

	hash = weir_config.seed ^ serial;
	if (dentry != mnt->mnt_root) {
		check = dir_check(cells, hash, dir, mnt, task->nsproxy->mnt_ns);
		found = path_recall(cells, dentry, dir, index, check);
		if (found != PLACE_UNRESOLVED)
			return found;
	}
	/* once more behind a reading of the counts: its directory may have changed since */
	counts = path_counts_read();
	if (check)
		check = dir_check(cells, hash, dentry->d_parent, mnt,
				  task->nsproxy->mnt_ns);
	return path_walked(cells, dentry, mnt, index, check, counts);
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

/* What an instance says of a place: every access asked for must be allowed. */
__u32 weir_place_verdict(__u32 index, __u32 place, __u32 access);

/* One object and what is done to it; for a link or rename, the other name too. */
struct path_action {
	struct dentry *dentry;
	struct vfsmount *mnt;
	struct dentry *to_dentry;	/* NULL: there is no other */
	struct vfsmount *to_mnt;
	__u8 access;			/* WEIR_ACCESS_BIT()s */
	__u8 to_access;
	bool both_ways;			/* the two change places */
	bool device;			/* a block or character device is made */
	bool recorded;			/* also when it is allowed, as far as scopes were asked */
};

/* What an instance says of what is done to an object: a decide_fn. */
static __always_inline __u32 decide_object(weir_scope_t scope, __u32 index,
					   const struct weir_instance *instance, void *context)
{
	struct path_action *action = context;
	__u32 decision = files_verdict(instance);
	__u64 found;

	if (decision)
		return decision;
	if (action->device)
		return DECIDE_DENY(WEIR_REASON_GUARD, 0);
	action->recorded |= !!(instance->flags & WEIR_INSTANCE_RECORD_FILES);
	found = path_place(action->dentry, action->mnt, index, instance->serial);
	if (!(action->access & ~FOUND_ALLOWED(found)) && !action->recorded)
		return DECIDE_ALLOW(WEIR_REASON_RULE, 0);	/* and nobody asks by which */
	return weir_place_verdict(index, FOUND_PLACE(found), action->access);
}

#endif
