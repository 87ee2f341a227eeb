/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a killed weir left behind: its pins keep confining until its cgroup is
 * empty. Every run has a folder, run-CGROUPID, holds a lock on it for as long
 * as it lives, and pins in a folder below it.
 */
#ifndef WEIR_DAEMON_LEFTOVER_H
#define WEIR_DAEMON_LEFTOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define LEFTOVER_FOLDER "/sys/fs/bpf/weir"
#define LEFTOVER_PINS "pins"	/* folder of the pins, in the folder of the run */

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
 * Looks for folders whose weir is dead. With `sweep`, those whose cgroup has
 * no process left are unpinned, and the cgroup is removed; they are not in
 * *ret then. What cannot be looked at is passed over.
 *
 * Returns 0 and *ret (leftovers_done), or -ENOMEM.
 */
int leftovers_find(bool sweep, struct leftovers *ret);
void leftovers_done(struct leftovers *leftovers);
#define _cleanup_leftovers_ _cleanup_(leftovers_done)

/*
 * Makes and locks the folder of a run, before anything is pinned (mounts the
 * bpffs if there is none). The lock goes with the
 * descriptor, or with the process.
 *
 * Returns a descriptor and its path (heap), or negative errno.
 */
int leftover_claim(uint64_t cgroup_id, char **ret_path);

#endif
