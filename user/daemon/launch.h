/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Starting one command under a scope, and staying beside it until it ends:
 * credentials, descriptors, limits, signals, job control.
 */
#ifndef WEIR_DAEMON_LAUNCH_H
#define WEIR_DAEMON_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "kern/cgroup.h"
#include "kern/kern.h"

/* Whom the command runs as. */
struct launch_user {
	bool change;		/* false: as weir itself, the rest is unused */
	uid_t uid;
	gid_t gid;
	gid_t *groups;		/* supplementary */
	int n_groups;
	char *name;		/* NULL: the user database does not know the number */
	char *home;
	char *shell;
};

/*
 * Finds the user the command is to run as: `name` (a name or a number), or,
 * when it is NULL and weir runs as root through sudo, the user who called
 * sudo, or nobody else. A malformed SUDO_UID is an error, not root.
 *
 * Returns 0 and *ret (launch_user_done), or negative errno with a heap string.
 */
int launch_user_find(const char *name, struct launch_user *ret, char **ret_message);
void launch_user_done(struct launch_user *user);
#define _cleanup_launch_user_ _cleanup_(launch_user_done)

/* What the process was started with, to be given back to the command. */
struct launch_signals {
	sigset_t mask;
	struct sigaction child;		/* SIGCHLD may have come ignored */
};

/*
 * Opens /dev/null in the place of each standard descriptor that is closed, so
 * that nothing of weir's lands there. Returns a bit for each that was open.
 */
unsigned int launch_stdio(void);

/* Blocks every signal that can be forwarded; before the first thread. */
int launch_signals_hold(struct launch_signals *ret);

/* A signal that asks weir to end is waiting: its number, or 0. */
int launch_signals_ending(void);

struct launch_options {
	char *const *argv;
	const struct launch_user *user;
	const struct launch_signals *signals;
	const struct cgroup *cgroup;
	struct kern *kern;
};

struct launch {
	pid_t pid;		/* 0: none */
	int go_fd;		/* the child starts when a byte comes, ends when it closes */
	int error_fd;		/* struct launch_failure, if the command could not be executed */
};
#define LAUNCH_NONE ((struct launch){.pid = 0, .go_fd = -1, .error_fd = -1})

/* Where the child stopped short of the command. */
enum launch_stage {
	LAUNCH_ARM,
	LAUNCH_CGROUP,
	LAUNCH_LIMITS,
	LAUNCH_CREDENTIALS,
	LAUNCH_DESCRIPTORS,
	LAUNCH_FILTER,
	LAUNCH_EXEC,
	LAUNCH_STAGE_COUNT,
};

struct launch_failure {
	int stage;		/* enum launch_stage */
	int error;		/* positive errno; 0: none */
};

/* What the child was about to do, for messages: "enter its cgroup". */
const char *launch_stage_text(enum launch_stage stage);

/* Forks the child, which waits. Call while the process has one thread. */
int launch_prepare(const struct launch_options *options, struct launch *ret);

/* Lets the child go on. */
int launch_go(struct launch *launch);

/*
 * Stays until the child has ended: passes on signals that processes sent
 * (those of the terminal reach the child by themselves), stops with it and
 * continues it.
 *
 * Returns 0; *ret_status is as wait(2) gives it, *ret_failure says whether the
 * command was executed at all.
 */
int launch_wait(struct launch *launch, int *ret_status, struct launch_failure *ret_failure);

/* Kills a child that was prepared and is not wanted any more. */
void launch_cancel(struct launch *launch);
#define _cleanup_launch_ _cleanup_(launch_cancel)

/* The child's part; returns only when it could not execute the command. */
struct launch_failure launch_child(const struct launch_options *options, int error_fd,
				   pid_t parent);

/* Keeps the command from typing into a shared terminal. Needs no_new_privs. 0 or -errno. */
int launch_filter(void);

#endif
