/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The address tables of a policy, as kernel and user side share them: what is
 * decided between which addresses, by protocol and port. Part of abi.h.
 */
#ifndef WEIR_NET_H
#define WEIR_NET_H

#include "weir/paths.h"

/* What an address is asked about: going there by a protocol, or listening there. */
enum weir_proto {
	WEIR_PROTO_TCP,
	WEIR_PROTO_UDP,
	WEIR_PROTO_ICMP,
	WEIR_PROTO_OTHER,
	WEIR_PROTO_LISTEN_TCP,	/* rules of network.listen, which has no deny list */
	WEIR_PROTO_LISTEN_UDP,
	WEIR_PROTO_COUNT,
};

/* Of a table by protocol: a power of two, so that a mask keeps within it. The last is of none. */
#define WEIR_PROTO_SLOTS 8

/* An address as every decision sees it: IPv6, IPv4 as ::ffff:a.b.c.d. */
struct weir_addr {
	__u8 bytes[16];
};

/*
 * Addresses up to last, from behind those of the element before. Sorted by last, which
 * is in the order of this machine: the high half, then the low one. Behind the last
 * element is nothing that a rule speaks of.
 */
struct weir_net {
	__u64 last[2];
	__u32 portset;		/* index, or WEIR_PORTSET_NONE */
	__u32 pad;
};

#define WEIR_PORTSET_NONE (~0u)	/* no rule, whatever the port */
#define WEIR_NETS_STEP_MAX ((1u << 22) - 1)	/* of so many one is found */

/*
 * Ports of one protocol, cut into segments: [previous last + 1, last_port] is
 * decided by rule. Sorted, without gaps, the last one ends at 65535.
 */
struct weir_segment {
	__u16 last_port;
	weir_rule_t rule;
};

/* What is decided of some addresses; first/count index segments. */
struct weir_portset {
	struct {
		__u32 first;	/* count 0: the rule itself, for every port */
		__u32 count;	/* 0 or at least 2 */
	} proto[WEIR_PROTO_SLOTS];
};

_Static_assert(WEIR_PROTO_COUNT < WEIR_PROTO_SLOTS, "the last slot is of none");
_Static_assert(sizeof(struct weir_net) == 24, "layout");
_Static_assert(sizeof(struct weir_segment) == 4, "layout");
_Static_assert(sizeof(struct weir_portset) == 64, "layout");

#endif
