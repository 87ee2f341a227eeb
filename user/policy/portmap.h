/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which rule decides which port, for the combinations of rules that occur.
 * A map keeps the first allowing and the first denying rule of each range,
 * so that further rules can be laid over it. It has a column for each
 * enum weir_proto: what rules of network.listen allow stands in its own.
 */
#ifndef WEIR_POLICY_PORTMAP_H
#define WEIR_POLICY_PORTMAP_H

#include "policy/compile.h"
#include "policy/tree.h"

#define PORTMAP_NONE 0		/* the map in which no rule decides */

/* Ports up to last, from behind the range before. Rules count from 1, 0: none. */
struct port_span {
	uint16_t last;
	uint16_t allow;
	uint16_t deny;
};

struct portmap {
	uint32_t first[WEIR_PROTO_COUNT];	/* of spans */
	uint32_t count[WEIR_PROTO_COUNT];
	uint32_t portset;			/* index + 1; 0: not made yet */
	/* what it was made of: rules laid over a map */
	uint32_t base;
	uint32_t rules;				/* first of own */
	uint32_t n_rules;
};

/* A rule as maps know it, by its index: those of allow, then of deny, then of listen. */
struct portmap_rule {
	const struct net_rule *from;
	uint16_t number;		/* in its list, from 1 */
	bool deny;
	bool listen;
	struct port_range *ranges;	/* sorted, apart from each other; NULL: not needed so far */
	size_t n_ranges;
};

struct spans {
	struct port_span *list;
	size_t n, cap;
};

struct portmaps {
	struct policy_compiled *ret;	/* gets portsets and segments */
	const struct net_rules *allow, *listen;
	struct portmap_rule *rules;
	size_t n_rules;
	struct spans scratch[2];
	struct port_span *spans;
	size_t n_spans, cap_spans;
	struct portmap *list;
	size_t n, cap;
	uint32_t *own;			/* rules of all maps, one after the other */
	size_t n_own, cap_own;
	uint32_t *table;		/* of maps by what they were made of: index + 1 */
	size_t n_table;
	uint32_t *set_table;		/* of port sets by content: index + 1 */
	size_t n_set_table;
	size_t cap_segments, cap_portsets;
};

/* Returns 0 or -ENOMEM; portmaps_done() in either case. */
int portmaps_init(struct portmaps *maps, const struct policy *policy, struct policy_compiled *ret);

/*
 * The map of n rules (indices, sorted) laid over another. Returns 0 or -ENOMEM.
 */
int portmaps_lay(struct portmaps *maps, uint32_t base, const uint32_t *rules, size_t n,
		 uint32_t *ret_map);

/* portset.c: the index of its port set in the compiled policy. 0 or -ENOMEM. */
int portmaps_portset(struct portmaps *maps, uint32_t map, uint32_t *ret);

/* Has it passed COMPILE_SEGMENTS_MAX? */
bool portmaps_full(const struct portmaps *maps);
size_t portmaps_size(const struct portmaps *maps);

void portmaps_done(struct portmaps *maps);

#endif
