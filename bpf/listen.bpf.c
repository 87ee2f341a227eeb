// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Listening: binding to a port, and taking connections on one. Who connects
 * then is decided packet by packet (packet.bpf.c). Denied calls fail with
 * EPERM. Binding to port 0 listens to nobody yet.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "sock.bpf.h"

#define HOOK_ALLOW 1
#define HOOK_DENY 0

/* An address of this machine, as dest of a flow. */
struct listening {
	struct flow flow;
	bool only_v6;
	bool bound;		/* but nobody can connect yet */
};

/* What one instance says of listening there: a decide_fn. */
static __always_inline __u32 decide_listen(weir_scope_t scope, __u32 index,
					   const struct weir_instance *instance, void *context)
{
	const struct listening *listening = context;

	return weir_listen_verdict(index, &listening->flow.dest,
				   listening->flow.protocol == IPPROTO_UDP ?
					   WEIR_PROTO_LISTEN_UDP :
					   WEIR_PROTO_LISTEN_TCP,
				   listening->flow.dport, listening->only_v6);
}

/* Returns whether it may. sock NULL: it cannot be kept, so it may not. */
int weir_listen_decide(struct weir_sock *sock, const struct weir_bound *bound,
		       const struct listening *listening)
{
	struct weir_owner actor = {0};
	struct weir_act act = {0};

	if (!sock || !bound || !listening)
		return false;
	ACTOR_CURRENT(&actor);
	scopes_decide(&act, bound, decide_listen, (void *)listening);
	if (!listening->bound && DECISION_USES(act.decision))
		weir_sock_use(sock, &act, NULL, listening->flow.dport, true);
	if (listening->bound ? act_refused(&act) :
			       act_recorded(&act, WEIR_INSTANCE_RECORD_NETWORK))
		weir_record_flow(&act, &listening->flow, WEIR_EVENT_LISTEN, &actor,
				 WEIR_LAYER_CALL);
	if (DECISION_DENIES(act.decision))
		return false;
	sock->flags &= ~WEIR_SOCK_BEFORE;
	if (listening->bound)
		return true;
	sock->flags |= WEIR_SOCK_LISTENS;
	if (listening->flow.protocol == IPPROTO_UDP) {
		struct flow none = {.inbound = true};

		sock_goes(sock, &act, &none);
	}
	return true;
}

static __always_inline bool sock_only_v6(__u64 address)
{
	const struct sock *sk = (void *)address;

	return BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_ipv6only);
}

/* TCP takes nothing before listen(2), which is decided again. */
static __always_inline int bind_decide(struct bpf_sock_addr *ctx, struct weir_bound *bound,
				       struct listening *listening)
{
	volatile __u64 cells[2] = {0};
	struct weir_sock *sock = SOCK_CLAIM(ctx->sk, bound);

	listening->flow.protocol = ctx->protocol;
	if (!sock) {
		lost_count(WEIR_EVENT_LISTEN);
		return HOOK_DENY;
	}
	if (!listening->flow.dport ||
	    (ctx->protocol != IPPROTO_TCP && ctx->protocol != IPPROTO_UDP))
		return HOOK_ALLOW;
	bound_of_sock(bound, sock);
	listening->only_v6 = sock_only_v6(number_of(cells, ctx->sk));
	listening->bound = ctx->protocol == IPPROTO_TCP;
	return weir_listen_decide(sock, bound, listening) ? HOOK_ALLOW : HOOK_DENY;
}

SEC("cgroup/bind4")
int weir_bind4(struct bpf_sock_addr *ctx)
{
	struct listening listening = {0};
	struct weir_bound bound = {0};

	if (!scope_resolve(&bound, false))
		return HOOK_ALLOW;
	addr_from_v4(&listening.flow.dest, ctx->user_ip4);
	listening.flow.dport = bpf_ntohs(ctx->user_port);
	return bind_decide(ctx, &bound, &listening);
}

SEC("cgroup/bind6")
int weir_bind6(struct bpf_sock_addr *ctx)
{
	struct listening listening = {0};
	struct weir_bound bound = {0};

	if (!scope_resolve(&bound, false))
		return HOOK_ALLOW;
	addr_from_v6(&listening.flow.dest, ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2],
		     ctx->user_ip6[3]);
	listening.flow.dport = bpf_ntohs(ctx->user_port);
	return bind_decide(ctx, &bound, &listening);
}

/*
 * The one place every listening TCP socket passes, bound or not: one without a
 * port gets any, for which only a rule for every port will do.
 */
SEC("lsm/socket_listen")
int BPF_PROG(weir_socket_listen, struct socket *sock, int backlog)
{
	volatile __u64 cells[2] = {0};
	struct listening listening = {0};
	struct weir_bound bound = {0};
	struct weir_sock *claimed;
	struct flow own = {0};
	struct sock *sk;
	__u16 family;

	if (!scope_resolve(&bound, false))
		return 0;
	sk = sock->sk;
	if (!sk)
		return 0;
	family = sk->__sk_common.skc_family;
	if (family != AF_INET && family != AF_INET6)
		return 0;
	claimed = SOCK_CLAIM(sk, &bound);
	if (!claimed) {
		lost_count(WEIR_EVENT_LISTEN);
		return -EPERM;
	}
	bound_of_sock(&bound, claimed);
	weir_flow_read(&own, number_of(cells, sk));
	listening.flow.dest = own.source;
	listening.flow.dport = own.sport;
	listening.flow.protocol = own.protocol;
	listening.only_v6 = sock_only_v6(number_of(cells, sk));
	return weir_listen_decide(claimed, &bound, &listening) ? 0 : -EPERM;
}
