/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Log lines of records, for tests. Every line made here is also written to
 * PROGRAM.jsonl, which make checks against the schema.
 */
#ifndef WEIR_TEST_LINES_H
#define WEIR_TEST_LINES_H

#include "../test.h"
#include "records.h"

#include <jansson.h>
#include <stdio.h>

#include "event/json.h"
#include "event/line.h"
#include "event/summary.h"

#define DIGEST "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const char *const net_allow[] = {"registries", "local"};
static const char *const net_deny[] = {"cloud-metadata"};
static const char *const listen_allow[] = {"web", "dns"};
static const char *const unix_allow[] = {"journal"};
static const char *const file_allow[] = {"system"};
static const struct event_policy policy = {
	.name = "coding-agent",
	.digest = DIGEST,
	.network = {.allow = net_allow, .n_allow = 2, .deny = net_deny, .n_deny = 1},
	.listen = {.allow = listen_allow, .n_allow = 2},
	.unix_sockets = {.allow = unix_allow, .n_allow = 1},
	.files = {.allow = file_allow, .n_allow = 1},
};
static const struct event_pair identity[] = {{"agent", "code-assistant"},
					     {"owner", "platform \"x\""}};

static FILE *samples;
static uint64_t next_seq = 1;

static inline struct event_context context_make(void)
{
	return (struct event_context){
		.seq = next_seq,
		.host = "build.example.com",
		.utc_offset_ns = 1700000000000000000,
		.policy = &policy,
		.identity = identity,
		.n_identity = ARRAY_SIZE(identity),
		.cgroup = "/agents/one",
	};
}

static inline void keep(struct buf *line)
{
	assert_int_equal(fwrite(line->data, 1, line->len, samples), line->len);
	next_seq++;
}

/* The line of a record, LF taken off. The caller frees nothing: it stays in a static buffer. */
static inline const char *line_of(const struct record *record, const struct event_context *context)
{
	static struct buf line;
	struct event event;

	buf_reset(&line);
	assert_int_equal(event_decode(record->data, record->size, &event), 0);
	assert_int_equal(event_json(&line, &event, context), 0);
	keep(&line);
	assert_int_equal(line.data[line.len - 1], '\n');
	line.len--;
	return buf_string(&line);
}

static inline json_t *parse(const char *line)
{
	json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(json);
	return json;
}

static inline void expect_text(const char *line, const char *object, const char *key,
			       const char *expected)
{
	json_t *json = parse(line);
	const char *text = json_string_value(json_object_get(json_object_get(json, object), key));

	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(text);
	json_decref(json);
}

/* The same record's line, read back, has the same summary. */
static inline void expect_summary_of_line(const char *line, const char *expected)
{
	_cleanup_event_line_ struct event_line read = {0};
	struct event_context context = {.policy = &read.names};
	_cleanup_buf_ struct buf out = {0};

	assert_int_equal(event_line_parse(line, strlen(line), &read), 0);
	assert_true(read.decided);
	context.dest_host = read.dest_host;
	event_summary(&out, &read.event, &context);
	assert_string_equal(buf_string(&out), expected);
}

static inline void expect_summary(const struct record *record, const char *expected)
{
	struct event_context context = context_make();
	_cleanup_buf_ struct buf out = {0};
	struct event event;

	assert_int_equal(event_decode(record->data, record->size, &event), 0);
	event_summary(&out, &event, &context);
	assert_string_equal(buf_string(&out), expected);
	expect_summary_of_line(line_of(record, &context), expected);
}

/* Before the tests, and after them with what they returned. */
static inline void samples_open(int argc, char **argv)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s.jsonl", argc ? argv[0] : "json_test");
	samples = fopen(path, "we");
	if (!samples)
		exit(1);
}

static inline int samples_close(int result)
{
	return fclose(samples) == 0 ? result : 1;
}

#endif
