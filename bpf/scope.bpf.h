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

static __always_inline bool mark_binds(const struct weir_mark *mark)
{
	return mark->scopes[0] || mark->flags & WEIR_MARK_OVERFLOW;
}

/* Adds a scope that is still in force. No room for it: the task may do nothing. */
static __always_inline void mark_add(struct weir_mark *mark, weir_scope_t handle)
{
	if (!scope_get(handle))
		return;
#pragma unroll
	for (int i = 0; i < WEIR_NEST_MAX; i++) {
		if (mark->scopes[i] == handle)
			return;
		if (!mark->scopes[i]) {
			mark->scopes[i] = handle;
			return;
		}
	}
	mark->flags |= WEIR_MARK_OVERFLOW;
}

static __always_inline void mark_merge(struct weir_mark *mark, const struct weir_mark *other)
{
	if (other->flags & WEIR_MARK_LAUNCHER)
		return;
#pragma unroll
	for (int i = 0; i < WEIR_NEST_MAX; i++)
		mark_add(mark, other->scopes[i]);
	mark->flags |= other->flags & WEIR_MARK_OVERFLOW;
}

/* The scopes the current cgroup lies in, outermost first. */
static __always_inline void mark_add_ancestors(struct weir_mark *mark, __u32 levels)
{
	for (int level = 1; level <= WEIR_CGROUP_DEPTH_MAX && levels >> level; level++) {
		weir_scope_t *handle;
		__u64 id;

		if (!(levels >> level & 1))
			continue;
		id = bpf_get_current_ancestor_cgroup_id(level);
		if (!id)
			break;
		handle = bpf_map_lookup_elem(&weir_cgroups, &id);
		if (handle)
			mark_add(mark, *handle);
	}
}

/*
 * Keeps what was worked out. An existing mark is written in place: its memory
 * must not go to another task while a thread of this one reads it. Its own
 * scopes are a subset of the new ones, or were lifted.
 *
 * Returns < 0 when a new mark finds no room.
 */
static __always_inline int mark_keep(__u64 key, const struct weir_mark *mark)
{
	struct weir_mark *kept = bpf_map_lookup_elem(&weir_marks, &key);

	if (!kept)
		return bpf_map_update_elem(&weir_marks, &key, mark, BPF_ANY);
#pragma unroll
	for (int i = 0; i < WEIR_NEST_MAX; i++)
		kept->scopes[i] = mark->scopes[i];
	kept->flags = mark->flags;
	kept->cgroup_id = mark->cgroup_id;
	kept->generation = mark->generation;
	return 0;
}

/*
 * First sight of a task in a scope, so also its leader's, which a silent older
 * thread will be judged by. Raising the generation makes every other thread
 * look again.
 */
static __always_inline int mark_sight(struct weir_config *config, __u64 key, __u64 leader_key,
				      const struct weir_mark *mark)
{
	if (mark_keep(key, mark) < 0)
		return -1;
	if (leader_key == key)
		return 0;
	if (!bpf_map_lookup_elem(&weir_marks, &leader_key) && mark_keep(leader_key, mark) < 0)
		return -1;
	__sync_fetch_and_add(&config->generation, 1);
	return 0;
}

/*
 * Works out the scopes of the current task. at_exec: a launcher counts as
 * bound, because the program it starts is decided under the policy.
 *
 * Returns true when a policy binds the task, with the scopes in *ret, or with
 * WEIR_MARK_OVERFLOW when they cannot all be told or kept: deny everything.
 */
static __noinline __attribute__((unused)) bool scope_resolve(struct weir_mark *ret, bool at_exec)
{
	struct weir_config *config = config_get();
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 key = (__u64)task, leader_key = (__u64)task->group_leader;
	struct weir_mark *own, *leader;
	bool launcher = false, known = false;

	__builtin_memset(ret, 0, sizeof(*ret));
	if (!config)
		return false;	/* cannot be: an array of one element */
	ret->cgroup_id = bpf_get_current_cgroup_id();
	ret->generation = config->generation;

	own = bpf_map_lookup_elem(&weir_marks, &key);
	if (own) {
		launcher = own->flags & WEIR_MARK_LAUNCHER;
		if (launcher && !at_exec)
			return false;
		if (!launcher && own->cgroup_id == ret->cgroup_id &&
		    own->generation == ret->generation) {
			*ret = *own;
			return mark_binds(ret);
		}
		mark_merge(ret, own);
		known = true;
	}
	if (leader_key != key) {
		leader = bpf_map_lookup_elem(&weir_marks, &leader_key);
		if (leader)
			mark_merge(ret, leader);
	}
	mark_add_ancestors(ret, config->levels);

	if (!config->sticky || launcher)
		return mark_binds(ret);
	if (known)
		mark_keep(key, ret);
	else if (mark_binds(ret) && mark_sight(config, key, leader_key, ret) < 0)
		ret->flags |= WEIR_MARK_OVERFLOW;
	return mark_binds(ret);
}

#endif
