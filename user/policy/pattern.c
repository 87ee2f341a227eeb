// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Path patterns; see pattern.h. */
#include "policy/pattern.h"

#include <linux/un.h>
#include <string.h>

#include "weir/abi.h"

#define ABSTRACT_TREES_MAX 8

/*
 * Length of the class that starts at text; 0: there is none, and *ret_problem
 * says why. Bytes beyond ASCII are refused: a class takes one byte.
 */
static size_t class_len(const char *text, const char **ret_problem)
{
	size_t at = 1;
	unsigned char low, high;

	if (text[at] == '!' || text[at] == '^')
		at++;
	if (text[at] == ']')
		return *ret_problem = "a class of characters is empty", 0;
	while (text[at] != ']') {
		if (text[at] == '\\')
			at++;
		low = (unsigned char)text[at];
		if (!low)
			return *ret_problem = "'[' without its ']'", 0;
		if (low == '/')
			return *ret_problem = "'/' inside a class of characters", 0;
		if (low >= 0x80)
			return *ret_problem = "a class of characters takes ASCII only", 0;
		at++;
		if (text[at] != '-' || text[at + 1] == ']')
			continue;
		at++;
		if (text[at] == '\\')
			at++;
		high = (unsigned char)text[at];
		if (high && high < low)
			return *ret_problem = "a class of characters has a reversed range", 0;
		if (high == '/' || (low < '/' && high > '/'))
			return *ret_problem = "a range in a class of characters includes '/'", 0;
		if (high)
			at++;
	}
	return at + 1;
}

size_t pattern_element_len(const char *text)
{
	const char *problem;

	switch (*text) {
	case '*':
		return strspn(text, "*");
	case '[':
		return class_len(text, &problem);
	case '\\':
		return 2;
	default:
		return 1;
	}
}

/* What was seen of the component being read. */
struct component {
	size_t len;	/* bytes that a name takes there at least; from the last "**" on */
	bool too_long;	/* no name takes as many */
	bool wild;
	bool dots;	/* nothing but dots so far */
};

static const char *component_end(const struct component *component)
{
	if (component->too_long)
		return "a component longer than 255 bytes";
	if (component->wild)
		return NULL;
	if (!component->len)
		return "an empty component (\"//\" or a '/' at the end)";
	if (component->dots && component->len <= 2)
		return "a component \".\" or \"..\": paths are matched after they are resolved";
	return NULL;
}

/*
 * Reads the components from text on, which is behind a '/'. path gets the
 * bytes without escapes, as far as they are literal.
 */
static const char *components_parse(const char *text, char *path, size_t *ret_len, bool *ret_wild)
{
	struct component component = {.dots = true};
	const char *problem = NULL;
	size_t len = 0, step;

	*ret_wild = false;
	path[len++] = '/';
	for (;; text += step) {
		step = 1;
		switch (*text) {
		case '\0':
		case '/':
			problem = component_end(&component);
			*ret_wild |= component.wild;
			component = (struct component){.dots = true};
			break;
		case '*':
			step = pattern_element_len(text);
			component.wild = true;
			if (step > 1)
				component.len = 0;	/* what follows may be another name */
			break;
		case '[':
			step = class_len(text, &problem);
			/* fall through */
		case '?':
			component.wild = true;
			component.too_long |= ++component.len > WEIR_NAME_MAX;
			break;
		case '\\':
			text++;
			if (!*text || *text == '/')
				return "'\\' escapes nothing here";
			/* fall through */
		default:
			component.dots &= *text == '.';
			component.too_long |= ++component.len > WEIR_NAME_MAX;
			break;
		}
		if (problem || !*text)
			break;
		path[len++] = *text;
	}
	*ret_len = len;
	return problem;
}

/*
 * Reads an abstract name from text on, which is behind the '@'. path gets '@'
 * and the bytes without escapes, as far as they are literal.
 */
static const char *abstract_parse(const char *text, char *path, size_t *ret_len, bool *ret_wild)
{
	/* a socket's name has a zero byte where the policy has its '@' (unix(7)) */
	_Static_assert(UNIX_PATH_MAX == 108, "what the message says");
	const char *problem = NULL;
	size_t len = 0, step, least = 0, trees = 0;

	*ret_wild = false;
	path[len++] = '@';
	for (; *text; text += step) {
		bool tree = strncmp(text, "/**", 3) == 0 && (!text[3] || text[3] == '/');

		step = 1;
		trees += tree;
		least += *text != '*' && !tree;
		if (*text == '[') {
			step = class_len(text, &problem);
			if (problem)
				return problem;
		}
		*ret_wild |= strchr("*?[", *text) != NULL;
		if (*text == '\\' && !*++text)
			return "'\\' escapes nothing here";
		path[len++] = *text;
	}
	*ret_len = len;
	if (len == 1)
		return "'@' without a name";
	if (least >= UNIX_PATH_MAX)
		return "an abstract name longer than 107 bytes";
	/* each may take nothing: two ways to read what follows */
	if (trees > ABSTRACT_TREES_MAX)
		return "an abstract name with more than 8 times \"/**\"";
	return NULL;
}

/* Does text end in "/" and "**", that is, mean a whole tree? */
static bool ends_in_tree(const char *text, size_t len)
{
	return len >= 3 && memcmp(text + len - 3, "/**", 3) == 0;
}

const char *pattern_parse(const char *text, bool abstract, struct arena *arena, struct pattern *ret,
			  bool *ret_nomem)
{
	bool tree, rooted = text[0] == '/', wild = false;
	size_t text_len = strlen(text), len = 0;
	const char *problem = NULL, *rest;
	char *path, *cut;

	*ret_nomem = false;
	if (text_len > WEIR_PATH_MAX)
		return "a pattern longer than 4096 bytes";
	abstract &= text[0] == '@';
	if (!rooted && !abstract && strncmp(text, "**/", 3) != 0)
		return "a pattern that does not start with '/' or \"**/\"";

	tree = rooted && ends_in_tree(text, text_len);
	path = arena_alloc(arena, text_len + 2);
	cut = tree ? arena_copy(arena, text, text_len - 3) : NULL;
	if (!path || (tree && !cut)) {
		*ret_nomem = true;
		return NULL;
	}
	rest = rooted ? text + 1 : text + 3;
	if (tree)
		rest = cut[0] ? cut + 1 : NULL;
	if (abstract)
		problem = abstract_parse(text + 1, path, &len, &wild);
	else if (rest && !(rooted && !*rest && !tree))
		problem = components_parse(rest, path, &len, &wild);
	if (problem)
		return problem;
	path[len] = '\0';
	wild |= !rooted && !abstract;
	ret->kind = wild ? PATTERN_WILD : tree ? PATTERN_SUBTREE : PATTERN_LITERAL;
	ret->text = text;
	ret->path = path;
	ret->len = len;
	return NULL;
}

/* Does the class at pattern take c? */
bool pattern_class_takes(const char *pattern, size_t len, char c)
{
	bool negated = pattern[1] == '!' || pattern[1] == '^', found = false;
	unsigned char low, high, byte = (unsigned char)c;
	size_t at = negated ? 2 : 1;

	while (at < len - 1) {
		if (pattern[at] == '\\')
			at++;
		low = high = (unsigned char)pattern[at++];
		if (pattern[at] == '-' && at + 1 < len - 1) {
			at++;
			if (pattern[at] == '\\')
				at++;
			high = (unsigned char)pattern[at++];
		}
		found |= byte >= low && byte <= high;
	}
	return found != negated;
}

/*
 * Takes one element of the pattern, not a star, and one byte. Gives the
 * element's length, 0: no match.
 */
static size_t one_takes(const char *pattern, char c)
{
	size_t len = pattern_element_len(pattern);

	switch (*pattern) {
	case '\0':
		return 0;
	case '?':
		return c != '/' ? len : 0;
	case '[':
		return c != '/' && pattern_class_takes(pattern, len, c) ? len : 0;
	default:
		return pattern[len - 1] == c ? len : 0;
	}
}

/* Where a failed match goes on: after a star that takes some more. */
struct resume {
	const char *pattern;	/* NULL: there is none */
	const char *path;
	bool whole;		/* takes whole components only */
};

/* Lets a star take more. False: it has taken all it may. */
static bool resume_more(struct resume *resume, const char *end)
{
	if (!resume->pattern || resume->path >= end)
		return false;
	resume->path++;
	while (resume->whole && resume->path < end && resume->path[-1] != '/')
		resume->path++;
	return !resume->whole || resume->path[-1] == '/';
}

/*
 * Stars are tried shortest first. Going back to the last "*" and from there
 * to the last "**" is enough: what an earlier star could take more of, the
 * later one can take instead, and "*" ends at the same '/' in any case.
 */
static bool wild_matches(const char *pattern, const char *path, const char *end)
{
	struct resume star = {0}, tree = {0};
	size_t len;

	for (;;) {
		/* once and again is the same */
		while (strncmp(pattern, "/**/**", 6) == 0 && (pattern[6] == '/' || !pattern[6]))
			pattern += 3;
		if (strcmp(pattern, "/**") == 0 && (path == end || *path == '/'))
			return true;
		if (strncmp(pattern, "/**/", 4) == 0 && path < end && *path == '/') {
			pattern += 4;
			tree = (struct resume){pattern, ++path, true};
			star.pattern = NULL;
			continue;
		}
		if (strncmp(pattern, "**", 2) == 0) {
			pattern += strspn(pattern, "*");
			tree = (struct resume){pattern, path, false};
			star.pattern = NULL;
			continue;
		}
		if (*pattern == '*') {
			star = (struct resume){++pattern, path, false};
			continue;
		}
		if (path == end && !*pattern)
			return true;
		len = path < end ? one_takes(pattern, *path) : 0;
		if (len) {
			pattern += len;
			path++;
		} else if (star.pattern && star.path < end && *star.path != '/') {
			pattern = star.pattern;
			path = ++star.path;
		} else if (resume_more(&tree, end)) {
			pattern = tree.pattern;
			path = tree.path;
			star.pattern = NULL;
		} else {
			return false;
		}
	}
}

bool pattern_is_abstract(const struct pattern *pattern)
{
	return pattern->text[0] == '@';
}

bool pattern_matches(const struct pattern *pattern, const char *path, size_t len)
{
	if (len == 1 && path[0] == '/')
		len = 0;
	switch (pattern->kind) {
	case PATTERN_LITERAL:
		return len == pattern->len && memcmp(path, pattern->path, len) == 0;
	case PATTERN_SUBTREE:
		return len >= pattern->len && memcmp(path, pattern->path, pattern->len) == 0 &&
		       (len == pattern->len || path[pattern->len] == '/');
	case PATTERN_WILD:
		/* "**" at the start takes paths alone */
		return (len && path[0] == '@') == pattern_is_abstract(pattern) &&
		       wild_matches(pattern->text, path, path + len);
	}
	return false;
}

bool pattern_is_proc_self(const struct pattern *pattern)
{
	static const char *const own[] = {"/proc/self", "/proc/thread-self"};
	size_t i, len;

	for (i = 0; i < 2; i++) {
		const char *text = pattern->kind == PATTERN_WILD ? pattern->text : pattern->path;

		len = strlen(own[i]);
		if (strncmp(text, own[i], len) == 0 &&
		    (!text[len] || text[len] == '/'))
			return true;
	}
	return false;
}
