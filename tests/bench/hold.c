// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Says when it was started, as CLOCK_MONOTONIC nanoseconds, and stays until
 * standard input ends: for measuring what it takes to start a command, and for
 * keeping weir loaded while something else is measured.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	struct timespec now;
	char byte;

	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("%lld\n", now.tv_sec * 1000000000LL + now.tv_nsec);
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}
