// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Network and guard records read back; see line.h. Words are found by writing each. */
#include "event/line_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <string.h>

#include "base/addr.h"
#include "base/guard.h"
#include "event/guard_names.h"
#include "event/names.h"
#include "event/socket_names.h"

/* Longer than any word. */
#define WORD_STRLEN 32

typedef void (*format_fn)(uint32_t value, char *ret);

/* The number that a word stands for: one with a name of its own, or the digits behind `before`. */
static int word_read(const json_t *object, const char *key, format_fn format, uint32_t named,
		     const char *before, uint32_t *ret)
{
	const char *word = json_string_value(json_object_get(object, key));
	char text[WORD_STRLEN], rest;

	if (!word)
		return -EBADMSG;
	for (*ret = 0; *ret < named; (*ret)++) {
		format(*ret, text);
		if (strcmp(text, word) == 0)
			return 0;
	}
	if (strncmp(word, before, strlen(before)) != 0 ||
	    sscanf(word + strlen(before), "%" SCNu32 "%c", ret, &rest) != 1)
		return -EBADMSG;
	return 0;
}

static int protocol_read(const json_t *object, const struct weir_addr *addr, uint16_t *ret)
{
	const char *word = json_string_value(json_object_get(object, "protocol"));
	unsigned int number;
	char rest;

	if (!word)
		return -EBADMSG;
	if (strcmp(word, "tcp") == 0)
		*ret = IPPROTO_TCP;
	else if (strcmp(word, "udp") == 0)
		*ret = IPPROTO_UDP;
	else if (strcmp(word, "icmp") == 0)
		*ret = addr_is_v4(addr) ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	else if (sscanf(word, "proto-%u%c", &number, &rest) == 1 && number <= UINT16_MAX)
		*ret = (uint16_t)number;
	else
		return -EBADMSG;
	return 0;
}

static int end_read(const json_t *object, struct weir_addr *ret_addr, uint16_t *ret_port)
{
	const char *address = json_string_value(json_object_get(object, "address"));
	uint64_t port;

	if (!address || addr_parse(address, ret_addr) < 0 ||
	    member_number(object, "port", UINT16_MAX, false, &port) < 0)
		return -EBADMSG;
	*ret_port = (uint16_t)port;
	return 0;
}

static int total_read(const json_t *json, struct event *event)
{
	const json_t *flow = json_object_get(json, "flow"), *detail;
	uint64_t denied;

	if (!flow)
		return 0;
	detail = json_object_get(json, "detail");
	event->has_total = true;
	if (member_number(flow, "bytes_sent", INT64_MAX, true, &event->bytes_sent) < 0 ||
	    member_number(flow, "bytes_received", INT64_MAX, true, &event->bytes_received) < 0 ||
	    member_number(detail, "denied", UINT32_MAX, false, &denied) < 0)
		return -EBADMSG;
	event->denied = (uint32_t)denied;
	return 0;
}

static int socket_read(const json_t *detail, struct event *event)
{
	uint64_t protocol, message;

	event->has_socket = true;
	if (word_read(detail, "family", event_family_format, AF_MAX, "AF_", &event->family) < 0 ||
	    word_read(detail, "type", event_kind_format, SOCK_PACKET + 1, "SOCK_", &event->kind) <
		    0 ||
	    member_number(detail, "protocol", UINT32_MAX, true, &protocol) < 0 ||
	    member_number(detail, "netlink_type", UINT32_MAX, false, &message) < 0)
		return -EBADMSG;
	event->socket_protocol = (uint32_t)protocol;
	event->message = (uint32_t)message;
	return 0;
}

static int unix_read(const json_t *detail, struct event *event)
{
	const char *passed = json_string_value(json_object_get(detail, "passed"));

	event->has_unix = true;
	event->descriptors = passed;
	event->inward = passed && strcmp(passed, "in") == 0;
	return word_read(detail, "socket", event_unix_kind_format, SOCK_PACKET + 1, "SOCK_",
			 &event->kind);
}

int line_read_network(const json_t *json, struct event *event)
{
	const json_t *dest = json_object_get(json, "destination");
	const json_t *source = json_object_get(json, "source");
	const json_t *detail = json_object_get(json, "detail");
	const char *layer = json_string_value(json_object_get(detail, "layer"));
	enum weir_layer number = WEIR_LAYER_CALL;

	if (layer && event_layer_parse(layer, &number) < 0)
		return -EBADMSG;
	event->head.layer = (uint8_t)number;
	if (event->head.type == WEIR_EVENT_SOCKET)
		return socket_read(detail, event);
	if (event->head.type == WEIR_EVENT_UNIX)
		return unix_read(detail, event);
	if (!event_type_is_network(event->head.type))
		return 0;
	event->has_flow = true;
	event->has_source = source;
	if (end_read(dest, &event->dest, &event->dport) < 0 ||
	    protocol_read(dest, &event->dest, &event->protocol) < 0 ||
	    (source && end_read(source, &event->source, &event->sport) < 0))
		return -EBADMSG;
	return total_read(json, event);
}

static int ask_read(const json_t *detail, enum weir_ask *ret)
{
	const char *word = json_string_value(json_object_get(detail, "asked"));
	unsigned int ask;

	for (ask = 0; word && ask < WEIR_ASK_COUNT; ask++) {
		if (strcmp(event_ask_name(ask), word) == 0) {
			*ret = ask;
			return 0;
		}
	}
	return -EBADMSG;
}

static int opens_read(const json_t *detail, enum weir_guard *ret)
{
	const char *word = json_string_value(json_object_get(detail, "opens"));
	unsigned int opens;

	if (!word)
		return 0;
	for (opens = 0; opens < WEIR_GUARD_COUNT; opens++) {
		if (strcmp(guard_words[opens], word) == 0) {
			*ret = opens;
			return 0;
		}
	}
	return -EBADMSG;
}

static int target_read(const json_t *detail, struct event *event)
{
	uint64_t pid;

	if (member_number(detail, "target_pid", UINT32_MAX, false, &pid) < 0)
		return -EBADMSG;
	event->target_pid = (uint32_t)pid;
	return pid ? member_bytes(detail, "target_comm", event->target_comm,
				  sizeof(event->target_comm), &event->target_comm_len) : 0;
}

int line_read_guard(const json_t *detail, struct event *event)
{
	uint64_t number;

	event->has_guard = true;
	if (ask_read(detail, &event->ask) < 0 || opens_read(detail, &event->opens) < 0 ||
	    member_number(detail, "number", UINT32_MAX, false, &number) < 0 ||
	    target_read(detail, event) < 0)
		return -EBADMSG;
	event->number = (uint32_t)number;
	if (json_object_get(detail, "path")) {
		event->guard_path = true;
		if (member_bytes(detail, "path", event->path.text, sizeof(event->path.text) - 1,
				 &event->path.len) < 0)
			return -EBADMSG;
	}
	if (event->ask != WEIR_ASK_CAPABILITY)
		return 0;
	return word_read(detail, "capability", event_capability_format, CAP_LAST_CAP + 1, "CAP_",
			 &event->number);
}
