// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which rule decides which port; see portmap.h. */
#include "policy/portmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile_parts.h"

static uint64_t hash_add(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 32;
}

int portmaps_init(struct portmaps *maps, const struct policy *policy, struct policy_compiled *ret)
{
	size_t rules = policy->net_allow.n + policy->net_deny.n;
	struct portmap none = {.portset = 0};
	unsigned int i;

	*maps = (struct portmaps){.policy = policy, .ret = ret};
	maps->rule_ports = calloc(rules + 1, sizeof(*maps->rule_ports));
	maps->n_rule_ports = rules;
	if (!maps->rule_ports ||
	    array_reserve(&maps->spans, 0, &maps->cap_spans, sizeof(*maps->spans)) < 0 ||
	    array_reserve(&maps->list, 0, &maps->cap, sizeof(*maps->list)) < 0)
		return -ENOMEM;
	maps->spans[maps->n_spans++] = (struct port_span){.last = UINT16_MAX};
	for (i = 0; i < WEIR_PROTO_COUNT; i++)
		none.count[i] = 1;
	maps->list[maps->n++] = none;
	return 0;
}

void portmaps_done(struct portmaps *maps)
{
	size_t i;

	for (i = 0; maps->rule_ports && i < maps->n_rule_ports; i++)
		free(maps->rule_ports[i].ranges);
	free(maps->rule_ports);
	free(maps->scratch[0].list);
	free(maps->scratch[1].list);
	free(maps->spans);
	free(maps->list);
	free(maps->own);
	free(maps->table);
	free(maps->set_table);
}

size_t portmaps_size(const struct portmaps *maps)
{
	return maps->ret->n_segments > maps->n_spans ? maps->ret->n_segments : maps->n_spans;
}

bool portmaps_full(const struct portmaps *maps)
{
	return portmaps_size(maps) > COMPILE_SEGMENTS_MAX;
}

static uint64_t own_hash(uint32_t base, const uint32_t *rules, size_t n)
{
	uint64_t hash = hash_add(0, base);
	size_t i;

	for (i = 0; i < n; i++)
		hash = hash_add(hash, rules[i]);
	return hash;
}

static int table_grow(struct portmaps *maps)
{
	size_t n = maps->n_table ? maps->n_table * 2 : 256, i, at;
	uint32_t *table = calloc(n, sizeof(*table));

	if (!table)
		return -ENOMEM;
	for (i = 1; i < maps->n; i++) {
		const struct portmap *map = &maps->list[i];

		for (at = own_hash(map->base, maps->own + map->rules, map->n_rules) & (n - 1);
		     table[at]; at = (at + 1) & (n - 1))
			;
		table[at] = (uint32_t)i + 1;
	}
	free(maps->table);
	maps->table = table;
	maps->n_table = n;
	return 0;
}

/* The rule that decides: the one laid first keeps its place, unless a smaller number comes. */
static uint16_t first_of(uint16_t a, uint16_t b)
{
	if (!a || !b)
		return a ? a : b;
	return a < b ? a : b;
}

static int range_compare(const void *a, const void *b)
{
	const struct port_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* Sorts a rule's ranges and joins those that touch: a walk over the ports meets each once. */
static int ranges_keep(const struct net_rule *rule, struct rule_ports *ret)
{
	size_t n = rule->n_ports ? rule->n_ports : 1, last = 0, i;
	struct port_range *ranges = reallocarray(NULL, n, sizeof(*ranges));

	if (!ranges)
		return -ENOMEM;
	if (rule->n_ports)
		memcpy(ranges, rule->ports, n * sizeof(*ranges));
	else
		ranges[0] = (struct port_range){0, UINT16_MAX};
	qsort(ranges, n, sizeof(*ranges), range_compare);
	for (i = 1; i < n; i++) {
		if (ranges[i].first > ranges[last].last + 1u)
			ranges[++last] = ranges[i];
		else if (ranges[i].last > ranges[last].last)
			ranges[last].last = ranges[i].last;
	}
	*ret = (struct rule_ports){.ranges = ranges, .n = last + 1};
	return 0;
}

/* Does a rule speak of this protocol? Where it names ports, only of those that have ports. */
static bool rule_speaks(const struct net_rule *rule, enum weir_proto proto)
{
	if (!(rule->protos & 1u << proto))
		return false;
	return !rule->n_ports || proto == WEIR_PROTO_TCP || proto == WEIR_PROTO_UDP;
}

static int span_emit(struct spans *spans, uint32_t last, uint16_t allow, uint16_t deny)
{
	struct port_span *before = spans->n ? &spans->list[spans->n - 1] : NULL;

	if (before && before->allow == allow && before->deny == deny) {
		before->last = (uint16_t)last;
		return 0;
	}
	if (array_reserve(&spans->list, spans->n, &spans->cap, sizeof(*spans->list)) < 0)
		return -ENOMEM;
	spans->list[spans->n++] = (struct port_span){(uint16_t)last, allow, deny};
	return 0;
}

/* One rule over the spans in `from`, into `to`. Number counts from 1. */
static int rule_lay(const struct spans *from, const struct rule_ports *ports, uint16_t number,
		    bool deny, struct spans *to)
{
	uint32_t start = 0, stop;
	size_t i = 0, j = 0;

	to->n = 0;
	while (i < from->n) {
		const struct port_span *span = &from->list[i];
		uint16_t rule = 0;

		while (j < ports->n && ports->ranges[j].last < start)
			j++;
		stop = span->last;
		if (j < ports->n && ports->ranges[j].first <= start) {
			rule = number;
			if (ports->ranges[j].last < stop)
				stop = ports->ranges[j].last;
		} else if (j < ports->n && ports->ranges[j].first <= stop) {
			stop = ports->ranges[j].first - 1u;
		}
		if (span_emit(to, stop, deny ? span->allow : first_of(span->allow, rule),
			      deny ? first_of(span->deny, rule) : span->deny) < 0)
			return -ENOMEM;
		if (stop == span->last)
			i++;
		start = stop + 1;
	}
	return 0;
}

static const struct rule_ports *rule_ports(struct portmaps *maps, uint32_t rule,
					   const struct net_rule *from)
{
	struct rule_ports *ports = &maps->rule_ports[rule];

	if (!ports->ranges && ranges_keep(from, ports) < 0)
		return NULL;
	return ports;
}

/* The spans of one protocol, with the rules of a map laid over its base. */
static int proto_lay(struct portmaps *maps, enum weir_proto proto, struct portmap *map)
{
	const struct policy *policy = maps->policy;
	const struct portmap *base = &maps->list[map->base];
	struct spans *from = &maps->scratch[0], *to = &maps->scratch[1], *swap;
	uint32_t i;

	from->n = 0;
	for (i = 0; i < base->count[proto]; i++) {
		const struct port_span *span = &maps->spans[base->first[proto] + i];

		if (span_emit(from, span->last, span->allow, span->deny) < 0)
			return -ENOMEM;
	}
	for (i = 0; i < map->n_rules; i++) {
		uint32_t rule = maps->own[map->rules + i];
		bool deny = rule >= policy->net_allow.n;
		uint32_t index = deny ? rule - (uint32_t)policy->net_allow.n : rule;
		const struct net_rule *net_rule = deny ? &policy->net_deny.list[index] :
							 &policy->net_allow.list[index];
		const struct rule_ports *ports;

		if (!rule_speaks(net_rule, proto))
			continue;
		ports = rule_ports(maps, rule, net_rule);
		if (!ports || rule_lay(from, ports, (uint16_t)(index + 1), deny, to) < 0)
			return -ENOMEM;
		swap = from;
		from = to;
		to = swap;
	}
	map->first[proto] = (uint32_t)maps->n_spans;
	map->count[proto] = (uint32_t)from->n;
	for (i = 0; i < from->n; i++) {
		if (array_reserve(&maps->spans, maps->n_spans, &maps->cap_spans,
				  sizeof(*maps->spans)) < 0)
			return -ENOMEM;
		maps->spans[maps->n_spans++] = from->list[i];
	}
	return 0;
}

static bool map_is(const struct portmaps *maps, const struct portmap *map, uint32_t base,
		   const uint32_t *rules, size_t n)
{
	return map->base == base && map->n_rules == n &&
	       memcmp(maps->own + map->rules, rules, n * sizeof(*rules)) == 0;
}

int portmaps_lay(struct portmaps *maps, uint32_t base, const uint32_t *rules, size_t n,
		 uint32_t *ret_map)
{
	struct portmap map = {.base = base, .rules = (uint32_t)maps->n_own, .n_rules = (uint32_t)n};
	size_t at, i;

	if (!n) {
		*ret_map = base;
		return 0;
	}
	if (maps->n * 2 >= maps->n_table && table_grow(maps) < 0)
		return -ENOMEM;
	for (at = own_hash(base, rules, n) & (maps->n_table - 1); maps->table[at];
	     at = (at + 1) & (maps->n_table - 1)) {
		if (map_is(maps, &maps->list[maps->table[at] - 1], base, rules, n)) {
			*ret_map = maps->table[at] - 1;
			return 0;
		}
	}
	for (i = 0; i < n; i++) {
		if (array_reserve(&maps->own, maps->n_own, &maps->cap_own, sizeof(*maps->own)) < 0)
			return -ENOMEM;
		maps->own[maps->n_own++] = rules[i];
	}
	for (i = 0; i < WEIR_PROTO_COUNT; i++) {
		if (proto_lay(maps, (enum weir_proto)i, &map) < 0)
			return -ENOMEM;
	}
	if (array_reserve(&maps->list, maps->n, &maps->cap, sizeof(*maps->list)) < 0)
		return -ENOMEM;
	*ret_map = (uint32_t)maps->n;
	maps->list[maps->n++] = map;
	maps->table[at] = (uint32_t)maps->n;
	return 0;
}

static weir_rule_t decision(const struct port_span *span)
{
	return span->deny ? (weir_rule_t)(WEIR_RULE_DENY | span->deny) : span->allow;
}

/* Adds a map's segments; neighbours that one rule decides become one. */
static int segments_add(struct portmaps *maps, const struct portmap *map, struct weir_portset *ret)
{
	struct policy_compiled *compiled = maps->ret;
	uint32_t last, i, j;

	for (i = 0; i < WEIR_PROTO_COUNT; i++) {
		ret->proto[i].first = (uint32_t)compiled->n_segments;
		for (j = 0; j < map->count[i]; j++) {
			const struct port_span *span = &maps->spans[map->first[i] + j];
			struct weir_segment segment = {.last_port = span->last,
						       .rule = decision(span)};

			last = (uint32_t)compiled->n_segments - 1;
			if (compiled->n_segments > ret->proto[i].first &&
			    compiled->segments[last].rule == segment.rule) {
				compiled->segments[last].last_port = segment.last_port;
				continue;
			}
			if (array_reserve(&compiled->segments, compiled->n_segments,
					  &maps->cap_segments, sizeof(*compiled->segments)) < 0)
				return -ENOMEM;
			compiled->segments[compiled->n_segments++] = segment;
		}
		ret->proto[i].count = (uint32_t)compiled->n_segments - ret->proto[i].first;
	}
	return 0;
}

static uint64_t set_hash(const struct policy_compiled *compiled, const struct weir_portset *set)
{
	const struct weir_segment *segments;
	uint64_t hash = 0;
	uint32_t i, j;

	for (i = 0; i < WEIR_PROTO_COUNT; i++) {
		segments = &compiled->segments[set->proto[i].first];
		hash = hash_add(hash, set->proto[i].count);
		for (j = 0; j < set->proto[i].count; j++) {
			const struct weir_segment *segment = &segments[j];

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
		if (a->proto[i].count != b->proto[i].count ||
		    memcmp(&compiled->segments[a->proto[i].first],
			   &compiled->segments[b->proto[i].first],
			   a->proto[i].count * sizeof(*compiled->segments)) != 0)
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
	struct weir_portset set;
	uint32_t index;

	if (!from->portset) {
		if (segments_add(maps, from, &set) < 0 ||
		    set_intern(maps, &set, n_segments, &index) < 0)
			return -ENOMEM;
		from->portset = index + 1;
	}
	*ret = from->portset - 1;
	return 0;
}
