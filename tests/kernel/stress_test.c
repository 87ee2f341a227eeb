// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Trees on three file systems change all the time (mover.h), and so does the
 * policy in force, while threads open what lies in them: every answer is the
 * model's for a state of tree and policy between the call's begin and end.
 *
 * usage: stress_test [DECISIONS]	without a number: as many as fit into RUN_S
 */
#include "rig.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "mover.h"
#include "stress.h"

#define RUN_S 20
#define LEAST 10000		/* decisions, without which a run shows nothing */
#define ROUND_DECISIONS 500000	/* under one set of policies */
#define VERSIONS 1024		/* that are kept */
#define LOADED 3		/* instances */
#define SWITCH_MS 20
#define PROGRESS_MS 30000

struct stress {
	struct stress_work work;
	struct stress_shared *shared;
	struct stress_rules rules;
	struct mover movers[STRESS_TREES];
	struct rig *rig;
	struct ring *ring;
	uint64_t unresolved;	/* records with that reason */
	uint64_t switches;
	uint32_t nothing;	/* an instance that allows nothing */
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t decided(const struct stress_shared *shared)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < STRESS_THREADS; i++)
		sum += shared->tallies[i].decided + shared->tallies[i].either;
	return sum;
}

struct moving_thread {
	struct mover *mover;
	const struct stress_shared *shared;
	uint64_t seed;
};

/* Now many changes at once, now some decisions between two. */
static void *mover_run(void *context)
{
	const struct moving_thread *thread = context;
	const struct stress_shared *shared = thread->shared;
	uint64_t until;

	random_seed = thread->seed;
	while (!shared->stop) {
		mover_step(thread->mover, shared->calm);
		until = decided(shared) + (random_below(4) ? random_below(32) : 0);
		while (decided(shared) < until && !shared->stop)
			poll(NULL, 0, 1);
	}
	return NULL;
}

static int record_count(void *context, const void *data, size_t size)
{
	const struct weir_event_head *head = data;
	struct stress *stress = context;

	(void)size;
	stress->unresolved += head->reason == WEIR_REASON_UNRESOLVED_PATH;
	return 0;
}

static void records_read(struct stress *stress)
{
	if (ring_drain(stress->ring) < 0)
		fatal("cannot read the ring");
}

struct loaded {
	uint32_t instance;
	uint8_t policy;
};

static void load(struct stress *stress, struct loaded *ret)
{
	uint64_t serial;

	ret->policy = (uint8_t)random_below(STRESS_POLICIES);
	if (kern_instance_load(stress->rig->kern, stress->rules.compiled[ret->policy], 0,
			       &ret->instance, &serial) < 0)
		fatal("cannot load a policy");
}

static void switch_to(struct stress *stress, const struct loaded *loaded)
{
	struct stress_shared *shared = stress->shared;
	uint64_t next = shared->version_done + 1;

	shared->policies[next % STRESS_VERSIONS] = loaded->policy;
	shared->version_begun = next;
	rig_point(stress->rig, loaded->instance);
	shared->version_done = next;
	stress->switches++;
}

/* Switches between versions, of which now and then one is another, until there are enough. */
static void versions_run(struct stress *stress, struct loaded *loaded, uint64_t goal,
			 uint64_t run_ms)
{
	struct stress_shared *shared = stress->shared;
	unsigned int in_force = 0, next;
	uint64_t began = now_ms(), told = began;

	/* twice the least: decisions during a change are among them */
	while (decided(shared) < goal &&
	       (now_ms() - began < run_ms || decided(shared) < 2 * LEAST)) {
		poll(NULL, 0, SWITCH_MS);
		if (now_ms() - told >= PROGRESS_MS) {
			told = now_ms();
			printf("%" PRIu64 " in this round\n", decided(shared));
		}
		records_read(stress);
		shared->calm = random_below(4) == 0;
		next = random_below(LOADED);
		if (next == in_force)
			continue;
		if (random_below(8) == 0) {
			if (kern_instance_free(stress->rig->kern, loaded[next].instance) < 0)
				fatal("cannot free an instance");
			load(stress, &loaded[next]);
		}
		switch_to(stress, &loaded[next]);
		in_force = next;
	}
}

/* --- rounds */

struct totals {
	uint64_t decided, allowed, either, races, wrong, changes;
};

static void totals_add(struct totals *totals, const struct stress *stress)
{
	unsigned int i;

	for (i = 0; i < STRESS_THREADS; i++) {
		const struct tally *tally = &stress->shared->tallies[i];

		totals->decided += tally->decided;
		totals->allowed += tally->allowed;
		totals->either += tally->either;
		totals->races += tally->races;
		totals->wrong += tally->wrong;
		check(tally->wrong == 0, "%" PRIu64 " answers that no state gives; the first: %s",
		      (uint64_t)tally->wrong, tally->first);
	}
	for (i = 0; i < STRESS_TREES; i++)
		totals->changes += stress->movers[i].changes;
}

static void trees_remove(void)
{
	char command[128];
	unsigned int i;

	for (i = 0; i < STRESS_TREES; i++) {
		snprintf(command, sizeof(command), "rm -rf %s", stress_tops[i]);
		if (system(command) != 0)
			fatal("cannot run %s", command);
	}
}

/* New trees and policies, a new workload. */
static void round_run(struct stress *stress, uint64_t goal, uint64_t run_ms, struct totals *totals)
{
	struct moving_thread contexts[STRESS_TREES];
	struct loaded loaded[LOADED];
	pthread_t threads[STRESS_TREES];
	struct rig_child child;
	unsigned int i;
	char byte;

	memset(stress->shared, 0, sizeof(*stress->shared));
	stress->work = (struct stress_work){stress->shared, &stress->rules};
	stress_rules_open(&stress->rules);
	trees_remove();
	for (i = 0; i < STRESS_TREES; i++)
		mover_open(stress_tops[i], &stress->shared->trees[i], &stress->movers[i]);
	for (i = 0; i < LOADED; i++)
		load(stress, &loaded[i]);
	switch_to(stress, &loaded[0]);
	child = rig_child_start(stress->rig, stress_workload, &stress->work);
	pipe_read(child.fd, &byte, 1);
	for (i = 0; i < STRESS_TREES; i++) {
		contexts[i] = (struct moving_thread){&stress->movers[i], stress->shared,
						     random_seed + i + 1};
		if (pthread_create(&threads[i], NULL, mover_run, &contexts[i]) != 0)
			fatal("cannot start a thread");
	}
	versions_run(stress, loaded, goal, run_ms);
	stress->shared->stop = true;
	for (i = 0; i < STRESS_TREES; i++)
		pthread_join(threads[i], NULL);
	check(rig_child_end(&child) == 0, "the workload failed");
	records_read(stress);
	for (i = 0; i < STRESS_TREES; i++)
		mover_close(&stress->movers[i]);
	totals_add(totals, stress);
	rig_point(stress->rig, stress->nothing);
	for (i = 0; i < LOADED; i++)
		if (kern_instance_free(stress->rig->kern, loaded[i].instance) < 0)
			fatal("cannot free an instance");
	stress_rules_close(&stress->rules);
}

static void progress_print(const struct stress *stress, const struct totals *totals,
			   uint64_t began_ms)
{
	printf("%" PRIu64 " decisions (%" PRIu64 " allowed), %" PRIu64
	       " during a change, %" PRIu64 " refused by a race, %" PRIu64
	       " wrong; %" PRIu64 " changes, %" PRIu64 " switches; %" PRIu64 " s\n",
	       totals->decided, totals->allowed, totals->either, totals->races, totals->wrong,
	       totals->changes, stress->switches, (now_ms() - began_ms) / 1000);
}

int main(int argc, char **argv)
{
	const struct kern_options options = {.files = true, .lsm = true,
					     .ring_deny_bytes = 16u << 20};
	uint64_t wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 0, began = now_ms();
	uint64_t run_ms = wanted ? UINT64_MAX : RUN_S * 1000, serial;
	struct totals totals = {0};
	struct stress stress = {0};
	struct rig rig;

	rig_open(&options, &rig);
	stress.rig = &rig;
	stress.shared = mmap(NULL, sizeof(*stress.shared), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (stress.shared == MAP_FAILED)
		fatal("no memory");
	if (ring_open(rig.kern, record_count, &stress, &stress.ring) < 0)
		fatal("cannot open the ring");
	random_seed ^= began << 16;
	printf("seed %" PRIx64 ", loaded after %" PRIu64 " ms\n", random_seed, now_ms() - began);
	stress.nothing = rig_load(&rig, "version: 1\nname: nothing\n", &serial);
	rig_point(&rig, stress.nothing);
	do {
		round_run(&stress, ROUND_DECISIONS, run_ms, &totals);
		progress_print(&stress, &totals, began);
	} while (totals.decided < wanted && !totals.wrong);
	check(totals.decided >= LEAST && totals.allowed && totals.changes && stress.switches,
	      "there was too little to show anything");
	check(totals.races * 1000 <= totals.decided, "races refuse more than one in a thousand");
	check(totals.races <= stress.unresolved, "what was refused by races is recorded otherwise");
	ring_close(stress.ring);
	rig_close(&rig);
	return checks_end();
}
