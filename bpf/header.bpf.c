// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reading the headers of a packet; see header.bpf.h. */
#include "header.bpf.h"

#define IPPROTO_HOPOPTS 0
#define JUMBO_HEADER 8		/* IPv6 hop-by-hop options: the jumbo payload alone (RFC 2675) */
#define JUMBO_OPTION 0xc2

/* Ports and lengths. What is cut short is not plain. */
static __always_inline void transport_read(struct __sk_buff *skb, struct packet *packet,
					   __u32 offset)
{
	__u8 protocol = packet->flow.protocol, bytes[TCP_HEADER] = {0};
	__u32 header = protocol == IPPROTO_TCP ? TCP_HEADER : UDP_HEADER;

	packet->payload = skb->len > offset + header ? skb->len - offset - header : 0;
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return;
	if (protocol == IPPROTO_TCP ? bpf_skb_load_bytes(skb, offset, bytes, TCP_HEADER) :
				      bpf_skb_load_bytes(skb, offset, bytes, UDP_HEADER)) {
		packet->plain = false;
		return;
	}
	packet->flow.sport = half(bytes);
	packet->flow.dport = half(bytes + 2);
	if (protocol == IPPROTO_TCP) {
		header = (bytes[12] >> 4) * 4;
		packet->payload = skb->len > offset + header ? skb->len - offset - header : 0;
		packet->reset = bytes[TCP_FLAGS] & TCP_RST;
		packet->syn = bytes[TCP_FLAGS] & TCP_SYN;
	}
}

/* Options may name a way (source routes); none is needed. Fragments hide what they belong to. */
static __always_inline __u32 v4_read(struct packet *packet, const __u8 *bytes)
{
	packet->plain = bytes[0] == V4_PLAIN && !(half(bytes + 6) & V4_FRAGMENT);
	packet->flow.protocol = bytes[9];
	addr_from_v4(&packet->flow.source, word_be(bytes + 12));
	addr_from_v4(&packet->flow.dest, word_be(bytes + 16));
	return (bytes[0] & 15) * 4;
}

/* The one extension header the kernel makes by itself: a length past 64 KiB (big TCP). */
static __always_inline __u32 v6_read(struct __sk_buff *skb, struct packet *packet,
				     const __u8 *bytes)
{
	__u8 jumbo[JUMBO_HEADER] = {0};

	addr_from_v6(&packet->flow.source, word_be(bytes + 8), word_be(bytes + 12),
		     word_be(bytes + 16), word_be(bytes + 20));
	addr_from_v6(&packet->flow.dest, word_be(bytes + 24), word_be(bytes + 28),
		     word_be(bytes + 32), word_be(bytes + 36));
	packet->flow.protocol = bytes[6];
	packet->plain = true;
	if (bytes[6] == IPPROTO_TCP || bytes[6] == IPPROTO_UDP || bytes[6] == IPPROTO_ICMPV6)
		return V6_HEADER;
	packet->plain = bytes[6] == IPPROTO_HOPOPTS &&
			!bpf_skb_load_bytes(skb, V6_HEADER, jumbo, sizeof(jumbo)) &&
			jumbo[0] == IPPROTO_TCP && !jumbo[1] && jumbo[2] == JUMBO_OPTION;
	if (packet->plain)
		packet->flow.protocol = jumbo[0];
	return V6_HEADER + JUMBO_HEADER;
}

/* A packet that cannot be read is not plain. A function of its own: stack is short. */
int weir_packet_read(struct __sk_buff *skb, struct packet *packet)
{
	__u8 bytes[V6_HEADER] = {0};
	__u32 offset;

	if (!packet)
		return 0;
	packet->plain = false;
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(skb, 0, bytes, V4_HEADER))
			return 0;
		offset = v4_read(packet, bytes);
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		if (bpf_skb_load_bytes(skb, 0, bytes, V6_HEADER))
			return 0;
		offset = v6_read(skb, packet, bytes);
	} else {
		return 0;
	}
	packet->flow.has_source = true;
	if (packet->plain)
		transport_read(skb, packet, offset);
	return 0;
}
