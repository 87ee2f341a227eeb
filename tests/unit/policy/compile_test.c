// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The compiled form: tables, names, flags, gaps, limits, the digest. */
#include "../test.h"

#include <errno.h>
#include <stdio.h>

#include "policy/tree.h"
#include "tables.h"

#define HEAD "version: 1\nname: test\n"

static struct policy_compiled *compiled_of(const char *text)
{
	_cleanup_policy_ struct policy *policy = policy_must_read(text);

	return policy_must_compile(policy);
}

static weir_rule_t flow(const struct policy_compiled *compiled, enum weir_proto proto,
			const char *address, uint16_t port)
{
	struct weir_addr addr;

	assert_int_equal(addr_parse(address, &addr), 0);
	return tables_flow(compiled, proto, &addr, port);
}

static void head_is_carried_over(void **state)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = compiled_of(
		HEAD "description: For a test\nmode: audit\nexpires: 2030-01-01T00:00:00Z\n"
		     "identity: {agent: a, owner: b}\nparameters: {w: {default: /w}}\n"
		     "audit: {record: [files], when_full: count}\n"
		     "network: unrestricted\nfiles: {allow: [{name: f, paths: [\"${w}/**\"]}]}\n");

	(void)state;
	assert_string_equal(compiled->name, "test");
	assert_string_equal(compiled->description, "For a test");
	assert_int_equal(compiled->flags, WEIR_INSTANCE_AUDIT | WEIR_INSTANCE_NETWORK_UNRESTRICTED |
						  WEIR_INSTANCE_RECORD_FILES);
	assert_int_equal(compiled->expires_s, 1893456000);
	assert_int_equal(compiled->n_identity, 2);
	assert_string_equal(compiled->identity[1].key, "owner");
	assert_string_equal(compiled->identity[1].value, "b");
	assert_int_equal(compiled->n_parameters, 1);
	assert_string_equal(compiled->parameters[0].value, "/w");
	assert_true(compiled->present[POLICY_SECTION_NETWORK]);
	assert_true(compiled->unrestricted[POLICY_SECTION_NETWORK]);
	assert_true(compiled->unrestricted[POLICY_SECTION_LISTEN]);
	assert_true(compiled->present[POLICY_SECTION_FILES]);
	assert_false(compiled->unrestricted[POLICY_SECTION_FILES]);
	assert_false(compiled->present[POLICY_SECTION_GUARD]);
	assert_int_equal(compiled->files.n_allow, 1);
	assert_string_equal(compiled->files.allow[0].name, "f");
	assert_string_equal(compiled->files.allow[0].file, "test.yaml");
	assert_int_equal(compiled->files.allow[0].line, 10);
	assert_int_equal(compiled->files.allow[0].column, 24);
}

static void defaults_are_the_strict_ones(void **state)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = compiled_of(HEAD);

	(void)state;
	assert_int_equal(compiled->flags & WEIR_INSTANCE_WHEN_FULL_DENY,
			 WEIR_INSTANCE_WHEN_FULL_DENY);
	assert_int_equal(compiled->flags & ~(uint32_t)WEIR_INSTANCE_WHEN_FULL_DENY,
			 WEIR_INSTANCE_RECORD_NETWORK | WEIR_INSTANCE_RECORD_EXECUTE);
	assert_int_equal(compiled->expires_s, 0);
	assert_int_equal(compiled->n_nets, 0);
	assert_int_equal(compiled->n_edges, 0);
	assert_int_equal(compiled->nodes[WEIR_NODE_ROOT].self[WEIR_ACCESS_READ], WEIR_RULE_NONE);
	assert_int_equal(compiled->nodes[WEIR_NODE_ROOT].below[WEIR_ACCESS_READ], WEIR_RULE_NONE);
}

static void ports_and_protocols_are_cut(void **state)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = compiled_of(
		HEAD
		"network:\n  allow:\n"
		"    - {name: web, addresses: [192.0.2.0/24], ports: [443, \"8000-8100\"], protocol: tcp}\n"
		"    - {name: both, addresses: [192.0.2.7], ports: [53]}\n"
		"    - {name: any, addresses: [192.0.2.8], protocol: any}\n"
		"    - {name: any-port, addresses: [192.0.2.9], ports: [22], protocol: any}\n"
		"  deny:\n"
		"    - {name: not-that, addresses: [192.0.2.8], ports: [\"20-25\"]}\n");

	(void)state;
	assert_int_equal(flow(compiled, WEIR_PROTO_TCP, "192.0.2.1", 443), 1);
	assert_int_equal(flow(compiled, WEIR_PROTO_TCP, "192.0.2.1", 444), 0);
	assert_int_equal(flow(compiled, WEIR_PROTO_TCP, "192.0.2.1", 442), 0);
	assert_int_equal(flow(compiled, WEIR_PROTO_TCP, "192.0.2.1", 8100), 1);
	assert_int_equal(flow(compiled, WEIR_PROTO_UDP, "192.0.2.1", 443), 0);
	assert_int_equal(flow(compiled, WEIR_PROTO_TCP, "198.51.100.1", 443), 0);
	/* the longer prefix keeps what the shorter one allows */
	assert_int_equal(flow(compiled, WEIR_PROTO_TCP, "192.0.2.7", 443), 1);
	assert_int_equal(flow(compiled, WEIR_PROTO_UDP, "192.0.2.7", 53), 2);
	assert_int_equal(flow(compiled, WEIR_PROTO_ICMP, "192.0.2.8", 0), 3);
	assert_int_equal(flow(compiled, WEIR_PROTO_OTHER, "192.0.2.8", 0), 3);
	assert_int_equal(flow(compiled, WEIR_PROTO_TCP, "192.0.2.8", 443), 1);
	assert_int_equal(flow(compiled, WEIR_PROTO_TCP, "192.0.2.8", 22), WEIR_RULE_DENY | 1);
	assert_int_equal(flow(compiled, WEIR_PROTO_TCP, "192.0.2.8", 26), 3);
	/* a rule with ports is for protocols that have them */
	assert_int_equal(flow(compiled, WEIR_PROTO_UDP, "192.0.2.9", 22), 4);
	assert_int_equal(flow(compiled, WEIR_PROTO_ICMP, "192.0.2.9", 22), 0);
	assert_int_equal(flow(compiled, WEIR_PROTO_OTHER, "192.0.2.9", 22), 0);
}

static void families_stay_apart(void **state)
{
	_cleanup_policy_compiled_ struct policy_compiled *six = compiled_of(
		HEAD
		"network: {allow: [{name: six, addresses: [\"::/0\"]}], deny: [{name: low, addresses: [\"::/8\"], ports: [25]}]}\n");
	_cleanup_policy_compiled_ struct policy_compiled *four = compiled_of(
		HEAD "network: {allow: [{name: four, addresses: [0.0.0.0/0]}]}\n");
	_cleanup_policy_compiled_ struct policy_compiled *both = compiled_of(
		HEAD
		"network: {allow: [{name: six, addresses: [\"::/0\"]}, {name: ten, addresses: [10.0.0.0/8]}]}\n");

	(void)state;
	assert_int_equal(flow(six, WEIR_PROTO_TCP, "2001:db8::1", 443), 1);
	assert_int_equal(flow(six, WEIR_PROTO_TCP, "::1", 443), 1);
	assert_int_equal(flow(six, WEIR_PROTO_TCP, "::1", 25), WEIR_RULE_DENY | 1);
	assert_int_equal(flow(six, WEIR_PROTO_TCP, "192.0.2.1", 443), 0);
	assert_int_equal(flow(six, WEIR_PROTO_TCP, "192.0.2.1", 25), 0);
	assert_int_equal(flow(six, WEIR_PROTO_TCP, "255.255.255.255", 443), 0);
	assert_int_equal(flow(six, WEIR_PROTO_TCP, "::fffe:ffff:ffff", 443), 1);
	assert_int_equal(flow(six, WEIR_PROTO_TCP, "::1:0:0:0", 443), 1);
	assert_int_equal(flow(four, WEIR_PROTO_TCP, "192.0.2.1", 443), 1);
	assert_int_equal(flow(four, WEIR_PROTO_TCP, "2001:db8::1", 443), 0);
	assert_int_equal(flow(both, WEIR_PROTO_TCP, "10.1.1.1", 443), 2);
	assert_int_equal(flow(both, WEIR_PROTO_TCP, "11.1.1.1", 443), 0);
}

static void paths_are_cut_into_chunks(void **state)
{
	static const char policy[] = HEAD
		"files:\n  allow:\n"
		"    - {name: exact, paths: [/srv/twenty-eight-bytes-long-xxxx, /srv/fifty], access: [read]}\n"
		"    - {name: tree, paths: [/srv/tree/**], except: [/srv/tree/not/**, /srv/tree/one], access: [read, write]}\n"
		"    - {name: all, paths: [/**], access: [execute]}\n"
		"  deny:\n"
		"    - {name: deny, paths: [/srv/tree/secret]}\n";
	_cleanup_policy_compiled_ struct policy_compiled *compiled = compiled_of(policy);

	(void)state;
	assert_int_equal(
		tables_path(compiled, "/srv/twenty-eight-bytes-long-xxxx", WEIR_ACCESS_READ), 1);
	assert_int_equal(
		tables_path(compiled, "/srv/twenty-eight-bytes-long-xxxxy", WEIR_ACCESS_READ), 0);
	assert_int_equal(
		tables_path(compiled, "/srv/twenty-eight-bytes-long-xxx", WEIR_ACCESS_READ), 0);
	assert_int_equal(tables_path(compiled, "/srv/fifty", WEIR_ACCESS_WRITE), 0);
	assert_int_equal(tables_path(compiled, "/srv/fifty/x", WEIR_ACCESS_READ), 0);
	assert_int_equal(tables_path(compiled, "/srv/tree", WEIR_ACCESS_WRITE), 2);
	assert_int_equal(tables_path(compiled, "/srv/tree/a/b/c", WEIR_ACCESS_READ), 2);
	assert_int_equal(tables_path(compiled, "/srv/tree/not", WEIR_ACCESS_READ), 0);
	assert_int_equal(tables_path(compiled, "/srv/tree/not/x", WEIR_ACCESS_READ), 0);
	assert_int_equal(tables_path(compiled, "/srv/tree/not/x", WEIR_ACCESS_EXECUTE), 3);
	assert_int_equal(tables_path(compiled, "/srv/tree/one", WEIR_ACCESS_READ), 0);
	assert_int_equal(tables_path(compiled, "/srv/tree/one/x", WEIR_ACCESS_READ), 2);
	assert_int_equal(tables_path(compiled, "/srv/tree/secret", WEIR_ACCESS_EXECUTE),
			 WEIR_RULE_DENY | 1);
	assert_int_equal(tables_path(compiled, "/srv/tree/secret/x", WEIR_ACCESS_READ), 2);
	assert_int_equal(tables_path(compiled, "/", WEIR_ACCESS_EXECUTE), 3);
	assert_int_equal(tables_path(compiled, "/", WEIR_ACCESS_READ), 0);
}

static void gaps_name_what_is_not_enforced(void **state)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = compiled_of(
		HEAD "network:\n  dns: {}\n  allow:\n"
		     "    - {name: h, hosts: [a.example.com, b.example.com]}\n"
		     "    - {name: i, addresses: [loopback], protocol: icmp}\n"
		     "    - {name: fine, addresses: [loopback], protocol: any}\n"
		     "  listen: [{name: l, addresses: [loopback]}]\n"
		     "  unix: [{name: u, paths: [/run/x]}]\n"
		     "files:\n  deny:\n"
		     "    - {name: w, paths: [/fine, \"/a/*\", \"**/b\"], except: [\"/a/?\"]}\n"
		     "    - {name: p, paths: [/proc/self/mem]}\n"
		     "guard: {allow: [ptrace]}\n");
	static const struct {
		enum policy_section section;
		const char *place, *word;
	} expected[] = {
		{POLICY_SECTION_NETWORK, "test.yaml:6:25: ", "a.example.com"},
		{POLICY_SECTION_NETWORK, "test.yaml:7:50: ", "icmp"},
		{POLICY_SECTION_LISTEN, "test.yaml:9:19: ", "\"l\""},
		{POLICY_SECTION_UNIX, "test.yaml:10:17: ", "\"u\""},
		{POLICY_SECTION_FILES, "test.yaml:13:32: ", "\"/a/*\""},
		{POLICY_SECTION_FILES, "test.yaml:13:58: ", "\"/a/?\""},
		{POLICY_SECTION_FILES, "test.yaml:14:25: ", "/proc/self"},
		{POLICY_SECTION_GUARD, "test.yaml:15:17: ", "ptrace"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < compiled->n_gaps && i < ARRAY_SIZE(expected); i++) {
		if (compiled->gaps[i].section != expected[i].section ||
		    strncmp(compiled->gaps[i].text, expected[i].place, strlen(expected[i].place)) !=
			    0 ||
		    !strstr(compiled->gaps[i].text, expected[i].word) ||
		    !strstr(compiled->gaps[i].text, "; "))
			fail_msg("gap %zu: %s", i, compiled->gaps[i].text);
	}
	assert_int_equal(compiled->n_gaps, ARRAY_SIZE(expected));
}

static void what_is_open_has_no_gaps(void **state)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = compiled_of(
		HEAD
		"network: {listen: unrestricted, unix: unrestricted, allow: [{name: a, addresses: [loopback]}]}\n"
		"files: unrestricted\nguard: unrestricted\n");

	(void)state;
	assert_int_equal(compiled->n_gaps, 0);
	assert_true(compiled->flags & WEIR_INSTANCE_FILES_UNRESTRICTED);
	assert_false(compiled->flags & WEIR_INSTANCE_NETWORK_UNRESTRICTED);
	assert_true(compiled->unrestricted[POLICY_SECTION_LISTEN]);
	assert_true(compiled->unrestricted[POLICY_SECTION_UNIX]);
	assert_true(compiled->unrestricted[POLICY_SECTION_GUARD]);
}

static void digest_tells_policies_apart(void **state)
{
#define BASE HEAD "network: {dns: {}, allow: [{name: a, addresses: [192.0.2.1], ports: [443]}]}\n"
	static const char *const same[] = {
		BASE,
		"# a comment\n\n" BASE,
		HEAD
		"network:\n  dns: {}\n  allow:\n    - ports: [\"443-443\"]\n      addresses: [192.0.2.1/32, 192.0.2.1]\n      name: a\n",
	};
	static const char *const other[] = {
		"version: 1\nname: other\nnetwork: {dns: {}, allow: [{name: a, addresses: [192.0.2.1], ports: [443]}]}\n",
		HEAD
		"network: {dns: {}, allow: [{name: b, addresses: [192.0.2.1], ports: [443]}]}\n",
		HEAD
		"network: {dns: {}, allow: [{name: a, addresses: [192.0.2.2], ports: [443]}]}\n",
		HEAD
		"network: {dns: {}, allow: [{name: a, addresses: [192.0.2.1], ports: [444]}]}\n",
		HEAD
		"network: {dns: {}, allow: [{name: a, addresses: [192.0.2.1], ports: [443], protocol: tcp}]}\n",
		HEAD
		"network: {dns: {}, deny: [{name: a, addresses: [192.0.2.1], ports: [443]}]}\n",
		BASE "mode: audit\n",
		BASE "identity: {a: b}\n",
		BASE "parameters: {a: {default: b}}\n",
		BASE "expires: 2030-01-01T00:00:00Z\n",
		BASE "audit: {when_full: count}\n",
		BASE "files: {}\n",
		BASE "files: {allow: [{name: a, paths: [/a]}]}\n",
		BASE "files: {allow: [{name: a, paths: [\"/a/*\"]}]}\n",
		BASE "files: {allow: [{name: a, paths: [\"/a/*\", \"/b/*\"]}]}\n",
		BASE "files: {allow: [{name: a, paths: [\"/a/*\"], except: [\"/b/*\"]}]}\n",
		BASE "files: {allow: [{name: a, paths: [\"/a/*\"], access: [read]}]}\n",
		BASE "guard: {}\n",
		BASE "guard: {allow: [tun]}\n",
		BASE "guard: unrestricted\n",
		HEAD "network: {allow: [{name: a, addresses: [192.0.2.1], ports: [443]}]}\n",
		HEAD
		"network: {dns: {types: [TXT]}, allow: [{name: a, addresses: [192.0.2.1], ports: [443]}]}\n",
		HEAD
		"network: {dns: {}, tls: off, allow: [{name: a, addresses: [192.0.2.1], ports: [443]}]}\n",
		HEAD
		"network: {dns: {}, allow: [{name: a, hosts: [a.example.com], addresses: [192.0.2.1], ports: [443]}]}\n",
		HEAD
		"network: {dns: {}, allow: [{name: a, hosts: [b.example.com], addresses: [192.0.2.1], ports: [443]}]}\n",
		HEAD
		"network: {dns: {}, unix: [{name: a, paths: [/a]}], allow: [{name: a, addresses: [192.0.2.1], ports: [443]}]}\n",
		HEAD
		"network: {dns: {}, listen: [{name: a, addresses: [loopback]}], allow: [{name: a, addresses: [192.0.2.1], ports: [443]}]}\n",
	};
	char seen[ARRAY_SIZE(other) + 1][72];
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(same); i++) {
		_cleanup_policy_compiled_ struct policy_compiled *compiled = compiled_of(same[i]);

		assert_int_equal(strlen(compiled->digest), 71);
		if (i == 0)
			strcpy(seen[0], compiled->digest);
		assert_string_equal(compiled->digest, seen[0]);
	}
	for (i = 0; i < ARRAY_SIZE(other); i++) {
		_cleanup_policy_compiled_ struct policy_compiled *compiled = compiled_of(other[i]);

		strcpy(seen[i + 1], compiled->digest);
		for (j = 0; j <= i; j++) {
			if (strcmp(seen[i + 1], seen[j]) == 0)
				fail_msg("the same digest as %zu: %s", j, other[i]);
		}
	}
}

static void limit_must_fail(struct buf *text, const char *what, const char *asked)
{
	_cleanup_policy_ struct policy *policy = policy_must_read(buf_string(text));
	struct policy_compiled *compiled = NULL;
	struct policy_errors errors = {0};

	assert_int_equal(policy_compile(policy, &errors, &compiled), -EINVAL);
	assert_null(compiled);
	assert_int_equal(errors.count, 1);
	if (!strstr(buf_string(&errors.text), what) || !strstr(errors.text.data, asked))
		fail_msg("%s", errors.text.data);
	policy_errors_done(&errors);
	buf_done(text);
}

static void limits_are_told(void **state)
{
	struct buf text = {0};
	size_t i;

	(void)state;
	buf_add_string(&text, HEAD "network:\n  allow:\n");
	for (i = 0; i <= POLICY_RULES_MAX; i++)
		buf_printf(&text, "  - {name: r%zu, addresses: [192.0.2.1]}\n", i);
	limit_must_fail(&text, "rules of a policy", "8193 asked for, the limit is 8192");

	buf_add_string(&text, HEAD "files:\n  allow:\n  - name: r\n    paths:\n");
	for (i = 0; i <= POLICY_PATTERNS_MAX; i++)
		buf_printf(&text, "    - /a/%zu\n", i);
	limit_must_fail(&text, "path patterns of a policy",
			"131073 asked for, the limit is 131072");
}

/* What the language promises at least: 4,096 rules, 100,000 patterns. */
static void promised_sizes_compile(void **state)
{
	_cleanup_buf_ struct buf text = {0};
	struct policy_compiled *compiled;
	size_t i, j;

	(void)state;
	buf_add_string(&text, HEAD "files:\n  allow:\n");
	for (i = 0; i < 4096; i++) {
		buf_printf(&text, "  - name: r%zu\n    access: [read]\n    paths:\n", i);
		for (j = 0; j < 25; j++)
			buf_printf(&text, "    - /srv/%zu/file-%zu%s\n", j, i, j % 2 ? "" : "/**");
	}
	compiled = compiled_of(buf_string(&text));
	assert_int_equal(compiled->files.n_allow, 4096);
	assert_int_equal(tables_path(compiled, "/srv/24/file-4095/x", WEIR_ACCESS_READ), 4096);
	assert_int_equal(tables_path(compiled, "/srv/23/file-4095", WEIR_ACCESS_READ), 4096);
	assert_int_equal(tables_path(compiled, "/srv/23/file-4095/x", WEIR_ACCESS_READ), 0);
	policy_compiled_free(compiled);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(head_is_carried_over),
		cmocka_unit_test(defaults_are_the_strict_ones),
		cmocka_unit_test(ports_and_protocols_are_cut),
		cmocka_unit_test(families_stay_apart),
		cmocka_unit_test(paths_are_cut_into_chunks),
		cmocka_unit_test(gaps_name_what_is_not_enforced),
		cmocka_unit_test(what_is_open_has_no_gaps),
		cmocka_unit_test(digest_tells_policies_apart),
		cmocka_unit_test(limits_are_told),
		cmocka_unit_test(promised_sizes_compile),
	};

	return RUN_TESTS(tests);
}
