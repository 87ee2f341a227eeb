/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The stress test's workload: asks, and compares each answer with the model's. See stress_test.c.
 */
#ifndef WEIR_TESTS_KERNEL_STRESS_H
#define WEIR_TESTS_KERNEL_STRESS_H

#include "moving.h"
#include "stress_rules.h"

#define STRESS_THREADS 3
#define STRESS_VERSIONS 1024	/* that are kept */

/* What one thread of the workload has counted. */
struct tally {
	_Alignas(64) _Atomic uint64_t decided;	/* with one answer that can be right */
	_Atomic uint64_t allowed;
	_Atomic uint64_t either;	/* during a change, so that more than one is right */
	_Atomic uint64_t races;		/* refused, though none of the states says so */
	_Atomic uint64_t wrong;
	char first[8192];		/* of the wrong ones */
};

/* In memory that all processes share. */
struct stress_shared {
	struct moving trees[STRESS_TREES];
	/* which policy is in force, as struct moving has it */
	_Atomic uint64_t version_begun;
	_Atomic uint64_t version_done;
	uint8_t policies[STRESS_VERSIONS];
	struct tally tallies[STRESS_THREADS];
	atomic_bool stop;
	atomic_bool calm;
};

struct stress_work {
	struct stress_shared *shared;
	const struct stress_rules *rules;
};

/* Asks in some threads until it is to stop: a rig_child_fn; context is a struct stress_work. */
int stress_workload(int fd, void *context);

#endif
