/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The one table of what absence denies and this version of weir does not enforce yet. */
#ifndef WEIR_DAEMON_PENDING_H
#define WEIR_DAEMON_PENDING_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/policy.h"

struct pending {
	enum policy_section section;
	bool whole;		/* nothing of the section is enforced */
	bool without_lsm;	/* only where the kernel has no BPF LSM */
	const char *text;	/* what is not denied, for people */
};

extern const struct pending pendings[];
extern const size_t n_pendings;

/* The section as a whole waits for a later version. */
bool pending_whole(enum policy_section section);

#endif
