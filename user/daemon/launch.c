// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Starting one command: fork, signals before and around it; see launch.h. */
#include "daemon/launch.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

static const char *const stage_text[] = {
	[LAUNCH_ARM] = "be put under the policy at its exec",
	[LAUNCH_CGROUP] = "enter its cgroup",
	[LAUNCH_LIMITS] = "set its limits",
	[LAUNCH_CREDENTIALS] = "become its user",
	[LAUNCH_DESCRIPTORS] = "close what it must not inherit",
	[LAUNCH_FILTER] = "be kept from typing into the terminal",
	[LAUNCH_EXEC] = "be executed",
};
_Static_assert(ARRAY_SIZE(stage_text) == LAUNCH_STAGE_COUNT, "every stage has a text");

const char *launch_stage_text(enum launch_stage stage)
{
	return stage_text[stage];
}

unsigned int launch_stdio(void)
{
	unsigned int open_bits = 0;

	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			open_bits |= 1u << fd;
		/* takes the lowest number, which is this one */
		else if (open("/dev/null", O_RDWR) < 0)
			abort();
	}
	return open_bits;
}

/* Everything but what a fault of weir's own raises. */
static void signals_fill(sigset_t *set)
{
	static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};

	sigfillset(set);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		sigdelset(set, own[i]);
}

int launch_signals_hold(struct launch_signals *ret)
{
	const struct sigaction normal = {.sa_handler = SIG_DFL};
	sigset_t set;

	signals_fill(&set);
	if (sigprocmask(SIG_BLOCK, &set, &ret->mask) < 0)
		return -errno;
	/* ignored, as some callers leave it, children vanish before they can be waited for */
	return sigaction(SIGCHLD, &normal, &ret->child) < 0 ? -errno : 0;
}

int launch_signals_ending(void)
{
	static const int ending[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
	struct sigaction action;
	sigset_t pending;

	if (sigpending(&pending) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		if (sigismember(&pending, ending[i]) && sigaction(ending[i], NULL, &action) == 0 &&
		    action.sa_handler != SIG_IGN)
			return ending[i];
	return 0;
}

static void child_main(const struct launch_options *options, int go_fd, int error_fd, pid_t parent)
{
	struct launch_failure failure;
	char go;

	if (read(go_fd, &go, 1) != 1)
		_exit(125);
	failure = launch_child(options, error_fd, parent);
	if (write(error_fd, &failure, sizeof(failure)) != sizeof(failure))
		_exit(125);
	_exit(126);
}

int launch_prepare(const struct launch_options *options, struct launch *ret)
{
	int go[2] = {-1, -1}, error[2] = {-1, -1};
	pid_t pid, parent = getpid();
	int r = 0;

	if (pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(error, O_CLOEXEC | O_NONBLOCK) < 0) {
		r = -errno;
	} else {
		fflush(NULL);
		pid = fork();
		if (pid == 0) {
			/* its own copy, or it would never see weir close it */
			close(go[1]);
			child_main(options, go[0], error[1], parent);
		}
		if (pid < 0)
			r = -errno;
		else
			*ret = (struct launch){.pid = pid, .go_fd = TAKE_FD(go[1]),
					       .error_fd = TAKE_FD(error[0])};
	}
	fd_close(go[0]);
	fd_close(go[1]);
	fd_close(error[0]);
	fd_close(error[1]);
	return r;
}

int launch_go(struct launch *launch)
{
	ssize_t n = write(launch->go_fd, "g", 1);
	int r = n == 1 ? 0 : -errno;

	launch->go_fd = fd_close(launch->go_fd);
	return r;
}

void launch_cancel(struct launch *launch)
{
	launch->go_fd = fd_close(launch->go_fd);
	launch->error_fd = fd_close(launch->error_fd);
	if (launch->pid) {
		kill(launch->pid, SIGKILL);
		waitpid(launch->pid, NULL, 0);
		launch->pid = 0;
	}
}
