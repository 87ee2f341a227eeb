// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The decision on flows; records of them, and of their totals. See flow.bpf.h. */
#include "sock.bpf.h"

#include <bpf/bpf_core_read.h>

#define SEND_SHUTDOWN 2	/* net/sock.h */
#define SOCK_DONE 1	/* net/sock.h, enum sock_flags: TCP has received the other end's FIN */

static __always_inline void addr_from_in6(struct weir_addr *addr, const struct in6_addr *in6)
{
	__builtin_memcpy(addr->bytes, in6, sizeof(addr->bytes));
}

static __always_inline void local_read(struct flow *flow, const struct sock *sk, bool v4)
{
	struct in6_addr in6;

	if (v4) {
		addr_from_v4(&flow->source, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
	} else {
		in6 = BPF_CORE_READ(sk, __sk_common.skc_v6_rcv_saddr);
		addr_from_in6(&flow->source, &in6);
	}
	flow->sport = BPF_CORE_READ(sk, __sk_common.skc_num);
	flow->has_source = flow->sport;
}

int weir_local_read(struct flow *flow, __u64 address)
{
	const struct sock *sk = (void *)address;

	if (flow)
		local_read(flow, sk, BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET);
	return 0;
}

int weir_flow_read(struct flow *flow, __u64 address)
{
	const struct sock *sk = (void *)address;
	struct in6_addr in6;
	bool v4;

	if (!flow)
		return 0;
	v4 = BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET;
	local_read(flow, sk, v4);
	if (v4) {
		addr_from_v4(&flow->dest, BPF_CORE_READ(sk, __sk_common.skc_daddr));
	} else {
		in6 = BPF_CORE_READ(sk, __sk_common.skc_v6_daddr);
		addr_from_in6(&flow->dest, &in6);
	}
	flow->dport = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	flow->protocol = BPF_CORE_READ(sk, sk_protocol);
	return 0;
}

/* What one instance says of a flow: a decide_fn. */
static __always_inline __u32 decide_flow(weir_scope_t scope, __u32 index,
					 const struct weir_instance *instance, void *action)
{
	const struct flow *flow = action;
	__u32 proto = proto_of(flow->protocol), decision;

	if (!flow->inbound)
		return weir_flow_verdict(index, &flow->dest, proto, flow->dport);
	decision = weir_listen_verdict(index, &flow->source,
				       proto == WEIR_PROTO_UDP ? WEIR_PROTO_LISTEN_UDP :
								 WEIR_PROTO_LISTEN_TCP,
				       flow->sport, true);
	if (!DECISION_DENIES(decision)) {
		__u32 peer = weir_peer_verdict(index, &flow->dest, proto, flow->dport);

		if (DECISION_DENIES(peer))
			return peer;
	}
	return decision;
}

int weir_flow_decide(struct weir_act *act, const struct weir_bound *bound, struct flow *flow,
		     int or_inbound)
{
	__u64 epoch, serial, scope_id;	/* of the refusal: stack is too short for another act */
	__u32 decision, flags;

	if (!act || !bound || !flow)
		return 0;
	if (scopes_unknown(act, bound))
		return 0;
	act_begin(act);
	scopes_ask(act, bound, 0, decide_flow, flow);
	if (!act_refused(act) || !or_inbound || flow->inbound)
		return 0;
	decision = act->decision;
	flags = act->flags;
	serial = act->serial;
	scope_id = act->scope_id;
	epoch = act->epoch;
	flow->inbound = true;
	act->flags = 0;
	act_begin(act);
	scopes_ask(act, bound, 0, decide_flow, flow);
	if (!act_refused(act))
		return 0;
	flow->inbound = false;
	act->decision = decision;
	act->flags = flags;
	act->serial = serial;
	act->scope_id = scope_id;
	act->epoch = epoch;
	return 0;
}

/* Room in the ring for a record, of which a source makes the longer form. */
static __always_inline struct weir_event_flow *flow_reserve(void *ring, bool whole)
{
	return whole ? RING_RESERVE(ring, sizeof(struct weir_event_flow)) :
		       RING_RESERVE(ring, WEIR_EVENT_FLOW_BRIEF);
}

static __always_inline void flow_fill(struct weir_event_flow *event, const struct flow *flow,
				      bool turned)
{
	event->dest = turned ? flow->source : flow->dest;
	event->dport = turned ? flow->sport : flow->dport;
	event->sport = turned ? flow->dport : flow->sport;
	event->protocol = flow->protocol;
	event->pad = 0;
}

int weir_record_flow(struct weir_act *act, const struct flow *flow, __u32 type,
		     const struct weir_owner *actor, __u32 layer)
{
	struct weir_event_flow *event;
	bool turned;
	void *ring;

	if (!act || !flow || !actor)
		return 0;
	turned = type == WEIR_EVENT_ACCEPT;	/* from the peer to here */
	ring = act_refused(act) ? ring_deny(act) : ring_allow(act);
	if (flow->has_source) {
		event = flow_reserve(ring, true);
		if (event)
			event->source = turned ? flow->dest : flow->source;
	} else {
		event = flow_reserve(ring, false);
	}
	if (!event) {
		act_unrecorded(act, type);
		return 0;
	}
	head_act(&event->head, act, type, layer);
	event->head.inbound = flow->inbound;
	head_actor(&event->head, actor);
	flow_fill(event, flow, turned);
	bpf_ringbuf_submit(event, ring_wakeup(act, event->head.time_ns));
	return 0;
}

/*
 * TCP counts what it has sent with what it has sent again, and takes the other
 * end's FIN for a byte it has received.
 */
static __always_inline void total_tcp(struct weir_event_total *event, __u64 address)
{
	const struct tcp_sock *tcp = (void *)address;
	const struct sock *sk = (void *)address;
	__u64 flags = BPF_CORE_READ(sk, __sk_common.skc_flags);
	__u32 left;

	event->bytes_sent = BPF_CORE_READ(tcp, bytes_sent) - BPF_CORE_READ(tcp, bytes_retrans);
	event->bytes_received = BPF_CORE_READ(tcp, bytes_received);
	if (flags >> SOCK_DONE & 1 && event->bytes_received)
		event->bytes_received--;
	/* what waits to be sent still is, a FIN that waits with it (shutdown(2)) is none of it */
	left = BPF_CORE_READ(tcp, write_seq) - BPF_CORE_READ(tcp, snd_nxt);
	if (left && BPF_CORE_READ(sk, sk_shutdown) & SEND_SHUTDOWN)
		left--;
	event->bytes_sent += left;
}

/* Ends cannot be refused: without room they are counted. */
int weir_record_total(const struct weir_sock *sock, const struct flow *flow, __u64 tcp)
{
	struct weir_event_total *event;
	struct weir_act act = {0};

	if (!sock || !flow)
		return 0;
	/* audit mode let it be */
	act.decision = DECIDE_ALLOW(WEIR_DECISION_REASON(sock->decision),
				    WEIR_DECISION_RULE(sock->decision));
	act.serial = sock->serial;
	act.scope_id = sock->scope_id;
	event = RING_RESERVE(ring_allow(&act), sizeof(*event));
	if (!event) {
		lost_count_of(WEIR_READER(act.serial), WEIR_EVENT_FLOW);
		return 0;
	}
	head_act(&event->flow.head, &act, WEIR_EVENT_FLOW, WEIR_LAYER_CALL);
	head_actor(&event->flow.head, &sock->owner);
	event->flow.head.inbound = flow->inbound;
	event->flow.source = flow->inbound ? flow->dest : flow->source;
	flow_fill(&event->flow, flow, flow->inbound);
	event->bytes_sent = sock->bytes_sent;
	event->bytes_received = sock->bytes_received;
	if (tcp)
		total_tcp(event, tcp);
	event->duration_ns = event->flow.head.time_ns - sock->began_ns;
	event->destinations = sock->destinations;
	event->denied = sock->denied;
	bpf_ringbuf_submit(event, ring_wakeup(&act, event->flow.head.time_ns));
	return 0;
}
