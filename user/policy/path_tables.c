// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Sets of positions become nodes, names become edges, and globs are asked only
 * where no name that is written out is met; see path_tables.h.
 */
#include "policy/path_tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile_parts.h"

static const struct position *position_at(const struct path_tables *tables, uint32_t position)
{
	return &tables->positions.list[position];
}

int path_node_add(struct path_tables *tables, uint32_t *ret)
{
	if (tables->n_nodes == PATH_PARTS_MAX)
		return path_limit_pass(&tables->limits, PATH_LIMIT_PARTS);
	if (array_reserve(&tables->nodes, tables->n_nodes, &tables->cap_nodes,
			  sizeof(*tables->nodes)) < 0)
		return -ENOMEM;
	tables->nodes[tables->n_nodes] = (struct weir_node){0};
	*ret = (uint32_t)tables->n_nodes++;
	return 0;
}

static int edge_add(struct path_tables *tables, const struct weir_edge_key *key, uint32_t child)
{
	uint32_t number;

	if (tables->edges.n == PATH_PARTS_MAX)
		return path_limit_pass(&tables->limits, PATH_LIMIT_PARTS);
	if (intern_add(&tables->edges, key, sizeof(*key), &number) < 0 ||
	    array_reserve(&tables->children, number, &tables->cap_edges,
			  sizeof(*tables->children)) < 0)
		return -ENOMEM;
	tables->children[number] = child;
	return 0;
}

/* An edge for a name, chunk by chunk; on the way, nodes of which nothing is decided. */
static int name_edge_add(struct path_tables *tables, uint32_t node, const char *name, size_t len,
			 uint32_t child)
{
	struct weir_names *edges = &tables->nodes[node].edges;
	size_t at;

	edges->lengths |= WEIR_LENGTH_BIT(len);
	edges->first |= WEIR_BYTE_BIT((unsigned char)name[0]);
	edges->last |= WEIR_BYTE_BIT((unsigned char)name[len - 1]);
	for (at = 0;; at += WEIR_CHUNK) {
		struct weir_edge_key key = {.node = node};
		bool last = len - at < WEIR_CHUNK;
		uint32_t number;

		memcpy(key.chunk, name + at, last ? len - at : WEIR_CHUNK);
		if (last)
			return edge_add(tables, &key, child);
		if (intern_find(&tables->edges, &key, sizeof(key), &number)) {
			node = tables->children[number];
		} else {
			uint32_t way;

			if (path_node_add(tables, &way) < 0 || edge_add(tables, &key, way) < 0)
				return -ENOMEM;
			node = way;
		}
	}
}

static int mark_edge_add(struct path_tables *tables, uint32_t node, uint32_t what, uint32_t child)
{
	struct weir_edge_key key = {.node = node};

	memcpy(key.chunk, &what, sizeof(what));
	return edge_add(tables, &key, child);
}

/* A position, and the one that is reached from it without a name. */
static int next_add(struct path_tables *tables, uint32_t position)
{
	uint32_t loop = position_at(tables, position)->loop;

	if (numbers_add(&tables->next, position) < 0)
		return -ENOMEM;
	return loop ? numbers_add(&tables->next, loop) : 0;
}

/* Is nothing told apart any more, whatever the names that follow? */
static bool set_is_end(const struct path_tables *tables, const uint32_t *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const struct position *position = position_at(tables, list[i]);

		if (!position->loops || position->names || position->globs)
			return false;
	}
	return true;
}

/* The node of the set in the making; one that is new is worked on later. */
static int next_node(struct path_tables *tables, uint32_t *ret)
{
	uint32_t set, node;
	int added;

	if (path_steps_add(&tables->limits, tables->next.n) < 0)
		return -E2BIG;
	numbers_sort(&tables->next);
	added = intern_add(&tables->sets, tables->next.list,
			   tables->next.n * sizeof(*tables->next.list), &set);
	if (added < 0)
		return added;
	if (!added) {
		*ret = tables->nodes_of[set];
		return 0;
	}
	if (array_reserve(&tables->nodes_of, set, &tables->cap_sets,
			  sizeof(*tables->nodes_of)) < 0 ||
	    path_node_add(tables, &node) < 0)
		return -ENOMEM;
	tables->nodes_of[set] = *ret = node;
	return 0;
}

int path_root_add(struct path_tables *tables, uint32_t root)
{
	uint32_t node;

	tables->next.n = 0;
	return next_add(tables, root) < 0 ? -ENOMEM : next_node(tables, &node);
}

static int next_add_all(struct path_tables *tables, const struct numbers *positions)
{
	size_t i;

	for (i = 0; i < positions->n; i++)
		if (numbers_add(&tables->next, positions->list[i]) < 0)
			return -ENOMEM;
	return 0;
}

static int next_add_name(struct path_tables *tables, const struct numbers *from, uint32_t name)
{
	uint32_t to;
	size_t i;

	if (path_steps_add(&tables->limits, from->n) < 0)
		return -E2BIG;
	for (i = 0; i < from->n; i++) {
		to = position_by_name(&tables->positions, from->list[i], name);
		if (to && next_add(tables, to) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* The first of the ways that is not by a lower glob. */
static size_t way_find(const struct path_tables *tables, uint32_t glob)
{
	size_t low = 0, high = tables->n_ways, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (tables->ways[middle].what < glob)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Where those of the globs lead that take a name. */
static int next_add_match(struct path_tables *tables, uint32_t match)
{
	const uint32_t *taken;
	size_t n, i, at;

	taken = globs_taken(&tables->globs, tables->glob_set, match, &n);
	for (i = 0; i < n; i++) {
		for (at = way_find(tables, taken[i]);
		     at < tables->n_ways && tables->ways[at].what == taken[i]; at++)
			if (next_add(tables, tables->ways[at].to) < 0)
				return -ENOMEM;
	}
	return 0;
}

/* Makes the set that a match leads to, and a name, if there is one besides. */
static int next_make(struct path_tables *tables, uint32_t match, const uint32_t *name)
{
	tables->next.n = 0;
	if (next_add_all(tables, &tables->loops) < 0 || next_add_match(tables, match) < 0)
		return -ENOMEM;
	if (name && (next_add_name(tables, &tables->own, *name) < 0 ||
		     next_add_name(tables, &tables->loops, *name) < 0))
		return -ENOMEM;
	return 0;
}

/*
 * The number of a process led from /proc to child (0: to where the tables end):
 * an own process is at /proc/self besides.
 */
static int own_edge_add(struct path_tables *tables, uint32_t node, uint32_t child)
{
	uint32_t own;

	if (!tables->proc)
		return 0;
	if (next_add(tables, tables->positions.proc_self) < 0 || next_node(tables, &own) < 0)
		return -ENOMEM;
	return mark_edge_add(tables, WEIR_EDGE_OWN(node), child, own);
}

static int name_expand(struct path_tables *tables, uint32_t node, uint32_t name)
{
	_cleanup_free_ char *text = NULL;
	const char *interned;
	uint32_t child;
	size_t len;

	interned = intern_get(&tables->positions.names, name, &len);
	text = strndup(interned, len);
	if (!text)
		return -ENOMEM;
	if (next_make(tables, globs_match(&tables->globs, tables->glob_set, text, len), &name) <
		    0 ||
	    next_node(tables, &child) < 0 ||
	    name_edge_add(tables, node, text, len, child) < 0)
		return -ENOMEM;
	return strspn(text, "0123456789") == len ? own_edge_add(tables, node, child) : 0;
}

/* The names that lead on from these positions, each once. */
static int names_expand(struct path_tables *tables, uint32_t node, const struct numbers *from)
{
	const struct positions *positions = &tables->positions;
	uint32_t move;
	size_t i, j;

	for (i = 0; i < from->n; i++) {
		for (move = position_at(tables, from->list[i])->names; move;
		     move = positions->by_name.list[move - 1].next) {
			uint32_t name = positions->by_name.list[move - 1].what;

			for (j = 0; j < i; j++)
				if (position_by_name(positions, from->list[j], name))
					break;
			if (j == i && name_expand(tables, node, name) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static int matches_expand(struct path_tables *tables, uint32_t node)
{
	uint32_t match, child;

	for (match = 1; match <= tables->globs.sets[tables->glob_set - 1].matches.n; match++) {
		if (next_make(tables, match, NULL) < 0 || next_node(tables, &child) < 0 ||
		    mark_edge_add(tables, WEIR_EDGE_MATCH(node), match, child) < 0 ||
		    own_edge_add(tables, node, child) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Where a name leads that nothing takes. */
static int other_expand(struct path_tables *tables, uint32_t node)
{
	uint32_t other = 0;

	if (next_make(tables, 0, NULL) < 0)
		return -ENOMEM;
	if (!set_is_end(tables, tables->loops.list, tables->loops.n) &&
	    next_node(tables, &other) < 0)
		return -ENOMEM;
	tables->nodes[node].other = other;
	return own_edge_add(tables, node, other);
}

static int ways_add(struct path_tables *tables, const struct numbers *from)
{
	const struct move *moves = tables->positions.by_glob.list;
	uint32_t move;
	size_t i;

	for (i = 0; i < from->n; i++) {
		for (move = position_at(tables, from->list[i])->globs; move;
		     move = moves[move - 1].next) {
			if (array_reserve(&tables->ways, tables->n_ways, &tables->cap_ways,
					  sizeof(*tables->ways)) < 0)
				return -ENOMEM;
			tables->ways[tables->n_ways++] = moves[move - 1];
		}
	}
	return 0;
}

static int way_compare(const void *a, const void *b)
{
	const struct move *one = a, *other = b;

	return (one->what > other->what) - (one->what < other->what);
}

/* The positions of a set, those that loop apart, and what globs they have. */
static int set_take(struct path_tables *tables, uint32_t set, bool *ret_own_globs)
{
	_cleanup_(numbers_done) struct numbers globs = {0};
	const uint32_t *list;
	size_t len, i;

	tables->own.n = tables->loops.n = 0;
	tables->proc = false;
	list = intern_get(&tables->sets, set, &len);
	for (i = 0; i < len / sizeof(*list); i++) {
		bool loops = position_at(tables, list[i])->loops;

		tables->proc |= tables->positions.proc_self && list[i] == tables->positions.proc;
		if (numbers_add(loops ? &tables->loops : &tables->own, list[i]) < 0)
			return -ENOMEM;
	}
	tables->n_ways = 0;
	if (ways_add(tables, &tables->own) < 0)
		return -ENOMEM;
	*ret_own_globs = tables->n_ways;
	if (ways_add(tables, &tables->loops) < 0)
		return -ENOMEM;
	if (tables->n_ways)
		qsort(tables->ways, tables->n_ways, sizeof(*tables->ways), way_compare);
	for (i = 0; i < tables->n_ways; i++)
		if ((!i || tables->ways[i].what != tables->ways[i - 1].what) &&
		    numbers_add(&globs, tables->ways[i].what) < 0)
			return -ENOMEM;
	return globs_get(&tables->globs, globs.list, globs.n, &tables->glob_set);
}

static int rules_write(struct path_tables *tables, uint32_t set, uint32_t node)
{
	struct weir_node *ret = &tables->nodes[node];
	struct ruling self, below;
	const uint32_t *list;
	size_t len;

	list = intern_get(&tables->sets, set, &len);
	if (cover_rule(&tables->cover, list, len / sizeof(*list), &self) < 0 ||
	    cover_rule(&tables->cover, tables->loops.list, tables->loops.n, &below) < 0)
		return -ENOMEM;
	memcpy(ret->self, self.rule, sizeof(ret->self));
	memcpy(ret->below, below.rule, sizeof(ret->below));
	ret->self_allows = (uint8_t)rules_allow(ret->self);
	ret->below_allows = (uint8_t)rules_allow(ret->below);
	return 0;
}

/*
 * Works a node out. Where nothing but positions that loop has globs, what
 * their own node says is left to that node.
 */
int path_set_expand(struct path_tables *tables, uint32_t set)
{
	uint32_t node = tables->nodes_of[set];
	bool own_globs, leaves;

	if (set_take(tables, set, &own_globs) < 0 || rules_write(tables, set, node) < 0 ||
	    other_expand(tables, node) < 0 || names_expand(tables, node, &tables->own) < 0)
		return -ENOMEM;
	leaves = tables->own.n && !own_globs && !tables->proc;
	if (leaves)
		return 0;
	if (names_expand(tables, node, &tables->loops) < 0)
		return -ENOMEM;
	tables->nodes[node].globs = tables->glob_set;
	return tables->glob_set ? matches_expand(tables, node) : 0;
}
