// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Events as one line for people; see summary.h. */
#include "event/summary.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/wait.h>

#include "base/addr.h"
#include "base/escape.h"
#include "base/guard.h"
#include "event/guard_names.h"
#include "event/names.h"
#include "event/socket_names.h"

/* The peer's port is left out: it would make each connection another line. */
static void add_peer(struct buf *out, const struct weir_addr *source)
{
	char address[ADDR_STRLEN];

	addr_format(source, address);
	buf_printf(out, " from %s", address);
}

static void add_total(struct buf *out, const struct event *event)
{
	buf_printf(out, " sent %" PRIu64 " received %" PRIu64, event->bytes_sent,
		   event->bytes_received);
	if (event->denied)
		buf_printf(out, " refused %" PRIu32, event->denied);
}

static void add_flow(struct buf *out, const struct event *event, const char *dest_host)
{
	char address[ADDR_STRLEN], protocol[EVENT_PROTOCOL_STRLEN];
	bool v4 = addr_is_v4(&event->dest);

	addr_format(&event->dest, address);
	event_protocol_format(event->protocol, protocol);
	if (event->protocol == IPPROTO_TCP || event->protocol == IPPROTO_UDP)
		buf_printf(out, v4 ? " %s:%u/%s" : " [%s]:%u/%s", address, event->dport, protocol);
	else
		buf_printf(out, " %s/%s", address, protocol);
	if (dest_host) {
		buf_add_string(out, " host ");
		escape_word_add(out, dest_host, strlen(dest_host));
	}
	if (event->head.type == WEIR_EVENT_ACCEPT && event->has_source)
		add_peer(out, &event->source);
	if (event->has_total)
		add_total(out, event);
}

static void add_socket(struct buf *out, const struct event *event)
{
	char family[EVENT_SOCKET_STRLEN], text[EVENT_SOCKET_STRLEN];
	bool internet = event->family == AF_INET || event->family == AF_INET6;

	event_family_format(event->family, family);
	event_kind_format(event->kind, text);
	buf_printf(out, " %s %s", family, text);
	if (event->family == AF_NETLINK) {
		event_netlink_format(event->socket_protocol, text);
		buf_printf(out, " %s", text);
	} else if (internet && event->socket_protocol && event->socket_protocol <= UINT16_MAX) {
		event_protocol_format((uint16_t)event->socket_protocol, text);
		buf_printf(out, " %s", text);
	}
	if (event->message)
		buf_printf(out, " message %" PRIu32, event->message);
}

static void add_unix(struct buf *out, const struct event *event)
{
	if (!event->has_path)
		buf_add_string(out, " unnamed");
	if (event->descriptors)
		buf_printf(out, " descriptors %s", event->inward ? "in" : "out");
}

static void add_access(struct buf *out, uint32_t mask)
{
	const char *before = " ";
	unsigned int access;

	for (access = 0; access < WEIR_ACCESS_COUNT; access++) {
		if (!(mask & WEIR_ACCESS_BIT(access)))
			continue;
		buf_add_string(out, before);
		buf_add_string(out, event_access_name(access));
		before = ",";
	}
}

static void add_args(struct buf *out, const struct event *event)
{
	const char *end = event->args + event->args_len, *arg;
	size_t len;

	for (arg = event->args; arg < end; arg += len + 1) {
		len = strnlen(arg, (size_t)(end - arg));
		buf_add_char(out, ' ');
		escape_word_add(out, arg, len);
	}
	if (event->args_total > event->args_len)
		buf_add_string(out, " [cut]");
}

static void add_file(struct buf *out, const struct event *event)
{
	buf_add_char(out, ' ');
	escape_word_add(out, event->path.text, event->path.len);
	if (event->has_target) {
		buf_add_string(out, " -> ");
		escape_word_add(out, event->target.text, event->target.len);
	}
	if (event->has_args)
		add_args(out, event);
	else if (event->has_access && event->head.type != WEIR_EVENT_EXEC)
		add_access(out, event->access);
}

/* With the word that would allow it. */
static void add_guard(struct buf *out, const struct event *event)
{
	char capability[EVENT_CAPABILITY_STRLEN];

	if (event->ask == WEIR_ASK_CAPABILITY) {
		event_capability_format(event->number, capability);
		buf_printf(out, " %s", capability);
	} else {
		buf_printf(out, " %s", event_ask_name(event->ask));
	}
	if (event_ask_counts(event->ask))
		buf_printf(out, " %" PRIu32, event->number);
	if (event->guard_path) {
		buf_add_char(out, ' ');
		escape_word_add(out, event->path.text, event->path.len);
	}
	if (event->target_pid) {
		buf_add_string(out, " of ");
		escape_word_add(out, event->target_comm, event->target_comm_len);
	}
	if (event->opens < WEIR_GUARD_COUNT)
		buf_printf(out, " [guard.allow: %s]", guard_words[event->opens]);
}

static void add_status(struct buf *out, uint32_t status)
{
	int wait_status = (int)status;

	if (WIFSIGNALED(wait_status))
		buf_printf(out, " signal %d%s", WTERMSIG(wait_status),
			   WCOREDUMP(wait_status) ? " (core dumped)" : "");
	else
		buf_printf(out, " status %d", WEXITSTATUS(wait_status));
}

static void add_reason(struct buf *out, const struct event *event,
		       const struct event_policy *policy)
{
	const char *rule = event_rule_name(event, policy);

	if (event->head.reason == WEIR_REASON_RULE && event->head.rule == WEIR_RULE_NONE)
		return;
	buf_add_string(out, " (");
	buf_add_string(out, event_reason_name(event->head.reason));
	if (rule) {
		buf_add_char(out, ' ');
		escape_word_add(out, rule, strlen(rule));
	}
	buf_add_char(out, ')');
}

void event_summary_object(struct buf *out, const struct event *event,
			  const struct event_context *context)
{
	if (event->has_flow)
		add_flow(out, event, context->dest_host);
	if (event->has_socket)
		add_socket(out, event);
	if (event->has_path)
		add_file(out, event);
	if (event->has_unix)
		add_unix(out, event);
	if (event->has_guard)
		add_guard(out, event);
	if (event->has_status)
		add_status(out, event->status);
	if (event->head.layer == WEIR_LAYER_PACKET)
		buf_add_string(out, " [packet]");
}

void event_summary_rest(struct buf *out, const struct event *event,
			const struct event_context *context)
{
	event_summary_object(out, event, context);
	add_reason(out, event, context->policy);
	if (event->head.pid) {
		buf_add_string(out, " by ");
		escape_word_add(out, event->head.comm, event->comm_len);
	}
}

void event_summary_deed(struct buf *out, const struct event *event,
			const struct event_context *context)
{
	buf_add_string(out, event_verdict_name(event->head.verdict));
	buf_add_char(out, ' ');
	buf_add_string(out, event_type_name(event->head.type));
	event_summary_rest(out, event, context);
}

void event_summary(struct buf *out, const struct event *event, const struct event_context *context)
{
	event_summary_deed(out, event, context);
	if (event->head.pid)
		buf_printf(out, "[%u]", event->head.pid);
}
