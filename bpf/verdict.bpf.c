// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The one decision for flows and for places of the path trie; see verdict.bpf.h. */
#include "verdict.bpf.h"

#include <bpf/bpf_endian.h>

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

/* The two halves of an address, as in struct weir_net. */
static __always_inline __u64 half_of(const struct weir_addr *addr, int half)
{
	const __u32 *words = (const __u32 *)addr + 2 * half;
	__u64 value = (__u64)bpf_ntohl(words[0]) << 32 | bpf_ntohl(words[1]);

	barrier_var(value);	/* one to keep, not two words to put together again each time */
	return value;
}

/*
 * The port set of an address: that of the first element which does not end before it. What
 * cannot be looked up has none. The table of a policy without addresses has one element,
 * which is 0, and so has its table of port sets: no rule.
 *
 * *key, here and below, is memory for all keys of look-ups: the frames of all who lead here
 * have little room together.
 */
static __always_inline void net_portset(const __u32 *index, __u32 step,
					const struct weir_addr *addr, __u32 *key)
{
	const __u64 high = half_of(addr, 0), low = half_of(addr, 1);
	void *nets = bpf_map_lookup_elem(&weir_nets, index);
	__u32 before = 0;	/* so many elements end before the address */
	struct weir_net *net;

	*key = WEIR_PORTSET_NONE;
	if (!nets)
		return;
	for (step &= WEIR_NETS_STEP_MAX; step; step >>= 1) {
		*key = before + step - 1;
		net = bpf_map_lookup_elem(nets, key);
		if (net && (net->last[0] < high || (net->last[0] == high && net->last[1] < low)))
			before += step;
	}
	*key = before;
	net = bpf_map_lookup_elem(nets, key);
	*key = net ? net->portset : WEIR_PORTSET_NONE;
}

/* The segment a port falls into: the first whose last port is not below it. */
static __always_inline weir_rule_t segment_rule(void *segments, __u32 first, __u32 count,
						__u16 port, __u32 *key)
{
	__u32 low = first, high = first + count - 1, middle;
	struct weir_segment *segment;

	if (!count)
		return first;	/* one for every port */
	for (int i = 0; i < 17 && low < high; i++) {	/* 2^17 segments at most */
		*key = middle = low + (high - low) / 2;
		segment = bpf_map_lookup_elem(segments, key);
		if (!segment)
			return WEIR_RULE_NONE;
		if (segment->last_port >= port)
			high = middle;
		else
			low = middle + 1;
	}
	*key = low;
	segment = bpf_map_lookup_elem(segments, key);
	return segment ? segment->rule : WEIR_RULE_NONE;
}

/*
 * A protocol and a port in one, as long as they are not needed. There is no rule for no protocol.
 */
static __always_inline __u32 asked_of(__u32 proto, __u16 port)
{
	__u32 asked = (proto < WEIR_PROTO_COUNT ? proto : WEIR_PROTO_SLOTS - 1) << 16 | port;

	barrier_var(asked);
	return asked;
}

/* The rule of the port set *key for what is asked. What cannot be looked up has none. */
static __always_inline weir_rule_t portset_rule(const __u32 *index, __u32 *key, __u32 asked)
{
	void *portsets = bpf_map_lookup_elem(&weir_portsets, index);
	void *segments = bpf_map_lookup_elem(&weir_segments, index);
	struct weir_portset *portset;
	__u32 proto;

	if (!portsets || !segments)
		return WEIR_RULE_NONE;
	portset = bpf_map_lookup_elem(portsets, key);
	if (!portset)
		return WEIR_RULE_NONE;
	proto = (asked >> 16) & (WEIR_PROTO_SLOTS - 1);
	return segment_rule(segments, portset->proto[proto].first, portset->proto[proto].count,
			    (__u16)asked, key);
}

/* See verdict.bpf.h. */
__u32 weir_flow_verdict(__u32 index, const struct weir_addr *addr, __u32 proto, __u16 port)
{
	struct weir_instance *instance = instance_get(index);
	const __u32 asked = asked_of(proto, port);
	__u32 key;

	if (!instance || !addr)
		return DECIDE_DENY(WEIR_REASON_NO_RULE, 0);
	if (instance_expired(instance))
		return DECIDE_DENY(WEIR_REASON_EXPIRED, 0);
	if (instance->flags & WEIR_INSTANCE_NETWORK_UNRESTRICTED)
		return DECIDE_ALLOW(WEIR_REASON_UNRESTRICTED, 0);
	net_portset(&index, instance->nets_step, addr, &key);
	return rule_decides(portset_rule(&index, &key, asked));
}

/* See verdict.bpf.h. */
__u32 weir_listen_verdict(__u32 index, const struct weir_addr *addr, __u32 proto, __u16 port,
			  int only_v6)
{
	struct weir_instance *instance = instance_get(index);
	const __u32 *words = (const __u32 *)addr;
	const __u32 asked = asked_of(proto, port);
	__u32 decision, key;
	bool every, every_v4;

	if (!instance || !addr)
		return DECIDE_DENY(WEIR_REASON_NO_RULE, 0);
	if (instance_expired(instance))
		return DECIDE_DENY(WEIR_REASON_EXPIRED, 0);
	if (instance->flags & WEIR_INSTANCE_LISTEN_UNRESTRICTED)
		return DECIDE_ALLOW(WEIR_REASON_UNRESTRICTED, 0);
	/* one that stands for all of a family is decided as all of them at once */
	every = !words[0] && !words[1] && !words[3];
	every_v4 = every && words[2] == bpf_htonl(0xffff);
	every = every && !words[2];
	key = every_v4 ? instance->any_v4 : instance->any_v6;
	if (!every && !every_v4)
		net_portset(&index, instance->nets_step, addr, &key);
	decision = rule_decides(portset_rule(&index, &key, asked));
	if (!every || only_v6 || DECISION_DENIES(decision))
		return decision;
	key = instance->any_v4;
	return decision_join(decision, rule_decides(portset_rule(&index, &key, asked)));
}

/* See verdict.bpf.h. */
__u32 weir_peer_verdict(__u32 index, const struct weir_addr *addr, __u32 proto, __u16 port)
{
	struct weir_instance *instance = instance_get(index);
	const __u32 asked = asked_of(proto, port);
	__u32 key;
	weir_rule_t rule;

	if (!instance || !addr)
		return DECIDE_DENY(WEIR_REASON_NO_RULE, 0);
	if (instance->flags & WEIR_INSTANCE_NETWORK_UNRESTRICTED)
		return DECIDE_ALLOW(WEIR_REASON_UNRESTRICTED, 0);
	net_portset(&index, instance->nets_step, addr, &key);
	rule = portset_rule(&index, &key, asked);
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
