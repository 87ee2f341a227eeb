// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rounds, warm-up, median; see measure.h. */
#include "measure.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WARMUP_MAX 60		/* rounds, when nothing else is said */
#define WARMUP_AGREE 0.002	/* two rounds agree that differ by less than this part */
#define ROUNDS_MAX 1000

static unsigned int number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || !value || value > 100000000) {
		fprintf(stderr, "not a count: %s\n", text);
		exit(2);
	}
	return value;
}

int measure_options(int argc, char **argv, struct measure *measure)
{
	int option;

	measure->clock = CLOCK_MONOTONIC;
	while ((option = getopt(argc, argv, "+cn:r:w:")) != -1) {
		if (option == 'c')
			measure->clock = CLOCK_THREAD_CPUTIME_ID;
		else if (option == 'n')
			measure->count = number(optarg);
		else if (option == 'r')
			measure->rounds = number(optarg);
		else if (option == 'w')
			measure->warmup = number(optarg);
		else
			exit(2);
	}
	if (!measure->warmup)
		measure->warmup = WARMUP_MAX;
	if (measure->rounds > ROUNDS_MAX)
		measure->rounds = ROUNDS_MAX;
	return optind;
}

int64_t measure_now_ns(const struct measure *measure)
{
	struct timespec now;

	clock_gettime(measure->clock, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

int measure_run(const struct measure *measure, const char *name, measure_fn round, void *context)
{
	double ns[ROUNDS_MAX], last = 0;
	unsigned int warmup = 0;
	bool steady = false;
	int64_t took;

	while (!steady && warmup < measure->warmup) {
		took = round(context, measure);
		if (took < 0)
			return took;
		steady = warmup++ && fabs(took - last) < last * WARMUP_AGREE;
		last = took;
	}
	for (unsigned int i = 0; i < measure->rounds; i++) {
		took = round(context, measure);
		if (took < 0)
			return took;
		ns[i] = (double)took / measure->count;
	}
	qsort(ns, measure->rounds, sizeof(ns[0]), compare);
	printf("{\"name\": \"%s\", \"ns\": %.1f, \"min\": %.1f, \"max\": %.1f, \"warmup\": %u, "
	       "\"operations\": %u, \"steady\": %s}\n",
	       name, ns[measure->rounds / 2], ns[0], ns[measure->rounds - 1], warmup,
	       (warmup + measure->rounds) * measure->count, steady ? "true" : "false");
	fflush(stdout);
	return 0;
}
