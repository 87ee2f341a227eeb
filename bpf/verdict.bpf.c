// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The one decision for flows and for places of the path trie; see verdict.bpf.h. */
#include "verdict.bpf.h"

/* A grant allows until it ends. Taking a use of it is another matter. */
static __always_inline __u32 grant_decides(weir_rule_t rule)
{
	return grant_ended(grant_get(rule)) ? DECIDE_DENY(WEIR_REASON_EXPIRED, rule) :
					      DECIDE_ALLOW(WEIR_REASON_GRANT, rule);
}

static __always_inline __u32 rule_decides(weir_rule_t rule)
{
	if (rule == WEIR_RULE_NONE)
		return DECIDE_DENY(WEIR_REASON_NO_RULE, 0);
	if (rule & WEIR_RULE_DENY)
		return DECIDE_DENY(WEIR_REASON_RULE, rule);
	if (rule & WEIR_RULE_GRANT)
		return grant_decides(rule);
	return DECIDE_ALLOW(WEIR_REASON_RULE, rule);
}

/* The segment a port falls into: the first whose last port is not below it. */
static __always_inline weir_rule_t segment_rule(void *segments, __u32 first, __u32 count,
						__u16 port)
{
	__u32 low = first, high = first + count - 1, middle;
	struct weir_segment *segment;

	if (!count)
		return first;	/* one for every port */
	for (int i = 0; i < 17 && low < high; i++) {	/* 2^17 segments at most */
		middle = low + (high - low) / 2;
		segment = bpf_map_lookup_elem(segments, &middle);
		if (!segment)
			return WEIR_RULE_NONE;
		if (segment->last_port >= port)
			high = middle;
		else
			low = middle + 1;
	}
	segment = bpf_map_lookup_elem(segments, &low);
	return segment ? segment->rule : WEIR_RULE_NONE;
}

/*
 * The rule for a prefix (all of it), a protocol and a port. What cannot be
 * looked up has none.
 */
static __always_inline weir_rule_t net_rule(__u32 index, const struct weir_net_key *key,
					    __u32 proto, __u16 port)
{
	void *nets = bpf_map_lookup_elem(&weir_nets, &index);
	void *portsets = bpf_map_lookup_elem(&weir_portsets, &index);
	void *segments = bpf_map_lookup_elem(&weir_segments, &index);
	struct weir_portset *portset;
	__u32 *set;

	if (!nets || !portsets || !segments || proto >= WEIR_PROTO_COUNT)
		return WEIR_RULE_NONE;
	set = bpf_map_lookup_elem(nets, key);
	portset = set ? bpf_map_lookup_elem(portsets, set) : NULL;
	if (!portset)
		return WEIR_RULE_NONE;
	return segment_rule(segments, portset->proto[proto].first, portset->proto[proto].count,
			    port);
}

/* See verdict.bpf.h. */
__u32 weir_flow_verdict(__u32 index, const struct weir_addr *addr, __u32 proto, __u16 port)
{
	struct weir_instance *instance = instance_get(index);
	struct weir_net_key key = {.prefixlen = 128};

	if (!instance || !addr)
		return DECIDE_DENY(WEIR_REASON_NO_RULE, 0);
	if (instance_expired(instance))
		return DECIDE_DENY(WEIR_REASON_EXPIRED, 0);
	if (instance->flags & WEIR_INSTANCE_NETWORK_UNRESTRICTED)
		return DECIDE_ALLOW(WEIR_REASON_UNRESTRICTED, 0);
	key.addr = *addr;
	return rule_decides(net_rule(index, &key, proto, port));
}

#define V4_BITS 96	/* what IPv4 has in front: ::ffff:0:0/96 */

/* An address of this machine, or one that stands for all of a family: then the prefix of all. */
static __always_inline __u32 listen_rule(__u32 index, const struct weir_addr *addr, __u32 prefixlen,
					 __u32 proto, __u16 port)
{
	struct weir_net_key key = {.prefixlen = prefixlen, .addr = *addr};

	return rule_decides(net_rule(index, &key, proto, port));
}

/* See verdict.bpf.h. */
__u32 weir_listen_verdict(__u32 index, const struct weir_addr *addr, __u32 proto, __u16 port,
			  int only_v6)
{
	struct weir_instance *instance = instance_get(index);
	const __u32 *words = (const __u32 *)addr;
	struct weir_addr any_v4 = {.bytes = {[10] = 0xff, [11] = 0xff}};
	__u32 decision, other;

	if (!instance || !addr)
		return DECIDE_DENY(WEIR_REASON_NO_RULE, 0);
	if (instance_expired(instance))
		return DECIDE_DENY(WEIR_REASON_EXPIRED, 0);
	if (instance->flags & WEIR_INSTANCE_LISTEN_UNRESTRICTED)
		return DECIDE_ALLOW(WEIR_REASON_UNRESTRICTED, 0);
	if (words[0] || words[1] || words[3])
		return listen_rule(index, addr, 128, proto, port);
	if (words[2])
		return listen_rule(index, addr, words[2] == 0xffff0000 ? V4_BITS : 128, proto,
				   port);
	decision = listen_rule(index, addr, 0, proto, port);
	if (only_v6 || DECISION_DENIES(decision))
		return decision;
	other = listen_rule(index, &any_v4, V4_BITS, proto, port);
	return decision_join(decision, other);
}

/* See verdict.bpf.h. */
__u32 weir_peer_verdict(__u32 index, const struct weir_addr *addr, __u32 proto, __u16 port)
{
	struct weir_instance *instance = instance_get(index);
	struct weir_net_key key = {.prefixlen = 128};
	weir_rule_t rule;

	if (!instance || !addr)
		return DECIDE_DENY(WEIR_REASON_NO_RULE, 0);
	if (instance->flags & WEIR_INSTANCE_NETWORK_UNRESTRICTED)
		return DECIDE_ALLOW(WEIR_REASON_UNRESTRICTED, 0);
	key.addr = *addr;
	rule = net_rule(index, &key, proto, port);
	return rule & WEIR_RULE_DENY ? rule_decides(rule) : DECIDE_ALLOW(WEIR_REASON_NO_RULE, 0);
}

/* See verdict.bpf.h. */
__u32 weir_node_verdict(__u32 index, __u32 node, int self, __u32 access)
{
	const struct weir_node *entry = node_get(index, node);
	__u32 decision = DECIDE_DENY(WEIR_REASON_NO_RULE, 0);
	bool first = true;

	if (!entry)
		return decision;
	for (int i = 0; i < WEIR_ACCESS_COUNT; i++) {
		__u32 one;

		if (!(access & WEIR_ACCESS_BIT(i)))
			continue;
		one = rule_decides(self ? entry->self[i] : entry->below[i]);
		if (DECISION_DENIES(one))
			return one;
		decision = first ? one : decision_join(decision, one);
		if (DECISION_DENIES(decision))
			return decision;
		first = false;
	}
	return decision;
}
