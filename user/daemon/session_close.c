// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The end of a session: nothing of the command runs on, nothing of weir is left. */
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "daemon/session_state.h"

/* Tasks end a little after they are dead: the kernel frees them when nobody looks. */
#define MARKS_WAIT_MS 3000
#define MARKS_STEP_MS 5

/* Returns how many tasks outside the cgroup are still confined, or negative errno. */
static int escaped_count(const struct session *session)
{
	const struct timespec step = {.tv_nsec = MARKS_STEP_MS * 1000000L};
	int waited = 0, r;

	while ((r = kern_marks(session->kern, session->scope)) > 0 && waited < MARKS_WAIT_MS) {
		nanosleep(&step, NULL);
		waited += MARKS_STEP_MS;
	}
	return r;
}

void session_end(struct session *session)
{
	int r;

	if (!session->cgroup_made)
		return;
	r = cgroup_kill(&session->cgroup);
	if (r < 0) {
		session->kept = true;
		log_error("cannot end what the command left in cgroup %s: %s; it stays confined",
			  session->cgroup.path, strerror(-r));
		return;
	}
	r = session->kern ? escaped_count(session) : 0;
	if (r != 0) {
		session->kept = true;
		log_error("processes of the command were moved out of its cgroup and live on; they stay confined");
	}
}

void session_detach(struct session *session, int status, struct drain_result *result)
{
	struct event_self detach = {.type = EVENT_SELF_SCOPE_DETACH,
				    .cgroup_id = session->cgroup.id};
	struct event_self stop = {.type = EVENT_SELF_AGENT_STOP, .cgroup_id = session->cgroup.id};
	char message[64];
	int r = 0;

	snprintf(message, sizeof(message), "the command ended with status %d", status);
	stop.message = message;
	if (!session->kept)
		r = journal_self(&session->journal, &detach, session->serial);
	if (r >= 0)
		r = journal_self(&session->journal, &stop, session->serial);
	if (r >= 0)
		r = journal_flush(&session->journal);
	if (r < 0 && !result->log_error)
		result->log_error = r;
}

static void scope_close(struct session *session)
{
	int r;

	kern_close(session->kern);
	session->kern = NULL;
	if (!session->cgroup_made)
		return;
	r = cgroup_remove(&session->cgroup);
	if (r < 0)
		log_warning("cannot remove cgroup %s: %s", session->cgroup.path, strerror(-r));
}

void session_close(struct session *session)
{
	/* kept: the scope outlives this process, and a later run clears it up */
	if (!session->kept)
		scope_close(session);
	journal_close(&session->journal);
	tally_done(&session->tally);
	launch_user_done(&session->user);
	cgroup_done(&session->cgroup);
	policy_compiled_free(session->compiled);
	free(session->policy_path);
	free(session->policy_name);
}
