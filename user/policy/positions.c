// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From patterns to positions; see positions.h. */
#include "policy/positions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile_parts.h"
#include "policy/numbers.h"

static int position_add(struct positions *positions, uint32_t *ret)
{
	if (positions->n == PATH_PARTS_MAX)
		return path_limit_pass(positions->limits, PATH_LIMIT_PARTS);
	if (array_reserve(&positions->list, positions->n, &positions->cap,
			  sizeof(*positions->list)) < 0)
		return -ENOMEM;
	positions->list[positions->n] = (struct position){0};
	*ret = (uint32_t)positions->n++;
	return 0;
}

int positions_start(struct positions *positions)
{
	uint32_t position;
	int i, err = 0;

	_Static_assert(WEIR_NODE_ROOT == 1 && WEIR_NODE_UNIX == 2 && WEIR_NODE_ABSTRACT == 3,
		       "the roots come first");
	for (i = 0; i <= WEIR_NODE_ABSTRACT && !err; i++)
		err = position_add(positions, &position);
	return err;
}

/* The position behind a move; made if it is not there. */
static int move_get(struct positions *positions, struct moves *moves, uint32_t what, uint32_t *at)
{
	const uint32_t key[] = {*at, what};
	uint32_t number, to, *first;
	int added = intern_add(&moves->keys, key, sizeof(key), &number);

	if (added < 0)
		return added;
	if (!added) {
		*at = moves->list[number].to;
		return 0;
	}
	if (array_reserve(&moves->list, number, &moves->cap, sizeof(*moves->list)) < 0 ||
	    position_add(positions, &to) < 0)
		return -ENOMEM;
	first = moves == &positions->by_name ? &positions->list[*at].names :
					       &positions->list[*at].globs;
	moves->list[number] = (struct move){.what = what, .to = to, .next = *first};
	*first = number + 1;
	*at = to;
	return 0;
}

uint32_t position_by_name(const struct positions *positions, uint32_t position, uint32_t name)
{
	const uint32_t key[] = {position, name};
	uint32_t number;

	if (!intern_find(&positions->by_name.keys, key, sizeof(key), &number))
		return 0;
	return positions->by_name.list[number].to;
}

static int name_put(struct positions *positions, const char *name, size_t len, uint32_t *at)
{
	uint32_t number;

	if (intern_add(&positions->names, name, len, &number) < 0)
		return -ENOMEM;
	return move_get(positions, &positions->by_name, number, at);
}

static int glob_put(struct positions *positions, const char *glob, size_t len, uint32_t *at)
{
	uint32_t number;

	if (intern_add(&positions->globs, glob, len, &number) < 0)
		return -ENOMEM;
	return move_get(positions, &positions->by_glob, number, at);
}

static int loop_get(struct positions *positions, uint32_t *at)
{
	uint32_t loop;

	if (positions->list[*at].loops)
		return 0;
	if (!positions->list[*at].loop) {
		if (position_add(positions, &loop) < 0)
			return -ENOMEM;
		positions->list[loop].loops = true;
		positions->list[*at].loop = loop;
	}
	*at = positions->list[*at].loop;
	return 0;
}

static int mark_put(struct positions *positions, struct mark mark, uint32_t at)
{
	if (array_reserve(&positions->marks, positions->n_marks, &positions->cap_marks,
			  sizeof(*positions->marks)) < 0)
		return -ENOMEM;
	mark.next = positions->list[at].marks;
	positions->marks[positions->n_marks++] = mark;
	positions->list[at].marks = (uint32_t)positions->n_marks;
	return 0;
}

/* One name of a pattern, as it is written. */
struct component {
	const char *text;
	size_t len;
	bool wild;
	bool crosses;	/* has a "**" that takes '/' too */
};

static struct component component_at(const char *text)
{
	struct component component = {.text = text};
	size_t len;

	for (; text[component.len] && text[component.len] != '/'; component.len += len) {
		len = pattern_element_len(text + component.len);
		component.wild |= strchr("*?[", text[component.len]) != NULL;
		component.crosses |= text[component.len] == '*' && len > 1;
	}
	return component;
}

/* Copies elements: of a name written out without escapes, of a glob with each star once. */
static size_t elements_copy(const char *text, size_t len, bool wild, char *to)
{
	size_t at, n, copied = 0;

	for (at = 0; at < len; at += n) {
		size_t skip = 0, take;

		n = pattern_element_len(text + at);
		take = n;
		if (text[at] == '*')
			take = 1;
		else if (!wild && text[at] == '\\')
			skip = take = 1;
		memcpy(to + copied, text + at + skip, take);
		copied += take;
	}
	return copied;
}

static int rest_put(struct positions *positions, const char *text, uint32_t at, struct mark mark);

/*
 * A "**" within a name also takes what goes on in other directories: the name
 * ends with it, any names follow, and one that begins with it goes on.
 */
static int crossings_put(struct positions *positions, struct component component, uint32_t from,
			 struct mark mark)
{
	const char *end = component.text + component.len;
	/* the one for a glob, the other for the rest of a pattern; not on the stack: it recurs */
	_cleanup_free_ char *glob = malloc(component.len + 1);
	_cleanup_free_ char *rest = malloc(strlen(component.text) + 2);
	size_t at, n, len;
	uint32_t to;
	int err = 0;

	if (!glob || !rest)
		return -ENOMEM;
	for (at = 0; at < component.len && !err; at += n) {
		n = pattern_element_len(component.text + at);
		if (component.text[at] != '*' || n < 2)
			continue;
		if (++positions->limits->crossings > PATH_CROSSINGS_MAX)
			return path_limit_pass(positions->limits, PATH_LIMIT_CROSSINGS);
		to = from;
		len = elements_copy(component.text, at + n, true, glob);
		if (glob_put(positions, glob, len, &to) < 0 || loop_get(positions, &to) < 0)
			return -ENOMEM;
		if (at + n == component.len && !*end) {
			err = mark_put(positions, mark, to);
			continue;
		}
		rest[0] = '*';
		strcpy(rest + 1, component.text + at + n);
		err = rest_put(positions, rest, to, mark);
	}
	return err;
}

/* The rest of a pattern, from the beginning of a name. */
static int rest_put(struct positions *positions, const char *text, uint32_t at, struct mark mark)
{
	_cleanup_free_ char *name = malloc(strlen(text) + 1);
	int err = name ? 0 : -ENOMEM;

	while (!err) {
		struct component component = component_at(text);
		size_t len;

		if (component.len == 2 && memcmp(text, "**", 2) == 0) {
			err = loop_get(positions, &at);
		} else {
			if (component.crosses)
				err = crossings_put(positions, component, at, mark);
			len = elements_copy(text, component.len, component.wild, name);
			if (!err && component.wild)
				err = glob_put(positions, name, len, &at);
			else if (!err)
				err = name_put(positions, name, len, &at);
		}
		text += component.len;
		if (!err && !*text++)
			return mark_put(positions, mark, at);
	}
	return err;
}

static bool is_thread_self(const struct pattern *pattern)
{
	static const char thread_self[] = "/proc/thread-self";
	const char *text = pattern->kind == PATTERN_WILD ? pattern->text : pattern->path;

	return strncmp(text, thread_self, strlen(thread_self)) == 0;
}

/* /proc/thread-self is an entry of /proc/self under another name. */
static int thread_self_put(struct positions *positions, const struct pattern *pattern, uint32_t at,
			   struct mark mark)
{
	/* escapes in its first two names do not hide the third '/' */
	const char *rest = strchrnul(strchr(pattern->text + 1, '/') + 1, '/');
	char text[WEIR_PATH_MAX + 32];

	snprintf(text, sizeof(text), "proc/self/task/*%s", rest);
	return rest_put(positions, text, at, mark);
}

static int abstract_put(struct positions *positions, const struct pattern *pattern,
			struct mark mark)
{
	uint32_t at = WEIR_NODE_ABSTRACT;
	int err;

	if (pattern->kind == PATTERN_WILD)
		err = glob_put(positions, pattern->text + 1, strlen(pattern->text + 1), &at);
	else
		err = name_put(positions, pattern->path + 1, pattern->len - 1, &at);
	return err ? err : mark_put(positions, mark, at);
}

/* A path without wildcards, or such a tree: all below it, too. */
static int literal_put(struct positions *positions, const struct pattern *pattern, uint32_t at,
		       struct mark mark)
{
	size_t begin, len;
	int err = 0;

	for (begin = 0; begin < pattern->len && !err; begin += len + 1) {
		len = strcspn(pattern->path + begin + 1, "/");
		err = name_put(positions, pattern->path + begin + 1, len, &at);
	}
	if (!err && pattern->kind == PATTERN_SUBTREE)
		err = loop_get(positions, &at);
	return err ? err : mark_put(positions, mark, at);
}

static int proc_self_note(struct positions *positions)
{
	uint32_t at = WEIR_NODE_ROOT;
	int err = name_put(positions, "proc", strlen("proc"), &at);

	positions->proc = at;
	if (!err)
		err = name_put(positions, "self", strlen("self"), &at);
	positions->proc_self = at;
	return err;
}

static int pattern_put(struct positions *positions, const struct pattern *pattern, struct mark mark)
{
	const char *text = pattern->text;
	uint32_t at = mark.list == LIST_UNIX ? WEIR_NODE_UNIX : WEIR_NODE_ROOT;

	if (pattern_is_abstract(pattern))
		return abstract_put(positions, pattern, mark);
	if (mark.list != LIST_UNIX && pattern_is_proc_self(pattern)) {
		if (proc_self_note(positions) < 0)
			return -ENOMEM;
		if (is_thread_self(pattern))
			return thread_self_put(positions, pattern, at, mark);
	}
	if (pattern->kind != PATTERN_WILD)
		return literal_put(positions, pattern, at, mark);
	return rest_put(positions, *text == '/' ? text + 1 : text, at, mark);
}

int positions_add(struct positions *positions, const struct pattern *pattern, struct mark mark)
{
	int err = pattern_put(positions, pattern, mark);

	if (positions->limits->over == PATH_LIMIT_CROSSINGS)
		positions->limits->place = &pattern->place;
	return err;
}

/* The marks of a position as numbers, each once and in order. */
static int marks_take(const struct positions *positions, uint32_t position, struct numbers *ret)
{
	const struct mark *mark;
	uint32_t at;

	_Static_assert(POLICY_RULES_MAX <= 1 << 16 && LIST_COUNT <= 1 << 8, "they fit a number");
	ret->n = 0;
	for (at = positions->list[position].marks; at; at = mark->next) {
		mark = &positions->marks[at - 1];
		if (numbers_add(ret, (uint32_t)mark->list << 24 | (uint32_t)mark->except << 16 |
					     mark->rule) < 0)
			return -ENOMEM;
	}
	numbers_sort(ret);
	return 0;
}

int positions_share(struct positions *positions)
{
	_cleanup_(numbers_done) struct numbers marks = {0}, first = {0};
	_cleanup_(intern_done) struct intern kinds = {0};
	uint32_t loop, kind;
	size_t i;
	int added;

	for (i = 0; i < positions->n; i++) {
		loop = positions->list[i].loop;
		if (!positions->list[loop].marks || positions->list[loop].names ||
		    positions->list[loop].globs)
			continue;
		if (marks_take(positions, loop, &marks) < 0)
			return -ENOMEM;
		added = intern_add(&kinds, marks.list, marks.n * sizeof(*marks.list), &kind);
		if (added < 0 || (added && numbers_add(&first, loop) < 0))
			return -ENOMEM;
		positions->list[i].loop = first.list[kind];
	}
	return 0;
}

static void moves_done(struct moves *moves)
{
	intern_done(&moves->keys);
	free(moves->list);
}

void positions_done(struct positions *positions)
{
	free(positions->list);
	free(positions->marks);
	moves_done(&positions->by_name);
	moves_done(&positions->by_glob);
	intern_done(&positions->names);
	intern_done(&positions->globs);
}
