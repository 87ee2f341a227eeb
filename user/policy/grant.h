/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Grants: rules that an operator adds to a policy for a while. Here they are text,
 * and rules of a policy tree; who gave them and when they end is known elsewhere.
 */
#ifndef WEIR_POLICY_GRANT_H
#define WEIR_POLICY_GRANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"

enum grant_kind {
	GRANT_CONNECT,
	GRANT_LISTEN,
	GRANT_UNIX,
	GRANT_READ,		/* from here on as enum weir_access */
	GRANT_WRITE,
	GRANT_CREATE,
	GRANT_DELETE,
	GRANT_EXECUTE,
	GRANT_KIND_COUNT,
};

/* "connect", "read", … */
const char *grant_kind_name(enum grant_kind kind);

/* Returns 0 or -EINVAL. */
int grant_kind_parse(const char *name, enum grant_kind *ret);

/* The section of a policy that decides such actions. */
enum policy_section grant_section(enum grant_kind kind);

/*
 * What is allowed. connect, listen: "[tcp:|udp:]HOST:PORT", HOST an address, a
 * network or "loopback", IPv6 in brackets, PORT also a range or '*'. The rest: a
 * path pattern, of unix also an "@name".
 */
struct grant_item {
	enum grant_kind kind;
	char *text;
};

/* Returns 0, -EINVAL with *ret_error, a heap string for people, or -ENOMEM. */
int grant_item_check(const struct grant_item *item, char **ret_error);

#define GRANT_SECONDS_MAX ((uint64_t)366 * 24 * 3600)

/*
 * "90s", "15m", "2h", "1d", and several of them, larger units first: "1h30m".
 *
 * Returns 0, -EINVAL (it is none) or -ERANGE (no time at all, or more than
 * GRANT_SECONDS_MAX).
 */
int grant_duration_parse(const char *text, uint64_t *ret_s);

#define GRANT_NAME_LEN 20	/* "grant-" and an id */

struct policy_grant {
	unsigned int id;
	uint32_t slot;		/* below WEIR_GRANTS_MAX: the kernel's name for it */
	bool once;
	uint64_t expires_ns;	/* CLOCK_BOOTTIME */
	const struct grant_item *items;
	size_t n_items;
};

/*
 * Adds rules for grants behind a policy's own, named "grant-ID". Where several allow
 * the same, the first one decides, as among rules.
 *
 * Returns 0, -EINVAL (an item is wrong) or -ENOMEM.
 */
int policy_grants_add(struct policy *policy, const struct policy_grant *grants, size_t n);

#endif
