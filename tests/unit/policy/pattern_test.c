// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What path patterns are and match. */
#include "../test.h"

#include <stdio.h>
#include <string.h>

#include "policy/pattern.h"

static struct pattern pattern_of(const char *text, struct arena *arena)
{
	struct pattern pattern = {0};
	const char *problem;
	bool nomem;

	problem = pattern_parse(text, true, arena, &pattern, &nomem);
	if (problem)
		fail_msg("%s: %s", text, problem);
	assert_false(nomem);
	return pattern;
}

static void kinds_are_told(void **state)
{
	static const struct {
		const char *text;
		enum pattern_kind kind;
		const char *path;
	} cases[] = {
		{"/", PATTERN_LITERAL, ""},
		{"/**", PATTERN_SUBTREE, ""},
		{"/a/b", PATTERN_LITERAL, "/a/b"},
		{"/a/**", PATTERN_SUBTREE, "/a"},
		{"/a\\*b/**", PATTERN_SUBTREE, "/a*b"},
		{"/a\\\\b", PATTERN_LITERAL, "/a\\b"},
		{"/\\[x\\]\\?", PATTERN_LITERAL, "/[x]?"},
		{"/a/*", PATTERN_WILD, NULL},
		{"/a/*/**", PATTERN_WILD, NULL},
		{"**/x", PATTERN_WILD, NULL},
		{"/a/**/b", PATTERN_WILD, NULL},
		{"/a/[b]", PATTERN_WILD, NULL},
		{"/a/...", PATTERN_LITERAL, "/a/..."},
		{"@name", PATTERN_LITERAL, "@name"},
		{"@/a//b/../", PATTERN_LITERAL, "@/a//b/../"},
		{"@a\\*\\?\\[\\\\b", PATTERN_LITERAL, "@a*?[\\b"},
		{"@\\a\\/", PATTERN_LITERAL, "@a/"},
		{"@@", PATTERN_LITERAL, "@@"},
		{"@a*", PATTERN_WILD, NULL},
		{"@a/**", PATTERN_WILD, NULL},
		{"@**", PATTERN_WILD, NULL},
		{"@[a]", PATTERN_WILD, NULL},
	};
	struct arena arena = {0};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pattern pattern = pattern_of(cases[i].text, &arena);

		assert_int_equal(pattern.kind, cases[i].kind);
		assert_int_equal(pattern_is_abstract(&pattern), cases[i].text[0] == '@');
		if (!cases[i].path)
			continue;
		assert_string_equal(pattern.path, cases[i].path);
		assert_int_equal(pattern.len, strlen(cases[i].path));
	}
	arena_done(&arena);
}

static void patterns_match(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool matches;
	} cases[] = {
		{"/", "/", true},
		{"/", "/a", false},
		{"/**", "/", true},
		{"/**", "/a/b", true},
		{"/a", "/a", true},
		{"/a", "/a/b", false},
		{"/a", "/ab", false},
		{"/a/**", "/a", true},
		{"/a/**", "/a/b/c", true},
		{"/a/**", "/ab", false},
		{"/a/**", "/", false},
		{"/a/*", "/a/b", true},
		{"/a/*", "/a/b/c", false},
		{"/a/*", "/a", false},
		{"/a/b*d", "/a/bcd", true},
		{"/a/b*d", "/a/bc/d", false},
		{"/a/?", "/a/b", true},
		{"/a?b", "/a/b", false},
		{"/a/[b-d]", "/a/c", true},
		{"/a/[b-d]", "/a/e", false},
		{"/a/[!b-d]", "/a/e", true},
		{"/a/[^b-d]", "/a/b", false},
		{"/a[!b]c", "/a/c", false},
		{"/a/[a-]", "/a/-", true},
		{"/a/[\\]]", "/a/]", true},
		{"/a\\*/*", "/a*/x", true},
		{"/a\\*/*", "/ab/x", false},
		{"**/.env", "/.env", true},
		{"**/.env", "/a/b/.env", true},
		{"**/.env", "/a/x.env", false},
		{"**/*.pem", "/etc/a.pem", true},
		{"**/*.pem", "/etc/a.pem/x", false},
		{"/home/*/.ssh/**", "/home/a/.ssh", true},
		{"/home/*/.ssh/**", "/home/a/.ssh/b/c", true},
		{"/home/*/.ssh/**", "/home/a/b/.ssh", false},
		{"/a/**/b", "/a/b", true},
		{"/a/**/b", "/a/x/y/b", true},
		{"/a/**/b", "/a/xb", false},
		{"/a/**/b/*c", "/a/b/b/x/b/yc", true},
		{"/a/**/b/**", "/a/x/b", true},
		{"/tmp/x**", "/tmp/x", true},
		{"/tmp/x**", "/tmp/xy/z", true},
		{"/tmp/x**", "/tmp/yx", false},
		{"/tmp/x**z", "/tmp/xa/b/cz", true},
		{"/a*b*c", "/axbxbxc", true},
		{"/a*b*c", "/axbx/c", false},
		{"@x", "/x", false},
		{"/x", "@x", false},
		{"@x", "@x", true},
		{"@x", "@xy", false},
		{"@x\\*", "@x*", true},
		{"@x\\*", "@xy", false},
		{"@x*", "@xy", true},
		{"@x**", "@xy/z", true},
		{"@**", "/x", false},
		{"@**", "/", false},
		{"**/x", "/a/x", true},
		{"**/x", "@a/x", false},
		{"/**", "@a/x", false},
	};
	struct arena arena = {0};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pattern pattern = pattern_of(cases[i].pattern, &arena);

		if (pattern_matches(&pattern, cases[i].path, strlen(cases[i].path)) !=
		    cases[i].matches)
			fail_msg("%s on %s", cases[i].pattern, cases[i].path);
	}
	arena_done(&arena);
}

/* Names have bytes that a policy cannot write; none of its names may be taken for them. */
static void abstract_names_match_as_bytes(void **state)
{
	struct arena arena = {0};
	struct pattern name = pattern_of("@ab", &arena), all = pattern_of("@a**", &arena);

	(void)state;
	assert_true(pattern_matches(&name, "@ab\0", 3));
	assert_false(pattern_matches(&name, "@ab\0", 4));
	assert_false(pattern_matches(&name, "@a\0", 3));
	assert_true(pattern_matches(&all, "@a\0b", 4));
	arena_done(&arena);
}

static void abstract_names_have_a_length(void **state)
{
	struct arena arena = {0};
	struct pattern pattern;
	char text[160];
	bool nomem;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[0] = '@';
	text[108] = '\0';
	pattern = pattern_of(text, &arena);
	assert_int_equal(pattern.len, 108);
	text[108] = 'a';
	text[109] = '\0';
	assert_string_equal(pattern_parse(text, true, &arena, &pattern, &nomem),
			    "an abstract name longer than 107 bytes");
	/* escapes do not count, and a pattern may cover what is short enough */
	text[1] = '\\';
	pattern = pattern_of(text, &arena);
	assert_int_equal(pattern.len, 108);
	text[1] = '*';
	pattern = pattern_of(text, &arena);
	text[1] = '?';
	assert_string_equal(pattern_parse(text, true, &arena, &pattern, &nomem),
			    "an abstract name longer than 107 bytes");
	arena_done(&arena);
}

/* What no name is long enough for is an error, wildcards or not. */
static void components_have_a_length(void **state)
{
	static const struct {
		const char *start, *end;
		size_t longest;	/* of what is between them */
	} cases[] = {
		{"/", "", 255},
		{"/a/", "/b", 255},
		{"/", "/**", 255},
		{"**/", "", 255},
		{"/*", "*", 255},
		{"/?", "", 254},
		{"/[abc]", "[!a-z]*", 253},
		{"/\\*", "", 254},
		/* what "**" is between may be two names */
		{"/aa**", "", 255},
		{"/", "**aa", 255},
		{"/a**b", "c**d", 253},
	};
	struct arena arena = {0};
	struct pattern pattern;
	char text[300];
	bool nomem;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *problem;
		char name[260];

		memset(name, 'n', sizeof(name));
		name[cases[i].longest] = '\0';
		snprintf(text, sizeof(text), "%s%s%s", cases[i].start, name, cases[i].end);
		pattern = pattern_of(text, &arena);
		name[cases[i].longest] = 'n';
		name[cases[i].longest + 1] = '\0';
		snprintf(text, sizeof(text), "%s%s%s", cases[i].start, name, cases[i].end);
		problem = pattern_parse(text, true, &arena, &pattern, &nomem);
		if (!problem)
			fail_msg("%s is taken", text);
		assert_string_equal(problem, "a component longer than 255 bytes");
	}
	arena_done(&arena);
}

/* A '/' and two stars may take nothing at all: each doubles the ways to read the rest. */
static void abstract_trees_are_limited(void **state)
{
	struct arena arena = {0};
	struct pattern pattern;
	bool nomem;

	(void)state;
	pattern = pattern_of("@a/**/**/**/**/**/**/**/**/x**/b**", &arena);
	assert_string_equal(pattern_parse("@a/**/**/**/**/**/**/**/**/x/**", true, &arena, &pattern,
					  &nomem),
			    "an abstract name with more than 8 times \"/**\"");
	arena_done(&arena);
}

static void own_proc_entries_are_told(void **state)
{
	struct arena arena = {0};
	struct pattern pattern;

	(void)state;
	pattern = pattern_of("/proc/self/**", &arena);
	assert_true(pattern_is_proc_self(&pattern));
	pattern = pattern_of("/proc/self", &arena);
	assert_true(pattern_is_proc_self(&pattern));
	pattern = pattern_of("/proc/\\self/status", &arena);
	assert_true(pattern_is_proc_self(&pattern));
	pattern = pattern_of("/proc/self/task/*/status", &arena);
	assert_true(pattern_is_proc_self(&pattern));
	pattern = pattern_of("/proc/thread-self/status", &arena);
	assert_true(pattern_is_proc_self(&pattern));
	pattern = pattern_of("/proc/thread\\-self/environ", &arena);
	assert_true(pattern_is_proc_self(&pattern));
	/* a wildcard never means it, however narrow */
	pattern = pattern_of("/proc/[s]elf/status", &arena);
	assert_false(pattern_is_proc_self(&pattern));
	pattern = pattern_of("/proc/selfish", &arena);
	assert_false(pattern_is_proc_self(&pattern));
	arena_done(&arena);
}

/* A pattern of many stars must not take exponential time. */
static void stars_stay_cheap(void **state)
{
	struct arena arena = {0};
	char text[512] = "/", path[1024] = "/";
	struct pattern pattern;
	size_t i;

	(void)state;
	for (i = 0; i < 100; i++)
		strcat(text, i % 10 ? "a*" : "**");
	strcat(text, "b");
	memset(path + 1, 'a', sizeof(path) - 2);
	pattern = pattern_of(text, &arena);
	assert_false(pattern_matches(&pattern, path, strlen(path)));
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_are_told),
		cmocka_unit_test(patterns_match),
		cmocka_unit_test(abstract_names_match_as_bytes),
		cmocka_unit_test(abstract_names_have_a_length),
		cmocka_unit_test(components_have_a_length),
		cmocka_unit_test(abstract_trees_are_limited),
		cmocka_unit_test(own_proc_entries_are_told),
		cmocka_unit_test(stars_stay_cheap),
	};

	return RUN_TESTS(tests);
}
