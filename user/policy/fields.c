// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What every part of the grammar is made of: maps by tables, lists, texts; see reader.h. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "policy/reader.h"

#define SUGGEST_LEN_MAX 63

static bool same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Edits (one character in, out, changed, or two swapped) from a to b; capitals are no edit. */
static unsigned int edit_distance(const char *a, const char *b)
{
	unsigned int row[3][SUGGEST_LEN_MAX + 1];
	size_t n = strlen(a), m = strlen(b), i, j;

	if (n > SUGGEST_LEN_MAX || m > SUGGEST_LEN_MAX)
		return SUGGEST_LEN_MAX;
	for (j = 0; j <= m; j++)
		row[0][j] = (unsigned int)j;
	for (i = 1; i <= n; i++) {
		unsigned int *now = row[i % 3], *before = row[(i - 1) % 3];
		unsigned int *swap = row[(i + 1) % 3];

		now[0] = (unsigned int)i;
		for (j = 1; j <= m; j++) {
			unsigned int best = before[j - 1] + !same_letter(a[i - 1], b[j - 1]);

			if (before[j] + 1 < best)
				best = before[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
			    same_letter(a[i - 2], b[j - 1]) && swap[j - 2] + 1 < best)
				best = swap[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[n % 3][m];
}

const char *name_suggest(const char *text, const char *const *names, size_t n)
{
	size_t len = strlen(text), i;
	unsigned int best = len < 6 ? 1 : len < 9 ? 2 : 3, distance;
	const char *ret = NULL;

	for (i = 0; i < n; i++) {
		/* the start of a name is as good as a slip */
		distance = len > 2 && strncmp(text, names[i], len) == 0 ?
				   1 :
				   edit_distance(text, names[i]);
		if (distance <= best && distance < strlen(names[i]) && (!ret || distance < best)) {
			best = distance;
			ret = names[i];
		}
	}
	return ret;
}

void *reader_array(struct reader *reader, size_t count, size_t size)
{
	void *ret = arena_array(reader->arena, count, size);

	if (!ret)
		reader->report->error = -ENOMEM;
	return ret;
}

void *reader_grow(struct reader *reader, void *list, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap ? *cap * 2 : 8;
	void *ret = list;

	if (n < *cap)
		return list;
	ret = reader_array(reader, more, size);
	if (!ret)
		return NULL;
	if (n)
		memcpy(ret, list, n * size);
	*cap = more;
	return ret;
}

/* "a, b, c" in the arena-free way: into a buffer that the message copies. */
static void names_join(const char *const *names, size_t n, struct buf *ret)
{
	size_t i;

	for (i = 0; i < n; i++) {
		buf_add_string(ret, i ? ", " : "");
		buf_add_string(ret, names[i]);
	}
}

/* Says of an unknown name which ones there are. */
static void names_hint(struct reader *reader, const char *text, const char *const *names, size_t n)
{
	const char *close = name_suggest(text, names, n);
	_cleanup_buf_ struct buf list = {0};
	const char *all;

	names_join(names, n, &list);
	all = buf_string(&list);
	if (!all)
		reader->report->error = -ENOMEM;
	else if (close)
		report_hint(reader->report, "did you mean \"%s\"? There are: %s", close, all);
	else
		report_hint(reader->report, "there are: %s", all);
}

bool field_is(struct reader *reader, const struct yaml *node, enum yaml_kind kind, const char *hint)
{
	if (node->kind == kind)
		return true;
	if (node->kind == YAML_BAD)
		return false;
	if (node->kind == YAML_NULL)
		report_add(reader->report, &node->place, "a value is missing, this takes %s",
			   yaml_kind_name(kind));
	else
		report_add(reader->report, &node->place, "this is %s and must be %s",
			   yaml_kind_name(node->kind), yaml_kind_name(kind));
	report_hint(reader->report, "%s", hint);
	return false;
}

bool field_is_list(struct reader *reader, const struct yaml *node, const char *hint)
{
	if (!field_is(reader, node, YAML_LIST, hint))
		return false;
	if (node->first)
		return true;
	report_add(reader->report, &node->place, "this list is empty");
	report_hint(reader->report, "%s", hint);
	return false;
}

bool field_is_unrestricted(const struct yaml *node)
{
	return node->kind == YAML_STRING && strcmp(node->text, "unrestricted") == 0;
}

static const char *text_read(struct reader *reader, const struct yaml *node, bool numbers,
			     bool pattern, const char *hint)
{
	if (node->kind == YAML_INT && numbers)
		return node->text;
	if (node->kind == YAML_INT || node->kind == YAML_FLOAT || node->kind == YAML_BOOL) {
		report_add(reader->report, &node->place, "this is %s and must be text",
			   yaml_kind_name(node->kind));
		report_hint(reader->report, "quote it (\"%s\"): %s", node->text, hint);
		return NULL;
	}
	if (!field_is(reader, node, YAML_STRING, hint))
		return NULL;
	return params_expand(reader, node, pattern);
}

const char *field_text(struct reader *reader, const struct yaml *node, bool ints, const char *fit)
{
	return text_read(reader, node, ints, false, fit);
}

const char *field_pattern_text(struct reader *reader, const struct yaml *node, const char *hint)
{
	return text_read(reader, node, false, true, hint);
}

int field_choice(struct reader *reader, const struct yaml *node, const char *const *names, size_t n)
{
	const char *text = node->text;
	size_t i;

	if (node->kind == YAML_BAD)
		return -1;
	if (node->kind == YAML_STRING)
		text = params_expand(reader, node, false);
	if (!text)
		return -1;
	for (i = 0; i < n && node->kind == YAML_STRING; i++) {
		if (strcmp(text, names[i]) == 0)
			return (int)i;
	}
	if (node->kind == YAML_NULL)
		report_add(reader->report, &node->place, "a value is missing");
	else if (node->kind == YAML_LIST || node->kind == YAML_MAP)
		report_add(reader->report, &node->place, "this is %s and must be one word",
			   yaml_kind_name(node->kind));
	else
		report_add(reader->report, &node->place, "\"%s\" is not known here", text);
	names_hint(reader, text, names, n);
	return -1;
}

static void key_unknown(struct reader *reader, const struct yaml *key, const char *what,
			const struct field *fields, size_t n)
{
	const char *names[32];
	size_t i;

	for (i = 0; i < n && i < ARRAY_SIZE(names); i++)
		names[i] = fields[i].name;
	report_add(reader->report, &key->place, "%s has no key \"%s\"", what, key->text);
	names_hint(reader, key->text, names, i);
}

void fields_read(struct reader *reader, const struct yaml *map, const char *what,
		 const struct field *fields, size_t n, void *target)
{
	const struct yaml *node;
	size_t i;

	for (node = map->first; node; node = node->next) {
		for (i = 0; i < n && strcmp(node->key->text, fields[i].name) != 0; i++)
			;
		if (i == n)
			key_unknown(reader, node->key, what, fields, n);
		else if (fields[i].read)
			fields[i].read(reader, node, target);
	}
	for (i = 0; i < n; i++) {
		for (node = map->first; node; node = node->next) {
			if (strcmp(node->key->text, fields[i].name) == 0)
				break;
		}
		if (fields[i].required && !node) {
			report_add(reader->report, &map->place, "%s needs the key \"%s\"", what,
				   fields[i].name);
			report_hint(reader->report, "add \"%s: …\"", fields[i].name);
		}
	}
}
