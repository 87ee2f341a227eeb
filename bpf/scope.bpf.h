/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which policies bind the task that acts? Its own mark, its group leader's,
 * then the scopes its cgroup lies in, from the top down. What was found sticks
 * to the task: moving to another cgroup sheds nothing, only the operator does.
 */
#ifndef WEIR_SCOPE_BPF_H
#define WEIR_SCOPE_BPF_H

#include "maps.bpf.h"

static __always_inline struct weir_config *config_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&weir_config, &zero);
}

/* The scope behind a handle; NULL: none, or lifted since. */
static __always_inline struct weir_scope *scope_get(weir_scope_t handle)
{
	__u32 slot = WEIR_SCOPE_SLOT(handle);
	struct weir_scope *scope = bpf_map_lookup_elem(&weir_scopes, &slot);

	return handle && scope && scope->handle == handle ? scope : NULL;
}

/* The scopes that bind the task that acts, outermost first; unused entries 0. */
struct weir_bound {
	weir_scope_t scopes[WEIR_NEST_MAX];
};
#define BOUND_UNKNOWN 0xffffffff	/* in scopes[0]: they could not all be told or kept */

/*
 * Works out the scopes of the current task. at_exec: a launcher counts as
 * bound, because the program it starts is decided under the policy.
 *
 * Returns true when a policy binds the task. With BOUND_UNKNOWN in *ret
 * everything is to be denied.
 */
int weir_scope_resolve(struct weir_bound *ret, int at_exec);

/* No mark, and outside of the only scope there is: the usual task of the machine. */
static __always_inline bool task_outside(const struct weir_config *config)
{
	return config->only_level &&
	       bpf_get_current_ancestor_cgroup_id(config->only_level) != config->only_cgroup;
}

/* weir_scope_resolve(), with what is usual decided at once. */
static __always_inline bool scope_resolve(struct weir_bound *ret, bool at_exec)
{
	struct weir_config *config = config_get();
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 key = (__u64)task;
	struct weir_mark *own;

	if (!config)
		return false;	/* cannot be: an array of one element */
	if (!config->sticky)
		return !task_outside(config) && weir_scope_resolve(ret, at_exec);
	own = bpf_map_lookup_elem(&weir_marks, &key);
	if (!own) {
		if (task->group_leader == task && task_outside(config))
			return false;
		return weir_scope_resolve(ret, at_exec);
	}
	if (own->flags || own->generation != config->generation ||
	    own->cgroup_id != bpf_get_current_cgroup_id())
		return weir_scope_resolve(ret, at_exec);
	__builtin_memcpy(ret->scopes, own->scopes, sizeof(ret->scopes));
	return ret->scopes[0];
}

/* A new task, by address, gets the scopes of the current one. < 0: it must not be made. */
int weir_scope_inherit(__u64 child);

/* The current task, if it is a launcher, is bound from here on. < 0: its exec must not be. */
int weir_scope_arm(void);

#endif
