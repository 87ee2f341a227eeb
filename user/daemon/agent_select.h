/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The configuration's cgroups that are not there yet: the kernel side puts them under
 * their policy as they are made, and the daemon hears of it afterwards.
 */
#ifndef WEIR_DAEMON_AGENT_SELECT_H
#define WEIR_DAEMON_AGENT_SELECT_H

#include <stdbool.h>

#include "daemon/agent_state.h"

struct binding;
struct cgroup;
struct version;

/*
 * Has the kernel side know what the configuration asks for, in place of what a daemon
 * before has asked for. What cannot be is told; agent->armed says whether it was done.
 */
void select_arm(struct agent *agent);

/* A binding is under another version than before, and its selectors with it. */
void select_switch(struct agent *agent, const struct binding *binding,
		   const struct version *before);

/* Does an entry ask for the cgroup of this path? */
bool select_covers(const struct config_attach *entry, const char *path);

/* The first entry of the configuration that does; NULL: none. */
struct binding *select_binding(const struct agent *agent, const char *path);

/*
 * Frees a cgroup in which everything is denied until it can be attached, and records that.
 * 0, or negative errno (-ENOENT: it is none).
 */
int select_lift(struct agent *agent, const struct cgroup *cgroup, const char *message);

/* Takes over what was confined since the last time. */
void select_adopt(struct agent *agent);

/* The same of one cgroup. Returns whether it is a scope of the daemon's now. */
bool select_adopted(struct agent *agent, const struct cgroup *cgroup);

#endif
