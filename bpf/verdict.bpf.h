/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one decision: what an instance says of a flow, and of a place in the
 * path trie. Used by every hook and by weir_decide_flow; a look-up that fails
 * is a deny with the reason no-rule.
 */
#ifndef WEIR_VERDICT_BPF_H
#define WEIR_VERDICT_BPF_H

#include "maps.bpf.h"

#define DECIDE_ALLOW(reason, rule) WEIR_DECISION(WEIR_VERDICT_ALLOW, reason, rule)
#define DECIDE_DENY(reason, rule) WEIR_DECISION(WEIR_VERDICT_DENY, reason, rule)
#define DECISION_DENIES(decision) (WEIR_DECISION_VERDICT(decision) == WEIR_VERDICT_DENY)
#define DECISION_GRANTED(decision) \
	(((decision) & 0xffff) == WEIR_DECISION(WEIR_VERDICT_ALLOW, WEIR_REASON_GRANT, 0))

static __always_inline struct weir_instance *instance_get(__u32 index)
{
	struct weir_instance *instance = bpf_map_lookup_elem(&weir_instances, &index);

	return instance && instance->serial ? instance : NULL;
}

static __always_inline const struct weir_node *node_get(__u32 index, __u32 node)
{
	void *nodes = bpf_map_lookup_elem(&weir_nodes, &index);

	return nodes ? bpf_map_lookup_elem(nodes, &node) : NULL;
}

static __always_inline bool instance_expired(const struct weir_instance *instance)
{
	return instance->expires_ns && bpf_ktime_get_boot_ns() >= instance->expires_ns;
}

/* In the rule of a decision that is kept: without a use left it happens all the same. */
#define USE_AUDIT WEIR_RULE_DENY

/* Is it allowed by a grant whose uses are counted? */
#define DECISION_USES(decision) \
	(DECISION_GRANTED(decision) && WEIR_DECISION_RULE(decision) & WEIR_RULE_ONCE)

/*
 * What two rules that both are needed say together: a denial, and otherwise the
 * grant, whose use is to be recorded. Two grants of which each can be used once are
 * too many for one action: it has room to take the use of one.
 */
static __always_inline __u32 decision_join(__u32 one, __u32 other)
{
	if (DECISION_DENIES(one))
		return one;
	if (DECISION_DENIES(other) || one == other)
		return other;
	if (!DECISION_GRANTED(other))
		return one;
	if (!DECISION_GRANTED(one))
		return other;
	if (!DECISION_USES(one))
		return other;
	return DECISION_USES(other) ? DECIDE_DENY(WEIR_REASON_NO_RULE, 0) : one;
}

static __always_inline struct weir_grant *grant_get(__u32 rule)
{
	__u32 slot = WEIR_GRANT_SLOT(rule);

	return bpf_map_lookup_elem(&weir_grants, &slot);
}

static __always_inline bool grant_ended(const struct weir_grant *grant)
{
	return !grant || bpf_ktime_get_boot_ns() >= *(volatile __u64 *)&grant->expires_ns;
}

/* How many of the grants in an instance have ended. */
__u64 weir_grants_ended(const struct weir_instance *instance);

/* What an instance says of a flow. addr: IPv4 as v4-mapped; port in host byte order. */
__u32 weir_flow_verdict(__u32 index, const struct weir_addr *addr, __u32 proto, __u16 port);

/*
 * What an instance says of listening at an address of this machine. proto: one
 * of WEIR_PROTO_LISTEN_*. An unspecified address needs a rule for all of its
 * family; ::, which also takes IPv4 unless only_v6, for both.
 */
__u32 weir_listen_verdict(__u32 index, const struct weir_addr *addr, __u32 proto, __u16 port,
			  int only_v6);

/* What the rules that deny say of who sends to it: everybody else is allowed. */
__u32 weir_peer_verdict(__u32 index, const struct weir_addr *addr, __u32 proto, __u16 port);

/*
 * What an instance says of a place in its trie: of the node itself, or of what
 * lies below it. Every access asked for must be allowed. The rule named is the one of the
 * first access that is not, otherwise the one of the first.
 */
__u32 weir_node_verdict(__u32 index, __u32 node, int self, __u32 access);

#endif
