// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Kinds of sockets: what a confined task may create at all. Most families and
 * types never meet the address hooks nor the packet layer, so this is an
 * allowlist. Denied calls fail with EPERM.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "sock.bpf.h"

#define AF_NETLINK 16
#define AF_PACKET 17
#define AF_XDP 44
#define SOCK_RAW 3
#define SOCK_SEQPACKET 5
#define NETLINK_ROUTE 0
#define NETLINK_SOCK_DIAG 4
#define NLMSG_HEADER 16
#define NLMSG_MIN_TYPE 16	/* below: control messages, which ask for nothing */
#define RTM_BASE 16
#define RTM_KIND 3		/* the low bits of a type: new, delete, get, set */
#define RTM_GET 2
#define SOCK_DIAG_BY_FAMILY 20
#define MESSAGES_MAX 64		/* of one send; more are refused */

/* A socket as asked for; as in struct weir_event_socket. */
struct kind {
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 message;
};

/* What opens a kind of socket: one of these flags of an instance; why it is refused without. */
struct kind_opens {
	__u32 flags;
	__u32 reason;
};

#define KIND_FREE 0xffffffff	/* as flags: every policy; it is decided at its use */

static __always_inline __u32 kind_inet(const struct kind *kind)
{
	if (kind->type == SOCK_STREAM && (!kind->protocol || kind->protocol == IPPROTO_TCP))
		return KIND_FREE;
	if (kind->type != SOCK_DGRAM)
		return WEIR_INSTANCE_NETWORK_UNRESTRICTED;
	if (!kind->protocol || kind->protocol == IPPROTO_UDP)
		return KIND_FREE;
	if (proto_of(kind->protocol) == WEIR_PROTO_ICMP)
		return WEIR_INSTANCE_NETWORK_UNRESTRICTED | WEIR_INSTANCE_ICMP;
	return WEIR_INSTANCE_NETWORK_UNRESTRICTED;
}

static __always_inline struct kind_opens kind_opens(const struct kind *kind)
{
	struct kind_opens opens = {WEIR_INSTANCE_NETWORK_UNRESTRICTED, WEIR_REASON_FAMILY};
	bool inet = kind->family == AF_INET || kind->family == AF_INET6;

	if (inet && kind->type == SOCK_RAW)
		return (struct kind_opens){WEIR_GUARD_BIT(WEIR_GUARD_RAW_SOCKETS),
					   WEIR_REASON_GUARD};
	if (kind->family == AF_PACKET || kind->family == AF_XDP)
		return (struct kind_opens){WEIR_GUARD_BIT(WEIR_GUARD_PACKET_SOCKETS),
					   WEIR_REASON_GUARD};
	if (inet)
		opens.flags = kind_inet(kind);
	else if (kind->family == AF_UNIX &&
		 (kind->type == SOCK_STREAM || kind->type == SOCK_DGRAM ||
		  kind->type == SOCK_SEQPACKET))
		opens.flags = KIND_FREE;
	else if (kind->family == AF_NETLINK && !kind->message &&
		 (kind->protocol == NETLINK_ROUTE || kind->protocol == NETLINK_SOCK_DIAG))
		opens.flags = KIND_FREE;
	return opens;
}

/* What one instance says of a kind of socket: a decide_fn. */
static __always_inline __u32 decide_kind(weir_scope_t scope, __u32 index,
					 const struct weir_instance *instance, void *action)
{
	const struct kind_opens *opens = action;

	return instance->flags & opens->flags ? DECIDE_ALLOW(WEIR_REASON_UNRESTRICTED, 0) :
						DECIDE_DENY(opens->reason, 0);
}

static __always_inline void kind_record(struct weir_act *act, const struct kind *kind)
{
	struct weir_event_socket *event = RING_RESERVE(ring_deny(act), sizeof(*event));

	if (!event) {
		act_unrecorded(act, WEIR_EVENT_SOCKET);
		return;
	}
	head_fill(&event->head, act, WEIR_EVENT_SOCKET);
	event->family = kind->family;
	event->kind = kind->type;
	event->protocol = kind->protocol;
	event->message = kind->message;
	bpf_ringbuf_submit(event, ring_wakeup(act, event->head.time_ns));
}

/* Allowed kinds are recorded by what is done with them. Returns 0 or -EPERM. */
int weir_kind_decide(const struct weir_bound *bound, __u32 family, __u32 type, __u32 protocol,
		     __u32 message)
{
	struct kind kind = {family, type, protocol, message};
	struct kind_opens opens = kind_opens(&kind);
	struct weir_act act = {0};

	if (!bound)
		return -EPERM;
	if (opens.flags == KIND_FREE && bound->scopes[0] != BOUND_UNKNOWN)
		return 0;
	scopes_decide(&act, bound, decide_kind, &opens);
	if (act_refused(&act))
		kind_record(&act, &kind);
	return DECISION_DENIES(act.decision) ? -EPERM : 0;
}

SEC("lsm/socket_create")
int BPF_PROG(weir_socket_create, int family, int type, int protocol, int kern)
{
	struct weir_bound bound = {0};

	if (kern || !scope_resolve(&bound, false))
		return 0;
	return weir_kind_decide(&bound, family, type, protocol, 0) ? -EPERM : 0;
}

/* Bound from here on, by whomever it is used. */
SEC("lsm/socket_post_create")
int BPF_PROG(weir_socket_post_create, struct socket *sock, int family, int type, int protocol,
	     int kern)
{
	struct weir_bound bound = {0};
	struct weir_sock *claimed;
	struct sock *sk;

	if (kern || (family != AF_UNIX && family != AF_INET && family != AF_INET6) ||
	    !scope_resolve(&bound, false))
		return 0;
	sk = sock->sk;
	claimed = sk ? SOCK_CLAIM(sk, &bound) : NULL;
	if (!claimed) {
		lost_count(WEIR_EVENT_SOCKET);
		return -EPERM;
	}
	claimed->flags &= ~WEIR_SOCK_BEFORE;
	return 0;
}

/* The same where there is no BPF LSM, for the families that this hook sees: 0 denies. */
SEC("cgroup/sock_create")
int weir_sock_create(struct bpf_sock *ctx)
{
	struct weir_bound bound = {0};
	struct weir_sock *made;

	if (!scope_resolve(&bound, false))
		return 1;
	if (weir_kind_decide(&bound, ctx->family, ctx->type, ctx->protocol, 0) < 0)
		return 0;
	made = SOCK_CLAIM_NEW(ctx, &bound);
	if (!made)
		lost_count(WEIR_EVENT_SOCKET);
	return !!made;
}

/* A netlink send while its messages are read. */
struct messages {
	__u64 at;		/* address of the next one */
	__u32 left;
	__u32 protocol;
	__u32 refused;		/* type of the first that asks for a change; 0: none */
	bool whole;
};

static __always_inline bool message_reads(__u32 protocol, __u32 type)
{
	if (type < NLMSG_MIN_TYPE)
		return true;
	if (protocol == NETLINK_ROUTE)
		return ((type - RTM_BASE) & RTM_KIND) == RTM_GET;
	return protocol == NETLINK_SOCK_DIAG && type == SOCK_DIAG_BY_FAMILY;
}

static long message_step(__u32 unused, struct messages *messages)
{
	struct {
		__u32 len;
		__u16 type;
		__u16 flags;
	} header;

	messages->whole = messages->left < NLMSG_HEADER;
	if (messages->whole)
		return 1;
	if (bpf_probe_read_kernel(&header, sizeof(header), (void *)messages->at))
		return 1;
	if (!message_reads(messages->protocol, header.type)) {
		messages->refused = header.type;
		return 1;
	}
	messages->whole = header.len < NLMSG_HEADER || header.len > messages->left;
	if (messages->whole)
		return 1;	/* as far as the kernel reads it */
	header.len = (header.len + 3) & ~3U;
	messages->at += header.len;
	messages->left -= header.len < messages->left ? header.len : messages->left;
	return 0;
}

/* What a confined task asks of netlink may only read. What cannot be read is refused. */
SEC("lsm/netlink_send")
int BPF_PROG(weir_netlink_send, struct sock *sk, struct sk_buff *skb)
{
	struct messages messages = {0};
	struct weir_bound bound = {0};
	__u32 protocol;

	if (!scope_resolve(&bound, false))
		return 0;
	protocol = sk->sk_protocol;
	messages.protocol = protocol;
	messages.at = (__u64)BPF_CORE_READ(skb, data);
	messages.left = BPF_CORE_READ(skb, len);
	bpf_loop(MESSAGES_MAX, message_step, &messages, 0);
	if (messages.whole && !messages.refused)
		return 0;
	return weir_kind_decide(&bound, AF_NETLINK, SOCK_RAW, protocol,
				messages.refused ? messages.refused : NLMSG_MIN_TYPE) ?
		       -EPERM :
		       0;
}
