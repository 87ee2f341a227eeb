// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a whole program takes of a processor, with everything it starts:
 * program_bench [-r ROUNDS] [-w WARMUP] NAME COMMAND [ARG...]
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

static void command_exec(char **argv)
{
	int null = open("/dev/null", O_RDWR);

	if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
		_exit(126);
	execvp(argv[0], argv);
	_exit(127);
}

/* By its own use of processors, and its children's: who else runs meanwhile does not count. */
static int64_t command_round(void *context, const struct measure *measure)
{
	struct rusage usage;
	int64_t took = 0;
	int status;
	pid_t pid;

	for (unsigned int i = 0; i < measure->count; i++) {
		pid = fork();
		if (pid == 0)
			command_exec(context);
		if (pid < 0 || wait4(pid, &status, 0, &usage) < 0)
			return -errno;
		if (status)
			return -ECHILD;
		took += (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000LL +
			(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000LL;
	}
	return took;
}

int main(int argc, char **argv)
{
	struct measure measure = {.count = 1, .rounds = 3, .warmup = 3};
	int first = measure_options(argc, argv, &measure), err;

	if (argc - first < 2)
		return 2;
	err = measure_run(&measure, argv[first], command_round, argv + first + 1);
	if (err < 0) {
		fprintf(stderr, "%s: %s\n", argv[first], strerror(-err));
		return 1;
	}
	return 0;
}
