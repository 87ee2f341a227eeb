// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which rule decides which port; see portmap.h. */
#include "policy/portmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile_parts.h"

static void rules_add(struct portmaps *maps, const struct net_rules *rules, bool deny, bool listen)
{
	size_t i;

	for (i = 0; i < rules->n; i++)
		maps->rules[maps->n_rules++] = (struct portmap_rule){
			.from = &rules->list[i],
			.number = (uint16_t)(i + 1),
			.deny = deny,
			.listen = listen,
		};
}

int portmaps_init(struct portmaps *maps, const struct policy *policy, struct policy_compiled *ret)
{
	size_t rules = policy->net_allow.n + policy->net_deny.n + policy->listen.n;
	struct portmap none = {.portset = 0};
	unsigned int i;

	*maps = (struct portmaps){.ret = ret, .allow = &policy->net_allow,
				  .listen = &policy->listen};
	maps->rules = calloc(rules + 1, sizeof(*maps->rules));
	if (!maps->rules)
		return -ENOMEM;
	rules_add(maps, &policy->net_allow, false, false);
	rules_add(maps, &policy->net_deny, true, false);
	rules_add(maps, &policy->listen, false, true);
	if (array_reserve(&maps->spans, 0, &maps->cap_spans, sizeof(*maps->spans)) < 0 ||
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

	for (i = 0; i < maps->n_rules; i++)
		free(maps->rules[i].ranges);
	free(maps->rules);
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
static int ranges_keep(struct portmap_rule *rule)
{
	const struct net_rule *from = rule->from;
	size_t n = from->n_ports ? from->n_ports : 1, last = 0, i;
	struct port_range *ranges;

	if (rule->ranges)
		return 0;
	ranges = reallocarray(NULL, n, sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	if (from->n_ports)
		memcpy(ranges, from->ports, n * sizeof(*ranges));
	else
		ranges[0] = (struct port_range){0, UINT16_MAX};
	qsort(ranges, n, sizeof(*ranges), range_compare);
	for (i = 1; i < n; i++) {
		if (ranges[i].first > ranges[last].last + 1u)
			ranges[++last] = ranges[i];
		else if (ranges[i].last > ranges[last].last)
			ranges[last].last = ranges[i].last;
	}
	rule->ranges = ranges;
	rule->n_ranges = last + 1;
	return 0;
}

/* Does a rule decide in this column? Where it names ports, only of protocols that have ports. */
static bool rule_speaks(const struct portmap_rule *rule, enum weir_proto column)
{
	static const struct {
		enum policy_proto_bit protocol;
		bool ports;
		bool listen;
	} columns[] = {
		[WEIR_PROTO_TCP] = {.protocol = POLICY_PROTO_TCP, .ports = true},
		[WEIR_PROTO_UDP] = {.protocol = POLICY_PROTO_UDP, .ports = true},
		[WEIR_PROTO_ICMP] = {.protocol = POLICY_PROTO_ICMP},
		[WEIR_PROTO_OTHER] = {.protocol = POLICY_PROTO_OTHER},
		[WEIR_PROTO_LISTEN_TCP] = {.protocol = POLICY_PROTO_TCP,
					   .ports = true,
					   .listen = true},
		[WEIR_PROTO_LISTEN_UDP] = {.protocol = POLICY_PROTO_UDP,
					   .ports = true,
					   .listen = true},
	};
	_Static_assert(ARRAY_SIZE(columns) == WEIR_PROTO_COUNT, "every column");

	return rule->listen == columns[column].listen &&
	       rule->from->protos & columns[column].protocol &&
	       (!rule->from->n_ports || columns[column].ports);
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

/* One rule over the spans in `from`, into `to`. */
static int rule_lay(const struct spans *from, const struct portmap_rule *laid, struct spans *to)
{
	uint32_t start = 0, stop;
	size_t i = 0, j = 0;

	to->n = 0;
	while (i < from->n) {
		const struct port_span *span = &from->list[i];
		uint16_t rule = 0;

		while (j < laid->n_ranges && laid->ranges[j].last < start)
			j++;
		stop = span->last;
		if (j < laid->n_ranges && laid->ranges[j].first <= start) {
			rule = laid->number;
			if (laid->ranges[j].last < stop)
				stop = laid->ranges[j].last;
		} else if (j < laid->n_ranges && laid->ranges[j].first <= stop) {
			stop = laid->ranges[j].first - 1u;
		}
		if (span_emit(to, stop, laid->deny ? span->allow : first_of(span->allow, rule),
			      laid->deny ? first_of(span->deny, rule) : span->deny) < 0)
			return -ENOMEM;
		if (stop == span->last)
			i++;
		start = stop + 1;
	}
	return 0;
}

/* The spans of one column, with the rules of a map laid over its base. */
static int column_lay(struct portmaps *maps, enum weir_proto column, struct portmap *map)
{
	const struct portmap *base = &maps->list[map->base];
	struct spans *from = &maps->scratch[0], *to = &maps->scratch[1], *swap;
	bool laid = false;
	uint32_t i;

	from->n = 0;
	for (i = 0; i < base->count[column]; i++) {
		const struct port_span *span = &maps->spans[base->first[column] + i];

		if (span_emit(from, span->last, span->allow, span->deny) < 0)
			return -ENOMEM;
	}
	for (i = 0; i < map->n_rules; i++) {
		struct portmap_rule *rule = &maps->rules[maps->own[map->rules + i]];

		if (!rule_speaks(rule, column))
			continue;
		if (ranges_keep(rule) < 0 || rule_lay(from, rule, to) < 0)
			return -ENOMEM;
		swap = from;
		from = to;
		to = swap;
		laid = true;
	}
	map->first[column] = laid ? (uint32_t)maps->n_spans : base->first[column];
	map->count[column] = (uint32_t)from->n;
	for (i = 0; laid && i < from->n; i++) {
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
		if (column_lay(maps, (enum weir_proto)i, &map) < 0)
			return -ENOMEM;
	}
	if (array_reserve(&maps->list, maps->n, &maps->cap, sizeof(*maps->list)) < 0)
		return -ENOMEM;
	*ret_map = (uint32_t)maps->n;
	maps->list[maps->n++] = map;
	maps->table[at] = (uint32_t)maps->n;
	return 0;
}
