/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What every line of the log has in common, whoever it is about. Inside user/event only. */
#ifndef WEIR_EVENT_JSON_RECORD_H
#define WEIR_EVENT_JSON_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "event/json.h"

/* From '{' to "type". time_ns: CLOCK_BOOTTIME. */
void record_begin(struct buf *out, const struct event_context *context, uint64_t time_ns,
		  const char *type);

/* "policy", as far as it is known; rule_name: NULL where the rule has none. */
void record_policy(struct buf *out, const struct event_context *context, weir_rule_t rule,
		   const char *rule_name);

/* "identity" and "scope", as far as they are known. */
void record_scope(struct buf *out, const struct event_context *context, uint64_t cgroup_id);

/* An object of string pairs, as the value of a name just written. */
void record_pairs(struct buf *out, const struct event_pair *pairs, size_t count);

/* A time, CLOCK_BOOTTIME, as the value of a name just written. */
void record_time(struct buf *out, const struct event_context *context, uint64_t time_ns);

/*
 * "detail" in two steps: what is added between them stands in it, then
 * "without"; record_end() also closes the line, and leaves "detail" out when
 * it is empty.
 *
 * @detail: what record_detail() returned
 * @start:  out->len before record_begin()
 *
 * record_end() returns 0 or -ENOMEM, out as it was at start.
 */
size_t record_detail(struct buf *out);
int record_end(struct buf *out, const struct event_context *context, size_t detail, size_t start);

#endif
