// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Following names through the path tables of an instance; see tables.bpf.h. */
#include "tables.bpf.h"

/* Along the edge for a name, chunk by chunk. */
static __always_inline __u32 edge_follow(__u32 index, __u32 node, __u64 name, __u32 len)
{
	void *edges = bpf_map_lookup_elem(&weir_edges, &index);
	struct weir_edge_key key;
	__u32 *child;

	if (!edges)
		return EDGE_FAILED;
	for (int i = 0; i <= WEIR_NAME_MAX / WEIR_CHUNK; i++) {
		bool last = len < WEIR_CHUNK;
		__u32 part = last ? len : WEIR_CHUNK;

		__builtin_memset(&key, 0, sizeof(key));
		key.node = node;
		FORGET(part);
		if (part > WEIR_CHUNK || bpf_probe_read_kernel(key.chunk, part, (void *)name))
			return EDGE_FAILED;
		child = bpf_map_lookup_elem(edges, &key);
		if (!child)
			return EDGE_NONE;
		node = *child;
		if (last)
			return node;
		name += WEIR_CHUNK;
		len -= WEIR_CHUNK;
	}
	return EDGE_FAILED;	/* longer than a name can be */
}

/* Along an edge that is not for a name. Not inline, for its stack. */
static __noinline __u32 edge_of(__u32 index, __u32 from, __u32 what)
{
	void *edges = bpf_map_lookup_elem(&weir_edges, &index);
	struct weir_edge_key key = {.node = from};
	__u32 *child;

	if (!edges)
		return EDGE_FAILED;
	*(__u32 *)key.chunk = what;
	child = bpf_map_lookup_elem(edges, &key);
	return child ? *child : EDGE_NONE;
}

/* A name that is read by the automaton for some globs, eight bytes at a time. */
struct reading {
	__u64 name;
	__u64 bytes;
	__u32 len;
	__u32 index;
	__u32 row;
	bool failed;
};

static __always_inline const struct weir_row *row_get(const struct reading *reading)
{
	__u32 index = reading->index, row = reading->row;
	void *rows = bpf_map_lookup_elem(&weir_rows, &index);

	return rows ? bpf_map_lookup_elem(rows, &row) : NULL;
}

static long reading_step(__u32 at, struct reading *reading)
{
	const struct weir_row *row = row_get(reading);
	__u32 left = reading->len - at;

	reading->failed = !row;
	if (!row || row->stays || at >= reading->len)
		return 1;
	if (!(at & 7)) {
		left = left < sizeof(reading->bytes) ? left : sizeof(reading->bytes);
		FORGET(left);
		reading->failed = left > sizeof(reading->bytes) ||
				  bpf_probe_read_kernel(&reading->bytes, left,
							(void *)(reading->name + at));
		if (reading->failed)
			return 1;
	}
	reading->row = row->next[reading->bytes & 0xff];
	reading->bytes >>= 8;
	return 0;
}

/*
 * Which match of some globs takes a name; 0: none. EDGE_FAILED: it could not be
 * told. A loop of 255 rounds here would be gone through by the verifier, in each
 * program: 170,000 instructions.
 */
__u32 weir_globs_match(__u32 index, __u32 globs, __u64 name, __u32 len)
{
	const struct weir_glob *glob = glob_get(index, globs);
	struct reading reading = {.name = name, .len = len, .index = index};
	const struct weir_row *row;

	if (!glob || len > WEIR_NAME_MAX)
		return EDGE_FAILED;
	if (!(glob->lengths & WEIR_LENGTH_BIT(len)))
		return 0;
	reading.row = glob->start;
	bpf_loop(WEIR_NAME_MAX, reading_step, &reading, 0);
	row = row_get(&reading);
	return reading.failed || !row ? EDGE_FAILED : row->match;
}

__u32 weir_name_globs(__u32 index, __u32 node, __u64 name, __u32 len)
{
	const struct weir_node *entry = node_get(index, node);
	__u32 match = 0, child;

	if (!entry)
		return EDGE_FAILED;
	if (entry->globs)
		match = weir_globs_match(index, entry->globs, name, len);
	if (match == EDGE_FAILED)
		return EDGE_FAILED;
	if (!match)
		return entry->other;
	child = edge_of(index, WEIR_EDGE_MATCH(node), match);
	return child ? child : EDGE_FAILED;	/* each match has one */
}

__u32 weir_name_edge(__u32 index, __u32 node, __u64 name, __u32 len)
{
	const struct weir_node *entry = node_get(index, node);
	__u32 child = EDGE_NONE, ask;

	if (!entry)
		return EDGE_FAILED;
	ask = entry->globs || !entry->other ? node : entry->other;
	if (entry->edges.lengths & WEIR_LENGTH_BIT(len))
		child = edge_follow(index, node, name, len);
	return child ? child : EDGE_ASK(ask);
}

/* Does the scope bind this task? One that was not seen yet is not its own. */
static __always_inline bool task_bound(__u64 task, weir_scope_t scope)
{
	const struct weir_mark *mark = task ? bpf_map_lookup_elem(&weir_marks, &task) : NULL;
	bool bound = false;

	for (int i = 0; i < WEIR_NEST_MAX && mark && scope; i++)
		bound |= mark->scopes[i] == scope;
	return bound;
}

/* What one descent is about; how far it is stands in scratch space. */
struct descent {
	struct weir_scratch *scratch;
	__u64 path;		/* the same, as a number */
	__u64 whose;
};

/* Could names be told apart below a node? What cannot be read might. */
static __always_inline bool node_tells(__u32 index, __u32 node)
{
	const struct weir_node *entry = node_get(index, node);

	if (entry && !entry->edges.lengths && !entry->globs && entry->other && entry->other != node)
		entry = node_get(index, entry->other);
	return !entry || entry->edges.lengths || entry->globs;
}

/* The number of a process led to child: if it is the workload's own, it is at self as well. */
static __always_inline __u32 process_follow(const struct descent *descent, __u32 node, __u32 child)
{
	__u32 own;

	if (!task_bound(descent->scratch->process_task, WHOSE_SCOPE(descent->whose)))
		return child;
	own = edge_of(WHOSE_INDEX(descent->whose), WEIR_EDGE_OWN(node), child);
	return own ? own : child;
}

static long descent_step(__u32 unused, struct descent *descent)
{
	struct weir_descent *state = &descent->scratch->descent;
	__u32 at = state->at, node = state->node, index = WHOSE_INDEX(descent->whose), len, child;

	if (at >= WEIR_PATH_MAX)
		return 1;
	len = descent->scratch->path[at];
	state->parent = PLACE(node, state->self);
	state->at = at + 1 + len;
	if (!state->self)
		return 0;
	/* a rule may name it in other letters: only where none does is that the same */
	state->failed = at >= descent->scratch->fold && node_tells(index, node);
	if (state->failed)
		return 1;
	child = name_follow(index, node, descent->path + at + 1, len);
	if (child != EDGE_FAILED && at == descent->scratch->process)
		child = process_follow(descent, node, child);
	state->failed = child == EDGE_FAILED;
	if (child)
		state->node = child;
	else
		state->self = false;
	return state->failed;
}

__u64 weir_path_descend(__u64 whose, __u32 root, __u32 at)
{
	struct descent descent = {.scratch = path_scratch(false), .whose = whose};
	struct weir_descent *state;

	if (!descent.scratch)
		return PLACE_UNRESOLVED;
	descent.path = number_away(descent.scratch->path);
	state = &descent.scratch->descent;
	state->at = at;
	state->node = root;
	state->parent = PLACE(root, true);
	state->self = true;
	state->failed = false;
	bpf_loop(WEIR_PATH_MAX, descent_step, &descent, 0);
	if (state->failed || state->at < WEIR_PATH_MAX)
		return PLACE_UNRESOLVED;
	return (__u64)state->parent << 32 | PLACE(state->node, state->self);
}
