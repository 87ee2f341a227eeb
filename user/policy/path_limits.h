/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the path patterns of a policy, taken together, can be too much for.
 * Passing a limit ends the work as an error does, -E2BIG or, further up,
 * -ENOMEM; `over` tells which it was.
 */
#ifndef WEIR_POLICY_PATH_LIMITS_H
#define WEIR_POLICY_PATH_LIMITS_H

#include <errno.h>
#include <stddef.h>

#include "policy/source.h"

#define PATH_PARTS_MAX 2097152	/* nodes, edges and positions, each */
#define PATH_ROWS_MAX 65535	/* rows for the globs of one policy: 32 MiB */
#define PATH_CROSSINGS_MAX 65536
#define PATH_STEPS_MAX 67108864

enum path_limit {
	PATH_LIMIT_NONE,
	PATH_LIMIT_PARTS,
	PATH_LIMIT_ROWS,
	PATH_LIMIT_CROSSINGS,	/* alternatives for a "**" within a name */
	PATH_LIMIT_STEPS,
	PATH_LIMIT_COUNT,
};

/* One for a policy, zero at first. */
struct path_limits {
	enum path_limit over;
	const struct place *place;	/* of the pattern that passed it; NULL: of the policy */
	size_t crossings;
	size_t steps;			/* see path_steps_add() */
};

static inline int path_limit_pass(struct path_limits *limits, enum path_limit limit)
{
	limits->over = limit;
	return -E2BIG;
}

/*
 * Counts what automata cost to make: the members of each set that a name or a
 * byte leads to, and a fraction of one for what is only looked at. The sets
 * that are kept take four bytes a member, so that this bounds their memory as
 * well as the time.
 */
static inline int path_steps_add(struct path_limits *limits, size_t n)
{
	limits->steps += n;
	return limits->steps > PATH_STEPS_MAX ? path_limit_pass(limits, PATH_LIMIT_STEPS) : 0;
}

#endif
