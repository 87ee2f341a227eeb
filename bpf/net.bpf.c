// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The address hooks: every connect and every addressed send, IPv4 and IPv6.
 * They describe the flow, decide it, record it. Denied calls fail with EPERM.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "decide.bpf.h"

#define HOOK_ALLOW 1
#define HOOK_DENY 0

#define IPPROTO_ICMP 1
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_ICMPV6 58
#define IPPROTO_MPTCP 262

static __always_inline __u32 proto_of(__u32 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
	case IPPROTO_MPTCP:
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

static __always_inline bool addr_given(const struct weir_addr *addr)
{
	const __u32 *words = (const __u32 *)addr->bytes;

	return words[0] | words[1] | words[2] | words[3];
}

/* The unspecified address decides and prints as loopback. Says whether it was one. */
static __always_inline bool addr_settle(struct weir_addr *addr)
{
	__u32 *words = (__u32 *)addr->bytes;

	if (words[0] || words[1] || words[3])
		return false;
	if (words[2] == bpf_htonl(0xffff))
		words[3] = bpf_htonl(0x7f000001);
	else if (!words[2])
		words[3] = bpf_htonl(1);
	else
		return false;
	return true;
}

/*
 * What was decided must be where it goes: left to itself the kernel takes the
 * socket's own address for an unspecified one, which need not be loopback.
 */
static __always_inline void dest_settle_v4(struct bpf_sock_addr *ctx, struct weir_addr *addr)
{
	if (addr_settle(addr))
		ctx->user_ip4 = bpf_htonl(0x7f000001);
}

static __always_inline void dest_settle_v6(struct bpf_sock_addr *ctx, struct weir_addr *addr)
{
	if (addr_settle(addr))
		ctx->user_ip6[3] = ((__u32 *)addr->bytes)[3];
}

static __always_inline void addr_from_v6(struct weir_addr *addr, __u32 a, __u32 b, __u32 c, __u32 d)
{
	__u32 *words = (__u32 *)addr->bytes;

	words[0] = a;
	words[1] = b;
	words[2] = c;
	words[3] = d;
}

static __always_inline __u32 decide_flow(__u32 index, const struct weir_instance *instance,
					 void *action)
{
	const struct flow *flow = action;

	return weir_flow_verdict(index, &flow->dest, proto_of(flow->protocol), flow->dport);
}

/* flow: its addresses. IPv4 or IPv6 was told by the hook, never by the address family given. */
static __always_inline int flow_decide(const struct bpf_sock_addr *ctx,
				       const struct weir_bound *bound, struct flow *flow, __u8 type)
{
	struct weir_act act = {0};

	flow->dport = bpf_ntohs(ctx->user_port);
	flow->protocol = ctx->protocol;
	scopes_decide(&act, bound, decide_flow, flow);
	if (act_recorded(&act, WEIR_INSTANCE_RECORD_NETWORK))
		emit_flow(&act, flow, type);
	return DECISION_DENIES(act.decision) ? HOOK_DENY : HOOK_ALLOW;
}

SEC("cgroup/connect4")
int weir_connect4(struct bpf_sock_addr *ctx)
{
	struct weir_bound bound = {0};
	struct flow flow = {0};

	if (!scope_resolve(&bound, false))
		return HOOK_ALLOW;
	addr_from_v4(&flow.dest, ctx->user_ip4);
	dest_settle_v4(ctx, &flow.dest);
	return flow_decide(ctx, &bound, &flow, WEIR_EVENT_CONNECT);
}

SEC("cgroup/connect6")
int weir_connect6(struct bpf_sock_addr *ctx)
{
	struct weir_bound bound = {0};
	struct flow flow = {0};

	if (!scope_resolve(&bound, false))
		return HOOK_ALLOW;
	addr_from_v6(&flow.dest, ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2],
		     ctx->user_ip6[3]);
	dest_settle_v6(ctx, &flow.dest);
	return flow_decide(ctx, &bound, &flow, WEIR_EVENT_CONNECT);
}

SEC("cgroup/sendmsg4")
int weir_sendmsg4(struct bpf_sock_addr *ctx)
{
	struct weir_bound bound = {0};
	struct flow flow = {0};

	if (!scope_resolve(&bound, false))
		return HOOK_ALLOW;
	addr_from_v4(&flow.dest, ctx->user_ip4);
	dest_settle_v4(ctx, &flow.dest);
	flow.has_source = ctx->msg_src_ip4;
	if (flow.has_source)
		addr_from_v4(&flow.source, ctx->msg_src_ip4);
	return flow_decide(ctx, &bound, &flow, WEIR_EVENT_SEND);
}

SEC("cgroup/sendmsg6")
int weir_sendmsg6(struct bpf_sock_addr *ctx)
{
	struct weir_bound bound = {0};
	struct flow flow = {0};

	if (!scope_resolve(&bound, false))
		return HOOK_ALLOW;
	addr_from_v6(&flow.dest, ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2],
		     ctx->user_ip6[3]);
	dest_settle_v6(ctx, &flow.dest);
	addr_from_v6(&flow.source, ctx->msg_src_ip6[0], ctx->msg_src_ip6[1], ctx->msg_src_ip6[2],
		     ctx->msg_src_ip6[3]);
	flow.has_source = addr_given(&flow.source);
	return flow_decide(ctx, &bound, &flow, WEIR_EVENT_SEND);
}

/* Asks the tables as the hooks do, for tests that compare them with the policy itself. */
SEC("syscall")
int weir_decide_flow(struct weir_ask_flow *ask)
{
	struct weir_addr addr = ask->addr;

	addr_settle(&addr);
	ask->decision = weir_flow_verdict(ask->instance, &addr, ask->proto, ask->port);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
