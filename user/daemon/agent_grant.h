/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Giving, revoking and ending grants; and what has to be done when a policy ends. The
 * kernel refuses by itself: here it is recorded, and connections are reset.
 */
#ifndef WEIR_DAEMON_AGENT_GRANT_H
#define WEIR_DAEMON_AGENT_GRANT_H

#include "daemon/agent_scopes.h"
#include "daemon/grant.h"

/*
 * Reads and loads the policy that a binding has in force once more, with the grants as
 * they are now. What is wrong is added to text. 0, -ESTALE (the file has changed) or
 * another negative errno.
 */
int grants_version(struct agent *agent, struct binding *binding, struct buf *text,
		   struct version **ret);

/* Posts what becomes of one; message: NULL, or why. */
void grant_record(struct agent *agent, const struct grant *grant, enum event_self_type type,
		  const char *message);

/* Ends one now. */
void grants_revoke(struct agent *agent, struct grant *grant);

/* Sees what has ended by now, and comes back when the next thing ends. */
void grants_due(struct agent *agent);

/* Ends the grants of a scope that is being lifted. */
void grants_scope_ended(struct agent *agent, const struct scope *scope);

/*
 * For grants that another daemon gave, once the versions in force are known: those that the
 * kernel has no more are over, and slots that belong to none are freed.
 */
void grants_adopt(struct agent *agent);

/* With the loop: the timer. */
int grants_start(struct agent *agent);
void grants_stop(struct agent *agent);

/* Ends all, before what they are for; frees them in the kernel, after it; or here alone. */
void grants_end(struct agent *agent, const char *message);
void grants_free(struct agent *agent);
void grants_forget(struct agent *agent);

#endif
