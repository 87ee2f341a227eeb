// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The address hooks: every connect, every addressed send, every bind, IPv4 and
 * IPv6. They describe the flow, decide it, record it. Denied calls fail with
 * EPERM. What gets around them meets the packet layer (packet.bpf.c).
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "sock.bpf.h"

#define HOOK_ALLOW 1
#define HOOK_DENY 0

/* The unspecified address decides and prints as loopback. Says whether it was one. */
static __always_inline bool addr_settle(struct weir_addr *addr)
{
	__u32 *words = (__u32 *)addr->bytes;

	if (addr_given(addr))
		return false;
	words[3] = words[2] ? bpf_htonl(0x7f000001) : bpf_htonl(1);
	return true;
}

/* The address that a call names. */
static __always_inline void named_v4(const struct bpf_sock_addr *ctx, struct weir_addr *ret)
{
	addr_from_v4(ret, ctx->user_ip4);
}

static __always_inline void named_v6(const struct bpf_sock_addr *ctx, struct weir_addr *ret)
{
	addr_from_v6(ret, ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2],
		     ctx->user_ip6[3]);
}

/*
 * What was decided must be where it goes: left to itself the kernel takes the
 * socket's own address for an unspecified one, which need not be loopback.
 */
static __always_inline void settle_v4(struct bpf_sock_addr *ctx, struct weir_addr *addr)
{
	if (addr_settle(addr))
		ctx->user_ip4 = bpf_htonl(0x7f000001);
}

static __always_inline void settle_v6(struct bpf_sock_addr *ctx, struct weir_addr *addr)
{
	if (addr_settle(addr))
		ctx->user_ip6[3] = ((__u32 *)addr->bytes)[3];
}

/* The socket cannot be kept: nothing of it is allowed. */
static __always_inline int flow_refuse(const struct flow *flow, __u8 type,
				       const struct weir_owner *actor)
{
	struct weir_act act = {.decision = DECIDE_DENY(WEIR_REASON_SCOPE, 0)};

	weir_record_flow(&act, flow, type, actor, WEIR_LAYER_CALL);
	return HOOK_DENY;
}

/*
 * flow: its addresses. IPv4 or IPv6 was told by the hook, never by the address
 * family given.
 */
static __always_inline int connect_decide(struct bpf_sock_addr *ctx, struct weir_bound *bound,
					  struct flow *flow)
{
	struct weir_sock *sock = SOCK_CLAIM(ctx->sk, bound);
	struct weir_owner actor = {0};
	struct weir_act act = {0};

	flow->dport = bpf_ntohs(ctx->user_port);
	flow->protocol = ctx->protocol;
	ACTOR_CURRENT(&actor);
	if (!sock)
		return flow_refuse(flow, WEIR_EVENT_CONNECT, &actor);
	bound_of_sock(bound, sock);
	weir_flow_decide(&act, bound, flow, false);
	flow_use(sock, &act, flow, true);
	if (act_recorded(&act, WEIR_INSTANCE_RECORD_NETWORK))
		weir_record_flow(&act, flow, WEIR_EVENT_CONNECT, &actor, WEIR_LAYER_CALL);
	if (DECISION_DENIES(act.decision))
		return HOOK_DENY;
	/* from here on it is one that connects, whatever it was before */
	sock->flags &= ~(WEIR_SOCK_BEFORE | WEIR_SOCK_LISTENS);
	sock->flags |= WEIR_SOCK_RECORDED;
	sock_kind_keep(sock, ctx->type, ctx->protocol);
	sock_goes(sock, &act, flow);
	settle(&sock->settled, &act, &flow->dest, flow->dport, settled_proto(flow));
	return HOOK_ALLOW;
}

SEC("cgroup/connect4")
int weir_connect4(struct bpf_sock_addr *ctx)
{
	struct weir_bound bound = {0};
	struct flow flow = {0};

	if (!scope_resolve(&bound, false))
		return HOOK_ALLOW;
	named_v4(ctx, &flow.dest);
	settle_v4(ctx, &flow.dest);
	return connect_decide(ctx, &bound, &flow);
}

SEC("cgroup/connect6")
int weir_connect6(struct bpf_sock_addr *ctx)
{
	struct weir_bound bound = {0};
	struct flow flow = {0};

	if (!scope_resolve(&bound, false))
		return HOOK_ALLOW;
	named_v6(ctx, &flow.dest);
	settle_v6(ctx, &flow.dest);
	return connect_decide(ctx, &bound, &flow);
}

/* A socket bound to receive may answer whom it has heard: what began the flow decides it. */
static __always_inline void answer_mark(struct bpf_sock_addr *ctx, const struct weir_sock *sock,
					struct flow *flow, __u64 epoch)
{
	struct weir_peers *heard;
	struct flow own = {0};

	if (!(sock->flags & WEIR_SOCK_LISTENS))
		return;
	heard = bpf_sk_storage_get(&weir_heard, ctx->sk, NULL, 0);
	if (!heard || weir_peer_find(heard, epoch, &flow->dest, flow->dport) == PEER_NEW)
		return;
	flow_of_sock(&own, ctx->sk);
	flow->source = own.source;
	flow->sport = own.sport;
	flow->inbound = true;
}

/* Allowed by the address that it names. */
static __always_inline int send_named(struct weir_sock *sock, __u64 epoch)
{
	if (sock->named_epoch != epoch)
		sock->named_epoch = epoch;
	return HOOK_ALLOW;
}

/*
 * Is it a destination that this socket may send to, whoever asks? So it is
 * where no task can be bound by more than the socket is.
 */
static __always_inline bool send_settled(struct bpf_sock_addr *ctx, const struct weir_addr *addr)
{
	struct weir_sock *sock = bpf_sk_storage_get(&weir_socks, ctx->sk, NULL, 0);
	struct weir_peers *sent;
	bool binds;
	__u64 epoch;

	if (!sock || !scopes_all(sock->scopes))
		return false;
	sent = bpf_sk_storage_get(&weir_sent, ctx->sk, NULL, 0);
	if (!sent)
		return false;
	epoch = scopes_epoch(sock->scopes, &binds);
	if (!peer_hinted(sent, epoch, addr, bpf_ntohs(ctx->user_port)))
		return false;
	send_named(sock, epoch);
	return true;
}

static __always_inline int send_decide(struct bpf_sock_addr *ctx, struct weir_bound *bound,
				       struct flow *flow)
{
	struct weir_sock *sock = SOCK_CLAIM(ctx->sk, bound);
	struct weir_owner actor = {0};
	struct weir_peers *sent;
	bool binds, unknown;
	__u64 epoch;
	int known;

	flow->dport = bpf_ntohs(ctx->user_port);
	flow->protocol = ctx->protocol;
	sent = bpf_sk_storage_get(&weir_sent, ctx->sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	unknown = !sock || !sent || bound->scopes[0] == BOUND_UNKNOWN;
	epoch = unknown ? 0 : scopes_epoch(sock->scopes, &binds);
	known = weir_peer_find(sent, epoch, &flow->dest, flow->dport);
	if (!unknown && peer_allowed(known))
		return send_named(sock, epoch);
	ACTOR_CURRENT(&actor);
	if (unknown)
		return flow_refuse(flow, WEIR_EVENT_SEND, &actor);
	answer_mark(ctx, sock, flow, epoch);
	return weir_send_decide(sock, sent, flow, &actor, known) ? HOOK_ALLOW : HOOK_DENY;
}

/*
 * A connected socket that sends with options comes here without an address:
 * where it goes is decided with the packet. No port can be 0 otherwise.
 */
static __always_inline bool names_nothing(const struct bpf_sock_addr *ctx)
{
	return !ctx->user_port;
}

SEC("cgroup/sendmsg4")
int weir_sendmsg4(struct bpf_sock_addr *ctx)
{
	struct weir_bound bound = {0};
	struct flow flow = {0};

	if (names_nothing(ctx))
		return HOOK_ALLOW;
	named_v4(ctx, &flow.dest);
	if (send_settled(ctx, &flow.dest) || !scope_resolve(&bound, false))
		return HOOK_ALLOW;
	settle_v4(ctx, &flow.dest);
	flow.has_source = ctx->msg_src_ip4;
	if (flow.has_source)
		addr_from_v4(&flow.source, ctx->msg_src_ip4);
	return send_decide(ctx, &bound, &flow);
}

SEC("cgroup/sendmsg6")
int weir_sendmsg6(struct bpf_sock_addr *ctx)
{
	struct weir_bound bound = {0};
	struct flow flow = {0};

	if (names_nothing(ctx))
		return HOOK_ALLOW;
	named_v6(ctx, &flow.dest);
	if (send_settled(ctx, &flow.dest) || !scope_resolve(&bound, false))
		return HOOK_ALLOW;
	settle_v6(ctx, &flow.dest);
	addr_from_v6(&flow.source, ctx->msg_src_ip6[0], ctx->msg_src_ip6[1], ctx->msg_src_ip6[2],
		     ctx->msg_src_ip6[3]);
	flow.has_source = addr_given(&flow.source);
	return send_decide(ctx, &bound, &flow);
}

/* Asks the tables as the hooks do, for tests that compare them with the policy itself. */
SEC("syscall")
int weir_decide_flow(struct weir_ask_flow *ask)
{
	struct weir_addr addr = ask->addr;

	if (ask->proto == WEIR_PROTO_LISTEN_TCP || ask->proto == WEIR_PROTO_LISTEN_UDP) {
		ask->decision = weir_listen_verdict(ask->instance, &addr, ask->proto, ask->port,
						    true);
		return 0;
	}
	addr_settle(&addr);
	ask->decision = weir_flow_verdict(ask->instance, &addr, ask->proto, ask->port);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
