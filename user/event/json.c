// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Kernel records as log lines; see json.h. One pass, and no allocation in the long run. */
#include "event/json.h"

#include <string.h>
#include <sys/wait.h>

#include "event/json_guard.h"
#include "event/json_network.h"
#include "event/json_record.h"
#include "event/json_write.h"

static void add_ancestors(struct buf *out, const struct event_process *process)
{
	size_t i;

	jsonw_name(out, "ancestors");
	buf_add_char(out, '[');
	for (i = 0; i < process->n_ancestors; i++) {
		const struct event_ancestor *ancestor = &process->ancestors[i];

		jsonw_next(out);
		buf_add_char(out, '{');
		jsonw_u64(out, "pid", ancestor->pid);
		if (ancestor->exe)
			jsonw_bytes(out, "exe", ancestor->exe, ancestor->exe_len);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}

/* The next of the NUL-terminated strings; the last one may have been cut. */
static size_t arg_len(const char *arg, const char *end)
{
	return strnlen(arg, (size_t)(end - arg));
}

static void add_args(struct buf *out, const struct event *event)
{
	const char *end = event->args + event->args_len, *arg;
	bool valid = true;
	size_t len;

	jsonw_name(out, "args");
	buf_add_char(out, '[');
	for (arg = event->args; arg < end; arg += len + 1) {
		len = arg_len(arg, end);
		jsonw_next(out);
		valid &= jsonw_string(out, arg, len);
	}
	buf_add_char(out, ']');
	if (valid)
		return;
	jsonw_name(out, "args_b64");
	buf_add_char(out, '[');
	for (arg = event->args; arg < end; arg += len + 1) {
		len = arg_len(arg, end);
		jsonw_next(out);
		jsonw_base64(out, arg, len);
	}
	buf_add_char(out, ']');
}

static void add_process(struct buf *out, const struct event *event,
			const struct event_process *process)
{
	const struct weir_event_head *head = &event->head;

	jsonw_name(out, "process");
	buf_add_char(out, '{');
	jsonw_u64(out, "pid", head->pid);
	jsonw_u64(out, "tid", head->tid);
	jsonw_u64(out, "ppid", head->ppid);
	jsonw_u64(out, "uid", head->uid);
	jsonw_u64(out, "gid", head->gid);
	jsonw_bytes(out, "comm", head->comm, event->comm_len);
	if (process && process->exe)
		jsonw_bytes(out, "exe", process->exe, process->exe_len);
	if (event->has_args)
		add_args(out, event);
	jsonw_name(out, "start");
	buf_add_char(out, '"');
	buf_add_u64(out, head->start_ns);
	buf_add_char(out, '"');
	if (process && process->n_ancestors)
		add_ancestors(out, process);
	buf_add_char(out, '}');
}

static void add_access(struct buf *out, uint32_t mask)
{
	unsigned int access;

	jsonw_name(out, "access");
	buf_add_char(out, '[');
	for (access = 0; access < WEIR_ACCESS_COUNT; access++) {
		if (!(mask & WEIR_ACCESS_BIT(access)))
			continue;
		jsonw_next(out);
		buf_add_char(out, '"');
		buf_add_string(out, event_access_name(access));
		buf_add_char(out, '"');
	}
	buf_add_char(out, ']');
}

static void add_file(struct buf *out, const struct event *event)
{
	jsonw_name(out, "file");
	buf_add_char(out, '{');
	jsonw_bytes(out, "path", event->path.text, event->path.len);
	if (event->has_target)
		jsonw_bytes(out, "target", event->target.text, event->target.len);
	if (event->has_access)
		add_access(out, event->access);
	buf_add_char(out, '}');
}

static void add_status(struct buf *out, uint32_t status)
{
	int wait_status = (int)status;

	if (!WIFSIGNALED(wait_status)) {
		jsonw_u64(out, "exit_code", WEXITSTATUS(wait_status));
		return;
	}
	jsonw_u64(out, "signal", (uint64_t)WTERMSIG(wait_status));
	jsonw_name(out, "core");
	buf_add_string(out, WCOREDUMP(wait_status) ? "true" : "false");
}

int event_json(struct buf *out, const struct event *event, const struct event_context *context)
{
	const struct weir_event_head *head = &event->head;
	size_t start = out->len, detail;

	record_begin(out, context, head->time_ns, event_type_name(head->type));
	jsonw_text(out, "verdict", event_verdict_name(head->verdict));
	/* what cannot be refused (process.exit) has no rule that decided */
	if (head->reason != WEIR_REASON_RULE || head->rule != WEIR_RULE_NONE)
		jsonw_text(out, "reason", event_reason_name(head->reason));
	record_policy(out, context, head->rule, event_rule_name(event, context->policy));
	record_scope(out, context, head->scope_id);
	if (head->pid)
		add_process(out, event, context->process);
	if (event->has_flow)
		network_add_ends(out, event, context->dest_host);
	if (event->has_path)
		add_file(out, event);
	if (event->has_total)
		network_add_total(out, event);
	detail = record_detail(out);
	if (event_type_is_network(head->type))
		network_add_detail(out, event);
	if (event->has_guard)
		guard_add_detail(out, event);
	if (event->has_args && event->args_total > event->args_len)
		jsonw_u64(out, "args_total", event->args_total);
	if (event->has_status)
		add_status(out, event->status);
	if (!context->policy && head->instance_serial)
		jsonw_u64(out, "instance", head->instance_serial);
	return record_end(out, context, detail, start);
}
