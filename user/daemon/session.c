// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Running the command in its scope, and the end of it; see session.h. */
#include "daemon/session.h"

#include <string.h>
#include <sys/wait.h>

#include "base/log.h"
#include "daemon/session_state.h"

#define SUMMARY_LINES 8

/* A signal asked weir to end before the command began: as if it had hit the command. */
static int ended_before(int number)
{
	log_error("ended by signal %d (%s) before the command was started", number,
		  strsignal(number));
	return SESSION_SIGNAL + number;
}

static int failure_status(const struct session *session, const struct launch_failure *failure)
{
	const char *name = session->options->argv[0];
	bool denied = failure->error == EPERM || failure->error == EACCES;

	if (failure->stage != LAUNCH_EXEC) {
		log_error("the command could not %s: %s", launch_stage_text(failure->stage),
			  strerror(failure->error));
		return -failure->error;
	}
	if (failure->error == ENOENT) {
		log_error("cannot find %s%s", name,
			  strchr(name, '/') ? "" : " in any folder of PATH");
		return SESSION_NOT_FOUND;
	}
	log_error("cannot execute %s: %s%s", name, strerror(failure->error),
		  denied && session->tally.total ? " (the policy denied it, see below)" : "");
	return SESSION_NOT_EXECUTABLE;
}

/* The command from start to end. *ret_drain is the caller's to stop, also on failure. */
static int command_run(struct session *session, struct drain **ret_drain,
		       struct launch_failure *ret_failure)
{
	_cleanup_launch_ struct launch launch = LAUNCH_NONE;
	const struct launch_options options = {
		.argv = session->options->argv,
		.user = &session->user,
		.signals = &session->signals,
		.cgroup = &session->cgroup,
		.kern = session->kern,
	};
	int r, status = 0;

	/* the fork comes before the thread: the child goes on as a whole program until its exec */
	r = launch_prepare(&options, &launch);
	if (r >= 0)
		r = drain_open(session->kern, &session->journal, &session->tally, ret_drain);
	if (r >= 0)
		r = drain_start(*ret_drain);
	if (r < 0) {
		log_error("cannot start: %s", strerror(-r));
		return r;
	}
	r = launch_signals_ending();
	if (r > 0)
		return ended_before(r);
	r = launch_go(&launch);
	if (r >= 0)
		r = launch_wait(&launch, &status, ret_failure);
	if (r < 0) {
		log_error("cannot wait for the command: %s", strerror(-r));
		return r;
	}
	return WIFSIGNALED(status) ? SESSION_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

static void result_print(struct session *session, const struct drain_result *result)
{
	const char *path = session->journal.path;

	if (session->tally.total) {
		log_notice("%llu %s by policy %s:", (unsigned long long)session->tally.total,
			   session->audit ? "actions would have been denied" :
					    "actions were denied",
			   session->policy_name);
		tally_print(&session->tally, SUMMARY_LINES);
	}
	if (result->lost)
		log_warning("%llu records were lost; the log says of which kind (audit.lost)",
			    (unsigned long long)result->lost);
	if (result->log_error)
		log_error("the log is not complete: %s; at least %llu records could not be written",
			  strerror(-result->log_error), (unsigned long long)result->unwritten);
	if (path && (!session->options->log || session->tally.total || result->lost))
		log_notice("the records are in %s", path);
}

int session_run(const struct session_options *options)
{
	struct session session = {.options = options, .cgroup.fd = -1};
	struct launch_failure failure = {0};
	struct drain *drain = NULL;
	struct drain_result result;
	int r, status;

	r = launch_signals_hold(&session.signals);
	if (r < 0) {
		log_error("cannot hold signals: %s", strerror(-r));
		return r;
	}
	status = session_open(&session);
	if (status >= 0)
		status = command_run(&session, &drain, &failure);
	session_end(&session);
	if (drain) {
		drain_stop(drain, false, &result);
		if (failure.error)
			status = failure_status(&session, &failure);
		session_detach(&session, status, &result);
		result_print(&session, &result);
	}
	session_close(&session);
	return status;
}
