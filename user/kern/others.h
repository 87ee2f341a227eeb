/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sets as they are pinned, of this ABI and of others: who uses them, whether they
 * confine anything, and taking them away. Of another ABI's maps nothing is known but
 * that the keys of one are ids of cgroups.
 */
#ifndef WEIR_KERN_OTHERS_H
#define WEIR_KERN_OTHERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

struct other_set {
	char name[256];		/* of its folder, "abi-…" */
	bool own;		/* of this ABI */
	bool daemons;		/* a daemon's records may wait in it */
	bool used;		/* a process lives that uses it */
	pid_t *users;		/* those that have policies in it, as far as they can be told */
	size_t n_users;
	uint64_t *cgroups;	/* that it confines, or did: some may be gone */
	size_t n_cgroups;
};

struct other_sets {
	struct other_set *list;
	size_t n;
};

/* All sets there are. Returns 0 or negative errno. */
int others_find(struct other_sets *ret);
void others_done(struct other_sets *sets);
#define _cleanup_others_ _cleanup_(others_done)

/* Takes a set away with all that it confines. -EBUSY: somebody has come to use it. */
int other_remove(const struct other_set *set);

/* Who holds a lock (flock) on an open file, by /proc/locks. 0: cannot be told. */
pid_t lock_holder(int fd);

#endif
