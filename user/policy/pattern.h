/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Path patterns: what they may look like and what they match. A pattern is
 * matched against whole paths; '*' and '?' do not cross '/', "**" does. The
 * abstract name of a unix socket stands behind an '@', in patterns as in what
 * is matched.
 */
#ifndef WEIR_POLICY_PATTERN_H
#define WEIR_POLICY_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/arena.h"
#include "policy/source.h"

enum pattern_kind {
	PATTERN_LITERAL,	/* one path or abstract name */
	PATTERN_SUBTREE,	/* a path and everything below it */
	PATTERN_WILD,		/* anything else */
};

struct pattern {
	enum pattern_kind kind;
	const char *text;	/* as the policy has it, parameters substituted */
	const char *path;	/* LITERAL, SUBTREE: without escapes; "/a", "@name"; "" is "/" */
	size_t len;		/* of path */
	struct place place;
};

/*
 * Checks a pattern and sorts it by kind. *ret keeps text (not copied); place
 * is left alone. `abstract`: may it be an "@name"?
 *
 * Returns NULL, or what is wrong with it. *ret_nomem: no memory, and *ret is
 * not filled.
 */
const char *pattern_parse(const char *text, bool abstract, struct arena *arena, struct pattern *ret,
			  bool *ret_nomem);

/* Is it about abstract names? Its path, if it has one, is an '@' and the bytes of the name. */
bool pattern_is_abstract(const struct pattern *pattern);

/* Does the pattern cover this path ("/" or "/a/b") or abstract name ("@name", any bytes)? */
bool pattern_matches(const struct pattern *pattern, const char *path, size_t len);

/* Length of what starts at text in a pattern: a byte, an escaped one, a class, a run of stars. */
size_t pattern_element_len(const char *text);

/* Does the class of that length take this byte? */
bool pattern_class_takes(const char *class_text, size_t len, char c);

/* Does it speak of the workload's own entries in /proc? */
bool pattern_is_proc_self(const struct pattern *pattern);

#endif
