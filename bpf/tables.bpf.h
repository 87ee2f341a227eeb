/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The path tables of an instance: from a node by a name to the next (struct
 * weir_node says how), and from a root along a whole path.
 */
#ifndef WEIR_TABLES_BPF_H
#define WEIR_TABLES_BPF_H

#include "scope.bpf.h"
#include "verdict.bpf.h"
#include "walk.bpf.h"

/*
 * A place: node << 1, and 1 when the path still is in the trie at that node
 * (its `self` decides), 0 when it has left the trie below it (`below` decides).
 */
#define PLACE_UNRESOLVED 0
#define PLACE_PSEUDO 1		/* pipe, socket, memfd: on no mount of any namespace */
#define PLACE_LAYER 0xffffffff	/* a layer of a stacked file system, whose own file was decided */
#define PLACE(node, self) ((node) << 1 | (self))
#define PLACE_NODE(place) ((place) >> 1)
#define PLACE_SELF(place) ((place) & 1)

/* number_of() where stack is shorter than time. */
static __noinline __attribute__((unused)) __u64 number_away(const void *pointer)
{
	volatile __u64 cells[2] = {0};

	return number_of(cells, pointer);
}

/* Whose tables, and whose processes are its own: an instance and the scope it is in force for. */
#define WHOSE(scope, index) ((__u64)(scope) << 32 | (index))
#define WHOSE_SCOPE(whose) ((weir_scope_t)((whose) >> 32))
#define WHOSE_INDEX(whose) ((__u32)(whose))

#define EDGE_NONE 0		/* the trie has no such name below this node */
#define EDGE_FAILED 0xffffffff	/* could not be told: the path is unresolved */

/*
 * Follows one component from a node, as struct weir_node says, as far as edges
 * do. name is an address in kernel memory or scratch space, read where it lies.
 * Returns the child, EDGE_FAILED or EDGE_ASK() of the node that says the rest.
 */
__u32 weir_name_edge(__u32 index, __u32 node, __u64 name, __u32 len);

/* The rest: by the globs of a node. Returns the child, EDGE_NONE or EDGE_FAILED. */
__u32 weir_name_globs(__u32 index, __u32 node, __u64 name, __u32 len);

#define EDGE_ASK(node) ((node) | 1u << 30)
#define EDGE_ASKS(child) ((child) >> 30 == 1)

/* All of it; one function after the other, because stack is short. */
static __always_inline __u32 name_follow(__u32 index, __u32 node, __u64 name, __u32 len)
{
	__u32 child = weir_name_edge(index, node, name, len);

	if (child != EDGE_ASK(node) && EDGE_ASKS(child))
		child = weir_name_edge(index, child ^ EDGE_ASK(0), name, len);
	return EDGE_ASKS(child) ? weir_name_globs(index, child ^ EDGE_ASK(0), name, len) : child;
}

static __always_inline const struct weir_glob *glob_get(__u32 index, __u32 glob)
{
	void *globs = bpf_map_lookup_elem(&weir_globs, &index);

	return globs ? bpf_map_lookup_elem(globs, &glob) : NULL;
}

/*
 * The place below a root of the path in scratch space that begins at `at`, in
 * the low word, and in the high one the place of the directory it lies in. 0:
 * unresolved.
 */
__u64 weir_path_descend(__u64 whose, __u32 root, __u32 at);

#endif
