// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Addresses and ports. Prefixes are sorted, so that what covers a prefix is
 * on a stack when its turn comes; its ports are those of what covers it with
 * its own rules laid over (portmap.h), worked out once per combination.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile_parts.h"
#include "policy/portmap.h"

/* A prefix of one rule, by its index in portmaps. */
struct entry {
	struct weir_addr addr;
	uint8_t len;
	uint32_t rule;
};

/* A prefix that covers what is read now. */
struct covering {
	const struct entry *entry;
	uint32_t map;
	uint32_t portset;
};

struct net {
	struct policy_compiled *ret;
	struct portmaps maps;
	struct entry *entries;
	size_t n;
	struct covering stack[130];	/* one for each length, and the root */
	unsigned int depth;
	size_t cap_keys, cap_values;
	uint32_t *own;			/* rules of the prefix in turn */
	size_t cap_own;
};

static const struct weir_addr v4_mapped = {.bytes = {[10] = 0xff, [11] = 0xff}};

static int entry_compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = memcmp(x->addr.bytes, y->addr.bytes, sizeof(x->addr.bytes));

	if (order)
		return order;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return x->rule < y->rule ? -1 : x->rule > y->rule;
}

static bool covers(const struct entry *entry, const struct weir_addr *addr)
{
	unsigned int bytes = entry->len / 8, bits = entry->len % 8;

	if (memcmp(entry->addr.bytes, addr->bytes, bytes) != 0)
		return false;
	return !bits || (entry->addr.bytes[bytes] ^ addr->bytes[bytes]) >> (8 - bits) == 0;
}

/* No rule of its own: keeps what covers all of IPv6 from covering IPv4. */
#define RULE_BARRIER UINT32_MAX

static int entries_make(struct net *net)
{
	const struct portmaps *maps = &net->maps;
	bool barrier = false;
	size_t n = 1, i, j;

	for (i = 0; i < maps->n_rules; i++)
		n += maps->rules[i].from->n_prefixes;
	net->entries = reallocarray(NULL, n, sizeof(*net->entries));
	if (!net->entries)
		return -ENOMEM;
	for (i = 0; i < maps->n_rules; i++) {
		const struct net_rule *rule = maps->rules[i].from;

		for (j = 0; j < rule->n_prefixes; j++) {
			struct entry *entry = &net->entries[net->n++];

			*entry = (struct entry){
				.addr = rule->prefixes[j].addr,
				.len = (uint8_t)rule->prefixes[j].len,
				.rule = (uint32_t)i,
			};
			barrier |= entry->len < 96 && covers(entry, &v4_mapped);
		}
	}
	if (barrier)
		net->entries[net->n++] = (struct entry){
			.addr = v4_mapped, .len = 96, .rule = RULE_BARRIER};
	if (net->n > 1)
		qsort(net->entries, net->n, sizeof(*net->entries), entry_compare);
	return 0;
}

/* The rules that list the prefix at entries[first]; *ret_next is behind it. */
static int own_rules(struct net *net, size_t first, size_t *ret_n, size_t *ret_next, bool *ret_bar)
{
	const struct entry *entry = &net->entries[first];
	size_t n = 0, i;

	*ret_bar = false;
	for (i = first; i < net->n; i++) {
		const struct entry *other = &net->entries[i];

		if (other->len != entry->len ||
		    memcmp(&other->addr, &entry->addr, sizeof(entry->addr)) != 0)
			break;
		if (other->rule == RULE_BARRIER) {
			*ret_bar = true;
			continue;
		}
		if (n && net->own[n - 1] == other->rule)
			continue;
		if (array_reserve(&net->own, n, &net->cap_own, sizeof(*net->own)) < 0)
			return -ENOMEM;
		net->own[n++] = other->rule;
	}
	*ret_n = n;
	*ret_next = i;
	return 0;
}

static int key_add(struct net *net, const struct entry *entry, uint32_t portset)
{
	struct policy_compiled *ret = net->ret;
	const size_t n = ret->n_nets;

	if (array_reserve(&ret->net_keys, n, &net->cap_keys, sizeof(*ret->net_keys)) < 0 ||
	    array_reserve(&ret->net_values, n, &net->cap_values, sizeof(*ret->net_values)) < 0)
		return -ENOMEM;
	ret->net_keys[ret->n_nets] = (struct weir_net_key){.prefixlen = entry->len,
							   .addr = entry->addr};
	ret->net_values[ret->n_nets++] = portset;
	return 0;
}

static int prefix_compile(struct net *net, size_t first, size_t *ret_next)
{
	const struct entry *entry = &net->entries[first];
	struct covering *top;
	uint32_t map, portset;
	bool barrier;
	size_t n;
	int err;

	err = own_rules(net, first, &n, ret_next, &barrier);
	if (err < 0)
		return err;
	while (net->depth > 1 && !covers(net->stack[net->depth - 1].entry, &entry->addr))
		net->depth--;
	top = &net->stack[net->depth - 1];
	err = portmaps_lay(&net->maps, barrier ? PORTMAP_NONE : top->map, net->own, n, &map);
	if (!err)
		err = portmaps_portset(&net->maps, map, &portset);
	/* the same answer as what covers it: no key is needed */
	if (!err && (net->depth == 1 || portset != top->portset))
		err = key_add(net, entry, portset);
	if (err < 0)
		return err;
	net->stack[net->depth++] = (struct covering){entry, map, portset};
	return 0;
}

int net_compile(const struct policy *policy, struct report *report, struct policy_compiled *ret)
{
	struct net net = {.ret = ret, .depth = 1};
	size_t at = 0;
	int err;

	net.stack[0].map = PORTMAP_NONE;
	err = portmaps_init(&net.maps, policy, ret);
	if (!err)
		err = entries_make(&net);
	while (!err && at < net.n && !portmaps_full(&net.maps))
		err = prefix_compile(&net, at, &at);
	if (!err && portmaps_full(&net.maps))
		limit_report(report, &policy->name_place, "port ranges of a policy, by address",
			     portmaps_size(&net.maps), COMPILE_SEGMENTS_MAX);
	portmaps_done(&net.maps);
	free(net.entries);
	free(net.own);
	return err;
}
