// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What would be decided otherwise, for people; see against.h. */
#include <string.h>

#include "base/escape.h"
#include "daemon/against.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void add_word(struct buf *out, const char *text)
{
	escape_word_add(out, text, strlen(text));
}

static void add_decider(struct buf *out, const json_t *decision)
{
	const char *rule = text_of(decision, "rule");

	buf_add_string(out, text_of(decision, "reason"));
	if (!*rule)
		return;
	buf_add_char(out, ' ');
	add_word(out, rule);
}

static void add_change(struct buf *out, const json_t *change, const char *log)
{
	const json_t *before = json_object_get(change, "before");
	const json_t *after = json_object_get(change, "after");

	buf_printf(out, "  %lldx %s -> %s, policy ",
		   (long long)json_integer_value(json_object_get(change, "count")),
		   text_of(before, "verdict"), text_of(after, "verdict"));
	add_word(out, text_of(change, "policy"));
	/* escaped when it was made */
	buf_printf(out, ": %s %s (", text_of(change, "type"), text_of(change, "action"));
	add_decider(out, before);
	buf_add_string(out, " -> ");
	add_decider(out, after);
	buf_add_string(out, "), first at ");
	add_word(out, log);
	buf_printf(out, ":%lld\n", (long long)json_integer_value(json_object_get(change, "line")));
}

void against_format(json_t *against, struct buf *out)
{
	const json_t *changes = json_object_get(against, "changes"), *change;
	json_t *unjudged = json_object_get(against, "not_judged"), *count;
	const char *log = text_of(against, "log"), *type, *before = "not judged: ";
	size_t i;

	add_word(out, log);
	buf_printf(out, ": %lld recorded actions judged, %zu would be decided otherwise\n",
		   (long long)json_integer_value(json_object_get(against, "judged")),
		   json_array_size(changes));
	json_array_foreach(changes, i, change)
		add_change(out, change, log);
	json_object_foreach(unjudged, type, count) {
		buf_printf(out, "%s%lld ", before, (long long)json_integer_value(count));
		add_word(out, type);
		before = ", ";
	}
	if (json_object_size(unjudged))
		buf_add_char(out, '\n');
}
