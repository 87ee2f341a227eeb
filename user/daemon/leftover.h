/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a killed weir left behind: what it confined stays so, under the set of
 * programs that weirs share, until nothing of it lives any more.
 */
#ifndef WEIR_DAEMON_LEFTOVER_H
#define WEIR_DAEMON_LEFTOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "kern/kern.h"

struct leftover {
	uint64_t cgroup_id;
	char *cgroup;		/* path; NULL: it is gone */
	bool populated;		/* processes live in it, or were moved out of it, confined */
	char *text;		/* for people */
};

struct leftovers {
	struct leftover *items;
	size_t n;
};

/*
 * Looks for scopes whose weir is dead. With `sweep`, those whose cgroup has no
 * process left are ended, and the cgroup is removed; they are not in *ret then.
 * What cannot be looked at is taken to live.
 *
 * Returns 0 and *ret (leftovers_done), or negative errno.
 */
int leftovers_find(struct kern *kern, bool sweep, struct leftovers *ret);
void leftovers_done(struct leftovers *leftovers);
#define _cleanup_leftovers_ _cleanup_(leftovers_done)

#endif
