/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The patterns of a policy as one nondeterministic automaton whose input is the
 * names of a path, one by one. Patterns that begin alike share its positions.
 */
#ifndef WEIR_POLICY_POSITIONS_H
#define WEIR_POLICY_POSITIONS_H

#include "policy/intern.h"
#include "policy/path_limits.h"
#include "policy/tree.h"

/* Where a rule stands. */
enum list {
	LIST_FILES_ALLOW,
	LIST_FILES_DENY,
	LIST_UNIX,
	LIST_COUNT,
};

/* A pattern of a rule that ends at a position. */
struct mark {
	uint32_t next;		/* index + 1 of the next one there; 0: none */
	uint16_t rule;
	uint8_t list;		/* enum list */
	bool except;
};

/* By a name, or by all that a glob takes, to another position. */
struct move {
	uint32_t what;		/* number in names or globs */
	uint32_t to;
	uint32_t next;		/* index + 1 of the next one from there; 0: none */
};

struct moves {
	struct intern keys;	/* of position and what; by number, the moves */
	struct move *list;
	size_t cap;
};

struct position {
	uint32_t names;		/* index + 1 of the first move by name */
	uint32_t globs;
	uint32_t loop;		/* reached without a name; any name leads from there to itself */
	uint32_t marks;		/* index + 1 of the first */
	bool loops;		/* it is such a one */
};

/* Roots stand at the numbers of their nodes (abi.h); position 0 is unused. */
struct positions {
	struct position *list;
	size_t n, cap;
	struct moves by_name;
	struct moves by_glob;
	struct intern names;
	struct intern globs;	/* text, '*' taking no '/', "**" any bytes (abstract names) */
	struct mark *marks;
	size_t n_marks, cap_marks;
	uint32_t proc;		/* the position of /proc; 0: no pattern goes on to /proc/self */
	uint32_t proc_self;
	struct path_limits *limits;
};

/* Zero but for limits. Puts in the roots; 0 or -ENOMEM. */
int positions_start(struct positions *positions);

/* Puts in a pattern of a rule; mark.next is ignored. 0, -ENOMEM or past a limit. */
int positions_add(struct positions *positions, const struct pattern *pattern, struct mark mark);

/*
 * To be called when all patterns are in: one position stands for all those that
 * loop, lead nowhere else and have the same marks, so that the trees of a rule
 * share what is made of them. 0 or -ENOMEM.
 */
int positions_share(struct positions *positions);

/* Where a name that is written out leads to from a position; 0: nowhere. */
uint32_t position_by_name(const struct positions *positions, uint32_t position, uint32_t name);

void positions_done(struct positions *positions);

#endif
