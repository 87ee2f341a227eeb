// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The two ends of a socket's life: connections that are accepted, and what a
 * socket has moved when it is closed.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "sock.bpf.h"

#define GOES_ON 1	/* nothing is refused here */

/*
 * A listening socket has made one for a connection that is there: recorded now,
 * refused, if it has to be, with its packets. req: the addresses, laid out as
 * in a socket; the new one has none yet.
 */
SEC("lsm/inet_csk_clone")
int BPF_PROG(weir_accepted, struct sock *sk, const struct request_sock *req)
{
	struct weir_sock *sock = bpf_sk_storage_get(&weir_socks, sk, NULL, 0);
	volatile __u64 cells[2] = {0};
	struct flow flow = {0};
	bool bound;

	if (!sock)
		return 0;
	scopes_epoch(sock->scopes, &bound);
	if (!bound)
		return 0;
	sock_child(sock);
	weir_flow_read(&flow, number_of(cells, req));
	sock_moves(sock, &flow);
	flow.protocol = IPPROTO_TCP;
	flow.inbound = true;
	weir_sock_decide(sock, &flow);
	return 0;
}

/* close() by the last who has it, also at the end of a process. */
SEC("cgroup/sock_release")
int weir_sock_release(struct bpf_sock *ctx)
{
	struct weir_sock *sock = bpf_sk_storage_get(&weir_socks, ctx, NULL, 0);
	__u64 address;
	bool tcp = ctx->protocol == IPPROTO_TCP;
	volatile __u64 cells[2] = {0};
	struct flow flow = {0};

	if (!sock || !(sock->flags & WEIR_SOCK_MOVED) ||
	    !(sock->record_flags & WEIR_INSTANCE_RECORD_NETWORK))
		return GOES_ON;
	address = number_of(cells, ctx);
	weir_local_read(&flow, address);
	flow.protocol = ctx->protocol;
	/* the one that was decided: the socket itself may have forgotten it */
	flow.dest = sock->addr;
	flow.dport = sock->port;
	flow.inbound = sock->flags & WEIR_SOCK_INBOUND;
	if (!flow.sport)
		flow.sport = sock->local_port;
	weir_record_total(sock, &flow, tcp ? address : 0);
	return GOES_ON;
}

/*
 * Decides an open connection as its next packet will be, but for which end began
 * it: of that either will do here.
 */
SEC("syscall")
int weir_decide_open(struct weir_ask_open *ask)
{
	struct weir_bound bound = {0};
	struct weir_act act = {0};
	struct flow flow = {0};

	bound.scopes[0] = ask->scope;
	flow.dest = ask->peer;
	flow.source = ask->local;
	flow.dport = ask->peer_port;
	flow.sport = ask->local_port;
	flow.protocol = IPPROTO_TCP;
	weir_flow_decide(&act, &bound, &flow, true);
	ask->decision = act.decision;
	return 0;
}
