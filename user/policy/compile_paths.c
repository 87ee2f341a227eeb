// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The path tables, of files and of unix sockets, each below a root of its own:
 * all patterns of a policy as one automaton over the names of a path.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile_parts.h"
#include "policy/path_tables.h"

static void tables_done(struct path_tables *tables)
{
	positions_done(&tables->positions);
	globs_done(&tables->globs);
	cover_done(&tables->cover);
	intern_done(&tables->sets);
	intern_done(&tables->edges);
	numbers_done(&tables->own);
	numbers_done(&tables->loops);
	numbers_done(&tables->next);
	free(tables->sockets.list);
	free(tables->nodes_of);
	free(tables->ways);
	free(tables->children);
	free(tables->nodes);
}

/* What is allowed everywhere, and anywhere, from a child on: a state, or part of a name. */
static void reach_add(struct weir_node *node, const struct weir_node *child, bool state)
{
	node->always &= child->always & (state ? child->self_allows : UINT8_MAX);
	node->ever |= child->ever | (state ? child->self_allows | rules_grant(child->self) : 0);
}

/*
 * What is allowed below each node: by what its children reach, again and again
 * until nothing changes. Children mostly come after their parents, so that few
 * rounds do.
 */
static int reach_write(struct path_tables *tables)
{
	const struct weir_edge_key *keys = (const void *)tables->edges.bytes;
	_cleanup_free_ bool *state = calloc(tables->n_nodes, sizeof(*state));
	const uint32_t edge_bits = WEIR_EDGE_MATCH(0) | WEIR_EDGE_OWN(0);
	struct weir_node *nodes = tables->nodes, before;
	bool changed = true;
	size_t i;

	if (!state)
		return -ENOMEM;
	for (i = 0; i < tables->sets.n; i++)
		state[tables->nodes_of[i]] = true;
	for (i = 0; i < tables->n_nodes; i++) {
		nodes[i].always = state[i] && !nodes[i].other ? nodes[i].below_allows :
								(1u << WEIR_ACCESS_COUNT) - 1;
		nodes[i].ever = (uint8_t)(nodes[i].other ? 0 : nodes[i].below_allows |
								       rules_grant(nodes[i].below));
	}
	while (changed) {
		changed = false;
		for (i = tables->edges.n; i--;) {
			struct weir_node *node = &nodes[keys[i].node & ~edge_bits];

			before = *node;
			reach_add(node, &nodes[tables->children[i]], state[tables->children[i]]);
			if (node->other)
				reach_add(node, &nodes[node->other], true);
			changed |= memcmp(&before, node, sizeof(before)) != 0;
		}
		for (i = tables->n_nodes; i--;) {
			before = nodes[i];
			if (nodes[i].other)
				reach_add(&nodes[i], &nodes[nodes[i].other], true);
			changed |= memcmp(&before, &nodes[i], sizeof(before)) != 0;
		}
	}
	return 0;
}

static int rules_put(struct path_tables *tables, enum list list)
{
	const struct file_rules *rules = tables->cover.rules[list];
	size_t i, j;

	for (i = 0; i < rules->n; i++) {
		const struct file_rule *rule = &rules->list[i];
		struct mark mark = {.rule = (uint16_t)i, .list = (uint8_t)list};

		for (j = 0; j < rule->n_paths; j++) {
			if (positions_add(&tables->positions, &rule->paths[j], mark) < 0)
				return -ENOMEM;
		}
		mark.except = true;
		for (j = 0; j < rule->n_except; j++) {
			if (positions_add(&tables->positions, &rule->except[j], mark) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

/* As far as patterns go, a rule of network.unix is one of files that allows to read. */
static int sockets_make(struct path_tables *tables, const struct unix_rules *rules)
{
	size_t i;

	tables->sockets.list = calloc(rules->n + 1, sizeof(*tables->sockets.list));
	if (!tables->sockets.list)
		return -ENOMEM;
	tables->sockets.n = rules->n;
	for (i = 0; i < rules->n; i++)
		tables->sockets.list[i] = (struct file_rule){
			.head = rules->list[i].head,
			.paths = rules->list[i].paths,
			.n_paths = rules->list[i].n_paths,
			.access = WEIR_ACCESS_BIT(WEIR_ACCESS_READ),
		};
	return 0;
}

static int tables_start(struct path_tables *tables)
{
	const struct policy *policy = tables->policy;
	uint32_t root, node;
	int list;

	tables->positions.limits = tables->globs.limits = &tables->limits;
	tables->globs.texts = &tables->positions.globs;
	tables->cover.positions = &tables->positions;
	if (sockets_make(tables, &policy->unix_allow) < 0)
		return -ENOMEM;
	tables->cover.rules[LIST_FILES_ALLOW] = &policy->file_allow;
	tables->cover.rules[LIST_FILES_DENY] = &policy->file_deny;
	tables->cover.rules[LIST_UNIX] = &tables->sockets;
	if (cover_start(&tables->cover) < 0 || positions_start(&tables->positions) < 0)
		return -ENOMEM;
	for (list = 0; list < LIST_COUNT; list++)
		if (rules_put(tables, list) < 0)
			return -ENOMEM;
	if (positions_share(&tables->positions) < 0)
		return -ENOMEM;
	if (path_node_add(tables, &node) < 0)	/* 0, which is unused */
		return -ENOMEM;
	for (root = WEIR_NODE_ROOT; root <= WEIR_NODE_ABSTRACT; root++)
		if (path_root_add(tables, root) < 0)
			return -ENOMEM;
	return 0;
}

static int tables_make(struct path_tables *tables)
{
	uint32_t set;

	if (tables_start(tables) < 0)
		return -ENOMEM;
	for (set = 0; set < tables->sets.n; set++)
		if (path_set_expand(tables, set) < 0)
			return -ENOMEM;
	return reach_write(tables);
}

/* Past a limit nobody knows how much there would have been. */
static void limit_passed_report(const struct path_tables *tables, struct report *report)
{
	static const struct {
		const char *what;
		unsigned int limit;
		const char *hint;
	} limits[] = {
		[PATH_LIMIT_PARTS] = {"parts", PATH_PARTS_MAX,
				      "use fewer patterns with \"**\" in the middle"},
		[PATH_LIMIT_ROWS] = {"rows for wildcards within names", PATH_ROWS_MAX,
				     "use fewer of them that have a '*' in the middle of a name"},
		[PATH_LIMIT_CROSSINGS] = {"ways to read \"**\" within a component",
					  PATH_CROSSINGS_MAX,
					  "use fewer \"**\" within one component"},
		[PATH_LIMIT_STEPS] = {"steps to be compiled", PATH_STEPS_MAX,
				      "use fewer patterns with wildcards that meet in one name, "
				      "or with several \"**\""},
	};
	const struct path_limits *passed = &tables->limits;

	_Static_assert(ARRAY_SIZE(limits) == PATH_LIMIT_COUNT, "every limit is told");
	report_add(report, passed->place ? passed->place : &tables->policy->name_place,
		   "the path patterns of this policy, taken together, need more than %u %s",
		   limits[passed->over].limit, limits[passed->over].what);
	report_hint(report, "%s, or split the policy", limits[passed->over].hint);
}

static int globs_hand_over(struct globs *globs, struct policy_compiled *ret)
{
	size_t i;

	ret->globs = calloc(globs->keys.n + 1, sizeof(*ret->globs));
	if (!ret->globs)
		return -ENOMEM;
	for (i = 0; i < globs->keys.n; i++)
		ret->globs[i + 1] = globs->sets[i].head;
	ret->n_globs = globs->keys.n + 1;
	ret->n_rows = globs->n_rows;
	ret->rows = TAKE_PTR(globs->rows);
	return 0;
}

int paths_compile(const struct policy *policy, struct report *report, struct policy_compiled *ret)
{
	_cleanup_(tables_done) struct path_tables tables = {.policy = policy};
	int err;

	_Static_assert(POLICY_RULES_MAX <= WEIR_RULES_MAX, "a rule's number fits the record");
	_Static_assert(PATH_ROWS_MAX <= UINT16_MAX, "a row's number fits the row");
	_Static_assert(PATH_PARTS_MAX < WEIR_EDGE_OWN(0), "a node's number leaves room");
	err = tables_make(&tables);
	if (tables.limits.over) {
		limit_passed_report(&tables, report);
		return 0;
	}
	if (err < 0)
		return -ENOMEM;
	if (globs_hand_over(&tables.globs, ret) < 0)
		return -ENOMEM;
	ret->n_edges = tables.edges.n;
	ret->edge_keys = (struct weir_edge_key *)TAKE_PTR(tables.edges.bytes);
	ret->edge_values = TAKE_PTR(tables.children);
	ret->n_nodes = tables.n_nodes;
	ret->nodes = TAKE_PTR(tables.nodes);
	return 0;
}
