// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What opening and closing a file costs: open_bench [-n COUNT] [-r ROUNDS] FILE... */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"

static int64_t open_round(void *context, const struct measure *measure)
{
	const char *path = context;
	int64_t start = measure_now_ns(measure);

	for (unsigned int i = 0; i < measure->count; i++) {
		int fd = open(path, O_RDONLY);

		if (fd < 0)
			return -errno;
		close(fd);
	}
	return measure_now_ns(measure) - start;
}

int main(int argc, char **argv)
{
	struct measure measure = {.count = 5000, .rounds = 9};
	int first = measure_options(argc, argv, &measure), err;

	for (int i = first; i < argc; i++) {
		err = measure_run(&measure, argv[i], open_round, argv[i]);
		if (err < 0) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(-err));
			return 1;
		}
	}
	return 0;
}
