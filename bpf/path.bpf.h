/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which place of the path tables is an object at, and what does that allow?
 *
 * The name is walked (walk.bpf.h) to the root of the task's mount namespace
 * and followed through the tables (tables.bpf.h), unless what it lies in is
 * remembered (dirs.bpf.h). A name that keeps changing, or does not reach that
 * root, is unresolved, which denies.
 *
 * Objects are addresses of a dentry and a vfsmount, as numbers: what is here is
 * verified once for each program, and reads by helper.
 */
#ifndef WEIR_PATH_BPF_H
#define WEIR_PATH_BPF_H

#include "dirs.bpf.h"
#include "verdict.bpf.h"

/* The place of an object among the rules for files, by walking. */
__u32 weir_path_resolve(__u64 whose, __u64 dentry, __u64 vfsmount);

/*
 * The same among the rules for unix sockets, of the name a socket is bound to:
 * that which the mounts of its binder give it.
 */
__u32 weir_socket_resolve(__u32 index, __u64 dentry, __u64 vfsmount);

/*
 * The place of an object among the rules for files, as FOUND_PLACE() and
 * FOUND_ALLOWED(). hash: instance_hash().
 */
__u64 weir_path_place(__u64 whose, __u64 dentry, __u64 vfsmount, __u64 hash);

/* The secret of an instance, under which directories are remembered. */
static __always_inline __u64 instance_hash(const struct weir_instance *instance)
{
	return weir_config.seed ^ instance->serial;
}

/* What holds of every path. 0: it is to be looked at. */
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

/* Allowed, since it was decided by another name: that is also what was recorded. */
#define DECIDE_LAYER DECIDE_ALLOW(WEIR_REASON_NO_RULE, 0)

/* What an instance says of a place: every access asked for must be allowed. */
__u32 weir_place_verdict(__u32 index, __u32 place, __u32 access);

/* Would the second place allow anything that the first does not? */
int weir_place_widens(__u32 index, __u32 from, __u32 to);

/*
 * A directory takes along what lies below it: what the tables allow anywhere
 * below the one place, they must allow everywhere below the other. And each
 * name below is made there and removed here: that too must be allowed
 * everywhere. What cannot be told widens.
 */
int weir_dir_widens(__u32 index, __u32 from, __u32 to);

/* One object and what is done to it; for a link or rename, the other name too. */
struct path_action {
	__u64 dentry;
	__u64 mnt;
	__u64 to_dentry;	/* on the same mount; 0: there is no other */
	__u8 access;		/* WEIR_ACCESS_BIT()s */
	__u8 to_access;
	bool both_ways;		/* the two change places */
	bool device;		/* no rule allows it: a device is made, a mount watched */
	bool recorded;		/* also when it is allowed, as far as scopes were asked */
	bool follows;		/* belongs, perhaps, to what was done before: see weir_act_tell() */
	bool created;		/* to the making of its name, by the same call */
};

/* What holds of every action on a path before it is looked at. 0: look. */
static __always_inline __u32 action_begin(struct path_action *action,
					  const struct weir_instance *instance)
{
	__u32 decision = files_verdict(instance);

	if (!decision && action->device)
		decision = DECIDE_DENY(WEIR_REASON_GUARD, 0);
	action->recorded |= !!(instance->flags & WEIR_INSTANCE_RECORD_FILES);
	return decision;
}

static __always_inline __u32 found_verdict(const struct path_action *action, __u32 index,
					   __u64 found)
{
	if (!(action->access & ~FOUND_ALLOWED(found)) && !action->recorded)
		return DECIDE_ALLOW(WEIR_REASON_RULE, 0);	/* and nobody asks by which */
	return weir_place_verdict(index, FOUND_PLACE(found), action->access);
}

/* What an instance says of what is done to an object: a decide_fn. */
static __always_inline __u32 decide_object(weir_scope_t scope, __u32 index,
					   const struct weir_instance *instance, void *context)
{
	struct path_action *action = context;
	__u32 decision = action_begin(action, instance);

	if (decision)
		return decision;
	return found_verdict(action, index,
			     weir_path_place(WHOSE(scope, index), action->dentry, action->mnt,
					     instance_hash(instance)));
}

#endif
