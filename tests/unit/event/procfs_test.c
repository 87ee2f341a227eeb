// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tests of user/event/procfs on real processes of this machine. */
#include "../test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "event/procfs.h"

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* A child that waits to be killed; its start lies in the ticks between the two times. */
static pid_t child_start(const char *name, uint64_t *ret_before_ns, uint64_t *ret_after_ns)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	*ret_before_ns = now_ns();
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, name);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	*ret_after_ns = now_ns();
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void child_end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Asks for each tick the child can have started in, as a record would name the right one. */
static int find(struct procfs *procfs, pid_t pid, uint64_t before_ns, uint64_t after_ns,
		struct process_found *ret, uint64_t *ret_start_ns)
{
	uint64_t at_ns;

	for (at_ns = before_ns; at_ns / PROCESS_TICK_NS <= after_ns / PROCESS_TICK_NS;
	     at_ns += PROCESS_TICK_NS) {
		if (procfs_look_up(procfs, (uint32_t)pid, at_ns, ret) == 0) {
			*ret_start_ns = at_ns;
			return 0;
		}
	}
	return -ESRCH;
}

static void finds_a_process_and_its_parent(void **state)
{
	_cleanup_procfs_ struct procfs procfs = {.fd = -1};
	uint64_t before_ns, after_ns, start_ns, parent_start_ns;
	struct process_found *found = calloc(1, sizeof(*found));
	char exe[4096];
	ssize_t len;
	pid_t pid;

	(void)state;
	assert_non_null(found);
	assert_int_equal(procfs_open("/proc", &procfs), 0);
	pid = child_start("o) n (\n\\x", &before_ns, &after_ns);
	assert_int_equal(find(&procfs, pid, before_ns, after_ns, found, &start_ns), 0);
	assert_string_equal(found->comm, "o) n (\n\\x");
	assert_int_equal(found->ppid, getpid());
	len = readlink("/proc/self/exe", exe, sizeof(exe));
	assert_true(len > 0);
	assert_int_equal(found->exe_len, len);
	assert_memory_equal(found->exe, exe, len);

	/* the parent's start leads to the parent */
	parent_start_ns = found->parent_start_ns;
	assert_int_equal(procfs_look_up(&procfs, (uint32_t)getpid(), parent_start_ns, found), 0);
	assert_int_equal(found->ppid, getppid());

	/* another start is another process, one tick off as well */
	assert_int_equal(procfs_look_up(&procfs, (uint32_t)pid, start_ns + PROCESS_TICK_NS, found),
			 -ESRCH);
	assert_int_equal(procfs_look_up(&procfs, (uint32_t)pid, start_ns - PROCESS_TICK_NS, found),
			 -ESRCH);

	child_end(pid);
	assert_int_equal(procfs_look_up(&procfs, (uint32_t)pid, start_ns, found), -ESRCH);
	free(found);
}

static void says_that_there_is_no_such_folder(void **state)
{
	struct procfs procfs = {.fd = -1};

	(void)state;
	assert_int_equal(procfs_open("/nonexistent", &procfs), -ENOENT);
	assert_int_equal(procfs.fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_a_process_and_its_parent),
		cmocka_unit_test(says_that_there_is_no_such_folder),
	};

	return RUN_TESTS(tests);
}
