// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Grants as text, and in the tables of a policy. */
#include "../test.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/grant.h"
#include "tables.h"

static void durations(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t seconds;
	} cases[] = {
		{"90s", 0, 90},
		{"15m", 0, 900},
		{"2h", 0, 7200},
		{"1d", 0, 86400},
		{"1h30m", 0, 5400},
		{"1d2h3m4s", 0, 93784},
		{"366d", 0, 31622400},
		{"366d1s", -ERANGE, 0},
		{"0s", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"10", -EINVAL, 0},
		{"m", -EINVAL, 0},
		{"5m1h", -EINVAL, 0},
		{"1m1m", -EINVAL, 0},
		{"-1s", -EINVAL, 0},
		{"1.5h", -EINVAL, 0},
		{"1w", -EINVAL, 0},
		{" 1s", -EINVAL, 0},
		{"9999999999s", -ERANGE, 0},
		{"18446744073709551615d", -ERANGE, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t seconds = 0;

		assert_int_equal(grant_duration_parse(cases[i].text, &seconds), cases[i].result);
		assert_int_equal(seconds, cases[i].seconds);
	}
}

static void items(void **state)
{
	static const struct {
		enum grant_kind kind;
		const char *text;
		const char *error;	/* NULL: it is right */
	} cases[] = {
		{GRANT_CONNECT, "192.0.2.7:443", NULL},
		{GRANT_CONNECT, "tcp:10.0.0.0/8:8000-8100", NULL},
		{GRANT_CONNECT, "udp:[2001:db8::/32]:*", NULL},
		{GRANT_LISTEN, "loopback:80", NULL},
		{GRANT_UNIX, "@name", NULL},
		{GRANT_READ, "/etc/**", NULL},
		{GRANT_READ, "@name", ""},
		{GRANT_CONNECT, "registry.example.com:443", "names cannot be granted"},
		{GRANT_CONNECT, "10.0.0.1/8:443", "the network is 10.0.0.0/8"},
		{GRANT_CONNECT, "0.0.0.0:443", "loopback"},
		{GRANT_CONNECT, "2001:db8::1:443", "brackets"},
		{GRANT_CONNECT, "[2001:db8::1]", "brackets"},
		{GRANT_CONNECT, "[2001:db8::1]x:1", "brackets"},
		{GRANT_CONNECT, "[::1", "brackets"},
		{GRANT_CONNECT, "192.0.2.7", "HOST:PORT"},
		{GRANT_CONNECT, ":443", "HOST:PORT"},
		{GRANT_CONNECT, "", "HOST:PORT"},
		{GRANT_CONNECT, "tcp:", "HOST:PORT"},
		{GRANT_CONNECT, "192.0.2.7:", "not a port"},
		{GRANT_CONNECT, "192.0.2.7:0", "not a port"},
		{GRANT_CONNECT, "192.0.2.7:9-8", "not a port"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct grant_item item = {cases[i].kind, (char *)cases[i].text};
		_cleanup_free_ char *error = NULL;
		int r = grant_item_check(&item, &error);

		assert_int_equal(r, cases[i].error ? -EINVAL : 0);
		if (cases[i].error && !strstr(error, cases[i].error))
			fail_msg("%s: %s", cases[i].text, error);
	}
}

#define POLICY \
	"version: 1\nname: test\n" \
	"network:\n" \
	"  allow: [{name: own, addresses: [192.0.2.1], ports: [80]}]\n" \
	"  deny: [{name: never, addresses: [192.0.2.9]}]\n" \
	"files:\n" \
	"  allow: [{name: own, paths: [/a/own], access: [read]}]\n" \
	"  deny: [{name: never, paths: [/a/never]}]\n"

static struct grant_item first[] = {{GRANT_CONNECT, (char *)"192.0.2.0/24:*"},
				    {GRANT_READ, (char *)"/a/**"}};
static struct grant_item second[] = {{GRANT_READ, (char *)"/a/b"},
				     {GRANT_UNIX, (char *)"/run/socket"},
				     {GRANT_LISTEN, (char *)"tcp:loopback:8080"}};
static const struct policy_grant grants[] = {
	{.id = 12, .slot = 200, .expires_ns = 7, .items = first, .n_items = ARRAY_SIZE(first)},
	{.id = 5, .slot = 3, .once = true, .expires_ns = 5, .items = second,
	 .n_items = ARRAY_SIZE(second)},
};
#define FIRST (WEIR_RULE_GRANT | 200)
#define SECOND (WEIR_RULE_GRANT | WEIR_RULE_ONCE | 3)

static struct policy_compiled *granted(void)
{
	_cleanup_policy_ struct policy *policy = policy_must_read(POLICY);

	assert_int_equal(policy_grants_add(policy, grants, ARRAY_SIZE(grants)), 0);
	return policy_must_compile(policy);
}

static weir_rule_t net_rule(const struct policy_compiled *compiled, const char *address,
			    enum weir_proto proto, uint16_t port)
{
	struct weir_addr addr;

	assert_int_equal(addr_parse(address, &addr), 0);
	return tables_flow(compiled, proto, &addr, port);
}

static void rules_of_the_policy_come_first(void **state)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = granted();

	(void)state;
	assert_int_equal(net_rule(compiled, "192.0.2.1", WEIR_PROTO_TCP, 80), 1);
	assert_int_equal(net_rule(compiled, "192.0.2.1", WEIR_PROTO_TCP, 81), FIRST);
	assert_int_equal(net_rule(compiled, "192.0.2.2", WEIR_PROTO_UDP, 80), FIRST);
	assert_int_equal(net_rule(compiled, "192.0.2.9", WEIR_PROTO_TCP, 80), WEIR_RULE_DENY | 1);
	assert_int_equal(net_rule(compiled, "192.0.3.1", WEIR_PROTO_TCP, 80), WEIR_RULE_NONE);
	assert_int_equal(net_rule(compiled, "127.0.0.1", WEIR_PROTO_LISTEN_TCP, 8080), SECOND);
	assert_int_equal(tables_unix(compiled, "/run/socket", strlen("/run/socket")), SECOND);
	assert_int_equal(net_rule(compiled, "127.0.0.1", WEIR_PROTO_TCP, 8080), WEIR_RULE_NONE);
	assert_int_equal(tables_path(compiled, "/a/own", WEIR_ACCESS_READ), 1);
	assert_int_equal(tables_path(compiled, "/a/own", WEIR_ACCESS_WRITE), WEIR_RULE_NONE);
	assert_int_equal(tables_path(compiled, "/a/other", WEIR_ACCESS_READ), FIRST);
	assert_int_equal(tables_path(compiled, "/a/b", WEIR_ACCESS_READ), FIRST);
	assert_int_equal(tables_path(compiled, "/a/never", WEIR_ACCESS_READ), WEIR_RULE_DENY | 1);
	assert_int_equal(compiled->n_grants, 2);
	assert_string_equal(compiled->grants[0].name, "grant-12");
	assert_int_equal(compiled->grants[1].slot, 3);
	assert_int_equal(compiled->grants[1].expires_ns, 5);
}

/* What is said without naming a rule is remembered for longer than a grant may last. */
static void what_is_always_allowed_is_by_no_grant(void **state)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = granted();
	const uint8_t read = WEIR_ACCESS_BIT(WEIR_ACCESS_READ);
	const struct weir_node *root = &compiled->nodes[WEIR_NODE_ROOT];
	size_t told = 0;

	(void)state;
	assert_true(root->ever & read);
	for (size_t i = 0; i < compiled->n_nodes; i++) {
		const struct weir_node *node = &compiled->nodes[i];

		if (!(node->below[WEIR_ACCESS_READ] & WEIR_RULE_GRANT) ||
		    node->below[WEIR_ACCESS_READ] & WEIR_RULE_DENY)
			continue;
		assert_false(node->below_allows & read);
		assert_false(node->always & read);
		assert_true(node->ever & read);
		told++;
	}
	assert_true(told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations),
		cmocka_unit_test(items),
		cmocka_unit_test(rules_of_the_policy_come_first),
		cmocka_unit_test(what_is_always_allowed_is_by_no_grant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
