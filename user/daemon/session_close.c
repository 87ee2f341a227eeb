// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The end of a session: nothing of the command is left running, and nothing of weir is left behind. */
#include <string.h>

#include "base/log.h"
#include "daemon/session_state.h"

void session_end(struct session *session)
{
	int r;

	if (!session->cgroup_made)
		return;
	r = cgroup_kill(&session->cgroup);
	if (r >= 0)
		return;
	session->kept = true;
	log_error("cannot end what the command left in cgroup %s: %s; it stays confined",
		  session->cgroup.path, strerror(-r));
}

void session_detach(struct session *session, int status, struct drain_result *result)
{
	struct event_self detach = {.type = EVENT_SELF_SCOPE_DETACH, .cgroup_id = session->cgroup.id};
	struct event_self stop = {.type = EVENT_SELF_AGENT_STOP, .cgroup_id = session->cgroup.id};
	char message[64];
	int r = 0;

	snprintf(message, sizeof(message), "the command ended with status %d", status);
	stop.message = message;
	if (!session->kept)
		r = journal_self(&session->journal, &detach);
	if (r >= 0)
		r = journal_self(&session->journal, &stop);
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
	if (session->run_folder && rmdir(session->run_folder) < 0 && errno != ENOENT)
		log_warning("cannot remove %s: %s", session->run_folder, strerror(errno));
	if (!session->cgroup_made)
		return;
	r = cgroup_remove(&session->cgroup);
	if (r < 0)
		log_warning("cannot remove cgroup %s: %s", session->cgroup.path, strerror(-r));
}

void session_close(struct session *session)
{
	/* kept: the pins outlive this process, and the next run clears them up */
	if (!session->kept)
		scope_close(session);
	journal_close(&session->journal);
	tally_done(&session->tally);
	launch_user_done(&session->user);
	cgroup_done(&session->cgroup);
	policy_compiled_free(session->compiled);
	fd_close(session->run_fd);
	free(session->run_folder);
	free(session->policy_path);
}
