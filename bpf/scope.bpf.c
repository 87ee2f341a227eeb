// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Working out which policies bind a task; see scope.bpf.h. */
#include "scope.bpf.h"
#include "verdict.bpf.h"

#include <bpf/bpf_core_read.h>

#define CLIMB_MAX 256	/* levels of cgroups; from deeper down none is found to bind */

struct weir_config weir_config;

static __always_inline bool mark_binds(const struct weir_mark *mark)
{
	return mark->scopes[0] || mark->flags & (WEIR_MARK_OVERFLOW | WEIR_MARK_UNKNOWN);
}

/* A function of its own, so that the verifier looks at it once. */
int weir_mark_add(struct weir_mark *mark, weir_scope_t handle)
{
	struct weir_scope *scope = scope_get(handle), *other;
	__u32 level;

	if (!mark || !scope)
		return 0;
	if (scope_among(handle, mark->scopes))
		return 0;
	if (mark->scopes[WEIR_NEST_MAX - 1]) {
		mark->flags |= WEIR_MARK_OVERFLOW;
		return 0;
	}
	level = scope->level;
	for (int i = 0; i < WEIR_NEST_MAX; i++) {
		weir_scope_t next = mark->scopes[i];

		other = scope_get(next);
		if (other && other->level <= level)
			continue;
		/* those further in make room; one that was lifted since gives its place */
		mark->scopes[i] = handle;
		if (!other)
			break;
		handle = next;
		level = other->level;
	}
	return 1;
}

static __always_inline void mark_merge(struct weir_mark *mark, const struct weir_mark *other)
{
	if (other->flags & WEIR_MARK_LAUNCHER)
		return;
#pragma unroll
	for (int i = 0; i < WEIR_NEST_MAX; i++)
		weir_mark_add(mark, other->scopes[i]);
	mark->flags |= other->flags & (WEIR_MARK_OVERFLOW | WEIR_MARK_OWN | WEIR_MARK_BEFORE);
}

__u64 weir_scope_serial(weir_scope_t handle)
{
	struct weir_scope *scope = scope_get(handle);
	struct weir_instance *instance = scope ? instance_get(scope->instance) : NULL;

	return instance ? instance->serial : 0;
}

/* The levels below the root at which scopes sit, and the mark they are added to. */
struct levels {
	struct weir_mark *mark;
	__u32 bits;
};

static long level_step(__u32 index, struct levels *levels)
{
	__u32 level = index + 1;
	weir_scope_t *handle;
	__u64 id;

	if (!(levels->bits >> level))
		return 1;
	if (!(levels->bits >> level & 1))
		return 0;
	id = bpf_get_current_ancestor_cgroup_id(level);
	if (!id)
		return 1;	/* deeper than the task's own cgroup */
	handle = bpf_map_lookup_elem(&weir_cgroups, &id);
	if (handle && *handle == WEIR_SCOPE_UNKNOWN)
		levels->mark->flags |= WEIR_MARK_UNKNOWN;
	else if (handle && weir_mark_add(levels->mark, *handle))
		levels->mark->flags |= WEIR_MARK_BEFORE;
	return 0;
}

/*
 * The scopes the current cgroup lies in, outermost first. Who comes into one has
 * been outside of it until now, and may have descriptors from there.
 */
static __always_inline void mark_add_ancestors(struct weir_mark *mark, __u32 bits)
{
	struct levels levels = {.mark = mark, .bits = bits};

	bpf_loop(WEIR_CGROUP_DEPTH_MAX, level_step, &levels, 0);
}

/* Gives a hint up that is the task's: it does not run, or is the one that asks. */
static __always_inline void hint_drop(struct weir_hint *hint, __u64 task)
{
	if (hint->task == task)
		hint->task = 0;
}

int weir_scope_end(__u64 task)
{
	struct weir_hint *hint = hint_of(task);

	if (!hint)
		return 0;	/* cannot be: an array */
	hint_drop(hint, task);
	if (hint->marks && !bpf_map_delete_elem(&weir_marks, &task))
		__sync_fetch_and_add(&hint->marks, -1);
	return 0;
}

/*
 * A new mark, of a task that has none. It counts before it is there, so that a
 * hint never tells of none while there is one. Returns false where there is no
 * room, or another thread was faster.
 */
static __always_inline bool mark_add(__u64 key, const struct weir_mark *mark)
{
	struct weir_hint *hint = hint_of(key);

	if (!hint)
		return false;	/* cannot be: an array */
	__sync_fetch_and_add(&hint->marks, 1);
	if (!bpf_map_update_elem(&weir_marks, &key, mark, BPF_NOEXIST))
		return true;
	__sync_fetch_and_add(&hint->marks, -1);
	return false;
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

	if (!kept) {
		if (mark_add(key, mark))
			return 0;
		kept = bpf_map_lookup_elem(&weir_marks, &key);
	}
	if (!kept)
		return -1;
#pragma unroll
	for (int i = 0; i < WEIR_NEST_MAX; i++)
		kept->scopes[i] = mark->scopes[i];
	kept->flags = mark->flags;
	kept->cgroup_id = mark->cgroup_id;
	kept->generation = mark->generation;
	return 0;
}

/* The current task's mark as a hint, if it binds and the place is free. */
static __always_inline void hint_keep(__u64 key, const struct weir_mark *mark)
{
	struct weir_hint *hint = hint_of(key);

	if (!hint)
		return;
	if (mark->flags || !mark->scopes[0]) {
		hint_drop(hint, key);
		return;
	}
	if (hint->task != key && __sync_val_compare_and_swap(&hint->task, 0, key) != 0)
		return;
#pragma unroll
	for (int i = 0; i < WEIR_NEST_MAX; i++)
		hint->scopes[i] = mark->scopes[i];
	hint->cgroup_id = mark->cgroup_id;
	hint->generation = mark->generation;
}

/*
 * First sight of a task in a scope, so also its leader's, which a silent older
 * thread will be judged by. Raising the generation makes every other thread
 * look again.
 */
static __always_inline int mark_sight(__u64 key, __u64 leader_key, const struct weir_mark *mark)
{
	struct weir_mark *leader;

	if (mark_keep(key, mark) < 0)
		return -1;
	if (leader_key == key)
		return 0;
	leader = bpf_map_lookup_elem(&weir_marks, &leader_key);
	if ((!leader || !(mark_binds(leader) || leader->flags)) && mark_keep(leader_key, mark) < 0)
		return -1;
	__sync_fetch_and_add(&weir_config.generation, 1);
	return 0;
}

/* The scopes of the current task, worked out and kept. See weir_scope_resolve(). */
static __always_inline bool mark_resolve(struct weir_mark *mark, bool at_exec)
{
	struct task_struct *task = bpf_get_current_task_btf();
	volatile __u64 cells[2] = {0};
	__u64 key = number_of(cells, task);
	__u64 leader_key = number_of(cells, task->group_leader);
	struct weir_mark *own = bpf_map_lookup_elem(&weir_marks, &key), *leader;
	bool launcher = own && own->flags & WEIR_MARK_LAUNCHER;

	if (launcher && !at_exec)
		return false;
	if (own && !launcher && own->cgroup_id == mark->cgroup_id &&
	    own->generation == mark->generation) {
		*mark = *own;
		hint_keep(key, mark);
		return mark_binds(mark);
	}
	if (own)
		mark_merge(mark, own);
	if (leader_key != key) {
		leader = bpf_map_lookup_elem(&weir_marks, &leader_key);
		if (leader)
			mark_merge(mark, leader);
	}
	mark_add_ancestors(mark, weir_config.levels);

	if (!weir_config.sticky || launcher || mark->flags & WEIR_MARK_UNKNOWN)
		return mark_binds(mark);	/* of the last: until user space has looked */
	if (mark->flags & WEIR_MARK_BEFORE && !weir_config.before)
		weir_config.before = 1;
	if (own)
		mark_keep(key, mark);
	else if (mark_binds(mark) && mark_sight(key, leader_key, mark) < 0)
		mark->flags |= WEIR_MARK_OVERFLOW;
	hint_keep(key, mark);
	return mark_binds(mark);
}

/* Before 6.2 a map takes its values from the stack only, not from a function's argument. */
int weir_scope_resolve(struct weir_bound *ret, int at_exec)
{
	struct weir_mark mark = {0};

	if (!ret)
		return false;	/* cannot be: a caller's stack */
	mark.cgroup_id = bpf_get_current_cgroup_id();
	mark.generation = weir_config.generation;
	if (!mark_resolve(&mark, at_exec))
		return false;
	__builtin_memcpy(ret->scopes, mark.scopes, sizeof(ret->scopes));
	if (mark.flags & (WEIR_MARK_OVERFLOW | WEIR_MARK_UNKNOWN)) {
		ret->scopes[0] = BOUND_UNKNOWN;
		ret->scopes[1] = mark.scopes[0];
	}
	return true;
}

int weir_scope_before(void)
{
	volatile __u64 cells[2] = {0};
	__u64 key = number_of(cells, bpf_get_current_task_btf());
	struct weir_mark *mark = bpf_map_lookup_elem(&weir_marks, &key);

	return !mark || mark->flags & WEIR_MARK_BEFORE;
}

/* A launcher's thread may be the one that starts the program. */
static __always_inline int launcher_inherit(__u64 key, __u64 child)
{
	struct weir_mark launcher = {.flags = WEIR_MARK_LAUNCHER};
	struct weir_mark *own = bpf_map_lookup_elem(&weir_marks, &key);

	return own && own->flags & WEIR_MARK_LAUNCHER ? mark_keep(child, &launcher) : 0;
}

int weir_scope_inherit(__u64 child, int thread)
{
	const struct task_struct *task = bpf_get_current_task_btf();
	__u64 key = bpf_get_current_task();
	struct weir_mark mark = {0};
	struct weir_hint *hint;

	hint = hint_of(key);
	if (hint && task_unbound(task, key, hint))
		return weir_scope_end(child);
	mark.cgroup_id = bpf_get_current_cgroup_id();
	mark.generation = weir_config.generation;
	weir_scope_end(child);	/* of one that had this address before it */
	if (!mark_resolve(&mark, false))
		return thread ? launcher_inherit(key, child) : 0;
	return mark.flags & WEIR_MARK_UNKNOWN ? -1 : mark_keep(child, &mark);
}

int weir_scope_launch(void)
{
	struct weir_mark mark = {.flags = WEIR_MARK_LAUNCHER};
	volatile __u64 cells[2] = {0};
	struct weir_hint *hint;
	__u64 key;

	key = number_of(cells, bpf_get_current_task_btf());
	hint = hint_of(key);
	if (hint)
		hint_drop(hint, key);
	return mark_keep(key, &mark);
}

int weir_scope_launch_task(__u64 task)
{
	struct weir_mark launcher = {.flags = WEIR_MARK_LAUNCHER}, mark = {0};

	weir_scope_of(task, &mark);
	if (mark_binds(&mark) || mark.flags)
		return -EBUSY;
	return mark_keep(task, &launcher);
}

/* The mark is the leader's, which all its threads are judged by, and ends with it. */
int weir_scope_own(void)
{
	struct weir_mark mark = {.flags = WEIR_MARK_OWN};
	volatile __u64 cells[2] = {0};
	struct task_struct *task = bpf_get_current_task_btf();

	return mark_keep(number_of(cells, task->group_leader), &mark);
}

/* A cgroup, on the way up from that of another task, and the mark its scopes are added to. */
struct climb {
	struct weir_mark *mark;
	__u64 cgroup;
};

static long climb_step(__u32 unused, struct climb *climb)
{
	struct cgroup *cgroup = (void *)climb->cgroup;
	struct cgroup_subsys_state *parent = BPF_CORE_READ(cgroup, self.parent);
	__u64 id = BPF_CORE_READ(cgroup, kn, id);
	weir_scope_t *handle = bpf_map_lookup_elem(&weir_cgroups, &id);

	if (handle)
		weir_mark_add(climb->mark, *handle);
	climb->cgroup = parent ? (__u64)BPF_CORE_READ(parent, cgroup) : 0;
	return !climb->cgroup;
}

int weir_scope_of(__u64 address, struct weir_mark *ret)
{
	struct task_struct *task = (void *)address;
	__u64 leader = (__u64)BPF_CORE_READ(task, group_leader);
	struct weir_mark mark = {0}, *kept;
	struct climb climb = {.mark = &mark};

	if (!ret)
		return 0;	/* cannot be: a caller's stack */
	kept = bpf_map_lookup_elem(&weir_marks, &address);
	if (kept)
		mark_merge(&mark, kept);
	if (!kept || !(kept->flags & WEIR_MARK_LAUNCHER)) {
		climb.cgroup = (__u64)BPF_CORE_READ(task, cgroups, dfl_cgrp);
		bpf_loop(CLIMB_MAX, climb_step, &climb, 0);
	}
	kept = leader != address ? bpf_map_lookup_elem(&weir_marks, &leader) : NULL;
	if (kept)
		mark_merge(&mark, kept);
	*ret = mark;
	return 0;
}

/* A place for a scope in a mark that its task may be writing: sorted in when that looks again. */
static __always_inline void mark_put(struct weir_mark *kept, weir_scope_t handle)
{
#pragma unroll
	for (int i = 0; i < WEIR_NEST_MAX; i++) {
		weir_scope_t there = kept->scopes[i];

		/* one that was lifted gives its place */
		if (!scope_get(there) &&
		    __sync_val_compare_and_swap(&kept->scopes[i], there, handle) == there)
			return;
	}
	kept->flags |= WEIR_MARK_OVERFLOW;
}

int weir_scope_sight(__u64 address)
{
	struct weir_mark *kept = bpf_map_lookup_elem(&weir_marks, &address);
	struct weir_mark mark = {0};

	if (kept && kept->flags & WEIR_MARK_LAUNCHER)
		return 0;
	weir_scope_of(address, &mark);
	if (!mark_binds(&mark))
		return 0;
	mark.flags |= WEIR_MARK_BEFORE;
	/* no cgroup and no generation: its first act works it out anew. No room: that is denied */
	if (!kept && mark_add(address, &mark))
		return 1;
	kept = bpf_map_lookup_elem(&weir_marks, &address);
	if (!kept)
		return 1;
#pragma unroll
	for (int i = 0; i < WEIR_NEST_MAX; i++) {
		if (mark.scopes[i] && !scope_among(mark.scopes[i], kept->scopes)) {
			kept->flags |= WEIR_MARK_BEFORE;
			mark_put(kept, mark.scopes[i]);
		}
	}
	return 1;
}

int weir_scope_arm(void)
{
	volatile __u64 cells[2] = {0};
	__u64 key = number_of(cells, bpf_get_current_task_btf());
	struct weir_mark *own = bpf_map_lookup_elem(&weir_marks, &key);
	struct weir_mark mark = {0};

	mark.cgroup_id = bpf_get_current_cgroup_id();
	mark.generation = weir_config.generation;
	/* also for a silent thread: the exec ends its leader, whose mark it is judged by */
	mark_resolve(&mark, true);
	if (mark.flags & WEIR_MARK_UNKNOWN)
		return -1;
	if (own && own->flags & WEIR_MARK_LAUNCHER) {
		mark.flags &= ~WEIR_MARK_BEFORE;	/* what it has it was given on purpose */
		mark_keep(key, &mark);
	}
	return mark.flags & WEIR_MARK_OVERFLOW ? -1 : 0;
}
