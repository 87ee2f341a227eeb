/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a packet says of itself, at two depths: a glance in place, which does
 * for most, and a reading, for whatever a glance cannot tell.
 */
#ifndef WEIR_HEADER_BPF_H
#define WEIR_HEADER_BPF_H

#include "flow.bpf.h"

#include <linux/if_ether.h>

#define V4_HEADER 20
#define V6_HEADER 40
#define UDP_HEADER 8
#define TCP_HEADER 20
#define TCP_FLAGS 13		/* offset in it */
#define TCP_SYN 2
#define TCP_RST 4
#define V4_PLAIN 0x45		/* no options */
#define V4_FRAGMENT 0x3fff	/* more fragments, or not the first */

/* A packet as far as it matters here. */
struct packet {
	struct flow flow;	/* by its own header */
	__u32 payload;		/* bytes behind the transport header */
	bool plain;		/* nothing in it could send it elsewhere */
	bool reset;		/* TCP RST */
	bool syn;
};

static __always_inline __u16 half(const __u8 *at)
{
	return (__u16)at[0] << 8 | at[1];
}

static __always_inline __u32 word_be(const __u8 *at)
{
	return *(const __u32 *)at;
}

/*
 * The usual packet: an IP header with nothing to it, and behind it, in memory,
 * the one of protocol (TCP or UDP), which is returned. NULL: it is another
 * packet, or takes a reading to tell.
 */
static __always_inline const __u8 *packet_glance(const struct __sk_buff *skb, __u8 protocol)
{
	const __u8 *at = (const __u8 *)(long)skb->data, *end = (const __u8 *)(long)skb->data_end;
	__u32 header = protocol == IPPROTO_TCP ? TCP_HEADER : UDP_HEADER;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (at + V4_HEADER + header > end || at[0] != V4_PLAIN || at[9] != protocol ||
		    half(at + 6) & V4_FRAGMENT)
			return NULL;
		return at + V4_HEADER;
	}
	if (skb->protocol != bpf_htons(ETH_P_IPV6) || at + V6_HEADER + header > end ||
	    at[6] != protocol)
		return NULL;
	return at + V6_HEADER;
}

/* Bytes behind the headers of a UDP packet that packet_glance() has seen. */
static __always_inline __u32 udp_payload(const struct __sk_buff *skb)
{
	return skb->len - UDP_HEADER -
	       (skb->protocol == bpf_htons(ETH_P_IP) ? V4_HEADER : V6_HEADER);
}

/* A packet that cannot be read is not plain. */
int weir_packet_read(struct __sk_buff *skb, struct packet *packet);

#endif
