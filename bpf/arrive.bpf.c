// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The packet layer, inward: who opens a connection to a confined socket that
 * listens, and who sends to one that may receive, and may be answered then.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "packet.bpf.h"

/* The packet's own flow, seen from the socket: from the other end to here. */
static __always_inline void flow_turn(struct flow *flow)
{
	struct weir_addr addr = flow->dest;
	__u16 port = flow->dport;

	flow->dest = flow->source;
	flow->dport = flow->sport;
	flow->source = addr;
	flow->sport = port;
	flow->inbound = true;
}

static __always_inline int tcp_arrives(struct weir_sock *sock, struct packet *packet,
				       __u64 epoch)
{
	__u32 decision;

	if (!packet->syn)
		return PASS;
	sock->flags |= WEIR_SOCK_LISTENS;	/* also if it was there before */
	if (!settled_is(&sock->settled, epoch, &packet->flow.dest, packet->flow.dport,
			settled_proto(&packet->flow), &decision))
		return weir_accept_decide(sock, &packet->flow) ? PASS : DROP;
	return DECISION_DENIES(decision) ? DROP : PASS;
}

/*
 * Who sends to a socket that may receive will be answered, unless a rule
 * denies it. No memory: it is not.
 */
static __always_inline int udp_arrives(struct bpf_sock *sk, struct weir_sock *sock,
				       struct packet *packet, __u64 epoch)
{
	struct weir_peers *peers;
	int known;

	__sync_fetch_and_add(&sock->bytes_received, packet->payload);
	sock->flags |= WEIR_SOCK_MOVED;
	if (sock->flags & WEIR_SOCK_BEFORE)
		weir_before_listens(sock, &packet->flow);
	if (!(sock->flags & WEIR_SOCK_LISTENS))
		return PASS;
	if (!addr_given(&sock->addr)) {
		sock->addr = packet->flow.dest;
		sock->port = packet->flow.dport;
	}
	peers = bpf_sk_storage_get(&weir_heard, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!peers)
		return PASS;
	known = weir_peer_find(peers, epoch, &packet->flow.dest, packet->flow.dport);
	if (!peer_allowed(known))
		weir_peer_keep(peers, epoch, &packet->flow.dest, packet->flow.dport, known);
	return PASS;
}

/* At a glance, what udp_arrives() comes to where nothing is to be answered. */
static __always_inline bool udp_arrived(struct __sk_buff *skb, struct weir_sock *sock)
{
	bool bound;

	if (!packet_glance(skb, IPPROTO_UDP) || !scopes_current(sock) ||
	    (sock->flags & (WEIR_SOCK_UDP | WEIR_SOCK_BEFORE | WEIR_SOCK_LISTENS)) !=
		    WEIR_SOCK_UDP)
		return false;
	scopes_epoch(sock->scopes, &bound);
	if (!bound)
		return true;
	__sync_fetch_and_add(&sock->bytes_received, udp_payload(skb));
	if (!(sock->flags & WEIR_SOCK_MOVED))
		sock->flags |= WEIR_SOCK_MOVED;
	return true;
}

SEC("cgroup_skb/ingress")
int weir_ingress(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct inspection seen = {0};
	struct weir_sock *sock;
	const __u8 *header;
	bool tcp;
	int done;

	if (!sk)
		return PASS;
	/* what a connection receives was decided when it was asked for */
	header = packet_glance(skb, IPPROTO_TCP);
	if (header && (sk->state != BPF_TCP_LISTEN || !(header[TCP_FLAGS] & TCP_SYN)))
		return PASS;
	sock = bpf_sk_storage_get(&weir_socks, sk, NULL, 0);
	if (sock ? udp_arrived(skb, sock) : sock_outside(skb))
		return PASS;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return PASS;
	tcp = sk->protocol == IPPROTO_TCP;
	if (tcp ? sk->state != BPF_TCP_LISTEN : sk->protocol != IPPROTO_UDP)
		return PASS;
	if (!inspection_begin(skb, sk, sock, &seen, &done))
		return done;
	flow_turn(&seen.packet.flow);
	return tcp ? tcp_arrives(seen.sock, &seen.packet, seen.epoch) :
		     udp_arrives(sk, seen.sock, &seen.packet, seen.epoch);
}
