/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Inside the compiler: its parts, one file each. All return 0 or -ENOMEM;
 * limits go to the report.
 */
#ifndef WEIR_POLICY_COMPILE_PARTS_H
#define WEIR_POLICY_COMPILE_PARTS_H

#include "policy/compile.h"
#include "policy/report.h"
#include "policy/tree.h"

#define COMPILE_SEGMENTS_MAX 4194304	/* port segments of one policy */

/* Mixes a value into a hash. */
static inline uint64_t hash_add(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 32;
}

/* Adds one to a growing heap array of elements of this size; 0 or -ENOMEM. */
int array_reserve(void *list, size_t n, size_t *cap, size_t size);

/* Says that a limit is passed: its name, what is asked for, what there is. */
void limit_report(struct report *report, const struct place *place, const char *what, size_t asked,
		  size_t limit);

/* compile_net.c: nets, any_v4, any_v6, portsets, segments */
int net_compile(const struct policy *policy, struct report *report, struct policy_compiled *ret);

/* compile_paths.c: edge_keys, edge_values, nodes, globs, rows */
int paths_compile(const struct policy *policy, struct report *report, struct policy_compiled *ret);

/* gaps.c: what this version cannot enforce */
int gaps_find(const struct policy *policy, struct policy_compiled *ret);

/* digest.c: the digest of the compiled policy and of what gaps leave out of it */
void digest_make(const struct policy *policy, struct policy_compiled *ret);

#endif
