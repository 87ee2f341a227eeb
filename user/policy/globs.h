/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sets of globs as deterministic, minimal automata over the bytes of a name:
 * which of them take it, told in one pass however many they are.
 */
#ifndef WEIR_POLICY_GLOBS_H
#define WEIR_POLICY_GLOBS_H

#include "policy/intern.h"
#include "policy/path_limits.h"
#include "weir/abi.h"

struct glob_set {
	struct weir_glob head;
	struct intern matches;	/* by match - 1: the globs that take a name, as sorted numbers */
};

/* Zero but for texts and limits; globs_done() frees. */
struct globs {
	const struct intern *texts;	/* of the globs, by number */
	struct intern keys;		/* of sets: their sorted numbers */
	struct glob_set *sets;		/* the index in the tables is one more */
	size_t cap_sets;
	struct weir_row *rows;		/* row 0 takes nothing */
	size_t n_rows, cap_rows;
	struct path_limits *limits;
};

/*
 * The index of a set, numbers sorted; 0: it is empty. Made if it is not there. Returns 0,
 * -ENOMEM or -E2BIG (path_limits.h).
 */
int globs_get(struct globs *globs, const uint32_t *numbers, size_t n, uint32_t *ret);

/* Which match of a set takes a name; 0: none. */
uint32_t globs_match(const struct globs *globs, uint32_t set, const char *name, size_t len);

/* The globs of a match, sorted. */
const uint32_t *globs_taken(const struct globs *globs, uint32_t set, uint32_t match, size_t *ret_n);

void globs_done(struct globs *globs);

#endif
