// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What is too much for one policy: refused soon, with the name of the limit.
 */
#include "../test.h"

#include <errno.h>
#include <stdio.h>

#include "policy/tree.h"
#include "tables.h"

#define HEAD "version: 1\nname: test\n"
#define FILES HEAD "files:\n  allow:\n  - name: r\n    access: [read]\n    paths:\n"

/* Compiles what is too much, and looks for a text in the only error. */
static void limit_must_fail(struct buf *text, const char *expected)
{
	_cleanup_policy_ struct policy *policy = policy_must_read(buf_string(text));
	struct policy_compiled *compiled = NULL;
	struct policy_errors errors = {0};

	assert_int_equal(policy_compile(policy, &errors, &compiled), -EINVAL);
	assert_null(compiled);
	assert_int_equal(errors.count, 1);
	if (!strstr(buf_string(&errors.text), expected))
		fail_msg("%s", errors.text.data);
	policy_errors_done(&errors);
	buf_done(text);
}

static void numbers_are_limited(void **state)
{
	struct buf text = {0};
	size_t i;

	(void)state;
	buf_add_string(&text, HEAD "network:\n  allow:\n");
	for (i = 0; i <= POLICY_RULES_MAX; i++)
		buf_printf(&text, "  - {name: r%zu, addresses: [192.0.2.1]}\n", i);
	limit_must_fail(&text, "rules of a policy: 8193 asked for, the limit is 8192");

	buf_add_string(&text, FILES);
	for (i = 0; i <= POLICY_PATTERNS_MAX; i++)
		buf_printf(&text, "    - /a/%zu\n", i);
	limit_must_fail(&text,
			"path patterns of a policy: 131073 asked for, the limit is 131072");
}

static void parts_are_limited(void **state)
{
	struct buf text = {0};
	size_t i, j;

	(void)state;
	/* fifteen parts each */
	buf_add_string(&text, FILES);
	for (i = 0; i < 5000; i++) {
		buf_printf(&text, "    - /%zu", i);
		for (j = 0; j < 600; j++)
			buf_add_string(&text, "/a");
		buf_add_char(&text, '\n');
	}
	limit_must_fail(&text, "test.yaml:2:7: error: the path patterns of this policy, "
			       "taken together, need more than 2097152 parts");
}

static void rows_are_limited(void **state)
{
	struct buf text = {0};
	size_t i;

	(void)state;
	buf_add_string(&text, FILES);
	for (i = 0; i < 200; i++)
		buf_printf(&text, "    - '/d/*x%zu*'\n", i);
	limit_must_fail(&text, "need more than 65535 rows for wildcards within names");
}

/* Sets of wildcards that would grow for minutes, and beyond a gigabyte. */
static void steps_are_limited(void **state)
{
	struct buf text = {0};
	size_t i;

	(void)state;
	/* within a name */
	buf_add_string(&text, FILES);
	for (i = 0; i < 300; i++)
		buf_printf(&text, "    - '/d/[a%c%c%c]*z%zu*'\n", (char)('b' + i % 24),
			   (char)('c' + i / 24 % 22), (char)('0' + i % 9), i);
	limit_must_fail(&text, "need more than 67108864 steps");

	/* over several */
	buf_add_string(&text, FILES);
	for (i = 0; i < 100; i++)
		buf_printf(&text, "    - '/[a%c%c%c]*/**/b%zu/**/c'\n", (char)('b' + i % 24),
			   (char)('c' + i / 24 % 22), (char)('0' + i % 9), i);
	limit_must_fail(&text, "need more than 67108864 steps");
}

/* One pattern is too much: it is the one to be shown. */
static void crossings_are_limited(void **state)
{
	struct buf text = {0};
	size_t i;

	(void)state;
	buf_add_string(&text, FILES "    - /fine\n    - '/a/");
	for (i = 0; i < 18; i++)
		buf_add_string(&text, "x**");
	buf_add_string(&text, "'\n");
	limit_must_fail(&text, "test.yaml:9:7: error: the path patterns of this policy, taken "
			       "together, need more than 65536 ways to read \"**\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_limited),	 cmocka_unit_test(parts_are_limited),
		cmocka_unit_test(rows_are_limited),	 cmocka_unit_test(steps_are_limited),
		cmocka_unit_test(crossings_are_limited),
	};

	return RUN_TESTS(tests);
}
