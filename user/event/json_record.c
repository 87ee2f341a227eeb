// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The frame of a log line; see json_record.h. */
#include "event/json_record.h"

#include <errno.h>
#include <string.h>

#include "base/time.h"
#include "event/json_write.h"

void record_time(struct buf *out, const struct event_context *context, uint64_t time_ns)
{
	char text[TIME_STRLEN];

	time_format(time_ns + (uint64_t)context->utc_offset_ns, text);
	buf_add_char(out, '"');
	buf_add(out, text, sizeof(text) - 1);
	buf_add_char(out, '"');
}

/* What every line begins with, up to its number. */
static void record_head(struct buf *out, uint64_t seq)
{
	buf_add_char(out, '{');
	jsonw_u64(out, "v", EVENT_SCHEMA_VERSION);
	jsonw_u64(out, "seq", seq);
}

void record_begin(struct buf *out, const struct event_context *context, uint64_t time_ns,
		  const char *type)
{
	record_head(out, context->seq);
	jsonw_name(out, "time");
	record_time(out, context, time_ns);
	jsonw_text(out, "host", context->host);
	jsonw_text(out, "type", type);
}

int event_json_number(struct buf *out, const char *line, size_t len, uint64_t seq)
{
	_cleanup_buf_ struct buf head = {0};
	size_t start = out->len;

	record_head(&head, 0);
	if (head.error)
		return head.error;
	if (len < head.len || memcmp(line, head.data, head.len) != 0)
		return -EINVAL;
	record_head(out, seq);
	buf_add(out, line + head.len, len - head.len);
	if (out->error) {
		out->len = start;
		out->error = 0;
		return -ENOMEM;
	}
	return 0;
}

/* A rule the context's policy has no name for is written as its number. */
static void add_rule_number(struct buf *out, weir_rule_t rule)
{
	jsonw_name(out, "rule");
	buf_add_string(out, rule & WEIR_RULE_DENY ? "\"deny#" : "\"allow#");
	buf_add_u64(out, rule & ~WEIR_RULE_DENY);
	buf_add_char(out, '"');
}

void record_policy(struct buf *out, const struct event_context *context, weir_rule_t rule,
		   const char *rule_name)
{
	const struct event_policy *policy = context->policy;

	if (!policy && rule == WEIR_RULE_NONE)
		return;
	jsonw_name(out, "policy");
	buf_add_char(out, '{');
	if (policy) {
		jsonw_text(out, "name", policy->name);
		jsonw_text(out, "digest", policy->digest);
	}
	if (rule_name)
		jsonw_text(out, "rule", rule_name);
	else if (rule != WEIR_RULE_NONE)
		add_rule_number(out, rule);
	buf_add_char(out, '}');
}

void record_pairs(struct buf *out, const struct event_pair *pairs, size_t count)
{
	size_t i;

	buf_add_char(out, '{');
	for (i = 0; i < count; i++)
		jsonw_pair(out, pairs[i].key, pairs[i].value);
	buf_add_char(out, '}');
}

void record_scope(struct buf *out, const struct event_context *context, uint64_t cgroup_id)
{
	if (context->n_identity) {
		jsonw_name(out, "identity");
		record_pairs(out, context->identity, context->n_identity);
	}
	if (context->cgroup || cgroup_id) {
		jsonw_name(out, "scope");
		buf_add_char(out, '{');
		jsonw_text(out, "cgroup", context->cgroup);
		if (cgroup_id)
			jsonw_u64(out, "cgroup_id", cgroup_id);
		buf_add_char(out, '}');
	}
}

size_t record_detail(struct buf *out)
{
	size_t detail = out->len;

	jsonw_name(out, "detail");
	buf_add_char(out, '{');
	return detail;
}

int record_end(struct buf *out, const struct event_context *context, size_t detail, size_t start)
{
	size_t i;

	if (context->n_without) {
		jsonw_name(out, "without");
		buf_add_char(out, '[');
		for (i = 0; i < context->n_without; i++) {
			jsonw_next(out);
			jsonw_string(out, context->without[i], strlen(context->without[i]));
		}
		buf_add_char(out, ']');
	}
	if (out->len && out->data[out->len - 1] == '{')
		out->len = detail;
	else
		buf_add_char(out, '}');
	buf_add(out, "}\n", 2);
	if (out->error) {
		out->len = start;
		out->error = 0;
		return -ENOMEM;
	}
	return 0;
}
