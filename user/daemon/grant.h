/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The daemon's grants: what an operator allows for a while, beyond a policy. Rules for
 * them are compiled into the versions they concern; the kernel ends them by itself.
 */
#ifndef WEIR_DAEMON_GRANT_H
#define WEIR_DAEMON_GRANT_H

#include "daemon/agent_state.h"
#include "daemon/binding.h"
#include "daemon/ctl.h"
#include "policy/grant.h"

struct grant {
	struct grant *next;
	unsigned int id;		/* never given twice by one daemon */
	char *policy;			/* for all that is under it; NULL: for one cgroup */
	char *cgroup;
	uint64_t cgroup_id;
	struct grant_item *items;
	size_t n_items;
	uint64_t for_s;
	bool once;
	bool used;			/* its use was seen to be taken */
	bool over;			/* but a version in force has rules for it */
	uint32_t slot;			/* in the kernel */
	uint64_t given_ns;		/* CLOCK_BOOTTIME */
	uint64_t expires_ns;
	uid_t uid;			/* who asked for it */
	pid_t pid;
};

/* Takes what is allowed out of a request. NULL: no memory. */
struct grant *grant_for_request(struct ctl_request *request);
void grant_free(struct grant *grant);
DEFINE_CLEANUP(struct grant, grant_free);
#define _cleanup_grant_ _cleanup_(cleanup_grant_free)

/* Is it for scopes of this binding? */
bool grant_concerns(const struct agent *agent, const struct grant *grant,
		    const struct binding *binding);

/*
 * The grants for a version of a binding, in the order in which they decide: one that has
 * ended says no, so what lasts longest comes first, then what can be used once, and
 * last what was used.
 *
 * Returns 0 and a heap array that borrows from the agent, or -ENOMEM.
 */
int grants_for(const struct agent *agent, const struct binding *binding,
	       struct policy_grant **ret, size_t *ret_n);

/* Appends "connect 192.0.2.7:443, read /etc/hosts". */
void grant_describe(const struct grant *grant, struct buf *out);

/* Those that last, for status; times of CLOCK_REALTIME. */
json_t *grants_status(const struct agent *agent);

/* What it allows: [{"connect": "192.0.2.7:443"}, …] */
json_t *grant_items_json(const struct grant *grant);

/*
 * All that the next daemon has to know of grants, and the way back, before policies are
 * read; grants_adopt() is to follow when the kernel side is open.
 *
 * Returns 0, -EBADMSG (nothing was taken) or -ENOMEM.
 */
json_t *grants_to_json(const struct agent *agent);
int grants_from_json(struct agent *agent, const json_t *json);

#endif
