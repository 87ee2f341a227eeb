/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From what an operator names (a cgroup, a process, a unit) to a cgroup that can be a scope. */
#ifndef WEIR_DAEMON_PLACE_H
#define WEIR_DAEMON_PLACE_H

#include "base/buf.h"
#include "daemon/ctl.h"
#include "kern/cgroup.h"

/*
 * Finds the cgroup of a request. A path may also begin with where the hierarchy is
 * mounted. A unit is looked for by the name of its cgroup: below /system.slice, then
 * anywhere.
 *
 * Returns 0 and *ret, whose path is the one and only, or negative errno with why.
 */
int place_find(const struct ctl_request *request, struct cgroup *ret, struct buf *why);

/* Is a process outside of what the request would confine? 0, or negative errno with why. */
int place_apart(const struct ctl_request *request, pid_t pid, struct buf *why);

#endif
