/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the daemon does when it is asked to over the control socket. */
#ifndef WEIR_DAEMON_AGENT_CONTROL_H
#define WEIR_DAEMON_AGENT_CONTROL_H

#include "daemon/agent_state.h"
#include "daemon/ctl.h"
#include "daemon/server.h"

/* As in struct server_calls; context is the agent. */
bool control_peer(void *context, const struct server_peer *peer, struct buf *reply);
void control_request(void *context, const struct server_peer *peer, const char *line, size_t len,
		     struct buf *reply);
int control_protect(void *context, int fd);

/* What one command comes to: text for people, and a result (NULL: none). */
struct answer {
	enum ctl_outcome outcome;
	struct buf text;
	json_t *result;
};

/* "reload": the policies of these names, or all; agent_reload.c. */
void control_reload(struct agent *agent, const struct ctl_request *request, struct answer *ret);

/*
 * Puts a loaded version of its policy in force for all scopes of a binding; what it forbids
 * ends, and the old one goes. Takes the version.
 */
struct version;
void binding_switch(struct agent *agent, struct binding *binding, struct version *version);

/*
 * Before that: a daemon after this one is told of the version, or else it is dropped, with
 * the reason added to text. 0 or negative errno.
 */
int binding_coming(struct agent *agent, struct binding *binding, struct version *version,
		   struct buf *text);

/* "grant": gives or revokes one; agent_grant.c. */
void control_grant(struct agent *agent, const struct ucred *peer,
		   const struct ctl_request *request, struct answer *ret);

/* "status"; agent_status.c. */
void control_status(struct agent *agent, struct answer *ret);

/* Parts of replies; agent_status.c. */
json_t *control_pairs_json(const struct policy_pair *pairs, size_t n);

/* Adds "WHAT PATH REST" as a line, the path as one word. */
void text_say(struct buf *text, const char *what, const char *path, const char *rest);

#endif
