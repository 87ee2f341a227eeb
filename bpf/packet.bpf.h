/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the two directions of the packet layer share: which policies bind the
 * socket of a packet, and what is settled of it. Calls other than one or two
 * cost more than all the rest, so that the usual packet is told without.
 */
#ifndef WEIR_PACKET_BPF_H
#define WEIR_PACKET_BPF_H

#include "header.bpf.h"
#include "sock.bpf.h"

#define PASS 1
#define DROP 0

/* A socket that nothing has marked yet, of a cgroup that no policy binds. */
static __always_inline bool sock_outside(struct __sk_buff *skb)
{
	if (weir_config.only_level)
		return bpf_skb_ancestor_cgroup_id(skb, weir_config.only_level) !=
		       weir_config.only_cgroup;
	return !weir_config.levels;
}

/* The scopes that the cgroup of a packet's socket lies in. */
int weir_packet_scopes(struct __sk_buff *skb, struct weir_bound *ret);

/* Too many scopes: it may do nothing. */
static __always_inline void sock_add(struct weir_sock *sock, const struct weir_bound *bound)
{
	if (bound->scopes[0] == BOUND_UNKNOWN)
		sock->scopes[0] = BOUND_UNKNOWN;
	else if (bound->scopes[0])
		weir_sock_bind(sock, bound);
}

/* Is it bound by all the scopes its cgroup lies in? */
static __always_inline bool scopes_current(const struct weir_sock *sock)
{
	return sock->generation == weir_config.generation || scopes_all(sock->scopes);
}

/*
 * What binds the socket of a packet, its cgroup's scopes as they are now
 * included. sock: what is kept for it, if anything. NULL: *ret_done says what
 * becomes of the packet.
 */
static __always_inline struct weir_sock *sock_of_packet(struct __sk_buff *skb, struct bpf_sock *sk,
							struct weir_sock *sock, int *ret_done)
{
	__u32 generation = weir_config.generation;
	struct weir_bound bound = {0};

	*ret_done = PASS;
	if (sock && scopes_current(sock))
		return sock;
	if (!sock_outside(skb))
		weir_packet_scopes(skb, &bound);
	if (sock) {
		sock_add(sock, &bound);
		sock->generation = generation;
	}
	if (sock || !bound.scopes[0])
		return sock;
	sock = bpf_sk_storage_get(&weir_socks, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!sock) {
		lost_count(WEIR_EVENT_CONNECT);
		*ret_done = DROP;
		return NULL;
	}
	sock->flags = WEIR_SOCK_BEFORE;
	sock->generation = generation;
	__builtin_memcpy(sock->scopes, bound.scopes, sizeof(sock->scopes));
	return sock;
}

/* A packet that takes a close look, and the policies that bind its socket. */
struct inspection {
	struct weir_sock *sock;
	struct packet packet;
	__u64 epoch;
};

/*
 * Begins one: sock as for sock_of_packet(), *ret zeroed. False: it is needless,
 * *ret_done says what becomes of the packet.
 */
static __always_inline bool inspection_begin(struct __sk_buff *skb, struct bpf_sock *sk,
					     struct weir_sock *sock, struct inspection *ret,
					     int *ret_done)
{
	bool bound;

	ret->sock = sock_of_packet(skb, sk, sock, ret_done);
	if (!ret->sock)
		return false;
	ret->epoch = scopes_epoch(ret->sock->scopes, &bound);
	if (!bound)
		return false;
	sock_kind_keep(ret->sock, sk->type, sk->protocol);
	weir_packet_read(skb, &ret->packet);
	return true;
}

#endif
