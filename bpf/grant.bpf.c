// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Grants: rules that end, by themselves or with their use. A decision asks whether
 * one still lasts; its use is taken when the action is about to happen.
 */
#include "decide.bpf.h"

#define GRANT_WORDS (WEIR_GRANTS_MAX / 64)

__u64 weir_grants_ended(const struct weir_instance *instance)
{
	__u32 ended = 0;

	if (!instance)
		return 0;
	for (__u32 slot = 0; slot < WEIR_GRANTS_MAX; slot++) {
		if (!(instance->grants[slot / 64 & (GRANT_WORDS - 1)] >> (slot & 63) & 1))
			continue;
		ended += grant_ended(grant_get(slot));
	}
	return ended;
}

static __always_inline __u32 decision_rank(__u32 decision)
{
	if (DECISION_USES(decision))
		return 3;
	if (WEIR_DECISION_VERDICT(decision) == WEIR_VERDICT_WOULD_DENY)
		return 2;
	return DECISION_GRANTED(decision);
}

/*
 * An action has room for the use of one grant: where the inner scope needs another, and
 * enforces that, it denies. The same grant is used once for both, as strictly as the
 * stricter of them is.
 */
__u32 weir_decision_nested(__u32 outer, __u32 inner)
{
	const __u32 audit = (__u32)USE_AUDIT << 16;

	if (decision_rank(inner) > decision_rank(outer))
		return inner;
	if (!DECISION_USES(inner) || inner & audit)
		return outer;
	if ((outer & ~audit) == inner)
		return inner;
	return DECIDE_DENY(WEIR_REASON_NO_RULE, 0);
}

/* The grant that an action is allowed by, of which records say nothing of audit mode. */
static __always_inline __u32 use_begin(struct weir_act *act)
{
	__u32 rule = WEIR_DECISION_RULE(act->decision);

	act->decision = DECIDE_ALLOW(WEIR_REASON_GRANT, rule & ~USE_AUDIT);
	return rule;
}

static __always_inline __u32 use_refuse(__u32 rule)
{
	return WEIR_DECISION(rule & USE_AUDIT ? WEIR_VERDICT_WOULD_DENY : WEIR_VERDICT_DENY,
			     WEIR_REASON_EXPIRED, rule & ~USE_AUDIT);
}

__u64 weir_use_take(struct weir_act *act)
{
	struct weir_grant *grant;
	__u32 rule;

	if (!act)
		return 0;
	rule = use_begin(act);
	grant = grant_get(rule);
	if (grant && __sync_val_compare_and_swap(&grant->uses, 1, 0) == 1)
		return grant->expires_ns;
	act->decision = use_refuse(rule);
	return 0;
}

/* No two grants end in the same nanosecond: user space sees to that. */
int weir_use_same(struct weir_act *act, __u64 stamp)
{
	struct weir_grant *grant;

	if (!act)
		return false;
	grant = grant_get(WEIR_DECISION_RULE(act->decision));
	if (!stamp || grant_ended(grant) || grant->expires_ns != stamp)
		return false;
	use_begin(act);
	return true;
}
