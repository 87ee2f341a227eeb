// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Unix sockets: who is reached, by the path or abstract name the other end is
 * bound to. What is within the scope is free. Descriptors that pass its border
 * are recorded. Denied calls fail with EPERM.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "guard.bpf.h"
#include "path.bpf.h"
#include "record.bpf.h"
#include "sock.bpf.h"

/*
 * What binds the other end: it is within those scopes. Not if it was made
 * elsewhere and only used here, for then others hold it too.
 */
static __always_inline void unix_peer_read(struct unix_action *action,
					   const struct weir_sock *peer)
{
	if (peer && !(peer->flags & WEIR_SOCK_BEFORE))
		__builtin_memcpy(action->peer, peer->scopes, sizeof(action->peer));
}

/* The name a socket is bound to. sk: its address. */
static __always_inline void unix_name_read(struct unix_action *action, __u64 sk)
{
	const struct unix_sock *other = (void *)sk;
	struct unix_address *address = BPF_CORE_READ(other, addr);
	int len = address ? BPF_CORE_READ(address, len) : 0;
	char first = 0;

	action->name = WEIR_UNIX_UNNAMED;
	if (len <= (int)sizeof(__u16))
		return;
	action->dentry = (__u64)BPF_CORE_READ(other, path.dentry);
	action->mnt = (__u64)BPF_CORE_READ(other, path.mnt);
	action->text = (__u64)address + bpf_core_field_offset(struct unix_address, name) +
		       sizeof(__u16);
	if (bpf_probe_read_kernel(&first, 1, (void *)action->text))
		return;
	if (first) {
		action->name = WEIR_UNIX_PATH;
		return;
	}
	action->name = WEIR_UNIX_ABSTRACT;
	action->text++;
	action->len = len - sizeof(__u16) - 1;
}

static __always_inline __u32 path_verdict(__u32 index, const struct unix_action *action)
{
	return weir_place_verdict(index, weir_socket_resolve(index, action->dentry, action->mnt),
				  WEIR_ACCESS_BIT(WEIR_ACCESS_READ));
}

/* The table pads names with zeros: one that ends in a zero would pass for a shorter one. */
static __always_inline __u32 abstract_verdict(__u32 index, const struct unix_action *action)
{
	char last = 0;
	__u32 node;

	if (!action->len ||
	    bpf_probe_read_kernel(&last, 1, (void *)(action->text + action->len - 1)) || !last)
		return DECIDE_DENY(WEIR_REASON_NO_RULE, 0);
	node = name_follow(index, WEIR_NODE_ABSTRACT, action->text, action->len);
	if (node == EDGE_NONE || node == EDGE_FAILED)
		return DECIDE_DENY(WEIR_REASON_NO_RULE, 0);
	return weir_node_verdict(index, node, true, WEIR_ACCESS_BIT(WEIR_ACCESS_READ));
}

/* What one instance says of reaching a unix socket: a decide_fn. */
static __always_inline __u32 decide_unix(weir_scope_t scope, __u32 index,
					 const struct weir_instance *instance, void *context)
{
	const struct unix_action *action = context;

	if (scope_among(scope, action->peer))
		return DECIDE_ALLOW(WEIR_REASON_SCOPE_PEER, 0);
	if (instance_expired(instance))
		return DECIDE_DENY(WEIR_REASON_EXPIRED, 0);
	if (instance->flags & WEIR_INSTANCE_UNIX_UNRESTRICTED)
		return DECIDE_ALLOW(WEIR_REASON_UNRESTRICTED, 0);
	switch (action->name) {
	case WEIR_UNIX_PATH:
		return path_verdict(index, action);
	case WEIR_UNIX_ABSTRACT:
		return abstract_verdict(index, action);
	default:
		return DECIDE_DENY(WEIR_REASON_NO_RULE, 0);
	}
}

/* Returns 0 or -EPERM. sock: the end that asks. */
int weir_unix_decide(const struct weir_bound *bound, struct unix_action *action,
		     struct weir_sock *sock)
{
	struct weir_act act = {0};

	if (!bound || !action)
		return -EPERM;
	scopes_decide(&act, bound, decide_unix, action);
	if (DECISION_USES(act.decision))
		weir_sock_use(sock, &act, &action->who, 0, !action->datagram);
	if (action->quiet ? act_refused(&act) : act_recorded(&act, WEIR_INSTANCE_RECORD_NETWORK))
		weir_record_unix(&act, action);
	return DECISION_DENIES(act.decision) ? -EPERM : 0;
}

/* Is the other end bound by every scope that binds this one? */
static __always_inline bool peer_inside(const struct weir_sock *own, const struct weir_sock *peer)
{
	bool inside = peer && !(peer->flags & WEIR_SOCK_BEFORE);

#pragma unroll
	for (int i = 0; i < WEIR_NEST_MAX; i++)
		inside = inside &&
			 (!own->scopes[i] || scope_among(own->scopes[i], peer->scopes));
	return inside;
}

SEC("lsm/unix_stream_connect")
int BPF_PROG(weir_unix_connect, struct sock *sk, struct sock *other, struct sock *newsk)
{
	volatile __u64 cells[2] = {0};
	struct unix_action action = {0};
	struct weir_bound bound = {0};
	struct weir_sock *own, *peer, *accepted;

	if (!scope_resolve(&bound, false))
		return 0;
	if (bpf_sk_storage_get(&weir_controls, other, NULL, 0))
		return weir_guard_control(&bound) ? -EPERM : 0;
	own = SOCK_CLAIM(sk, &bound);
	if (!own) {
		lost_count(WEIR_EVENT_UNIX);
		return -EPERM;
	}
	bound_of_sock(&bound, own);
	peer = bpf_sk_storage_get(&weir_socks, other, NULL, 0);
	unix_peer_read(&action, peer);
	unix_name_read(&action, number_of(cells, other));
	action.kind = sk->sk_type;
	own->flags &= ~WEIR_SOCK_PEER_INSIDE;
	if (peer_inside(own, peer)) {
		own->flags |= WEIR_SOCK_PEER_INSIDE;
		accepted = SOCK_CLAIM(newsk, &bound);
		if (accepted)
			accepted->flags |= WEIR_SOCK_PEER_INSIDE;
	}
	return weir_unix_decide(&bound, &action, own) ? -EPERM : 0;
}

/*
 * What tells one unix socket from another, in the form of an address: memory
 * may go to another socket, but not with the same number of its inode.
 */
static __always_inline void unix_who(struct weir_addr *ret, __u64 sk, const struct socket *sock)
{
	__u64 *words = (__u64 *)ret->bytes;

	words[0] = sk;
	words[1] = (__u64)BPF_CORE_READ(sock, file, f_inode, i_ino);
}

/* A datagram, or connecting a datagram socket: decided each time, recorded once. */
SEC("lsm/unix_may_send")
int BPF_PROG(weir_unix_send, struct socket *sock, struct socket *other)
{
	volatile __u64 cells[2] = {0};
	struct unix_action action = {0};
	struct weir_bound bound = {0};
	struct sock *sk = sock->sk, *to = other->sk;
	struct weir_sock *own, *peer;
	struct weir_peers *sent;
	int known;

	if (!scope_resolve(&bound, false))
		return 0;
	own = sk ? SOCK_CLAIM(sk, &bound) : NULL;
	sent = sk ? bpf_sk_storage_get(&weir_sent, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE) : NULL;
	if (!own || !sent || !to) {
		lost_count(WEIR_EVENT_UNIX);
		return -EPERM;
	}
	bound_of_sock(&bound, own);
	peer = bpf_sk_storage_get(&weir_socks, to, NULL, 0);
	unix_peer_read(&action, peer);
	unix_name_read(&action, number_of(cells, to));
	action.kind = sk->sk_type;
	action.descriptors = own->flags & WEIR_SOCK_PASSING && !peer_inside(own, peer);
	own->flags &= ~WEIR_SOCK_PASSING;
	unix_who(&action.who, number_of(cells, to), other);
	known = weir_peer_find(sent, EPOCH_NONE, &action.who, 0);
	action.datagram = true;
	action.quiet = known != PEER_NEW && !action.descriptors;
	if (weir_unix_decide(&bound, &action, own))
		return -EPERM;
	weir_peer_keep(sent, EPOCH_NONE, &action.who, 0, known);
	return 0;
}

SEC("lsm/socket_socketpair")
int BPF_PROG(weir_socketpair, struct socket *one, struct socket *two)
{
	struct sock *a = one->sk, *b = two->sk;
	struct weir_sock *own = a ? bpf_sk_storage_get(&weir_socks, a, NULL, 0) : NULL;
	struct weir_sock *peer = b ? bpf_sk_storage_get(&weir_socks, b, NULL, 0) : NULL;

	if (own)
		own->flags |= WEIR_SOCK_PEER_INSIDE;
	if (peer)
		peer->flags |= WEIR_SOCK_PEER_INSIDE;
	return 0;
}
