// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Beside the running command: signals and job control. All signals are
 * blocked (launch_signals_hold) and taken one by one, which tells who sent
 * each.
 */
#include <string.h>
#include <sys/wait.h>

#include "daemon/launch.h"

/*
 * Stop like the command did, so that the shell that started weir sees its job
 * stopped. SIGTSTP, because the kernel ignores it where no shell is there to
 * continue the job (an orphaned process group).
 */
static void stop_self(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	/* to the process, so that it is one with the terminal's if that still waits */
	kill(getpid(), SIGTSTP);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/*
 * Passes a signal on unless the command has it already: those of the terminal
 * go to the whole process group, and its own it need not get back. A hang-up
 * alone goes to the session's leader only, and would end it without us.
 */
static void signal_forward(const struct launch *launch, int number, const siginfo_t *info)
{
	bool by_process = info->si_code <= 0;	/* SI_USER, SI_TKILL, SI_QUEUE, ... */
	bool hang_up = number == SIGHUP && getsid(0) == getpid();

	if (by_process ? info->si_pid != launch->pid : hang_up)
		kill(launch->pid, number);
}

/* 1: ended, status in *ret. */
static int child_look(const struct launch *launch, int *ret)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(launch->pid, &status, WNOHANG | WUNTRACED)) > 0) {
		if (!WIFSTOPPED(status)) {
			*ret = status;
			return 1;
		}
		stop_self();
	}
	return pid < 0 ? -errno : 0;
}

int launch_wait(struct launch *launch, int *ret_status, struct launch_failure *ret_failure)
{
	struct launch_failure failure = {0};
	int r, number, status = 0;
	siginfo_t info;
	sigset_t set;

	sigfillset(&set);
	/* of writing to a log or a terminal that went away: the write says so too */
	sigdelset(&set, SIGPIPE);
	while ((r = child_look(launch, &status)) == 0) {
		number = sigwaitinfo(&set, &info);
		if (number > 0 && number != SIGCHLD)
			signal_forward(launch, number, &info);
	}
	if (r < 0)
		return r;
	launch->pid = 0;
	/* nothing to read: the pipe closed at a successful exec */
	if (read(launch->error_fd, &failure, sizeof(failure)) != sizeof(failure))
		failure.error = 0;
	launch->error_fd = fd_close(launch->error_fd);
	*ret_status = status;
	*ret_failure = failure;
	return 0;
}
