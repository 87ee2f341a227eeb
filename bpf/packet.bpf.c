// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The packet layer, outward, behind the address hooks: every packet that leaves a
 * confined socket, whoever made it and however it was told to send. Judged is
 * the other end as the workload named it, since packets come here after the
 * host's address translation; a packet that carries what could send it
 * elsewhere is dropped. What was decided is remembered for an epoch.
 *
 * There is no current task here that means anything: records speak of who made
 * the socket.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "packet.bpf.h"

/* The scopes a socket's own cgroup lies in, for one that was there before. */
struct sock_levels {
	struct __sk_buff *skb;
	struct weir_mark mark;
};

static long sock_level_step(__u32 index, struct sock_levels *levels)
{
	__u32 level = index + 1;
	weir_scope_t *handle;
	__u64 id;

	if (!(weir_config.levels >> level))
		return 1;
	if (!(weir_config.levels >> level & 1))
		return 0;
	id = bpf_skb_ancestor_cgroup_id(levels->skb, level);
	if (!id)
		return 1;
	handle = bpf_map_lookup_elem(&weir_cgroups, &id);
	if (handle && *handle == WEIR_SCOPE_UNKNOWN)
		levels->mark.flags |= WEIR_MARK_OVERFLOW;
	else if (handle)
		weir_mark_add(&levels->mark, *handle);
	return 0;
}

int weir_packet_scopes(struct __sk_buff *skb, struct weir_bound *ret)
{
	struct sock_levels levels = {.skb = skb};

	if (!ret)
		return 0;
	bpf_loop(WEIR_CGROUP_DEPTH_MAX, sock_level_step, &levels, 0);
	__builtin_memcpy(ret->scopes, levels.mark.scopes, sizeof(ret->scopes));
	if (levels.mark.flags & WEIR_MARK_OVERFLOW) {
		ret->scopes[0] = BOUND_UNKNOWN;
		ret->scopes[1] = levels.mark.scopes[0];
	}
	return 0;
}

/* A packet that may go elsewhere than it was decided for: a decide_fn. */
static __always_inline __u32 decide_unplain(weir_scope_t scope, __u32 index,
					    const struct weir_instance *instance, void *action)
{
	if (instance->flags & WEIR_INSTANCE_NETWORK_UNRESTRICTED)
		return DECIDE_ALLOW(WEIR_REASON_UNRESTRICTED, 0);
	return DECIDE_DENY(WEIR_REASON_PACKET, 0);
}

/* Returns whether it may go all the same, because nothing is enforced. */
int weir_unplain(struct weir_sock *sock, const struct flow *flow)
{
	struct weir_bound bound = {0};
	struct weir_act act = {0};

	if (!sock || !flow)
		return false;
	__builtin_memcpy(bound.scopes, sock->scopes, sizeof(bound.scopes));
	scopes_decide(&act, &bound, decide_unplain, NULL);
	if (act_refused(&act))
		weir_record_flow(&act, flow, WEIR_EVENT_SEND, &sock->owner, WEIR_LAYER_PACKET);
	return !DECISION_DENIES(act.decision);
}

/* By the other end of the socket, as it was settled or is now. */
static __always_inline bool peer_passes(struct weir_sock *sock, const struct flow *flow,
					__u64 epoch)
{
	__u32 decision;

	if (!settled_is(&sock->settled, epoch, &flow->dest, flow->dport, settled_proto(flow),
			&decision))
		return weir_sock_decide(sock, flow);
	if (DECISION_DENIES(decision))
		__sync_fetch_and_add(&sock->denied, 1);
	return !DECISION_DENIES(decision);
}

/* A reset without data passes: the other end is to learn that it is over. */
static __always_inline int tcp_judge(struct __sk_buff *skb, struct bpf_sock *sk,
				     struct weir_sock *sock, const struct packet *packet,
				     __u64 epoch)
{
	struct flow flow = {0};

	if (sk->state == BPF_TCP_LISTEN && packet->syn)
		return PASS;	/* answers what weir_ingress let in */
	flow_of_sock(&flow, sk);
	flow.inbound = sock->flags & WEIR_SOCK_LISTENS;
	if (flow.inbound)
		sock_child(sock);
	if (sk->state != BPF_TCP_SYN_SENT && !(sock->flags & WEIR_SOCK_MOVED))
		sock_moves(sock, &flow);
	if (peer_passes(sock, &flow, epoch))
		return PASS;
	return packet->reset && !packet->payload ? PASS : DROP;
}

/* By the address that the packet itself goes to. No memory: dropped. */
static __always_inline bool dest_passes(struct bpf_sock *sk, struct weir_sock *sock,
					const struct flow *flow, __u64 epoch)
{
	struct weir_peers *peers = bpf_sk_storage_get(&weir_sent, sk, NULL,
						      BPF_SK_STORAGE_GET_F_CREATE);
	int known;

	if (!peers) {
		lost_count(WEIR_EVENT_SEND);
		return false;
	}
	known = weir_peer_find(peers, epoch, &flow->dest, flow->dport);
	if (peer_allowed(known))
		return true;
	return weir_send_decide(sock, peers, flow, NULL, known);
}

/*
 * A connected socket is judged by its other end. One that named an address was
 * judged by that at the call, before the host translated it; where another
 * policy version has come since, or that call was not seen, the packet's own
 * counts.
 */
static __always_inline int udp_judge(struct bpf_sock *sk, struct weir_sock *sock,
				     const struct packet *packet, __u64 epoch)
{
	bool named = epoch && sock->named_epoch == epoch, passes;
	struct flow flow = {0};

	flow_of_sock(&flow, sk);
	if (!addr_given(&flow.dest))
		passes = named || dest_passes(sk, sock, &packet->flow, epoch);
	else if (!named || addr_same(&flow.dest, &packet->flow.dest))
		passes = peer_passes(sock, &flow, epoch);
	else
		passes = dest_passes(sk, sock, &packet->flow, epoch);
	if (!passes)
		return DROP;
	__sync_fetch_and_add(&sock->bytes_sent, packet->payload);
	sock->flags |= WEIR_SOCK_MOVED;
	return PASS;
}

/* Echo requests, and raw sockets where they are allowed: no call told where they go. */
static __always_inline int other_judge(struct bpf_sock *sk, struct weir_sock *sock,
				       const struct packet *packet, __u64 epoch)
{
	struct flow flow = {0};

	flow_of_sock(&flow, sk);
	if (sk->type == SOCK_DGRAM && addr_same(&flow.dest, &packet->flow.dest))
		return peer_passes(sock, &flow, epoch) ? PASS : DROP;
	return dest_passes(sk, sock, &packet->flow, epoch) ? PASS : DROP;
}

/* Is it settled that it may go there? */
static __always_inline bool flow_settled(const struct weir_sock *sock, const struct flow *flow,
					 __u64 epoch)
{
	__u32 decision;

	return settled_is(&sock->settled, epoch, &flow->dest, flow->dport, settled_proto(flow),
			  &decision) &&
	       !DECISION_DENIES(decision);
}

/* At a glance, what tcp_judge() comes to for most packets. False: it is to be asked. */
static __always_inline bool tcp_settled(struct __sk_buff *skb, const struct bpf_sock *sk,
					struct weir_sock *sock, __u64 epoch)
{
	struct flow flow = {.protocol = IPPROTO_TCP};
	const __u8 *header = packet_glance(skb, IPPROTO_TCP);

	if (!header || sk->state == BPF_TCP_LISTEN)
		return header && header[TCP_FLAGS] & TCP_SYN;
	ends_of_sock(&flow, sk);
	flow.inbound = sock->flags & WEIR_SOCK_LISTENS;
	if (flow.inbound && !(sock->flags & WEIR_SOCK_CHILD))
		return false;
	if (!flow_settled(sock, &flow, epoch))
		return false;
	if (sk->state != BPF_TCP_SYN_SENT && !(sock->flags & WEIR_SOCK_MOVED))
		sock_moves(sock, &flow);
	return true;
}

/* The same for udp_judge(). */
static __always_inline bool udp_settled(struct __sk_buff *skb, const struct bpf_sock *sk,
					struct weir_sock *sock, __u64 epoch)
{
	bool named = epoch && sock->named_epoch == epoch;
	const __u8 *header = packet_glance(skb, IPPROTO_UDP);
	struct flow flow = {.protocol = IPPROTO_UDP};

	if (!header)
		return false;
	ends_of_sock(&flow, sk);
	if (addr_given(&flow.dest) ? named || !flow_settled(sock, &flow, epoch) : !named)
		return false;
	__sync_fetch_and_add(&sock->bytes_sent, udp_payload(skb));
	if (!(sock->flags & WEIR_SOCK_MOVED))
		sock->flags |= WEIR_SOCK_MOVED;
	return true;
}

static __always_inline bool packet_settled(struct __sk_buff *skb, const struct bpf_sock *sk,
					   struct weir_sock *sock)
{
	bool bound;
	__u64 epoch;

	if (!scopes_current(sock))
		return false;
	epoch = scopes_epoch(sock->scopes, &bound);
	if (!bound)
		return false;
	if (sock->flags & WEIR_SOCK_TCP)
		return tcp_settled(skb, sk, sock, epoch);
	return sock->flags & WEIR_SOCK_UDP && udp_settled(skb, sk, sock, epoch);
}

SEC("cgroup_skb/egress")
int weir_egress(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct inspection seen = {0};
	struct weir_sock *sock;
	int done;

	if (!sk)
		return PASS;
	sock = bpf_sk_storage_get(&weir_socks, sk, NULL, 0);
	if (sock ? packet_settled(skb, sk, sock) : sock_outside(skb))
		return PASS;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return PASS;
	if (!inspection_begin(skb, sk, sock, &seen, &done))
		return done;
	if (!seen.packet.plain && !weir_unplain(seen.sock, &seen.packet.flow))
		return DROP;
	if (sk->type == SOCK_STREAM && sk->protocol == IPPROTO_TCP)
		return tcp_judge(skb, sk, seen.sock, &seen.packet, seen.epoch);
	if (sk->type == SOCK_DGRAM && sk->protocol == IPPROTO_UDP)
		return udp_judge(sk, seen.sock, &seen.packet, seen.epoch);
	return other_judge(sk, seen.sock, &seen.packet, seen.epoch);
}
