/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Cgroups that the configuration asks for and that are not confined: an operator
 * detached them, or they could not be, which is tried again now and then.
 */
#ifndef WEIR_DAEMON_AGENT_PASSED_H
#define WEIR_DAEMON_AGENT_PASSED_H

#include "daemon/agent_scopes.h"

struct passed {
	uint64_t cgroup_id;
	bool detached;		/* left alone for as long as it is there */
	char *path;		/* the next three only if it could not be confined */
	const struct binding *binding;
	char *error;		/* why it could not be confined, for people */
	uint64_t again_ms;	/* on the loop's clock: not before that */
	unsigned int delay_ms;	/* until then, when it failed last */
	bool seen;		/* in the look around in progress */
};

/* Is a cgroup to be left alone in this look around? */
bool passed_over(struct agent *agent, uint64_t cgroup_id);

/* From here on it is left alone, for as long as it is there. */
void passed_detached(struct agent *agent, uint64_t cgroup_id);

/* It could not be confined: told and recorded if that is news, and tried again later. */
void passed_failed(struct agent *agent, const struct cgroup *cgroup,
		   const struct binding *binding, struct buf *text);

/* It is confined now. */
void passed_done(struct agent *agent, uint64_t cgroup_id);

/* Ids are never given twice: one that was not met in a whole look around is gone. */
void passed_forget(struct agent *agent);

/* Those that could not be confined, as JSON for the status. */
json_t *passed_json(const struct agent *agent);

void passed_free(struct agent *agent);

#endif
