// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Fuzzes the way of a ring record: decoding, who acted, the log's line, the
 * line for people. Whatever is accepted must come out as one line of valid
 * JSON, and as text without control characters.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "event/enrich.h"
#include "event/json.h"
#include "event/summary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int look_up(void *context, uint32_t pid, uint64_t start_ns, struct process_found *ret)
{
	(void)context;
	if ((pid ^ start_ns) % 3 == 0)
		return -ESRCH;
	ret->comm[0] = (char)start_ns;
	ret->comm[1] = '\0';
	ret->exe[0] = (char)pid;
	ret->exe_len = pid % 2;
	ret->ppid = pid / 2;
	ret->parent_start_ns = start_ns / 2;
	return 0;
}

static void check_line(const struct buf *line, bool has_process)
{
	json_t *json;
	size_t at;

	if (line->len < 2 || memchr(line->data, '\n', line->len) != line->data + line->len - 1)
		abort();
	for (at = 0; at < line->len - 1; at++)
		if ((unsigned char)line->data[at] < 0x20)
			abort();
	json = json_loadb(line->data, line->len,
			  JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
	if (!json || has_process != (json_object_get(json, "process") != NULL))
		abort();
	json_decref(json);
}

static void check_text(const struct buf *text)
{
	uint32_t code;
	size_t at, size;

	for (at = 0; at < text->len; at += size) {
		size = utf8_next(text->data + at, text->len - at, &code);
		if (size == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const rules[] = {"one", "two words"};
	static const struct event_policy policy = {
		.name = "fuzz", .digest = "sha256:0",
		.network = {.allow = rules, .n_allow = 2, .deny = rules, .n_deny = 1},
		.listen = {.allow = rules, .n_allow = 2},
		.unix_sockets = {.allow = rules, .n_allow = 1},
		.files = {.allow = rules, .n_allow = 1, .deny = rules, .n_deny = 2},
	};
	static struct process_table *table;
	static struct event event;
	struct event_process process;
	struct event_context context = {
		.seq = 1, .host = "h", .policy = &policy, .process = &process};
	_cleanup_buf_ struct buf out = {0};

	if (!table && process_table_new(64, look_up, NULL, &table) < 0)
		abort();
	if (event_decode(data, size, &event) < 0)
		return 0;
	process_table_describe(table, &event, &process);
	if (event_json(&out, &event, &context) < 0)
		abort();
	check_line(&out, event.head.pid != 0);
	buf_reset(&out);
	event_summary(&out, &event, &context);
	check_text(&out);
	return 0;
}
