// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Sockets and their other ends, kept and found again; see sock.bpf.h. */
#include "sock.bpf.h"

int weir_sock_bind(struct weir_sock *sock, const struct weir_bound *bound)
{
	if (!sock || !bound || bound->scopes[0] == BOUND_UNKNOWN ||
	    sock->scopes[0] == BOUND_UNKNOWN)
		return 0;
	for (int i = 0; i < WEIR_NEST_MAX; i++) {
		weir_scope_t scope = bound->scopes[i];
		bool placed = !scope;

		for (int j = 0; j < WEIR_NEST_MAX && !placed; j++) {
			if (sock->scopes[j] != scope && scope_get(sock->scopes[j]))
				continue;
			sock->scopes[j] = scope;
			placed = true;
		}
		if (!placed)
			sock->scopes[0] = BOUND_UNKNOWN;
	}
	return 0;
}

#define BYTES_LOW 0x0101010101010101ULL
#define BYTES_HIGH 0x8080808080808080ULL

/* A byte that differs between most addresses, and is never 0. */
static __always_inline __u64 tag_of(const struct weir_addr *addr, __u16 port)
{
	__u64 tag = peer_hash(addr, port) >> 56;

	return tag ? tag : 1;
}

/* May one of these eight be it? Never says no to one that is. */
static __always_inline bool tags_have(__u64 tags, __u64 tag)
{
	tags ^= tag * BYTES_LOW;
	return (tags - BYTES_LOW) & ~tags & BYTES_HIGH;
}

/* Returns its index, or PEER_NEW. */
static __always_inline int peer_index(const struct weir_peers *peers, const struct weir_addr *addr,
				      __u16 port)
{
	__u64 tag = tag_of(addr, port);

	for (__u32 eight = 0; eight < WEIR_PEERS_MAX / 8; eight++) {
		if (!tags_have(peers->tags[eight], tag))
			continue;
		for (__u32 i = 0; i < 8; i++) {
			const struct weir_peer *peer = &peers->list[eight * 8 + i];

			if (peer->port == port && addr_same(&peer->addr, addr))
				return eight * 8 + i;
		}
	}
	return PEER_NEW;
}

int weir_peer_find(const struct weir_peers *peers, __u64 epoch, const struct weir_addr *addr,
		   __u16 port)
{
	__u32 version;
	int index;

	if (!peers || !addr)
		return PEER_NEW;
	version = *(volatile __u32 *)&peers->version;
	BARRIER();
	index = peer_index(peers, addr, port);
	if (index == PEER_NEW)
		return PEER_NEW;
	if (epoch && peers->epoch == epoch &&
	    peers->list[index & (WEIR_PEERS_MAX - 1)].round == peers->round)
		index |= PEER_ALLOWED;
	BARRIER();
	if (version & 1 || *(volatile __u32 *)&peers->version != version)
		return PEER_NEW;
	return index;
}

static __always_inline __u32 peer_add(struct weir_peers *peers, const struct weir_addr *addr,
				      __u16 port)
{
	__u32 at = (peers->last + 1) & (WEIR_PEERS_MAX - 1);
	__u64 *tags = &peers->tags[at / 8 & (WEIR_PEERS_MAX / 8 - 1)];
	__u32 shift = at % 8 * 8;

	peers->last = at;
	peers->list[at].addr = *addr;
	peers->list[at].port = port;
	peers->hints[PEER_HINT(peer_hash(addr, port))] = at + 1;
	*tags = (*tags & ~(0xffULL << shift)) | tag_of(addr, port) << shift;
	return at;
}

int weir_peer_keep(struct weir_peers *peers, __u64 epoch, const struct weir_addr *addr, __u16 port,
		   int known)
{
	__u32 version, at;

	if (!peers || !addr)
		return 0;
	version = *(volatile __u32 *)&peers->version;
	if (version & 1 ||
	    __sync_val_compare_and_swap(&peers->version, version, version + 1) != version)
		return 0;
	BARRIER();
	if (peers->epoch != epoch || !peers->round) {
		peers->epoch = epoch;
		peers->round++;
	}
	at = known & (WEIR_PEERS_MAX - 1);
	/* meanwhile another may have taken its place */
	if (known == PEER_NEW || peers->list[at].port != port ||
	    !addr_same(&peers->list[at].addr, addr))
		at = peer_add(peers, addr, port);
	peers->list[at].round = peers->round;
	BARRIER();
	*(volatile __u32 *)&peers->version = version + 2;
	return 0;
}

/* What of a flow is paid for: all whom a socket that listens lets in came by that one use. */
static __always_inline bool use_covers(const struct weir_sock *sock, const struct weir_addr *addr,
				       __u16 port)
{
	return sock->use_port == port && (addr ? addr_same(&sock->use_addr, addr) :
						 !addr_given(&sock->use_addr));
}

/*
 * By another grant than at first, if the policy was loaded anew meanwhile: what goes
 * on was paid for all the same, as long as the one that was used lasts.
 */
static __always_inline bool use_lasts(const struct weir_sock *sock)
{
	struct weir_grant *grant = grant_get(sock->use_slot);

	return sock->use_stamp && !grant_ended(grant) && grant->expires_ns == sock->use_stamp;
}

int weir_sock_use(struct weir_sock *sock, struct weir_act *act, const struct weir_addr *addr,
		  __u32 port, int call)
{
	__u64 stamp;

	if (!sock || !act)
		return 0;
	if (!call && use_covers(sock, addr, port) && use_lasts(sock)) {
		act->decision &= ~((__u32)USE_AUDIT << 16);
		return 0;
	}
	stamp = weir_use_take(act);
	if (!stamp)
		return 0;
	sock->use_stamp = 0;
	sock->use_slot = WEIR_GRANT_SLOT(WEIR_DECISION_RULE(act->decision));
	sock->use_port = port;
	if (addr)
		sock->use_addr = *addr;
	else
		__builtin_memset(&sock->use_addr, 0, sizeof(sock->use_addr));
	sock->use_stamp = stamp;
	return 0;
}

static __always_inline __u32 flow_event(const struct flow *flow)
{
	if (flow->protocol != IPPROTO_TCP)
		return WEIR_EVENT_SEND;
	return flow->inbound ? WEIR_EVENT_ACCEPT : WEIR_EVENT_CONNECT;
}

/* A send that names the end a socket is connected to was recorded as that (IPv4 over IPv6). */
static __always_inline bool sock_recorded(const struct weir_sock *sock, const struct flow *flow)
{
	return sock->flags & WEIR_SOCK_RECORDED ||
	       (sock->port == flow->dport && addr_same(&sock->addr, &flow->dest));
}

int weir_sock_decide(struct weir_sock *sock, const struct flow *flow_given)
{
	struct weir_bound bound = {0};
	struct weir_act act = {0};
	struct flow flow;

	if (!sock || !flow_given)
		return false;
	flow = *flow_given;
	__builtin_memcpy(bound.scopes, sock->scopes, sizeof(bound.scopes));
	weir_flow_decide(&act, &bound, &flow, sock->flags & WEIR_SOCK_BEFORE);
	flow_use(sock, &act, &flow, false);
	if (act_refused(&act) ||
	    (!sock_recorded(sock, &flow) && act_recorded(&act, WEIR_INSTANCE_RECORD_NETWORK)))
		weir_record_flow(&act, &flow, flow_event(&flow), &sock->owner, WEIR_LAYER_PACKET);
	settle(&sock->settled, &act, &flow_given->dest, flow_given->dport,
	       settled_proto(flow_given));
	if (DECISION_DENIES(act.decision))
		return false;
	sock->flags |= WEIR_SOCK_RECORDED;
	sock_goes(sock, &act, &flow);
	return true;
}

int weir_send_decide(struct weir_sock *sock, struct weir_peers *peers,
		     const struct flow *flow_given, const struct weir_owner *actor, int known)
{
	struct weir_bound bound = {0};
	struct weir_act act = {0};
	struct flow flow;

	if (!sock || !peers || !flow_given)
		return false;
	flow = *flow_given;
	flow.inbound = false;
	__builtin_memcpy(bound.scopes, sock->scopes, sizeof(bound.scopes));
	weir_flow_decide(&act, &bound, &flow, flow_given->inbound);
	flow_use(sock, &act, &flow, false);
	if (act_refused(&act) ||
	    (known == PEER_NEW && act_recorded(&act, WEIR_INSTANCE_RECORD_NETWORK)))
		weir_record_flow(&act, &flow, WEIR_EVENT_SEND, actor ? actor : &sock->owner,
				 actor ? WEIR_LAYER_CALL : WEIR_LAYER_PACKET);
	if (DECISION_DENIES(act.decision))
		return false;
	if (known == PEER_NEW)
		sock->destinations++;
	weir_peer_keep(peers, act.epoch, &flow.dest, flow.dport, known);
	sock->named_epoch = act.epoch;
	sock_goes(sock, &act, &flow);
	return true;
}

int weir_accept_decide(struct weir_sock *sock, struct flow *flow)
{
	struct weir_bound bound = {0};
	struct weir_act act = {0};

	if (!sock || !flow)
		return false;
	__builtin_memcpy(bound.scopes, sock->scopes, sizeof(bound.scopes));
	weir_flow_decide(&act, &bound, flow, false);
	flow_use(sock, &act, flow, false);
	if (act_refused(&act) && DECISION_DENIES(act.decision))
		weir_record_flow(&act, flow, WEIR_EVENT_ACCEPT, &sock->owner, WEIR_LAYER_PACKET);
	settle(&sock->settled, &act, &flow->dest, flow->dport, settled_proto(flow));
	return !DECISION_DENIES(act.decision);
}

int weir_before_listens(struct weir_sock *sock, struct flow *flow)
{
	struct weir_bound bound = {0};
	struct weir_act act = {0};

	if (!sock || !flow)
		return 0;
	sock->flags &= ~WEIR_SOCK_BEFORE;
	__builtin_memcpy(bound.scopes, sock->scopes, sizeof(bound.scopes));
	weir_flow_decide(&act, &bound, flow, false);
	flow_use(sock, &act, flow, false);
	if (!DECISION_DENIES(act.decision)) {
		sock->flags |= WEIR_SOCK_LISTENS;
		sock_goes(sock, &act, flow);
	}
	return 0;
}
