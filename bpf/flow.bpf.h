/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A flow while it is decided and recorded: where it goes, by what protocol,
 * and on whose behalf.
 */
#ifndef WEIR_FLOW_BPF_H
#define WEIR_FLOW_BPF_H

#include "decide.bpf.h"
#include "emit.bpf.h"

#include <bpf/bpf_endian.h>

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define IPPROTO_ICMP 1
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_ICMPV6 58

/* As in struct weir_event_flow. For what is accepted, dest is the peer and source the local end. */
struct flow {
	struct weir_addr dest;
	struct weir_addr source;
	__u16 dport;		/* host byte order */
	__u16 sport;
	__u16 protocol;		/* IPPROTO_* */
	bool has_source;
	bool inbound;		/* the peer began it: rules of network.listen decide */
};

static __always_inline __u32 proto_of(__u32 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return WEIR_PROTO_TCP;
	case IPPROTO_UDP:
		return WEIR_PROTO_UDP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return WEIR_PROTO_ICMP;
	default:
		return WEIR_PROTO_OTHER;
	}
}

static __always_inline void addr_from_v4(struct weir_addr *addr, __u32 ip_be)
{
	__u32 *words = (__u32 *)addr->bytes;

	words[0] = 0;
	words[1] = 0;
	words[2] = bpf_htonl(0xffff);
	words[3] = ip_be;
}

static __always_inline void addr_from_v6(struct weir_addr *addr, __u32 a, __u32 b, __u32 c, __u32 d)
{
	__u32 *words = (__u32 *)addr->bytes;

	words[0] = a;
	words[1] = b;
	words[2] = c;
	words[3] = d;
}

static __always_inline bool addr_same(const struct weir_addr *a, const struct weir_addr *b)
{
	const __u32 *x = (const __u32 *)a->bytes, *y = (const __u32 *)b->bytes;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2] && x[3] == y[3];
}

/* Neither 0.0.0.0 nor ::. */
static __always_inline bool addr_given(const struct weir_addr *addr)
{
	const __u32 *words = (const __u32 *)addr->bytes;

	return words[0] || words[1] || words[3] || (words[2] && words[2] != bpf_htonl(0xffff));
}

/*
 * The one decision on flows: what every scope says of one, in force. or_inbound:
 * where it is refused as going out, it may be an answer (of a connection that
 * was there before and may have been made either way, or to one who was heard),
 * which flow->inbound then says it is.
 */
int weir_flow_decide(struct weir_act *act, const struct weir_bound *bound, struct flow *flow,
		     int or_inbound);

/* The ends of a socket. sk: as programs see one, whose fields are copied for them. */
static __always_inline void ends_of_sock(struct flow *flow, const struct bpf_sock *sk)
{
	if (sk->family == AF_INET) {
		addr_from_v4(&flow->dest, sk->dst_ip4);
		addr_from_v4(&flow->source, sk->src_ip4);
		asm volatile("" ::: "memory");	/* fields are read one by one, never by an offset */
	} else {
		addr_from_v6(&flow->dest, sk->dst_ip6[0], sk->dst_ip6[1], sk->dst_ip6[2],
			     sk->dst_ip6[3]);
		addr_from_v6(&flow->source, sk->src_ip6[0], sk->src_ip6[1], sk->src_ip6[2],
			     sk->src_ip6[3]);
	}
	flow->dport = bpf_ntohs(sk->dst_port);
	flow->sport = sk->src_port;
	flow->has_source = flow->sport;
}

/* The same, of a full socket. */
static __always_inline void flow_of_sock(struct flow *flow, const struct bpf_sock *sk)
{
	ends_of_sock(flow, sk);
	flow->protocol = sk->protocol;
}

/* The same by the address of a socket in kernel memory. */
int weir_flow_read(struct flow *flow, __u64 sk);

/* Its own end alone. */
int weir_local_read(struct flow *flow, __u64 sk);

/*
 * Records a flow. Programs that see packets have no current task, nor the
 * helpers to ask for it: who acts is given. What finds no room is counted.
 */
int weir_record_flow(struct weir_act *act, const struct flow *flow, __u32 type,
		     const struct weir_owner *actor, __u32 layer);

#endif
