/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One `weir run`: from a policy's name to the exit status of a confined command. */
#ifndef WEIR_DAEMON_SESSION_H
#define WEIR_DAEMON_SESSION_H

#include <stddef.h>

#include "policy/policy.h"

enum session_mode {
	SESSION_MODE_POLICY,	/* as the policy says */
	SESSION_MODE_ENFORCE,
	SESSION_MODE_AUDIT,
};

/* Everything is borrowed. */
struct session_options {
	const char *policy;	/* file or name */
	const char *log;	/* file, "-", or NULL: the default place */
	const char *user;	/* NULL: whoever called sudo, or the same user */
	enum session_mode mode;
	const struct policy_pair *set;
	size_t n_set;
	const struct policy_pair *labels;
	size_t n_labels;
	unsigned int without;	/* ENFORCE_BIT()s */
	unsigned int stdio;	/* standard descriptors the command inherits, a bit each */
	char *const *argv;	/* the command, at least its name */
};

/* The cgroup of a run is SESSION_CGROUP and what makes its name unique. */
#define SESSION_CGROUP "weir-run-"

#define SESSION_NOT_EXECUTABLE 126
#define SESSION_NOT_FOUND 127
#define SESSION_SIGNAL 128

/*
 * Runs the command. What fails is said on standard error.
 *
 * Returns the exit status to end with: the command's, SESSION_NOT_EXECUTABLE,
 * SESSION_NOT_FOUND, or SESSION_SIGNAL + N; negative errno when weir itself
 * failed and nothing was run.
 */
int session_run(const struct session_options *options);

#endif
