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

/* What an agent reads at work, and what it must not, by the policy that weir brings along. */
static void the_coding_agent_reads_its_work(void **state)
{
	static const struct {
		const char *path;
		enum weir_verdict verdict;
	} cases[] = {
		{"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", WEIR_VERDICT_ALLOW},
		{"/etc/pki/tls/certs/ca-bundle.pem", WEIR_VERDICT_ALLOW},
		{"/etc/pki/tls/private/localhost.pem", WEIR_VERDICT_DENY},
		{"/etc/ssl/certs/ISRG_Root_X1.pem", WEIR_VERDICT_ALLOW},
		{"/etc/ssl/private/key.pem", WEIR_VERDICT_DENY},
		{"/workspace/v/lib/site-packages/certifi/cacert.pem", WEIR_VERDICT_ALLOW},
		{"/workspace/v/lib/site-packages/pip/_vendor/certifi/cacert.pem",
		 WEIR_VERDICT_ALLOW},
		{"/workspace/certifi/key.pem", WEIR_VERDICT_DENY},
		{"/workspace/key.pem", WEIR_VERDICT_DENY},
		{"/workspace/.env", WEIR_VERDICT_DENY},
		{"/workspace/.env.local", WEIR_VERDICT_DENY},
		{"/workspace/.env.production", WEIR_VERDICT_DENY},
		{"/workspace/.env.test.local", WEIR_VERDICT_DENY},
		{"/workspace/.env.example.bak", WEIR_VERDICT_DENY},
		{"/workspace/a/.env.example", WEIR_VERDICT_ALLOW},
		{"/workspace/.env.sample", WEIR_VERDICT_ALLOW},
		{"/workspace/.env.template", WEIR_VERDICT_ALLOW},
		{"/workspace/.env.development", WEIR_VERDICT_ALLOW},
		{"/workspace/.env.test", WEIR_VERDICT_ALLOW},
		{"/etc/.env.test", WEIR_VERDICT_DENY},
		{"/workspace/.ssh/config", WEIR_VERDICT_DENY},
	};
	struct policy_errors errors = {0};
	struct explanation explanation;
	struct policy *policy = NULL;
	size_t i;

	(void)state;
	if (policy_read("allowlists/coding-agent.yaml", NULL, &errors, &policy) < 0)
		fail_msg("%s", buf_string(&errors.text));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		policy_explain_path(policy, cases[i].path, strlen(cases[i].path), WEIR_ACCESS_READ,
				    &explanation);
		if (explanation.verdict != cases[i].verdict)
			fail_msg("%s: %s", cases[i].path,
				 explanation.name ? explanation.name : "no rule");
	}
	policy_errors_done(&errors);
	policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unrestricted_decides_all),
		cmocka_unit_test(absent_sections_deny),
		cmocka_unit_test(explanations_name_the_rule),
		cmocka_unit_test(the_coding_agent_reads_its_work),
	};

	return RUN_TESTS(tests);
}
