/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which policies bind a socket, and what was decided of its other end. A
 * socket is bound by the scopes of every task that made or used it, and by
 * those its own cgroup lies in: neither handing it out nor handing one in gets
 * around them. What was decided holds for an epoch: until another policy
 * version is in force.
 */
#ifndef WEIR_SOCK_BPF_H
#define WEIR_SOCK_BPF_H

#include "flow.bpf.h"
#include "scope.bpf.h"

#define BARRIER() asm volatile("" ::: "memory")

/* The epoch of these scopes now. *ret_bound: does any of them still bind? */
static __always_inline __u64 scopes_epoch(const weir_scope_t scopes[WEIR_NEST_MAX],
					  bool *ret_bound)
{
	__u64 epoch = EPOCH_FIRST;

	*ret_bound = scopes[0] == BOUND_UNKNOWN;
	if (*ret_bound)
		return EPOCH_NONE;
#pragma unroll
	for (int i = 0; i < WEIR_NEST_MAX; i++) {
		struct weir_scope *scope;

		if (!scopes[i])
			break;
		scope = scope_get(scopes[i]);
		if (!scope)
			continue;
		*ret_bound = true;
		epoch = epoch_add(epoch, instance_get(*(volatile __u32 *)&scope->instance));
	}
	return epoch;
}

static __always_inline bool scopes_same(const weir_scope_t *a, const weir_scope_t *b)
{
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3];
}

/* Is it bound by the only scope there is? Then no task and no cgroup has more to add. */
static __always_inline bool scopes_all(const weir_scope_t *scopes)
{
	return weir_config.only_level && scopes[0] == weir_config.only_scope;
}

/* Adds scopes to those of a socket. No room: it may do nothing. */
int weir_sock_bind(struct weir_sock *sock, const struct weir_bound *bound);

/*
 * What binds a socket that a bound task is about to use, with the task's
 * scopes added; made when there is none yet. sk: as bpf_sk_storage_get() takes
 * it in the program at hand. NULL: no memory, which denies.
 */
#define SOCK_CLAIM(sk, bound)                                                                 \
	({                                                                                    \
		struct weir_sock *claimed_ = bpf_sk_storage_get(&weir_socks, sk, NULL, 0);    \
                                                                                              \
		if (!claimed_) {                                                              \
			claimed_ = bpf_sk_storage_get(&weir_socks, sk, NULL,                  \
						      BPF_SK_STORAGE_GET_F_CREATE);           \
			if (claimed_)                                                         \
				ACTOR_CURRENT(&claimed_->owner);                                \
		}                                                                             \
		if (claimed_ && !scopes_same(claimed_->scopes, (bound)->scopes))              \
			weir_sock_bind(claimed_, bound);                                      \
		claimed_;                                                                     \
	})

/* The same for one that is being made by a task whose scopes are known. */
#define SOCK_CLAIM_NEW(sk, bound)                                                             \
	({                                                                                    \
		struct weir_sock *made_ = bpf_sk_storage_get(&weir_socks, sk, NULL,           \
							     BPF_SK_STORAGE_GET_F_CREATE);    \
                                                                                              \
		if (made_) {                                                                  \
			ACTOR_CURRENT(&made_->owner);                                         \
			__builtin_memcpy(made_->scopes, (bound)->scopes, sizeof(made_->scopes)); \
		}                                                                             \
		made_;                                                                        \
	})

/*
 * The scopes to decide by, into bound, which has the task's: the socket's, which
 * include them, unless those are unknown.
 */
static __always_inline void bound_of_sock(struct weir_bound *bound, const struct weir_sock *sock)
{
	if (bound->scopes[0] != BOUND_UNKNOWN)
		__builtin_memcpy(bound->scopes, sock->scopes, sizeof(bound->scopes));
}

/* Is it known what was decided of this other end? proto: enum weir_proto. */
static __always_inline bool settled_is(const struct weir_settled *settled, __u64 epoch,
				       const struct weir_addr *addr, __u16 port, __u16 proto,
				       __u32 *ret_decision)
{
	__u32 version = *(volatile __u32 *)&settled->version;
	bool same;

	if (!epoch || version & 1)
		return false;
	BARRIER();
	same = settled->epoch == epoch && settled->port == port && settled->proto == proto &&
	       addr_same(&settled->addr, addr);
	*ret_decision = settled->decision;
	BARRIER();
	return same && *(volatile __u32 *)&settled->version == version;
}

/*
 * Remembers what was decided. Not a denial for want of a record, which is over
 * when there is room again. A denial by an outer scope is under an epoch that
 * lacks the inner ones, so that it is decided anew each time.
 */
static __always_inline void settle(struct weir_settled *settled, const struct weir_act *act,
				   const struct weir_addr *addr, __u16 port, __u16 proto)
{
	__u32 version = *(volatile __u32 *)&settled->version;

	if (WEIR_DECISION_REASON(act->decision) == WEIR_REASON_AUDIT_FULL || version & 1 ||
	    __sync_val_compare_and_swap(&settled->version, version, version + 1) != version)
		return;
	BARRIER();
	settled->epoch = act->epoch;
	settled->addr = *addr;
	settled->port = port;
	settled->proto = proto;
	settled->decision = act->decision;
	BARRIER();
	*(volatile __u32 *)&settled->version = version + 2;
}

/* A connection that was accepted begins as a copy of the socket that listens. */
static __always_inline void sock_child(struct weir_sock *sock)
{
	if (sock->flags & WEIR_SOCK_CHILD)
		return;
	sock->flags |= WEIR_SOCK_CHILD;
	sock->flags &= ~(WEIR_SOCK_RECORDED | WEIR_SOCK_MOVED);
	sock->began_ns = 0;
	sock->destinations = 0;
	sock->denied = 0;
}

/* It has totals to tell when it is closed. */
static __always_inline void sock_moves(struct weir_sock *sock, const struct flow *flow)
{
	sock->flags |= WEIR_SOCK_MOVED;
	sock->local_port = flow->sport;
}

/* Type and protocol never change: kept for the packet layer, which would have to ask. */
static __always_inline void sock_kind_keep(struct weir_sock *sock, __u32 type, __u32 protocol)
{
	if (sock->flags & (WEIR_SOCK_TCP | WEIR_SOCK_UDP))
		return;
	if (type == SOCK_STREAM && protocol == IPPROTO_TCP)
		sock->flags |= WEIR_SOCK_TCP;
	else if (type == SOCK_DGRAM && protocol == IPPROTO_UDP)
		sock->flags |= WEIR_SOCK_UDP;
}

/* Under what a flow is settled: what is accepted apart from what is asked for. */
static __always_inline __u16 settled_proto(const struct flow *flow)
{
	return flow->inbound ? WEIR_PROTO_LISTEN_TCP : proto_of(flow->protocol);
}

/* What the totals at its end will say of it. */
static __always_inline void sock_goes(struct weir_sock *sock, const struct weir_act *act,
				      const struct flow *flow)
{
	if (!sock->began_ns)
		sock->began_ns = act->time_ns ? act->time_ns : bpf_ktime_get_boot_ns();
	sock->serial = act->serial;
	sock->scope_id = act->scope_id;
	sock->decision = act->decision;
	sock->record_flags = act->flags;
	sock->addr = flow->dest;
	sock->port = flow->dport;
	if (flow->inbound)
		sock->flags |= WEIR_SOCK_INBOUND;
	else
		sock->flags &= ~WEIR_SOCK_INBOUND;
}

/* Records the totals of a socket at its end; tcp: its address, if it is a TCP socket. */
int weir_record_total(const struct weir_sock *sock, const struct flow *flow, __u64 tcp);

/*
 * Takes the use of the grant that allows an action (DECISION_USES), unless the socket has
 * taken one for this other end, or, addr NULL, for listening on this port of its own.
 * call: a call asks for it, which is a use of its own.
 */
int weir_sock_use(struct weir_sock *sock, struct weir_act *act, const struct weir_addr *addr,
		  __u32 port, int call);

static __always_inline void flow_use(struct weir_sock *sock, struct weir_act *act,
				     const struct flow *flow, bool call)
{
	if (!DECISION_USES(act->decision))
		return;
	weir_sock_use(sock, act, flow->inbound ? NULL : &flow->dest,
		      flow->inbound ? flow->sport : flow->dport, call);
}

/*
 * Decides a flow on behalf of the socket and records it: a refusal, and what is
 * allowed if it was not recorded before. Returns whether it may go.
 */
int weir_sock_decide(struct weir_sock *sock, const struct flow *flow);

/*
 * Is an address among a datagram socket's last? PEER_NEW: it is not. Otherwise
 * its index, with PEER_ALLOWED when it was allowed in this epoch; without, it
 * was under another policy version, which may have decided otherwise.
 */
#define PEER_NEW (-1)
#define PEER_ALLOWED 0x100
int weir_peer_find(const struct weir_peers *peers, __u64 epoch, const struct weir_addr *addr,
		   __u16 port);

static __always_inline __u64 peer_hash(const struct weir_addr *addr, __u16 port)
{
	const __u32 *words = (const __u32 *)addr->bytes;
	__u64 sum = (__u64)(words[0] ^ words[1]) << 32 | words[3];

	return (sum ^ words[2] ^ (__u64)port << 32) * 0x9e3779b97f4a7c15ULL;
}

#define PEER_HINT(hash) ((hash) >> 58)
_Static_assert(WEIR_PEERS_MAX == 1 << (64 - 58), "a hint for each");

/*
 * Was it allowed in this epoch? Told at once for most; false: it is to be asked
 * with weir_peer_find().
 */
static __always_inline bool peer_hinted(const struct weir_peers *peers, __u64 epoch,
					const struct weir_addr *addr, __u16 port)
{
	__u32 version = *(volatile __u32 *)&peers->version, hint;
	const struct weir_peer *peer;
	bool same;

	BARRIER();
	hint = peers->hints[PEER_HINT(peer_hash(addr, port))];
	if (!epoch || !hint || version & 1)
		return false;
	peer = &peers->list[(hint - 1) & (WEIR_PEERS_MAX - 1)];
	same = peer->port == port && addr_same(&peer->addr, addr) && peers->epoch == epoch &&
	       peer->round == peers->round;
	BARRIER();
	return same && *(volatile __u32 *)&peers->version == version;
}

/* It was allowed in this epoch. known: what weir_peer_find() said of it. */
int weir_peer_keep(struct weir_peers *peers, __u64 epoch, const struct weir_addr *addr,
		   __u16 port, int known);

static __always_inline bool peer_allowed(int known)
{
	return known != PEER_NEW && known & PEER_ALLOWED;
}

/*
 * Decides a datagram to an address that is not peer_allowed() among peers, the
 * last ones its socket sent to; known: what weir_peer_find() said of it.
 * flow->inbound: it may be an answer. actor: who sends; NULL: a packet does, on
 * behalf of the socket's owner. Returns whether it may; sock->named_epoch is
 * then that of the decision.
 */
int weir_send_decide(struct weir_sock *sock, struct weir_peers *peers, const struct flow *flow,
		     const struct weir_owner *actor, int known);

/* Who opens a connection to a listening socket. Refused ones get no answer. */
int weir_accept_decide(struct weir_sock *sock, struct flow *flow);

/* Was a socket that was there before bound to receive? Asked once. */
int weir_before_listens(struct weir_sock *sock, struct flow *flow);

#endif
