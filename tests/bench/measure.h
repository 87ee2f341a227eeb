/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How every benchmark program measures: rounds of many operations each, some
 * to warm up until two of them agree, then those that count, as one JSON line.
 */
#ifndef WEIR_BENCH_MEASURE_H
#define WEIR_BENCH_MEASURE_H

#include <stdint.h>
#include <time.h>

struct measure {
	unsigned int count;	/* operations in a round */
	unsigned int rounds;	/* that count, after the warm-up */
	unsigned int warmup;	/* rounds to wait at most until two agree */
	clockid_t clock;	/* what time it is by */
};

/* One round: `measure->count` operations. Returns the nanoseconds they took, or negative errno. */
typedef int64_t (*measure_fn)(void *context, const struct measure *measure);

/*
 * Takes "-n COUNT -r ROUNDS -w WARMUP" from the front of argv, keeps what is
 * not given, and "-c": count what this thread uses of a processor, instead of
 * the time that passes, so that nobody else who uses it counts. A kernel with
 * IRQ_TIME_ACCOUNTING leaves out softirqs then, such as receiving over loopback.
 *
 * Returns the index of what comes next.
 */
int measure_options(int argc, char **argv, struct measure *measure);

int64_t measure_now_ns(const struct measure *measure);

/*
 * Runs the rounds and prints the nanoseconds an operation takes:
 * {"name", "ns" (median), "min", "max", "warmup" (rounds it took),
 * "operations" (in all rounds), "steady" (two agreed)}.
 *
 * Returns 0, or the negative errno of a round that failed.
 */
int measure_run(const struct measure *measure, const char *name, measure_fn round, void *context);

#endif
