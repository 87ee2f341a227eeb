/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `weir daemon --remove`, and sets that another build of weir has left. */
#ifndef WEIR_DAEMON_AGENT_REMOVE_H
#define WEIR_DAEMON_AGENT_REMOVE_H

struct agent;

/*
 * Takes everything away that daemons and runs have left: records that wait are
 * written, then what is confined is freed, and recorded. What fails is said.
 *
 * Returns 0, -EBUSY (a daemon or a run lives), or as agent_run().
 */
int agent_remove(const char *config);

/*
 * Before a daemon starts: a set of another build that confines anything keeps it from that.
 * 0, -ENOTSUP (which is said) or another errno.
 */
int others_refuse(void);

/*
 * Once the daemon's selectors are in the kernel, and the cgroups that are there under their
 * policy: sets of other builds go, whose selectors were in force until here. Both are, for a
 * moment, so that no cgroup is made in between.
 */
void others_replace(const struct agent *agent);

#endif
