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
	if (!epoch || !instance)
		return EPOCH_NONE;
	epoch = (epoch ^ instance->serial) * 0x9e3779b97f4a7c15ULL;
	if (!instance->deadline_ns || bpf_ktime_get_boot_ns() < instance->deadline_ns)
		return epoch;
	if (instance_expired(instance))
		return EPOCH_NONE;
	/* as if it were another version: what a grant allowed is over with it */
	return epoch + weir_grants_ended(instance) * 0xc2b2ae3d27d4eb4fULL;
}

/* Is there more to it than that a rule allows? */
#define DECISION_KEPT(decision) \
	(DECISION_GRANTED(decision) || WEIR_DECISION_VERDICT(decision) == WEIR_VERDICT_WOULD_DENY)

/*
 * What an outer scope and one within say together, of which neither denies: the one
 * whose use of a grant is to be taken, before what would be denied, before a grant, before a rule.
 */
__u32 weir_decision_nested(__u32 outer, __u32 inner);

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
	if (instance && instance->flags & WEIR_INSTANCE_AUDIT) {
		if (DECISION_DENIES(decision))
			decision += WEIR_VERDICT_WOULD_DENY - WEIR_VERDICT_DENY;
		else if (DECISION_USES(decision))
			decision |= USE_AUDIT << 16;
	}
	if (DECISION_KEPT(act->decision) && !DECISION_DENIES(decision)) {
		decision = weir_decision_nested(act->decision, decision);
		if (decision == act->decision)
			return false;
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

/* Is it to be recorded? Refusals and grants always; what is allowed, when the policy says so. */
static __always_inline bool act_recorded(const struct weir_act *act, __u32 flag)
{
	return act_refused(act) || act->flags & flag || DECISION_GRANTED(act->decision);
}

/*
 * Takes the use of the grant by which an action is allowed (DECISION_USES). None left:
 * act->decision is a denial. Returns what tells this grant from others that had
 * its slot, to be kept with what the use was taken for: see weir_use_same(). 0: nothing.
 */
__u64 weir_use_take(struct weir_act *act);

/* Was a use of this very grant taken, of which stamp tells, and has it not ended? */
int weir_use_same(struct weir_act *act, __u64 stamp);

#endif
