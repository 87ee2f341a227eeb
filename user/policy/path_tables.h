/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The path tables in the making, from positions in patterns to nodes and edges. */
#ifndef WEIR_POLICY_PATH_TABLES_H
#define WEIR_POLICY_PATH_TABLES_H

#include "policy/cover.h"
#include "policy/globs.h"
#include "policy/positions.h"

/* Zero but for what compile_paths.c prepares. */
struct path_tables {
	const struct policy *policy;
	struct file_rules sockets;	/* those of network.unix as rules that read */
	struct path_limits limits;
	struct positions positions;
	struct globs globs;
	struct cover cover;
	struct intern sets;		/* of positions, sorted */
	uint32_t *nodes_of;		/* by set */
	size_t cap_sets;
	struct intern edges;		/* struct weir_edge_key */
	uint32_t *children;		/* by edge */
	size_t cap_edges;
	struct weir_node *nodes;
	size_t n_nodes, cap_nodes;
	/* of the set that is worked on */
	struct numbers own;		/* positions that it leaves with the next name */
	struct numbers loops;		/* and those that any name leads back to */
	struct move *ways;		/* by glob from them all, in order of the globs */
	size_t n_ways, cap_ways;
	uint32_t glob_set;		/* their globs */
	bool proc;			/* /proc is among them, and leads on to /proc/self */
	struct numbers next;		/* the set that is made from it, or from nothing */
};

/* All of them return 0, -ENOMEM or past a limit. */

/* A new node, of which nothing is known yet. */
int path_node_add(struct path_tables *tables, uint32_t *ret);

/* The node of a root: a set of its position, and of what is reached from there without a name. */
int path_root_add(struct path_tables *tables, uint32_t root);

/* Works out the node of a set, by number; sets that it leads to are added. */
int path_set_expand(struct path_tables *tables, uint32_t set);

#endif
