/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From an action to its decision in force: every scope that binds the task is
 * asked, from the outermost in, and all must allow. Flows and paths differ
 * only in the question.
 */
#ifndef WEIR_DECIDE_BPF_H
#define WEIR_DECIDE_BPF_H

#include "emit.bpf.h"
#include "scope.bpf.h"
#include "verdict.bpf.h"

/* What one instance, that of scope, says of an action; returns a WEIR_DECISION(). */
typedef __u32 (*decide_fn)(weir_scope_t scope, __u32 index, const struct weir_instance *instance,
			   void *action);

/* A policy in audit mode denies nothing, also not for want of a record. */
static __always_inline __u32 instance_records(const struct weir_instance *instance)
{
	return instance->flags & WEIR_INSTANCE_AUDIT ?
		       instance->flags & ~WEIR_INSTANCE_WHEN_FULL_DENY :
		       instance->flags;
}

/*
 * An epoch is the policy versions in force for some scopes, outermost first, as
 * one number. What was decided is remembered under the epoch of the very
 * versions that decided it. EPOCH_NONE: nothing is to be remembered, because one
 * has expired or cannot be told.
 */
#define EPOCH_NONE 0
#define EPOCH_FIRST 1	/* of no scope at all */

static __always_inline __u64 epoch_add(__u64 epoch, const struct weir_instance *instance)
{
	if (!epoch || !instance || instance_expired(instance))
		return EPOCH_NONE;
	return (epoch ^ instance->serial) * 0x9e3779b97f4a7c15ULL;
}

/*
 * Asks one scope. Returns true when that ends it: an enforced deny. A deny of
 * a policy in audit mode is kept as would-deny, and the scopes within are
 * still asked.
 */
static __always_inline bool scope_decide(struct weir_act *act, weir_scope_t handle,
					 decide_fn decide, void *action)
{
	struct weir_scope *scope = scope_get(handle);
	struct weir_instance *instance;
	__u32 index, decision;

	if (!scope)
		return false;	/* lifted */
	index = *(volatile __u32 *)&scope->instance;	/* read once: it may be switched */
	instance = instance_get(index);
	act->epoch = epoch_add(act->epoch, instance);
	decision = instance ? decide(handle, index, instance, action) :
			      DECIDE_DENY(WEIR_REASON_SCOPE, 0);
	if (instance)
		act->flags |= instance_records(instance);
	if (!DECISION_DENIES(decision) && act_refused(act))
		return false;
	if (DECISION_DENIES(decision) && instance && instance->flags & WEIR_INSTANCE_AUDIT) {
		if (act_refused(act))
			return false;
		decision += WEIR_VERDICT_WOULD_DENY - WEIR_VERDICT_DENY;
	}
	act->decision = decision;
	act->serial = instance ? instance->serial : 0;
	act->scope_id = scope->cgroup_id;
	return DECISION_DENIES(decision);
}

/* Not all scopes are known, so that none needs to be asked: it is denied. */
static __always_inline bool scopes_unknown(struct weir_act *act, const struct weir_bound *bound)
{
	if (bound->scopes[0] != BOUND_UNKNOWN)
		return false;
	act->decision = DECIDE_DENY(WEIR_REASON_SCOPE, 0);
	act->epoch = EPOCH_NONE;
	act->serial = weir_scope_serial(bound->scopes[1]);
	return true;
}

/* Asks the scopes, which are known, from the first-th in. */
static __always_inline void scopes_ask(struct weir_act *act, const struct weir_bound *bound,
				       int first, decide_fn decide, void *action)
{
#pragma clang loop unroll(disable)
	for (int i = first; i < WEIR_NEST_MAX; i++) {
		if (!bound->scopes[i])
			break;
		if (scope_decide(act, bound->scopes[i], decide, action))
			break;
	}
}

/* The answer of no scope. */
static __always_inline void act_begin(struct weir_act *act)
{
	act->decision = DECIDE_ALLOW(WEIR_REASON_NO_RULE, 0);
	act->epoch = EPOCH_FIRST;
}

static __always_inline void scopes_decide(struct weir_act *act, const struct weir_bound *bound,
					  decide_fn decide, void *action)
{
	if (scopes_unknown(act, bound))
		return;
	act_begin(act);
	scopes_ask(act, bound, 0, decide, action);
}

/* Is it to be recorded? A refusal always; what is allowed, when the policy says so. */
static __always_inline bool act_recorded(const struct weir_act *act, __u32 flag)
{
	return act_refused(act) || act->flags & flag;
}

#endif
