// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The compiled tables, looked up as the kernel side does. */
#include "../test.h"

#include <stdio.h>

#include "tables.h"

#define HEAD "version: 1\nname: test\n"

static weir_rule_t flow(const struct policy_compiled *compiled, enum weir_proto proto,
			const char *address, uint16_t port)
{
	struct weir_addr addr;

	assert_int_equal(addr_parse(address, &addr), 0);
	return tables_flow(compiled, proto, &addr, port);
}

static weir_rule_t listening(const struct policy_compiled *compiled, enum weir_proto proto,
			     const char *address, uint16_t port)
{
	struct weir_addr addr;

	assert_int_equal(addr_parse(address, &addr), 0);
	return tables_listen(compiled, proto, &addr, port);
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

static void icmp_has_a_column(void **state)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = compiled_of(
		HEAD
		"network:\n  allow:\n"
		"    - {name: ping, addresses: [192.0.2.0/24], protocol: icmp}\n"
		"    - {name: web, addresses: [192.0.2.7], ports: [443]}\n"
		"  deny:\n"
		"    - {name: silent, addresses: [192.0.2.9], protocol: icmp}\n");

	(void)state;
	assert_int_equal(compiled->n_gaps, 0);
	assert_int_equal(flow(compiled, WEIR_PROTO_ICMP, "192.0.2.1", 0), 1);
	assert_int_equal(flow(compiled, WEIR_PROTO_ICMP, "192.0.2.7", 0), 1);
	assert_int_equal(flow(compiled, WEIR_PROTO_ICMP, "192.0.2.9", 0), WEIR_RULE_DENY | 1);
	assert_int_equal(flow(compiled, WEIR_PROTO_ICMP, "198.51.100.1", 0), 0);
	assert_int_equal(flow(compiled, WEIR_PROTO_TCP, "192.0.2.1", 443), 0);
	assert_int_equal(flow(compiled, WEIR_PROTO_TCP, "192.0.2.7", 443), 2);
	assert_int_equal(flow(compiled, WEIR_PROTO_OTHER, "192.0.2.1", 0), 0);
}

static void listening_has_columns_of_its_own(void **state)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = compiled_of(
		HEAD
		"network:\n  allow:\n"
		"    - {name: out, addresses: [127.0.0.0/8], ports: [443]}\n"
		"  deny:\n"
		"    - {name: never, addresses: [127.0.0.3]}\n"
		"  listen:\n"
		"    - {name: dev, addresses: [loopback], ports: [\"3000-3999\"]}\n"
		"    - {name: one, addresses: [127.0.0.2, 192.0.2.1], ports: [443], protocol: udp}\n"
		"    - {name: all, addresses: [192.0.2.2], protocol: any}\n");

	(void)state;
	assert_int_equal(compiled->n_gaps, 0);
	assert_int_equal(listening(compiled, WEIR_PROTO_TCP, "127.0.0.1", 3000), 1);
	assert_int_equal(listening(compiled, WEIR_PROTO_UDP, "::1", 3999), 1);
	assert_int_equal(listening(compiled, WEIR_PROTO_TCP, "127.0.0.1", 443), 0);
	assert_int_equal(listening(compiled, WEIR_PROTO_TCP, "127.0.0.1", 0), 0);
	assert_int_equal(listening(compiled, WEIR_PROTO_UDP, "127.0.0.2", 443), 2);
	assert_int_equal(listening(compiled, WEIR_PROTO_TCP, "127.0.0.2", 443), 0);
	assert_int_equal(listening(compiled, WEIR_PROTO_TCP, "127.0.0.2", 3001), 1);
	/* deny rules are about going there, and about who comes from there */
	assert_int_equal(listening(compiled, WEIR_PROTO_TCP, "127.0.0.3", 3001), 1);
	assert_int_equal(listening(compiled, WEIR_PROTO_UDP, "192.0.2.1", 443), 2);
	assert_int_equal(listening(compiled, WEIR_PROTO_TCP, "192.0.2.2", 0), 3);
	assert_int_equal(listening(compiled, WEIR_PROTO_TCP, "192.0.2.3", 443), 0);
	/* and nobody may go where the workload may listen alone */
	assert_int_equal(flow(compiled, WEIR_PROTO_TCP, "127.0.0.1", 3000), 0);
	assert_int_equal(flow(compiled, WEIR_PROTO_TCP, "127.0.0.2", 443), 1);
	assert_int_equal(flow(compiled, WEIR_PROTO_TCP, "127.0.0.3", 443), WEIR_RULE_DENY | 1);
	assert_int_equal(flow(compiled, WEIR_PROTO_TCP, "::1", 3000), 0);
	assert_int_equal(flow(compiled, WEIR_PROTO_OTHER, "192.0.2.2", 0), 0);
}

/* A bind to 0.0.0.0 or :: is looked up as the network of all addresses itself. */
static void listening_everywhere_needs_a_rule_for_it(void **state)
{
	static const struct {
		const char *addresses;
		unsigned int four, six;	/* rule at 0.0.0.0, at :: */
	} cases[] = {
		{"0.0.0.0/0", 1, 0},
		{"\"::ffff:0:0/96\"", 1, 0},
		{"\"::/0\"", 0, 1},
		{"0.0.0.0/0, \"::/0\"", 1, 1},
		{"0.0.0.0/1, 128.0.0.0/1", 0, 0},
		{"\"::/1\", \"8000::/1\"", 0, 0},
		/* these cover what IPv4 is mapped to, and no IPv4 */
		{"\"::/64\", \"::/80\"", 0, 0},
		{"\"::/0\", \"::/64\", 0.0.0.0/1", 0, 1},
		{"loopback", 0, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_policy_compiled_ struct policy_compiled *compiled = NULL;
		_cleanup_buf_ struct buf text = {0};

		/* what else stands in the tables for the same prefixes must not answer */
		buf_printf(&text,
			   HEAD "network:\n"
				"  allow: [{name: out, addresses: [0.0.0.0/0, \"::/0\"]}]\n"
				"  listen: [{name: in, addresses: [%s], ports: [80]}]\n",
			   cases[i].addresses);
		compiled = compiled_of(buf_string(&text));
		if (listening(compiled, WEIR_PROTO_TCP, "0.0.0.0", 80) != cases[i].four ||
		    listening(compiled, WEIR_PROTO_TCP, "::", 80) != cases[i].six)
			fail_msg("%s", cases[i].addresses);
		assert_int_equal(listening(compiled, WEIR_PROTO_TCP, "0.0.0.0", 81), 0);
		assert_int_equal(listening(compiled, WEIR_PROTO_TCP, "::", 81), 0);
		assert_int_equal(flow(compiled, WEIR_PROTO_TCP, "192.0.2.1", 81), 1);
	}
}

static void one_rule_for_every_port_takes_no_segment(void **state)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = compiled_of(
		HEAD "network:\n"
		     "  allow:\n"
		     "    - {name: a, addresses: [192.0.2.0/24]}\n"
		     "    - {name: b, addresses: [192.0.2.1], ports: [80, 443]}\n"
		     "    - {name: c, addresses: [198.51.100.1], ports: [443], protocol: tcp}\n"
		     "  deny: [{name: d, addresses: [192.0.2.2]}]\n");
	size_t i, j;

	(void)state;
	/* b decides nothing where a does: no key; only c cuts the ports of one column */
	assert_int_equal(compiled->n_addresses, 3);
	assert_int_equal(compiled->n_portsets, 3);
	assert_int_equal(compiled->n_segments, 3);
	for (i = 0; i < compiled->n_portsets; i++) {
		for (j = 0; j < WEIR_PROTO_COUNT; j++)
			assert_int_not_equal(compiled->portsets[i].proto[j].count, 1);
	}
	assert_int_equal(flow(compiled, WEIR_PROTO_TCP, "192.0.2.1", 443), 1);
	assert_int_equal(flow(compiled, WEIR_PROTO_TCP, "192.0.2.2", 443), WEIR_RULE_DENY | 1);
	assert_int_equal(flow(compiled, WEIR_PROTO_TCP, "198.51.100.1", 443), 3);
	assert_int_equal(flow(compiled, WEIR_PROTO_TCP, "198.51.100.1", 444), 0);
	assert_int_equal(flow(compiled, WEIR_PROTO_UDP, "198.51.100.1", 443), 0);
}

/* The answers differ in one column alone, which must not be taken for the same. */
static void every_column_counts_for_a_key(void **state)
{
	static const char *const lists[] = {
		"allow: [{name: all, addresses: [10.0.0.0/8], protocol: any}],"
		" deny: [{name: x, addresses: [10.0.0.1], protocol: icmp}]",
		"allow: [{name: all, addresses: [10.0.0.0/8], protocol: any}],"
		" listen: [{name: x, addresses: [10.0.0.1], protocol: tcp}]",
		"allow: [{name: all, addresses: [10.0.0.0/8], protocol: any}],"
		" listen: [{name: x, addresses: [10.0.0.1], protocol: udp, ports: [53]}]",
		"listen: [{name: x, addresses: [10.0.0.0/8]},"
		" {name: y, addresses: [10.0.0.1], protocol: udp}, {name: z, addresses: [10.0.0.0/8]}],"
		" allow: [{name: w, addresses: [10.0.0.1]}]",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		_cleanup_policy_compiled_ struct policy_compiled *compiled = NULL;
		_cleanup_buf_ struct buf text = {0};

		buf_printf(&text, HEAD "network: {%s}\n", lists[i]);
		compiled = compiled_of(buf_string(&text));
		assert_int_equal(compiled->n_addresses, 2);
		assert_int_equal(compiled->n_portsets, 2);
	}
}

/* The first and the last address of all, and where one prefix begins behind another. */
static void ranges_end_where_prefixes_do(void **state)
{
	static const struct {
		const char *address;
		weir_rule_t rule;
	} asked[] = {
		{"0.0.0.1", 1},
		{"127.255.255.255", 1},
		{"128.0.0.0", 2},
		{"255.255.255.254", 2},
		{"255.255.255.255", WEIR_RULE_DENY | 1},
		{"::1", 3},
		{"::2", 0},
		{"::fffe:ffff:ffff", 0},
		{"::1:0:0:0", 0},
		{"1::", 0},
		{"7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0},
		{"8000::", 4},
		{"8000::ffff:ffff:ffff:ffff", 4},
		{"8000:0:0:1::", 0},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", 0},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 5},
	};
	_cleanup_policy_compiled_ struct policy_compiled *compiled = compiled_of(
		HEAD "network:\n"
		     "  allow:\n"
		     "    - {name: a, addresses: [0.0.0.0/1]}\n"
		     "    - {name: b, addresses: [128.0.0.0/1]}\n"
		     "    - {name: c, addresses: [\"::1\"]}\n"
		     "    - {name: d, addresses: [\"8000::/64\"]}\n"
		     "    - {name: e, addresses: [\"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\"]}\n"
		     "  deny: [{name: f, addresses: [255.255.255.255]}]\n");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++)
		assert_int_equal(flow(compiled, WEIR_PROTO_TCP, asked[i].address, 80),
				 asked[i].rule);
	/* two halves are not all: nobody may listen at every address by them */
	assert_int_equal(compiled->any_v4, WEIR_PORTSET_NONE);
	assert_int_equal(compiled->any_v6, WEIR_PORTSET_NONE);
}

static weir_rule_t socket_rule(const struct policy_compiled *compiled, const char *name)
{
	return tables_unix(compiled, name, strlen(name));
}

static void sockets_have_roots_of_their_own(void **state)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = compiled_of(
		HEAD
		"network:\n  unix:\n"
		"    - {name: one, paths: [/run/x/socket, \"@name\", \"@twenty-eight-bytes-long-xxxx\"]}\n"
		"    - {name: tree, paths: [\"/run/**\", \"@/run/a\\\\*b\"]}\n"
		"files:\n  allow:\n"
		"    - {name: all, paths: [\"/**\"]}\n"
		"  deny:\n"
		"    - {name: secret, paths: [/run/x/socket]}\n");

	(void)state;
	assert_int_equal(compiled->n_gaps, 0);
	assert_int_equal(socket_rule(compiled, "/run/x/socket"), 1);
	assert_int_equal(socket_rule(compiled, "/run/x"), 2);
	assert_int_equal(socket_rule(compiled, "/run"), 2);
	assert_int_equal(socket_rule(compiled, "/run/x/socket/y"), 2);
	assert_int_equal(socket_rule(compiled, "/"), 0);
	assert_int_equal(socket_rule(compiled, "/name"), 0);
	assert_int_equal(socket_rule(compiled, "@name"), 1);
	assert_int_equal(socket_rule(compiled, "@names"), 0);
	assert_int_equal(socket_rule(compiled, "@nam"), 0);
	assert_int_equal(socket_rule(compiled, "@twenty-eight-bytes-long-xxxx"), 1);
	assert_int_equal(socket_rule(compiled, "@twenty-eight-bytes-long-xxx"), 0);
	assert_int_equal(socket_rule(compiled, "@twenty-eight-bytes-long-xxxxy"), 0);
	/* a '/' in a name leads nowhere */
	assert_int_equal(socket_rule(compiled, "@/run/a*b"), 2);
	assert_int_equal(socket_rule(compiled, "@/run"), 0);
	assert_int_equal(socket_rule(compiled, "@/run/x/socket"), 0);
	/* the tables pad with zero bytes, which a name may end with */
	assert_int_equal(tables_unix(compiled, "@name\0", 6), 0);
	assert_int_equal(tables_unix(compiled, "@", 1), 0);
	/* neither section decides for the other */
	assert_int_equal(tables_path(compiled, "/run/x/socket", WEIR_ACCESS_READ),
			 WEIR_RULE_DENY | 1);
	assert_int_equal(tables_path(compiled, "/run/x", WEIR_ACCESS_WRITE), 1);
	assert_int_equal(tables_path(compiled, "/", WEIR_ACCESS_READ), 1);
	/* and rules on sockets stand under one access alone */
	assert_int_equal(compiled->nodes[WEIR_NODE_UNIX].below[WEIR_ACCESS_WRITE], 0);
	assert_int_equal(compiled->nodes[WEIR_NODE_ABSTRACT].below[WEIR_ACCESS_READ], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_and_protocols_are_cut),
		cmocka_unit_test(families_stay_apart),
		cmocka_unit_test(icmp_has_a_column),
		cmocka_unit_test(listening_has_columns_of_its_own),
		cmocka_unit_test(listening_everywhere_needs_a_rule_for_it),
		cmocka_unit_test(one_rule_for_every_port_takes_no_segment),
		cmocka_unit_test(every_column_counts_for_a_key),
		cmocka_unit_test(ranges_end_where_prefixes_do),
		cmocka_unit_test(paths_are_cut_into_chunks),
		cmocka_unit_test(sockets_have_roots_of_their_own),
	};

	return RUN_TESTS(tests);
}
