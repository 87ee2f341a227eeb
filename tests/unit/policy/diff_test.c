// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The difference between two versions of a policy, in words. */
#include "../test.h"

#include <string.h>

#include "policy/diff.h"

#define HEAD "version: 1\nname: p\n"
#define WEB "    - {name: web, addresses: [192.0.2.1, 10.0.0.0/8], ports: [443], protocol: tcp}\n"

static struct policy_outline *outline_of(const char *text)
{
	_cleanup_policy_ struct policy *policy = NULL;
	struct policy_outline *outline = NULL;
	struct policy_errors errors = {0};

	if (policy_read_text("p.yaml", text, strlen(text), NULL, &errors, &policy) < 0)
		fail_msg("%s", buf_string(&errors.text));
	assert_int_equal(policy_outline(policy, &outline), 0);
	return outline;
}

static void expect_diff(const char *before, const char *after, size_t lines, const char *expected)
{
	_cleanup_outline_ struct policy_outline *one = outline_of(before), *two = outline_of(after);
	_cleanup_buf_ struct buf out = {0};

	assert_int_equal(policy_diff(one, two, &out), lines);
	assert_string_equal(buf_string(&out), expected);
}

static void nothing_has_changed(void **state)
{
	(void)state;
	expect_diff(HEAD, HEAD, 0, "");
	/* neither by comments nor by the order within a rule */
	expect_diff(HEAD "network:\n  allow:\n" WEB,
		    HEAD "# a comment\nnetwork:\n  allow:\n"
			 "    - {name: web, addresses: [10.0.0.0/8, 192.0.2.1], protocol: tcp, "
			 "ports: [443]}\n",
		    0, "");
}

static void rules_come_and_go(void **state)
{
	static const char added[] = "added rule network.allow web: address 10.0.0.0/8, "
				    "address 192.0.2.1, port 443, protocol tcp\n";
	static const char removed[] = "removed rule network.allow web: address 10.0.0.0/8, "
				      "address 192.0.2.1, port 443, protocol tcp\n";

	(void)state;
	expect_diff(HEAD, HEAD "network:\n  allow:\n" WEB, 1, added);
	expect_diff(HEAD "network:\n  allow:\n" WEB, HEAD, 1, removed);
}

static void rules_change(void **state)
{
	(void)state;
	expect_diff(HEAD "network:\n  allow:\n" WEB,
		    HEAD "network:\n  allow:\n"
			 "    - {name: web, addresses: [192.0.2.1], ports: [443, 8000-8100], "
			 "protocol: tcp}\n",
		    1,
		    "changed rule network.allow web: now also port 8000-8100; "
		    "no longer address 10.0.0.0/8\n");
	expect_diff(HEAD "files:\n  deny:\n    - {name: s, paths: [/a, /b]}\n",
		    HEAD "files:\n  deny:\n    - {name: s, paths: [/a], access: [read]}\n", 1,
		    "changed rule files.deny s: no longer access create, access delete, "
		    "access execute, access write, path /b\n");
	/* the same name in another list is another rule */
	expect_diff(HEAD "network:\n  allow:\n    - {name: a, addresses: [192.0.2.1]}\n",
		    HEAD "network:\n  deny:\n    - {name: a, addresses: [192.0.2.1]}\n", 2,
		    "added rule network.deny a: address 192.0.2.1, protocol tcp, protocol udp\n"
		    "removed rule network.allow a: address 192.0.2.1, protocol tcp, "
		    "protocol udp\n");
}

static void the_rest_changes(void **state)
{
	(void)state;
	expect_diff(HEAD, HEAD "mode: audit\nguard: unrestricted\n", 1,
		    "changed policy: now also mode audit, unrestricted guard; "
		    "no longer mode enforce\n");
	expect_diff(HEAD "identity: {team: a}\n",
		    HEAD "identity: {team: b}\naudit: {when_full: count}\n", 1,
		    "changed policy: now also audit.when_full count, identity team=b; "
		    "no longer audit.when_full deny, identity team=a\n");
}

static void many_addresses(struct buf *text, unsigned int n)
{
	buf_add_string(text, HEAD "network:\n  allow:\n    - name: many\n      addresses: [");
	for (unsigned int i = 0; i < n; i++)
		buf_printf(text, "%s10.0.%u.%u", i ? ", " : "", i / 256, i % 256);
	buf_add_string(text, "]\n");
}

static void many_are_counted(void **state)
{
	_cleanup_buf_ struct buf few = {0}, many = {0}, more = {0};

	(void)state;
	many_addresses(&few, 20);
	many_addresses(&many, 2000);
	many_addresses(&more, 2001);
	expect_diff(buf_string(&many), buf_string(&more), 1,
		    "changed rule network.allow many: 2003 entries, before 2002\n");
	expect_diff(buf_string(&many), buf_string(&many), 0, "");
	expect_diff(HEAD, buf_string(&many), 1, "added rule network.allow many: 2002 entries\n");
	expect_diff(HEAD, buf_string(&few), 1,
		    "added rule network.allow many: address 10.0.0.0, address 10.0.0.1, "
		    "address 10.0.0.10, address 10.0.0.11, address 10.0.0.12, address 10.0.0.13, "
		    "address 10.0.0.14, address 10.0.0.15, address 10.0.0.16, address 10.0.0.17, "
		    "address 10.0.0.18, address 10.0.0.19 and 10 more\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_has_changed), cmocka_unit_test(rules_come_and_go),
		cmocka_unit_test(rules_change),	       cmocka_unit_test(the_rest_changes),
		cmocka_unit_test(many_are_counted),
	};

	return RUN_TESTS(tests);
}
