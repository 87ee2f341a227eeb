/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Looks up a compiled policy's tables the way the kernel side does. Tables
 * that it could not follow end the program.
 */
#ifndef WEIR_TESTS_POLICY_LOOKUP_H
#define WEIR_TESTS_POLICY_LOOKUP_H

#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "policy/compile.h"

static inline const struct weir_portset *tables_set_at(const struct policy_compiled *compiled,
						       uint32_t set)
{
	if (set == WEIR_PORTSET_NONE)
		return NULL;
	if (set >= compiled->n_portsets)
		abort();
	return &compiled->portsets[set];
}

/* What the first element which does not end before the address says. */
static inline const struct weir_portset *tables_set(const struct policy_compiled *compiled,
						    const struct weir_addr *addr)
{
	uint64_t high = 0, low = 0;
	size_t i;

	for (i = 0; i < 8; i++) {
		high = high << 8 | addr->bytes[i];
		low = low << 8 | addr->bytes[8 + i];
	}
	for (i = 0; i < compiled->n_nets; i++) {
		const struct weir_net *net = &compiled->nets[i];

		if (net->last[0] > high || (net->last[0] == high && net->last[1] >= low))
			return tables_set_at(compiled, net->portset);
	}
	return NULL;
}

static inline weir_rule_t tables_rule(const struct policy_compiled *compiled,
				      const struct weir_portset *set, enum weir_proto column,
				      uint16_t port)
{
	uint32_t at, first, count;

	if (!set)
		return WEIR_RULE_NONE;
	first = set->proto[column].first;
	count = set->proto[column].count;
	if (!count)
		return (weir_rule_t)first;
	for (at = first; at < first + count && at < compiled->n_segments; at++) {
		if (port <= compiled->segments[at].last_port)
			return compiled->segments[at].rule;
	}
	abort();
}

/* To an address that is not 0.0.0.0 or ::, which stand for loopback. */
static inline weir_rule_t tables_flow(const struct policy_compiled *compiled, enum weir_proto proto,
				      const struct weir_addr *addr, uint16_t port)
{
	return tables_rule(compiled, tables_set(compiled, addr), proto, port);
}

/* Listening at an address; at 0.0.0.0 and :: it is asked about all of them at once. */
static inline weir_rule_t tables_listen(const struct policy_compiled *compiled,
					enum weir_proto proto, const struct weir_addr *addr,
					uint16_t port)
{
	static const struct weir_addr any4 = {.bytes = {[10] = 0xff, [11] = 0xff}}, any6;
	enum weir_proto column = proto == WEIR_PROTO_TCP ? WEIR_PROTO_LISTEN_TCP :
							   WEIR_PROTO_LISTEN_UDP;
	const struct weir_portset *set = tables_set(compiled, addr);

	if (memcmp(addr, &any4, sizeof(any4)) == 0)
		set = tables_set_at(compiled, compiled->any_v4);
	else if (memcmp(addr, &any6, sizeof(any6)) == 0)
		set = tables_set_at(compiled, compiled->any_v6);
	return tables_rule(compiled, set, column, port);
}

/* Where an edge leads; 0: there is none. */
static inline uint32_t tables_edge(const struct policy_compiled *compiled,
				   const struct weir_edge_key *key)
{
	size_t i;

	for (i = 0; i < compiled->n_edges; i++) {
		if (memcmp(&compiled->edge_keys[i], key, sizeof(*key)) != 0)
			continue;
		if (!compiled->edge_values[i] || compiled->edge_values[i] >= compiled->n_nodes)
			abort();
		return compiled->edge_values[i];
	}
	return 0;
}

/* The edge for a name, chunk by chunk. */
static inline uint32_t tables_name(const struct policy_compiled *compiled, uint32_t node,
				   const char *text, size_t len)
{
	const struct weir_names *names = &compiled->nodes[node].edges;
	size_t at, n;

	if (!(names->lengths & WEIR_LENGTH_BIT(len)))
		return 0;
	for (at = 0; at <= len && node; at += WEIR_CHUNK) {
		struct weir_edge_key key = {.node = node};

		n = len - at < WEIR_CHUNK ? len - at : WEIR_CHUNK;
		memcpy(key.chunk, text + at, n);
		node = tables_edge(compiled, &key);
	}
	if (node && !(names->first & WEIR_BYTE_BIT((unsigned char)text[0]) &&
		      names->last & WEIR_BYTE_BIT((unsigned char)text[len - 1])))
		abort();
	return node;
}

/* Which match of some globs takes a name; 0: none. What a glance rules out must not match. */
static inline uint32_t tables_match(const struct policy_compiled *compiled, uint32_t index,
				    const char *text, size_t len)
{
	const struct weir_glob *glob = &compiled->globs[index];
	uint32_t row = glob->start, match;
	size_t i;

	if (index >= compiled->n_globs)
		abort();
	for (i = 0; i < len; i++) {
		if (row >= compiled->n_rows)
			abort();
		row = compiled->rows[row].next[(unsigned char)text[i]];
	}
	match = compiled->rows[row].match;
	if (match && len &&
	    (!(glob->lengths & WEIR_LENGTH_BIT(len)) ||
	     !((glob->first >> ((unsigned char)text[0] & 63) |
		glob->last >> ((unsigned char)text[len - 1] & 63)) &
	       1)))
		abort();
	return match;
}

/* Follows one name. False: it leaves the tables, below *node. */
static inline bool tables_component(const struct policy_compiled *compiled, const char *text,
				    size_t len, uint32_t *node)
{
	const struct weir_node *entry = &compiled->nodes[*node];
	uint32_t child = tables_name(compiled, *node, text, len), at = *node;

	if (!child && !entry->globs && entry->other && entry->other != at) {
		at = entry->other;
		entry = &compiled->nodes[at];
		child = tables_name(compiled, at, text, len);
	}
	if (!child && entry->globs) {
		struct weir_edge_key key = {.node = WEIR_EDGE_MATCH(at)};
		uint32_t match = tables_match(compiled, entry->globs, text, len);

		memcpy(key.chunk, &match, sizeof(match));
		child = match ? tables_edge(compiled, &key) : 0;
		if (match && !child)
			abort();
	}
	if (!child)
		child = entry->other;
	if (child)
		*node = child;
	return child;
}

/* A path ("/" or "/a/b") below one of the roots. */
static inline weir_rule_t tables_place(const struct policy_compiled *compiled, uint32_t node,
				       const char *path, size_t len, enum weir_access access)
{
	size_t at, n;

	for (at = 1; len > 1 && at <= len; at += n + 1) {
		const char *slash = memchr(path + at, '/', len - at);

		n = slash ? (size_t)(slash - path) - at : len - at;
		if (!tables_component(compiled, path + at, n, &node))
			return compiled->nodes[node].below[access];
	}
	return compiled->nodes[node].self[access];
}

static inline weir_rule_t tables_path(const struct policy_compiled *compiled, const char *path,
				      enum weir_access access)
{
	return tables_place(compiled, WEIR_NODE_ROOT, path, strlen(path), access);
}

/* A unix socket: "/path" or "@name". One that ends with a zero byte is refused beforehand. */
static inline weir_rule_t tables_unix(const struct policy_compiled *compiled, const char *name,
				      size_t len)
{
	uint32_t node = WEIR_NODE_ABSTRACT;

	if (name[0] == '/')
		return tables_place(compiled, WEIR_NODE_UNIX, name, len, WEIR_ACCESS_READ);
	if (!name[len - 1])
		return WEIR_RULE_NONE;
	if (!tables_component(compiled, name + 1, len - 1, &node))
		return compiled->nodes[node].below[WEIR_ACCESS_READ];
	return compiled->nodes[node].self[WEIR_ACCESS_READ];
}

#endif
