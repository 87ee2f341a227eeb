/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The policies on disk, as the daemon would load them, for against.c. */
#ifndef WEIR_DAEMON_AGAINST_POLICIES_H
#define WEIR_DAEMON_AGAINST_POLICIES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "policy/judge.h"

/* A policy as it is attached. */
struct against_policy {
	const char *name;		/* in records; of the reply */
	const json_t *cgroups;		/* under it */
	struct policy *policy;
};

struct against_policies {
	struct against_policy *list;
	size_t n;
};

/* Reads those of a reply, which must outlive them. What fails is said. 0 or negative errno. */
int against_policies_read(const json_t *result, struct against_policies *ret);

/* Is there one of this name? */
bool against_policy_known(const struct against_policies *policies, const char *name);

/*
 * The one that a record of this name and scope is of; NULL: it may be of several. Those of
 * a scope that has gone are of the only one there is.
 */
const struct policy *against_policy_of(const struct against_policies *policies, const char *name,
				       const char *cgroup);

void against_policies_done(struct against_policies *policies);

#endif
