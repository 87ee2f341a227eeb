/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a session holds between its steps; for session*.c only. */
#ifndef WEIR_DAEMON_SESSION_STATE_H
#define WEIR_DAEMON_SESSION_STATE_H

#include <stdbool.h>

#include "daemon/drain.h"
#include "daemon/journal.h"
#include "daemon/launch.h"
#include "daemon/session.h"
#include "daemon/tally.h"
#include "kern/cgroup.h"
#include "kern/kern.h"

struct session {
	const struct session_options *options;
	struct kern_features kernel;
	struct policy_compiled *compiled;	/* NULL once it is loaded */
	char *policy_path;
	char *policy_name;
	bool audit;			/* nothing is denied */
	struct launch_signals signals;
	struct launch_user user;
	struct journal journal;
	struct tally tally;
	struct cgroup cgroup;
	bool cgroup_made;
	struct kern *kern;
	weir_scope_t scope;
	uint64_t serial;		/* of the policy version */
	bool kept;			/* something could not be ended: its confinement stays */
};

/* Everything up to a scope that waits for its command. What fails is said. */
int session_open(struct session *session);

/* Kills what the command left running. What cannot be ended keeps its confinement. */
void session_end(struct session *session);

/* Writes the last records. A log that does not take them is noted in *result. */
void session_detach(struct session *session, int status, struct drain_result *result);

/* Takes everything away again and frees. */
void session_close(struct session *session);

#endif
