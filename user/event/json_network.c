// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Network records as log lines; see json_network.h. */
#include "event/json_network.h"

#include <netinet/in.h>

#include "base/addr.h"
#include "event/json_write.h"
#include "event/names.h"
#include "event/socket_names.h"

static bool has_ports(uint16_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

static void add_address(struct buf *out, const struct weir_addr *addr)
{
	char text[ADDR_STRLEN];

	addr_format(addr, text);
	jsonw_text(out, "address", text);
}

void network_add_ends(struct buf *out, const struct event *event, const char *dest_host)
{
	char protocol[EVENT_PROTOCOL_STRLEN];

	event_protocol_format(event->protocol, protocol);
	jsonw_name(out, "destination");
	buf_add_char(out, '{');
	add_address(out, &event->dest);
	if (has_ports(event->protocol))
		jsonw_u64(out, "port", event->dport);
	jsonw_text(out, "host", dest_host);
	jsonw_text(out, "protocol", protocol);
	buf_add_char(out, '}');
	if (!event->has_source)
		return;
	jsonw_name(out, "source");
	buf_add_char(out, '{');
	add_address(out, &event->source);
	if (has_ports(event->protocol) && event->sport)
		jsonw_u64(out, "port", event->sport);
	buf_add_char(out, '}');
}

void network_add_total(struct buf *out, const struct event *event)
{
	jsonw_name(out, "flow");
	buf_add_char(out, '{');
	jsonw_u64(out, "bytes_sent", event->bytes_sent);
	jsonw_u64(out, "bytes_received", event->bytes_received);
	jsonw_u64(out, "duration_ns", event->duration_ns);
	buf_add_char(out, '}');
}

static void add_socket(struct buf *out, const struct event *event)
{
	char text[EVENT_SOCKET_STRLEN];

	event_family_format(event->family, text);
	jsonw_text(out, "family", text);
	event_kind_format(event->kind, text);
	jsonw_text(out, "type", text);
	jsonw_u64(out, "protocol", event->socket_protocol);
	if (event->family == AF_NETLINK) {
		event_netlink_format(event->socket_protocol, text);
		jsonw_text(out, "netlink", text);
	}
	if (event->message)
		jsonw_u64(out, "netlink_type", event->message);
}

static void add_unix(struct buf *out, const struct event *event)
{
	char text[EVENT_SOCKET_STRLEN];

	event_unix_kind_format(event->kind, text);
	jsonw_text(out, "socket", text);
	if (event->descriptors)
		jsonw_text(out, "passed", event->inward ? "in" : "out");
}

void network_add_detail(struct buf *out, const struct event *event)
{
	if (event->has_total && event->destinations > 1)
		jsonw_u64(out, "destinations", event->destinations);
	if (event->has_total && event->denied)
		jsonw_u64(out, "denied", event->denied);
	if (event->has_socket)
		add_socket(out, event);
	if (event->has_unix)
		add_unix(out, event);
	if (event->head.layer != WEIR_LAYER_CALL)
		jsonw_text(out, "layer", event_layer_name(event->head.layer));
}
