/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Cgroups come and go: what the configuration asks for is attached when it appears,
 * and scopes whose cgroup is gone end. Folders of cgroups are watched; besides, the
 * daemon looks around now and then.
 */
#ifndef WEIR_DAEMON_AGENT_LOOK_H
#define WEIR_DAEMON_AGENT_LOOK_H

#include "daemon/agent_state.h"

/* Starts the timers, and looks around for the first time. 0 or negative errno. */
int look_start(struct agent *agent);

/* Ends scopes, attaches cgroups, and watches what matters now. */
void look_around(struct agent *agent);

/*
 * Has the cgroup of this path and id ended? One that is being made is waited for. *whole:
 * cleared if it cannot be told.
 */
bool cgroup_is_gone(const struct agent *agent, const struct scope *scope, bool *whole);

/* Closes what is open on the loop, and frees. */
void look_stop(struct agent *agent);

#endif
