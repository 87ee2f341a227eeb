/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What directories mean to an instance, remembered under the sequence counts
 * of their walk, so that a usual open costs neither a walk nor a look-up by
 * name. Any rename or mount on the machine makes what is remembered doubtful;
 * where the chain of directories above is what it was, it is good again.
 */
#ifndef WEIR_DIRS_BPF_H
#define WEIR_DIRS_BPF_H

#include "tables.bpf.h"

/*
 * A place as it was found, in the low word. In the high one what is allowed
 * there, though not by which rule, and, of a directory, the lengths of the
 * names in it that are elsewhere.
 */
#define FOUND(place, allowed, lengths) \
	((place) | (__u64)((allowed) | (lengths) << WEIR_ACCESS_COUNT) << 32)
#define FOUND_PLACE(found) ((__u32)(found))
#define FOUND_ALLOWED(found) ((__u32)((found) >> 32) & ((1u << WEIR_ACCESS_COUNT) - 1))
#define FOUND_LENGTHS(found) ((__u32)((found) >> 32) >> WEIR_ACCESS_COUNT)

#define FOUND_NAMED ~1ULL	/* it depends on the name: see weir_name_place() */

/*
 * What identifies a remembered directory, besides the instance (with a secret,
 * in hash): the directory in its mount, and the task's mount namespace. The
 * name and the inode guard against a dentry whose memory went to another
 * directory. No more than that, for each field costs as much as mixing it twice.
 */
struct dir_id {
	__u64 dir;
	__u64 mnt;		/* as a distance from dir */
	__u64 mnt_ns;		/* the same */
	__u64 ino;
	__u32 generation;
	__u32 name_hash;	/* the kernel's own, which takes the parent in */
};

static __always_inline __u64 dir_check(__u64 hash, const struct dir_id *id)
{
	MIX(hash, id->dir, id->mnt);
	MIX(hash, id->mnt_ns, (__u64)id->name_hash << 32 | id->generation);
	return (hash ^ id->ino) * MIX_FACTOR;
}

static __always_inline struct weir_dir *dir_slot(__u64 check)
{
	__u32 slot = check >> (64 - WEIR_DIRS_BITS);

	return bpf_map_lookup_elem(&weir_dirs, &slot);
}

/*
 * Holds an entry together: a torn one, or another directory's, has another seal.
 * SEAL_GUARDED is added to it where the guard looks at files: see guard_super().
 */
#define SEAL_GUARDED 1ULL

static __always_inline __u64 dir_seal(__u64 check, __u64 found, __u64 counts, __u64 chain)
{
	return check ^ found ^ (counts ^ chain) * MIX_FACTOR;
}

/* The same for its second part. */
static __always_inline __u64 dir_names_seal(__u64 check, __u64 found,
					    const struct weir_dir_names *names)
{
	__u64 seal = check + found;

	MIX(seal, names->first, names->last);
	MIX(seal, (__u64)names->edges.first << 32 | names->edges.last,
	    (__u64)names->edges.lengths << 32 | names->node);
	return seal;
}

/*
 * Takes the second part of an entry out, whose first part has been found good;
 * false: it is torn, or another directory's.
 */
static __always_inline bool dir_names_take(const volatile struct weir_dir *slot, __u64 check,
					   __u64 found, struct weir_dir_names *ret)
{
	__u64 seal = slot->names_seal;

	*ret = *(const struct weir_dir_names *)&slot->names;
	asm volatile("" ::: "memory");	/* what was read before counts no more */
	return seal == dir_names_seal(check, found, ret);
}

/*
 * Is a name neither one that has an edge, nor one that a glob takes? What cannot
 * be read might be.
 */
static __always_inline bool name_is_other(const struct weir_dir_names *names, __u64 name,
					  __u32 len)
{
	bool edge = names->edges.lengths & WEIR_LENGTH_BIT(len);
	__u8 byte;

	if (!len)
		return false;
	if (edge || names->first) {
		if (bpf_probe_read_kernel(&byte, 1, (void *)name) ||
		    names->first >> (byte & 63) & 1)
			return false;
		edge = edge && names->edges.first & WEIR_BYTE_BIT(byte);
	}
	if (!edge && !names->last)
		return true;
	return !bpf_probe_read_kernel(&byte, 1, (void *)(name + len - 1)) &&
	       !(names->last >> (byte & 63) & 1) &&
	       !(edge && names->edges.last & WEIR_BYTE_BIT(byte));
}

/*
 * By the remembered meaning of the directory it lies in, to which *ret_check
 * belongs. That holds, and so does all that is read of the object once the
 * entry has been read, if the counts still are what they were around the walk.
 * PLACE_UNRESOLVED: walk; or FOUND_NAMED.
 */
__u64 weir_dir_recall(__u64 dentry, __u64 vfsmount, __u64 hash, __u64 *ret_check);

/*
 * The place of an object whose directory is remembered under check, by its name.
 * counts: path_counts_kept(), from before that directory was found. PLACE_UNRESOLVED: walk.
 */
__u64 weir_name_place(__u32 index, __u64 dentry, __u64 check, __u64 counts);

/*
 * Remembers under check the directory of an object that was walked under
 * counts; place_index: its place in the high word, the instance in the low one.
 */
int weir_dir_remember(__u64 place_index, __u64 dentry, __u64 vfsmount, __u64 check, __u64 counts);

#endif
