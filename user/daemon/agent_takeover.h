/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a daemon that was killed or stopped has left in force is taken over: the
 * kernel tells which scopes there are, and under which version each decides; the
 * state that the daemon wrote down tells what that means.
 */
#ifndef WEIR_DAEMON_AGENT_TAKEOVER_H
#define WEIR_DAEMON_AGENT_TAKEOVER_H

#include "daemon/agent_state.h"
#include "daemon/state.h"

struct takeover {
	struct state state;		/* as it was written down; empty: there is none */
	struct binding **bindings;	/* as in the state; NULL: has no scope */
};

/*
 * Adopts scopes, versions and bindings, with the drain not started yet. Entries of
 * the configuration that are in force as they are take what they find; a
 * state that is damaged is told, and scopes are adopted without it.
 *
 * Returns 0 or negative errno.
 */
int takeover_begin(struct agent *agent, struct takeover *ret);

/*
 * With all policies of the configuration loaded, and its selectors in place of those of the
 * daemon before: adopts what these have made meanwhile. What the configuration wants
 * otherwise is put under another policy, or detached, and policies are read again.
 *
 * Returns 0 or negative errno.
 */
int takeover_finish(struct agent *agent, struct takeover *takeover);

/*
 * The second half of that, for each look around: if it could not be written down what is
 * to be in force, or the selectors are not in the kernel, it is made up for.
 */
void takeover_settle(struct agent *agent);

void takeover_done(struct takeover *takeover);
#define _cleanup_takeover_ _cleanup_(takeover_done)

#endif
