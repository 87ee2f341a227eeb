// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From a map of ports to the port set of the tables, each content once; see portmap.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile_parts.h"
#include "policy/portmap.h"

static weir_rule_t decision(const struct port_span *span, const struct net_rules *allow)
{
	if (span->deny)
		return (weir_rule_t)(WEIR_RULE_DENY | span->deny);
	return span->allow ? rule_number(&allow->list[span->allow - 1].head, span->allow - 1u) : 0;
}

/* Adds the segments of a column; neighbours that one rule decides become one. */
static int segments_add(struct portmaps *maps, const struct net_rules *allow,
			const struct port_span *spans, uint32_t n)
{
	struct policy_compiled *compiled = maps->ret;
	size_t first = compiled->n_segments, i;

	for (i = 0; i < n; i++) {
		struct weir_segment segment = {.last_port = spans[i].last,
					       .rule = decision(&spans[i], allow)};
		size_t last = compiled->n_segments - 1;

		if (compiled->n_segments > first && compiled->segments[last].rule == segment.rule) {
			compiled->segments[last].last_port = segment.last_port;
			continue;
		}
		if (array_reserve(&compiled->segments, compiled->n_segments, &maps->cap_segments,
				  sizeof(*compiled->segments)) < 0)
			return -ENOMEM;
		compiled->segments[compiled->n_segments++] = segment;
	}
	return 0;
}

static int set_make(struct portmaps *maps, const struct portmap *map, struct weir_portset *ret)
{
	struct policy_compiled *compiled = maps->ret;
	size_t first, i;

	for (i = 0; i < WEIR_PROTO_COUNT; i++) {
		first = compiled->n_segments;
		if (segments_add(maps,
				 i == WEIR_PROTO_LISTEN_TCP || i == WEIR_PROTO_LISTEN_UDP ?
					 maps->listen :
					 maps->allow,
				 &maps->spans[map->first[i]], map->count[i]) < 0)
			return -ENOMEM;
		ret->proto[i].first = (uint32_t)first;
		ret->proto[i].count = (uint32_t)(compiled->n_segments - first);
		if (ret->proto[i].count > 1)
			continue;
		/* one for every port stands in the set itself */
		ret->proto[i].first = compiled->segments[first].rule;
		ret->proto[i].count = 0;
		compiled->n_segments = first;
	}
	return 0;
}

static uint64_t set_hash(const struct policy_compiled *compiled, const struct weir_portset *set)
{
	uint64_t hash = 0;
	uint32_t i, j;

	for (i = 0; i < WEIR_PROTO_COUNT; i++) {
		hash = hash_add(hash, set->proto[i].count);
		if (!set->proto[i].count)
			hash = hash_add(hash, set->proto[i].first);
		for (j = 0; j < set->proto[i].count; j++) {
			const struct weir_segment *segment =
				&compiled->segments[set->proto[i].first + j];

			hash = hash_add(hash, (uint64_t)segment->last_port << 16 | segment->rule);
		}
	}
	return hash;
}

static bool set_same(const struct policy_compiled *compiled, const struct weir_portset *a,
		     const struct weir_portset *b)
{
	unsigned int i;

	for (i = 0; i < WEIR_PROTO_COUNT; i++) {
		uint32_t count = a->proto[i].count;

		if (count != b->proto[i].count)
			return false;
		if (!count && a->proto[i].first != b->proto[i].first)
			return false;
		if (count && memcmp(&compiled->segments[a->proto[i].first],
				    &compiled->segments[b->proto[i].first],
				    count * sizeof(*compiled->segments)) != 0)
			return false;
	}
	return true;
}

static int set_table_grow(struct portmaps *maps)
{
	const struct policy_compiled *compiled = maps->ret;
	size_t n = maps->n_set_table ? maps->n_set_table * 2 : 256, i, at;
	uint32_t *table = calloc(n, sizeof(*table));

	if (!table)
		return -ENOMEM;
	for (i = 0; i < compiled->n_portsets; i++) {
		for (at = set_hash(compiled, &compiled->portsets[i]) & (n - 1); table[at];
		     at = (at + 1) & (n - 1))
			;
		table[at] = (uint32_t)i + 1;
	}
	free(maps->set_table);
	maps->set_table = table;
	maps->n_set_table = n;
	return 0;
}

/* The set with this content that is there already, or this one, added. */
static int set_intern(struct portmaps *maps, const struct weir_portset *set, size_t n_segments,
		      uint32_t *ret)
{
	struct policy_compiled *compiled = maps->ret;
	size_t at;

	if (compiled->n_portsets * 2 >= maps->n_set_table && set_table_grow(maps) < 0)
		return -ENOMEM;
	for (at = set_hash(compiled, set) & (maps->n_set_table - 1); maps->set_table[at];
	     at = (at + 1) & (maps->n_set_table - 1)) {
		if (set_same(compiled, &compiled->portsets[maps->set_table[at] - 1], set)) {
			*ret = maps->set_table[at] - 1;
			compiled->n_segments = n_segments;
			return 0;
		}
	}
	if (array_reserve(&compiled->portsets, compiled->n_portsets, &maps->cap_portsets,
			  sizeof(*compiled->portsets)) < 0)
		return -ENOMEM;
	*ret = (uint32_t)compiled->n_portsets;
	compiled->portsets[compiled->n_portsets++] = *set;
	maps->set_table[at] = (uint32_t)compiled->n_portsets;
	return 0;
}

int portmaps_portset(struct portmaps *maps, uint32_t map, uint32_t *ret)
{
	struct portmap *from = &maps->list[map];
	size_t n_segments = maps->ret->n_segments;
	struct weir_portset set = {0};
	uint32_t index;

	if (!from->portset) {
		if (set_make(maps, from, &set) < 0 ||
		    set_intern(maps, &set, n_segments, &index) < 0)
			return -ENOMEM;
		from->portset = index + 1;
	}
	*ret = from->portset - 1;
	return 0;
}
