/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which policies bind the task that acts? Its own mark, its group leader's,
 * then the scopes its cgroup lies in, from the top down. What was found sticks
 * to the task: moving to another cgroup sheds nothing, only the operator does.
 */
#ifndef WEIR_SCOPE_BPF_H
#define WEIR_SCOPE_BPF_H

#include "maps.bpf.h"

/*
 * A kernel pointer as a number. The verifier lets nobody calculate with one,
 * but what is read from the stack at an offset it cannot tell is a number.
 * The cells are shared, because stack is short.
 */
static __always_inline __u64 number_of(volatile __u64 *cells, const void *pointer)
{
	cells[0] = (__u64)pointer;
	return cells[weir_config.zero & 1];
}

/*
 * How far one kernel pointer is from another: what the verifier does let one
 * calculate. As a number, with one that is known: see bpf_get_current_task().
 */
#define POINTER_DISTANCE(to, from)                                        \
	({                                                                \
		__u64 to_ = (__u64)(to), from_ = (__u64)(from);           \
		asm volatile("%0 -= %1" : "+r"(to_) : "r"(from_));        \
		to_;                                                      \
	})

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
} __attribute__((aligned(8)));	/* copied by words */
/* In scopes[0]: they could not all be told or kept; scopes[1] is one of them, or 0. */
#define BOUND_UNKNOWN 0xffffffff

/* The serial of the policy version in force for a scope; 0: there is none. */
__u64 weir_scope_serial(weir_scope_t handle);

/*
 * Works out the scopes of the current task. at_exec: a launcher counts as
 * bound, because the program it starts is decided under the policy.
 *
 * Returns true when a policy binds the task. With BOUND_UNKNOWN in *ret
 * everything is to be denied.
 */
int weir_scope_resolve(struct weir_bound *ret, int at_exec);

static __always_inline bool scope_among(weir_scope_t scope, const weir_scope_t *scopes)
{
	return scopes[0] == scope || scopes[1] == scope || scopes[2] == scope ||
	       scopes[3] == scope;
}

/* Outside of the only scope there is. level: weir_config.only_level, which may become 0. */
static __always_inline bool task_outside(__u32 level)
{
	return level && bpf_get_current_ancestor_cgroup_id(level) != weir_config.only_cgroup;
}

/* Where the hint for a task lies, by its address. */
static __always_inline struct weir_hint *hint_of(__u64 task)
{
	__u32 slot = (task >> 6) * 0x9e3779b97f4a7c15ULL >> (64 - WEIR_HINTS_BITS);

	return bpf_map_lookup_elem(&weir_hints, &slot);
}

/*
 * Told by hints alone: neither the task nor its leader has a mark, and it is
 * outside of the only scope there is. The usual task of the machine.
 */
static __always_inline bool task_unbound(const struct task_struct *task, __u64 key,
					 const struct weir_hint *hint)
{
	const struct weir_hint *leader = hint;

	if (hint->marks || !task_outside(weir_config.only_level))
		return false;
	if (task->group_leader != task)
		leader = hint_of(key + POINTER_DISTANCE(task->group_leader, task));
	return leader && !leader->marks;
}

/*
 * weir_scope_resolve(), by the hint for the current task where there is one. It
 * is right also where no marks are kept, for there are no hints then. key: the
 * address of the task as a number.
 */
static __always_inline bool scope_resolve_hinted(struct weir_bound *ret, bool at_exec,
						 const struct task_struct *task, __u64 key)
{
	struct weir_hint *hint = hint_of(key);
	__u64 *to = (__u64 *)ret->scopes;
	const __u64 *from;

	if (!hint)
		return weir_scope_resolve(ret, at_exec);
	if (hint->task != key)
		return !task_unbound(task, key, hint) && weir_scope_resolve(ret, at_exec);
	if (hint->generation != weir_config.generation ||
	    hint->cgroup_id != bpf_get_current_cgroup_id())
		return weir_scope_resolve(ret, at_exec);
	from = (const __u64 *)hint->scopes;
	to[0] = from[0];
	to[1] = from[1];
	return true;
}

/* weir_scope_resolve(), with what is usual decided at once. */
static __always_inline bool scope_resolve(struct weir_bound *ret, bool at_exec)
{
	__u32 level = weir_config.only_level;

	if (!weir_config.sticky && level) {
		ret->scopes[0] = weir_config.only_scope;
		return !task_outside(level);
	}
	if (!weir_config.sticky)
		return weir_scope_resolve(ret, at_exec);
	return scope_resolve_hinted(ret, at_exec, bpf_get_current_task_btf(),
				    bpf_get_current_task());
}

/*
 * Has the current task, which is bound, descriptors that not all its policies
 * have decided? It had them, or inherited them, when it came into a scope.
 */
int weir_scope_before(void);

/* The same with the switch in front that spares all others the look-up. */
static __always_inline bool scope_before(void)
{
	return weir_config.before && weir_scope_before();
}

/*
 * Adds a scope that is still in force to a mark, and returns whether it is new
 * there. No room for it: the mark overflows, and everything is denied.
 */
int weir_mark_add(struct weir_mark *mark, weir_scope_t handle);

/*
 * A new task, by address, gets the scopes of the current one; thread: it is of the same
 * process, and a launcher with it. < 0: it must not be made.
 */
int weir_scope_inherit(__u64 child, int thread);

/* The current task is a launcher from here on. < 0: there is no room for that. */
int weir_scope_launch(void);

/* Another task, by address, is one, unless something binds it already (-EBUSY). */
int weir_scope_launch_task(__u64 task);

/* The current process is weir's own from here on. < 0: there is no room for that. */
int weir_scope_own(void);

/*
 * The scopes that bind another task, by address: those of its mark and of its
 * leader's, and those its cgroup lies in. A launcher has none. ret->flags has
 * WEIR_MARK_OWN if the process is weir's. What cannot be read binds nothing.
 */
int weir_scope_of(__u64 task, struct weir_mark *ret);

/*
 * Binds another task, by address, to what binds it by its cgroup: one that has not acted
 * since it came into the scope, and might be moved out before it does. Returns whether
 * anything binds it; a launcher is not bound yet.
 */
int weir_scope_sight(__u64 task);

/* The mark of a task, by address, ends. */
int weir_scope_end(__u64 task);

/* The current task, if it is a launcher, is bound from here on. < 0: its exec must not be. */
int weir_scope_arm(void);

#endif
