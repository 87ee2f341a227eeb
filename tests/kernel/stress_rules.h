/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Generated rules for trees of struct moving, and what the model says of paths under them. */
#ifndef WEIR_TESTS_KERNEL_STRESS_RULES_H
#define WEIR_TESTS_KERNEL_STRESS_RULES_H

#include "moving.h"
#include "policy/compile.h"

#define STRESS_TREES 3
#define STRESS_POLICIES 12

/* On a disk (ext4), in memory (tmpfs), on an overlay. */
extern const char *const stress_tops[STRESS_TREES];

struct stress_rules {
	struct policy *policies[STRESS_POLICIES];
	struct policy_compiled *compiled[STRESS_POLICIES];
	char *texts[STRESS_POLICIES];
	_Atomic uint64_t *known[STRESS_POLICIES];	/* answers so far */
};

/* Ends the program when it cannot. */
void stress_rules_open(struct stress_rules *ret);

void stress_rules_close(struct stress_rules *rules);

/* Does a policy allow all of access (WEIR_ACCESS_BIT()s) to a path? By any thread. */
bool stress_rules_allow(const struct stress_rules *rules, unsigned int policy, unsigned int tree,
			const struct moving_path *path, unsigned int access);

#endif
