// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lines of the audit log for people; see show.h. */
#include "event/show.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/escape.h"
#include "event/names.h"
#include "event/summary.h"

#define VERDICT_WIDTH 10	/* "would-deny" */
#define POLICY_WIDTH 16
#define TYPE_WIDTH 16
#define SECONDS_LEN 23		/* of a time, down to milliseconds */
#define DIGEST_LEN 19		/* "sha256:" and what people compare */

#define RED "\033[31m"
#define YELLOW "\033[33m"
#define GREEN "\033[32m"
#define PLAIN "\033[0m"

/* Is `text` this path, or one below it? */
static bool path_within(const char *text, const char *path)
{
	size_t len = strlen(path);

	while (len && path[len - 1] == '/')
		len--;
	return strncmp(text, path, len) == 0 && (!text[len] || text[len] == '/');
}

static bool type_within(const char *type, const char *wanted)
{
	size_t len = strlen(wanted);

	return strncmp(type, wanted, len) == 0 && (!type[len] || type[len] == '.');
}

bool event_filter_matches(const struct event_filter *filter, const struct event_line *line)
{
	if (filter->denied && (!line->verdict || strcmp(line->verdict, "allow") == 0))
		return false;
	if (filter->policy && (!line->policy || strcmp(line->policy, filter->policy) != 0))
		return false;
	if (filter->type && !type_within(line->type, filter->type))
		return false;
	if (filter->cgroup && (!line->cgroup || !path_within(line->cgroup, filter->cgroup)))
		return false;
	return strcmp(line->time, filter->since) >= 0;
}

bool event_filter_type_known(const char *type)
{
	for (int known = 0; known < WEIR_EVENT_COUNT; known++)
		if (type_within(event_type_name(known), type))
			return true;
	for (int known = 0; known < EVENT_SELF_COUNT; known++)
		if (type_within(event_self_type_name(known), type))
			return true;
	return false;
}

static void add_text(struct buf *out, const char *text)
{
	escape_word_add(out, text, strlen(text));
}

/* A word in a column, which a longer one overflows. */
static void add_column(struct buf *out, const char *text, size_t width, const char *color)
{
	size_t start = out->len;

	if (*text)
		add_text(out, text);
	width += start;
	if (color) {
		_cleanup_buf_ struct buf word = {0};

		buf_add(&word, out->data + start, out->len - start);
		out->len = start;
		buf_add_string(out, color);
		buf_add(out, word.data, word.len);
		buf_add_string(out, PLAIN);
		width += strlen(color) + strlen(PLAIN);
	}
	while (out->len < width && !out->error)
		buf_add_char(out, ' ');
	buf_add_char(out, ' ');
}

static const char *verdict_color(const char *verdict)
{
	if (strcmp(verdict, "deny") == 0)
		return RED;
	if (strcmp(verdict, "would-deny") == 0)
		return YELLOW;
	return strcmp(verdict, "allow") == 0 ? GREEN : NULL;
}

/* A value inside a value: as JSON, as one word. */
static void add_dump(struct buf *out, const json_t *value)
{
	_cleanup_free_ char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	if (text)
		add_text(out, text);
	else
		out->error = -ENOMEM;
}

static void add_leaf(struct buf *out, const json_t *value)
{
	if (json_is_string(value))
		escape_word_add(out, json_string_value(value), json_string_length(value));
	else if (json_is_integer(value))
		buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else
		add_dump(out, value);
}

/* An object as {KEY=VALUE KEY=VALUE}. */
static void add_value(struct buf *out, json_t *value)
{
	const char *key, *before = "";
	json_t *leaf;

	if (!json_is_object(value)) {
		add_leaf(out, value);
		return;
	}
	buf_add_char(out, '{');
	json_object_foreach(value, key, leaf) {
		buf_add_string(out, before);
		add_text(out, key);
		buf_add_char(out, '=');
		add_leaf(out, leaf);
		before = " ";
	}
	buf_add_char(out, '}');
}

/* " KEY=VALUE" for each of an object. */
static void add_pairs(struct buf *out, json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value) {
		buf_add_char(out, ' ');
		add_text(out, key);
		buf_add_char(out, '=');
		add_value(out, value);
	}
}

/* What weir says of itself, and what a later version says of whatever it is. */
static void add_unknown(struct buf *out, const struct event_line *line)
{
	static const char *const parts[] = {"destination", "file", "dns", "detail"};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		add_pairs(out, json_object_get(line->json, parts[i]));
	if (line->digest) {
		buf_add_string(out, " digest=");
		escape_add(out, line->digest, strnlen(line->digest, DIGEST_LEN));
	}
	if (line->rule || line->reason) {
		buf_add_string(out, " (");
		add_text(out, line->reason ? line->reason : "rule");
		buf_add_string(out, line->rule ? " " : "");
		if (line->rule)
			add_text(out, line->rule);
		buf_add_char(out, ')');
	}
}

static void add_decided(struct buf *out, const struct event_line *line)
{
	const struct event_context context = {.policy = &line->names,
					      .dest_host = line->dest_host};

	event_summary_rest(out, &line->event, &context);
	if (line->event.head.pid)
		buf_printf(out, "[%" PRIu32 "]", line->event.head.pid);
}

void event_show(struct buf *out, const struct event_line *line, bool color)
{
	_cleanup_buf_ struct buf rest = {0};

	buf_add(out, line->time, SECONDS_LEN);
	if (!out->error)
		out->data[out->len - SECONDS_LEN + strlen("2026-01-02")] = ' ';
	buf_add_char(out, ' ');
	add_column(out, line->verdict ? line->verdict : "", VERDICT_WIDTH,
		   color && line->verdict ? verdict_color(line->verdict) : NULL);
	add_column(out, line->policy ? line->policy : "", POLICY_WIDTH, NULL);
	add_column(out, line->type, TYPE_WIDTH,
		   color && strcmp(line->type, "audit.lost") == 0 ? RED : NULL);
	if (line->decided)
		add_decided(&rest, line);
	else
		add_unknown(&rest, line);
	if (line->cgroup) {
		buf_add_string(&rest, " in ");
		add_text(&rest, line->cgroup);
	}
	/* its space is there already */
	if (rest.len)
		buf_add(out, rest.data + 1, rest.len - 1);
	if (rest.error)
		out->error = rest.error;
	buf_add_char(out, '\n');
}

void event_show_json(struct buf *out, const struct event_line *line)
{
	_cleanup_free_ char *text = json_dumps(line->json, JSON_COMPACT | JSON_ENSURE_ASCII);

	if (!text) {
		out->error = -ENOMEM;
		return;
	}
	/* DEL is ASCII, and jansson leaves it as it is */
	for (const char *at = text; *at; at++) {
		if (*at == 0x7f)
			buf_add_string(out, "\\u007f");
		else
			buf_add_char(out, *at);
	}
	buf_add_char(out, '\n');
}
