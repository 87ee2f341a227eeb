// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Addresses and ports. Prefixes are sorted, so that what covers a prefix is
 * on a stack when its turn comes; its ports are those of what covers it with
 * its own rules laid over (portmap.h), worked out once per combination. What
 * decides between where one begins and the next does, or ends, is an element.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile_parts.h"
#include "policy/portmap.h"

/* An address, as in struct weir_net. */
struct number {
	uint64_t high, low;
};

/* A prefix of one rule, by its index in portmaps. */
struct entry {
	struct number first;
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
	size_t cap_nets;
	uint32_t *own;			/* rules of the prefix in turn */
	size_t cap_own;
};

static const struct number v4_mapped = {0, 0xffffull << 32};

static struct number number_of(const struct weir_addr *addr)
{
	struct number ret;

	memcpy(&ret.high, addr->bytes, sizeof(ret.high));
	memcpy(&ret.low, addr->bytes + sizeof(ret.high), sizeof(ret.low));
	return (struct number){be64toh(ret.high), be64toh(ret.low)};
}

static int number_compare(const struct number *a, const struct number *b)
{
	if (a->high != b->high)
		return a->high < b->high ? -1 : 1;
	return (a->low > b->low) - (a->low < b->low);
}

static int entry_compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = number_compare(&x->first, &y->first);

	if (order)
		return order;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return x->rule < y->rule ? -1 : x->rule > y->rule;
}

/* The bits behind the first len are set. */
static struct number host_bits(unsigned int len)
{
	return (struct number){
		.high = len < 64 ? UINT64_MAX >> len : 0,
		.low = len <= 64 ? UINT64_MAX : len < 128 ? UINT64_MAX >> (len - 64) : 0,
	};
}

static bool covers(const struct entry *entry, const struct number *addr)
{
	const struct number host = host_bits(entry->len);

	return !((entry->first.high ^ addr->high) & ~host.high) &&
	       !((entry->first.low ^ addr->low) & ~host.low);
}

/* No rule of its own: keeps what covers all of IPv6 from covering IPv4. */
#define RULE_BARRIER UINT32_MAX

/* an element before each prefix and one for it, the barrier among them */
_Static_assert(2 * (POLICY_ADDRESSES_MAX + 1) <= WEIR_NETS_STEP_MAX, "all of them are found");

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
				.first = number_of(&rule->prefixes[j].addr),
				.len = (uint8_t)rule->prefixes[j].len,
				.rule = (uint32_t)i,
			};
			barrier |= entry->len < 96 && covers(entry, &v4_mapped);
		}
	}
	if (barrier)
		net->entries[net->n++] = (struct entry){
			.first = v4_mapped, .len = 96, .rule = RULE_BARRIER};
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

		if (other->len != entry->len || number_compare(&other->first, &entry->first) != 0)
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

/* All up to last that is behind what there is already has this port set. */
static int until(struct net *net, const struct number *last, uint32_t portset)
{
	struct policy_compiled *ret = net->ret;
	struct weir_net *end = ret->n_nets ? &ret->nets[ret->n_nets - 1] : NULL;

	if (end && number_compare(&(struct number){end->last[0], end->last[1]}, last) >= 0)
		return 0;
	if (!end || end->portset != portset) {
		if (array_reserve(&ret->nets, ret->n_nets, &net->cap_nets, sizeof(*ret->nets)) < 0)
			return -ENOMEM;
		end = &ret->nets[ret->n_nets++];
	}
	*end = (struct weir_net){.last = {last->high, last->low}, .portset = portset};
	return 0;
}

/* What covers the address is on top of the stack then, or the root; the others have ended. */
static int coverings_end(struct net *net, const struct number *addr)
{
	while (net->depth > 1) {
		const struct covering *top = &net->stack[net->depth - 1];
		const struct number host = host_bits(top->entry->len);
		const struct number last = {top->entry->first.high | host.high,
					    top->entry->first.low | host.low};

		if (addr && covers(top->entry, addr))
			return 0;
		if (until(net, &last, top->portset) < 0)
			return -ENOMEM;
		net->depth--;
	}
	return 0;
}

/* All before the address has the port set of what covers it. */
static int until_before(struct net *net, const struct number *addr, uint32_t portset)
{
	const struct number last = {addr->high - !addr->low, addr->low - 1};

	return addr->high || addr->low ? until(net, &last, portset) : 0;
}

/* What is decided of all addresses of a family; of prefixes that cover each other the last is. */
static void any_note(struct policy_compiled *ret, const struct entry *entry, uint32_t portset)
{
	if (!entry->len)
		ret->any_v6 = portset;
	if (entry->len <= 96 && covers(entry, &v4_mapped))
		ret->any_v4 = portset;
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
	err = coverings_end(net, &entry->first);
	if (err < 0)
		return err;
	top = &net->stack[net->depth - 1];
	err = portmaps_lay(&net->maps, barrier ? PORTMAP_NONE : top->map, net->own, n, &map);
	if (!err)
		err = portmaps_portset(&net->maps, map, &portset);
	if (!err)
		err = until_before(net, &entry->first, top->portset);
	if (err)
		return err;
	net->ret->n_addresses += net->depth == 1 || portset != top->portset;
	any_note(net->ret, entry, portset);
	net->stack[net->depth++] = (struct covering){entry, map, portset};
	return 0;
}

int net_compile(const struct policy *policy, struct report *report, struct policy_compiled *ret)
{
	struct net net = {.ret = ret, .depth = 1};
	size_t at = 0;
	int err;

	ret->any_v4 = ret->any_v6 = WEIR_PORTSET_NONE;
	net.stack[0] = (struct covering){.map = PORTMAP_NONE, .portset = WEIR_PORTSET_NONE};
	err = portmaps_init(&net.maps, policy, ret);
	if (!err)
		err = entries_make(&net);
	while (!err && at < net.n && !portmaps_full(&net.maps))
		err = prefix_compile(&net, at, &at);
	if (!err)
		err = coverings_end(&net, NULL);
	if (!err && portmaps_full(&net.maps))
		limit_report(report, &policy->name_place, "port ranges of a policy, by address",
			     portmaps_size(&net.maps), COMPILE_SEGMENTS_MAX);
	portmaps_done(&net.maps);
	free(net.entries);
	free(net.own);
	return err;
}
