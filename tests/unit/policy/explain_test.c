// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What explanations say besides the rule, which agree_test.c compares with the tables. */
#include "../test.h"

#include "policy/explain.h"
#include "tables.h"

static void unrestricted_decides_all(void **state)
{
	struct policy *policy = policy_must_read(
		"version: 1\nname: open\nnetwork: unrestricted\nfiles: unrestricted\n");
	struct explanation explanation;
	struct weir_addr addr;

	(void)state;
	assert_int_equal(addr_parse("198.51.100.1", &addr), 0);
	policy_explain_flow(policy, WEIR_PROTO_TCP, &addr, 443, &explanation);
	assert_int_equal(explanation.verdict, WEIR_VERDICT_ALLOW);
	assert_int_equal(explanation.reason, WEIR_REASON_UNRESTRICTED);
	policy_explain_path(policy, "/etc/shadow", 11, WEIR_ACCESS_WRITE, &explanation);
	assert_int_equal(explanation.reason, WEIR_REASON_UNRESTRICTED);
	policy_explain_listen(policy, WEIR_PROTO_UDP, &addr, 53, &explanation);
	assert_int_equal(explanation.verdict, WEIR_VERDICT_ALLOW);
	assert_int_equal(explanation.reason, WEIR_REASON_UNRESTRICTED);
	policy_explain_unix(policy, "@x", 2, &explanation);
	assert_int_equal(explanation.verdict, WEIR_VERDICT_ALLOW);
	assert_int_equal(explanation.reason, WEIR_REASON_UNRESTRICTED);
	assert_int_equal(explanation.rule, WEIR_RULE_NONE);
	policy_free(policy);
}

static void absent_sections_deny(void **state)
{
	struct policy *policy = policy_must_read("version: 1\nname: closed\n");
	struct policy *audit = policy_must_read("version: 1\nname: closed\nmode: audit\n");
	struct explanation explanation;
	struct weir_addr addr;

	(void)state;
	assert_int_equal(addr_parse("198.51.100.1", &addr), 0);
	policy_explain_flow(policy, WEIR_PROTO_TCP, &addr, 443, &explanation);
	assert_int_equal(explanation.verdict, WEIR_VERDICT_DENY);
	assert_int_equal(explanation.reason, WEIR_REASON_NO_RULE);
	assert_null(explanation.name);
	policy_explain_listen(policy, WEIR_PROTO_TCP, &addr, 443, &explanation);
	assert_int_equal(explanation.verdict, WEIR_VERDICT_DENY);
	assert_int_equal(explanation.reason, WEIR_REASON_NO_RULE);
	policy_explain_unix(policy, "/run/x", 6, &explanation);
	assert_int_equal(explanation.verdict, WEIR_VERDICT_DENY);
	assert_int_equal(explanation.reason, WEIR_REASON_NO_RULE);
	policy_explain_unix(audit, "@x", 2, &explanation);
	assert_int_equal(explanation.verdict, WEIR_VERDICT_WOULD_DENY);
	policy_explain_path(audit, "/", 1, WEIR_ACCESS_READ, &explanation);
	assert_int_equal(explanation.verdict, WEIR_VERDICT_WOULD_DENY);
	policy_free(policy);
	policy_free(audit);
}

static void explanations_name_the_rule(void **state)
{
	struct policy *policy = policy_must_read(
		"version: 1\nname: named\nmode: audit\nnetwork:\n"
		"  listen: [{name: a, addresses: [loopback]}, {name: dev, addresses: [0.0.0.0/0]}]\n"
		"  unix: [{name: bus, paths: [\"/run/bus*\", \"@bus-?\"]}]\n");
	struct explanation explanation;
	struct weir_addr addr;

	(void)state;
	assert_int_equal(addr_parse("0.0.0.0", &addr), 0);
	policy_explain_listen(policy, WEIR_PROTO_TCP, &addr, 3000, &explanation);
	assert_int_equal(explanation.verdict, WEIR_VERDICT_ALLOW);
	assert_int_equal(explanation.reason, WEIR_REASON_RULE);
	assert_int_equal(explanation.rule, 2);
	assert_string_equal(explanation.name, "dev");
	assert_non_null(explanation.place.source);
	assert_int_equal(addr_parse("::", &addr), 0);
	policy_explain_listen(policy, WEIR_PROTO_TCP, &addr, 3000, &explanation);
	assert_int_equal(explanation.verdict, WEIR_VERDICT_WOULD_DENY);
	assert_null(explanation.name);
	/* rules are explained whole, also where they do not compile */
	policy_explain_unix(policy, "@bus-1", 6, &explanation);
	assert_string_equal(explanation.name, "bus");
	policy_explain_unix(policy, "/run/bus1", 9, &explanation);
	assert_int_equal(explanation.rule, 1);
	policy_explain_unix(policy, "/run/x", 6, &explanation);
	assert_int_equal(explanation.reason, WEIR_REASON_NO_RULE);
	policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unrestricted_decides_all),
		cmocka_unit_test(absent_sections_deny),
		cmocka_unit_test(explanations_name_the_rule),
	};

	return RUN_TESTS(tests);
}
