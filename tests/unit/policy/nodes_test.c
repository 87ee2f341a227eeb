// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the nodes of the path tables say besides rules, and edges that are not for names. */
#include "../test.h"

#include <stdio.h>

#include "tables.h"

#define HEAD "version: 1\nname: test\n"

/* A name whose length the node does not list is not even read. */
static void nodes_list_the_lengths_of_names(void **state)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = compiled_of(
		HEAD
		"network:\n  unix:\n"
		"    - {name: a, paths: [/run/x, \"/va/**\", \"@ab/cd\", \"@x\", \"@twenty-eight-bytes-long-xxxx\"]}\n"
		"files: {allow: [{name: f, paths: [/home]}]}\n");

	(void)state;
	assert_int_equal(compiled->nodes[WEIR_NODE_ROOT].edges.lengths, WEIR_LENGTH_BIT(4));
	assert_int_equal(compiled->nodes[WEIR_NODE_UNIX].edges.lengths,
			 WEIR_LENGTH_BIT(3) | WEIR_LENGTH_BIT(2));
	assert_int_equal(compiled->nodes[WEIR_NODE_ABSTRACT].edges.lengths,
			 WEIR_LENGTH_BIT(5) | WEIR_LENGTH_BIT(1) | WEIR_LENGTH_BIT(28));
}

/* What is decided about /proc/NUMBER and what follows, of a process of the workload's own. */
static weir_rule_t own_rule(const struct policy_compiled *compiled, const char *number,
			    const char *rest)
{
	uint32_t proc = WEIR_NODE_ROOT, node, child;
	struct weir_edge_key key = {0};
	size_t at, n, len = strlen(rest);
	bool found;

	assert_true(tables_component(compiled, "proc", 4, &proc));
	node = proc;
	child = tables_component(compiled, number, strlen(number), &node) ? node : 0;
	key.node = WEIR_EDGE_OWN(proc);
	memcpy(key.chunk, &child, sizeof(child));
	node = tables_edge(compiled, &key);
	assert_int_not_equal(node, 0);
	for (at = 1, found = true; found && at <= len && len; at += n + 1) {
		n = strcspn(rest + at, "/");
		found = tables_component(compiled, rest + at, n, &node);
	}
	return found ? compiled->nodes[node].self[WEIR_ACCESS_READ] :
		       compiled->nodes[node].below[WEIR_ACCESS_READ];
}

static void own_processes_have_edges(void **state)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = compiled_of(
		HEAD
		"files:\n  allow:\n"
		"    - {name: own, paths: [/proc/self/status, \"/proc/self/fd/**\"]}\n"
		"    - {name: thread, paths: ['/proc/thread\\-self/\\*', '/proc/thread-self/x*']}\n"
		"    - {name: one, paths: [/proc/7/io]}\n"
		"    - {name: any, paths: ['/proc/[0-9]*/comm']}\n"
		"  deny:\n"
		"    - {name: never, paths: ['/proc/[0-9]*/fd/0', /proc/self/exe, /proc/12/status]}\n");
	static const struct {
		const char *number, *rest;
		weir_rule_t own, other;
	} cases[] = {
		{"8", "/status", 1, 0},
		{"8", "/fd", 1, 0},
		{"8", "/fd/1", 1, 0},
		{"8", "/fd/0", WEIR_RULE_DENY | 1, WEIR_RULE_DENY | 1},
		{"8", "/exe", WEIR_RULE_DENY | 1, 0},
		{"8", "/comm", 4, 4},
		{"8", "/io", 0, 0},
		{"8", "", 0, 0},
		{"7", "/io", 3, 3},
		{"7", "/status", 1, 0},
		{"12", "/status", WEIR_RULE_DENY | 1, WEIR_RULE_DENY | 1},
		{"12", "/fd/1", 1, 0},
		{"8", "/task/9/*", 2, 0},
		{"8", "/task/9/a", 0, 0},
		{"8", "/task/9/xy", 2, 0},
		{"8", "/task/9/status", 0, 0},
	};
	char path[64];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(path, sizeof(path), "/proc/%s%s", cases[i].number, cases[i].rest);
		if (own_rule(compiled, cases[i].number, cases[i].rest) != cases[i].own)
			fail_msg("%s, own: %x", path,
				 own_rule(compiled, cases[i].number, cases[i].rest));
		if (tables_path(compiled, path, WEIR_ACCESS_READ) != cases[i].other)
			fail_msg("%s: %x", path, tables_path(compiled, path, WEIR_ACCESS_READ));
	}
	/* the link by that name is decided like any other */
	assert_int_equal(tables_path(compiled, "/proc/self/status", WEIR_ACCESS_READ), 1);
}

/* For renames: what is allowed everywhere, and anywhere, below a directory. */
static void nodes_know_what_lies_below(void **state)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = compiled_of(
		HEAD "files:\n  allow:\n"
		     "    - {name: all, paths: [\"/a/**\"], access: [read, write]}\n"
		     "    - {name: one, paths: [/b/c/d], access: [read]}\n"
		     "    - {name: globs, paths: ['/g/*x/y'], access: [execute]}\n"
		     "    - {name: self, paths: [/e], access: [read]}\n"
		     "  deny:\n"
		     "    - {name: no, paths: [/a/b/secret], access: [write]}\n"
		     "    - {name: nowhere, paths: ['**/.env'], access: [create]}\n");
	static const struct {
		const char *path;
		unsigned int always, ever;	/* bits of access */
	} cases[] = {
		{"/", 0, 1 << WEIR_ACCESS_READ | 1 << WEIR_ACCESS_WRITE | 1 << WEIR_ACCESS_EXECUTE},
		{"/a", 1 << WEIR_ACCESS_READ, 1 << WEIR_ACCESS_READ | 1 << WEIR_ACCESS_WRITE},
		{"/a/b", 1 << WEIR_ACCESS_READ, 1 << WEIR_ACCESS_READ | 1 << WEIR_ACCESS_WRITE},
		{"/a/c", 1 << WEIR_ACCESS_READ | 1 << WEIR_ACCESS_WRITE,
		 1 << WEIR_ACCESS_READ | 1 << WEIR_ACCESS_WRITE},
		{"/a/b/secret", 1 << WEIR_ACCESS_READ | 1 << WEIR_ACCESS_WRITE,
		 1 << WEIR_ACCESS_READ | 1 << WEIR_ACCESS_WRITE},
		{"/b", 0, 1 << WEIR_ACCESS_READ},
		{"/b/c", 0, 1 << WEIR_ACCESS_READ},
		{"/b/c/d", 0, 0},
		{"/g", 0, 1 << WEIR_ACCESS_EXECUTE},
		{"/g/zx", 0, 1 << WEIR_ACCESS_EXECUTE},
		{"/g/z", 0, 0},
		{"/e", 0, 0},
	};
	size_t i, at, n, len;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t node = WEIR_NODE_ROOT;

		len = strlen(cases[i].path);
		for (at = 1; len > 1 && at <= len; at += n + 1) {
			n = strcspn(cases[i].path + at, "/");
			assert_true(tables_component(compiled, cases[i].path + at, n, &node));
		}
		if (compiled->nodes[node].always != cases[i].always ||
		    compiled->nodes[node].ever != cases[i].ever)
			fail_msg("%s: always %x, ever %x", cases[i].path,
				 compiled->nodes[node].always, compiled->nodes[node].ever);
	}
}

static void roots_are_always_there(void **state)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = compiled_of(HEAD);
	uint32_t node;

	(void)state;
	assert_int_equal(compiled->n_nodes, WEIR_NODE_ABSTRACT + 1);
	assert_int_equal(compiled->n_edges, 0);
	for (node = WEIR_NODE_ROOT; node <= WEIR_NODE_ABSTRACT; node++) {
		assert_int_equal(compiled->nodes[node].self[WEIR_ACCESS_READ], WEIR_RULE_NONE);
		assert_int_equal(compiled->nodes[node].below[WEIR_ACCESS_READ], WEIR_RULE_NONE);
		assert_int_equal(compiled->nodes[node].edges.lengths, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_list_the_lengths_of_names),
		cmocka_unit_test(own_processes_have_edges),
		cmocka_unit_test(nodes_know_what_lies_below),
		cmocka_unit_test(roots_are_always_there),
	};

	return RUN_TESTS(tests);
}
