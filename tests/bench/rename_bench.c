// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What an open costs right after a rename somewhere on the machine, which makes
 * stale what is remembered of directories: rename_bench [-n COUNT] [-r ROUNDS] FILE SPARE
 * Renames SPARE to SPARE.new and back, untimed, with an open of FILE after each.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"

struct rename_case {
	const char *path;
	const char *names[2];
};

static int64_t rename_round(void *context, const struct measure *measure)
{
	const struct rename_case *rename_case = context;
	int64_t took = 0, start;

	for (unsigned int i = 0; i < 2 * (measure->count / 2); i++) {
		int fd;

		if (rename(rename_case->names[i & 1], rename_case->names[!(i & 1)]))
			return -errno;
		start = measure_now_ns(measure);
		fd = open(rename_case->path, O_RDONLY);
		if (fd < 0)
			return -errno;
		close(fd);
		took += measure_now_ns(measure) - start;
	}
	return took;
}

int main(int argc, char **argv)
{
	struct measure measure = {.count = 2000, .rounds = 9};
	int first = measure_options(argc, argv, &measure), err;
	char renamed[PATH_MAX];

	if (argc - first != 2)
		return 2;
	snprintf(renamed, sizeof(renamed), "%s.new", argv[first + 1]);
	err = measure_run(&measure, argv[first], rename_round,
			  &(struct rename_case){argv[first], {argv[first + 1], renamed}});
	if (err < 0) {
		fprintf(stderr, "%s: %s\n", argv[first], strerror(-err));
		return 1;
	}
	return 0;
}
