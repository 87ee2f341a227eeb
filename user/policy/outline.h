/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What diff.c compares and outline.c makes. */
#ifndef WEIR_POLICY_OUTLINE_H
#define WEIR_POLICY_OUTLINE_H

#include <stdint.h>

#include "policy/arena.h"
#include "policy/diff.h"

#define OUTLINE_PIECES_MAX 1024

/* A rule, or what the policy says outside of its rules. */
struct outline_part {
	const char *title;	/* "rule network.allow git" */
	const char **pieces;	/* "port 443"; NULL: there are too many */
	size_t n_texts;		/* of them are there */
	struct prefix *prefixes;	/* the others, which become texts when they are shown */
	size_t n;		/* of all */
	uint64_t sum;		/* over all, in any order */
};

struct policy_outline {
	struct arena arena;
	struct outline_part *parts;	/* in the order of the policy */
	size_t n;
};

#endif
