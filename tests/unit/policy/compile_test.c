// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The compiled form but its tables: names, flags, gaps, limits, the digest. */
#include "../test.h"

#include <errno.h>
#include <stdio.h>

#include "policy/tree.h"
#include "tables.h"

#define HEAD "version: 1\nname: test\n"

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
	assert_int_equal(compiled->flags,
			 WEIR_INSTANCE_AUDIT | WEIR_INSTANCE_NETWORK_UNRESTRICTED |
				 WEIR_INSTANCE_LISTEN_UNRESTRICTED |
				 WEIR_INSTANCE_UNIX_UNRESTRICTED | WEIR_INSTANCE_ICMP |
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

static void flags_say_what_is_open(void **state)
{
	static const struct {
		const char *text;
		uint32_t flags;
	} cases[] = {
		{"network: {listen: unrestricted}\n", WEIR_INSTANCE_LISTEN_UNRESTRICTED},
		{"network: {unix: unrestricted}\n", WEIR_INSTANCE_UNIX_UNRESTRICTED},
		{"network: {allow: [{name: a, addresses: [192.0.2.1], protocol: icmp}]}\n",
		 WEIR_INSTANCE_ICMP},
		{"network: {allow: [{name: a, addresses: [192.0.2.1], protocol: any}]}\n",
		 WEIR_INSTANCE_ICMP},
		/* a rule with ports is for no protocol without them */
		{"network: {allow: [{name: a, addresses: [192.0.2.1], protocol: any, ports: [1]}]}\n",
		 0},
		{"network: {allow: [{name: a, addresses: [192.0.2.1]}]}\n", 0},
		{"network: {deny: [{name: a, addresses: [192.0.2.1], protocol: icmp}]}\n", 0},
		{"network: {listen: [{name: a, addresses: [192.0.2.1], protocol: any}]}\n", 0},
		{"guard: {allow: [raw-sockets]}\n", WEIR_GUARD_BIT(WEIR_GUARD_RAW_SOCKETS)},
		{"guard: {allow: [mount, tun, mount]}\n",
		 WEIR_GUARD_BIT(WEIR_GUARD_MOUNT) | WEIR_GUARD_BIT(WEIR_GUARD_TUN)},
		{"guard: {allow: []}\n", 0},
		{"guard: unrestricted\n", WEIR_INSTANCE_GUARD_OPEN | WEIR_GUARD_ALL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_policy_compiled_ struct policy_compiled *compiled = NULL;
		_cleanup_buf_ struct buf text = {0};

		buf_printf(&text, HEAD "audit: {record: [], when_full: count}\n%s", cases[i].text);
		compiled = compiled_of(buf_string(&text));
		if (compiled->flags != cases[i].flags)
			fail_msg("flags %x: %s", compiled->flags, cases[i].text);
	}
}

static void rules_of_every_list_have_names(void **state)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = compiled_of(
		HEAD
		"network:\n"
		"  deny: [{name: d, addresses: [192.0.2.1]}]\n"
		"  listen: [{name: l1, addresses: [loopback]}, {name: l2, addresses: [loopback]}]\n"
		"  unix: [{name: u, paths: [/run/x]}]\n");

	(void)state;
	assert_int_equal(compiled->network.n_allow, 0);
	assert_int_equal(compiled->network.n_deny, 1);
	assert_int_equal(compiled->listen.n_allow, 2);
	assert_string_equal(compiled->listen.allow[1].name, "l2");
	assert_int_equal(compiled->listen.allow[1].line, 5);
	assert_int_equal(compiled->listen.allow[1].column, 54);
	assert_int_equal(compiled->listen.n_deny, 0);
	assert_int_equal(compiled->unix_sockets.n_allow, 1);
	assert_string_equal(compiled->unix_sockets.allow[0].name, "u");
	assert_int_equal(compiled->unix_sockets.allow[0].line, 6);
	assert_int_equal(compiled->unix_sockets.n_deny, 0);
}

static void gaps_name_what_is_not_enforced(void **state)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = compiled_of(
		HEAD
		"network:\n  dns: {}\n  allow:\n"
		"    - {name: h, hosts: [a.example.com, b.example.com]}\n"
		"    - {name: i, addresses: [loopback], protocol: icmp}\n"
		"    - {name: fine, addresses: [loopback], protocol: any}\n"
		"  listen: [{name: l, addresses: [loopback]}]\n"
		"  unix: [{name: u, paths: [/run/x, \"@x\", \"@y*\", \"/run/*\"]}]\n"
		"files:\n  deny:\n"
		"    - {name: w, paths: [/fine, \"/a/*\", /proc/self/mem], except: [\"/a/?\"]}\n"
		"guard: {allow: [raw-sockets, ptrace, packet-sockets]}\n");
	static const struct {
		enum policy_section section;
		const char *place, *word;
	} expected[] = {
		{POLICY_SECTION_NETWORK, "test.yaml:6:25: ", "a.example.com"},
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
		"network: {dns: {}, unix: [{name: b, paths: [/a]}], allow: [{name: a, addresses: [192.0.2.1], ports: [443]}]}\n",
		HEAD
		"network: {dns: {}, unix: [{name: a, paths: [/b]}], allow: [{name: a, addresses: [192.0.2.1], ports: [443]}]}\n",
		HEAD
		"network: {dns: {}, unix: [{name: a, paths: [\"@a\"]}], allow: [{name: a, addresses: [192.0.2.1], ports: [443]}]}\n",
		HEAD
		"network: {dns: {}, unix: [{name: a, paths: [\"@a*\"]}], allow: [{name: a, addresses: [192.0.2.1], ports: [443]}]}\n",
		HEAD
		"network: {dns: {}, unix: unrestricted, allow: [{name: a, addresses: [192.0.2.1], ports: [443]}]}\n",
		HEAD
		"network: {dns: {}, listen: [{name: a, addresses: [loopback]}], allow: [{name: a, addresses: [192.0.2.1], ports: [443]}]}\n",
		HEAD
		"network: {dns: {}, listen: [{name: b, addresses: [loopback]}], allow: [{name: a, addresses: [192.0.2.1], ports: [443]}]}\n",
		HEAD
		"network: {dns: {}, listen: [{name: a, addresses: [loopback], ports: [80]}], allow: [{name: a, addresses: [192.0.2.1], ports: [443]}]}\n",
		HEAD
		"network: {dns: {}, listen: [{name: a, addresses: [loopback], protocol: tcp}], allow: [{name: a, addresses: [192.0.2.1], ports: [443]}]}\n",
		HEAD
		"network: {dns: {}, listen: [{name: a, addresses: [127.0.0.1]}], allow: [{name: a, addresses: [192.0.2.1], ports: [443]}]}\n",
		HEAD
		"network: {dns: {}, listen: unrestricted, allow: [{name: a, addresses: [192.0.2.1], ports: [443]}]}\n",
		HEAD
		"network: {dns: {}, allow: [{name: a, addresses: [192.0.2.1], ports: [443]}, {name: i, addresses: [192.0.2.1], protocol: icmp}]}\n",
		HEAD
		"network: {dns: {}, allow: [{name: a, addresses: [192.0.2.1], ports: [443]}], deny: [{name: i, addresses: [192.0.2.1], protocol: icmp}]}\n",
		BASE "guard: {allow: [raw-sockets]}\n",
		BASE "guard: {allow: [packet-sockets]}\n",
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

/* And of patterns that end in a tree, beside some that go on anywhere. */
static void trees_share_their_tails(void **state)
{
	_cleanup_buf_ struct buf text = {0};
	struct policy_compiled *compiled;
	size_t i;

	(void)state;
	buf_add_string(&text, HEAD "files:\n"
				   "  deny:\n"
				   "  - name: secrets\n"
				   "    paths: ['**/.env', '**/.env.*', '**/*.pem', '**/.ssh/**']\n"
				   "    except: ['**/.env.example', '/s7/**']\n"
				   "  allow:\n"
				   "  - name: trees\n"
				   "    paths:\n");
	for (i = 0; i < 100000; i++)
		buf_printf(&text, "    - /s%zu/**\n", i);
	compiled = compiled_of(buf_string(&text));
	assert_in_range(compiled->n_nodes, 100000, 101000);
	assert_int_equal(tables_path(compiled, "/s99999/a/b.c", WEIR_ACCESS_READ), 1);
	assert_int_equal(tables_path(compiled, "/s99999/a/b.pem", WEIR_ACCESS_READ),
			 WEIR_RULE_DENY | 1);
	assert_int_equal(tables_path(compiled, "/s99999/.env", WEIR_ACCESS_READ),
			 WEIR_RULE_DENY | 1);
	assert_int_equal(tables_path(compiled, "/s99999/.env.example", WEIR_ACCESS_READ), 1);
	assert_int_equal(tables_path(compiled, "/s7/a/.env", WEIR_ACCESS_READ), 1);
	assert_int_equal(tables_path(compiled, "/t/a", WEIR_ACCESS_READ), 0);
	policy_compiled_free(compiled);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(head_is_carried_over),
		cmocka_unit_test(defaults_are_the_strict_ones),
		cmocka_unit_test(flags_say_what_is_open),
		cmocka_unit_test(rules_of_every_list_have_names),
		cmocka_unit_test(gaps_name_what_is_not_enforced),
		cmocka_unit_test(what_is_open_has_no_gaps),
		cmocka_unit_test(digest_tells_policies_apart),
		cmocka_unit_test(promised_sizes_compile),
		cmocka_unit_test(trees_share_their_tails),
	};

	return RUN_TESTS(tests);
}
