/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What has changed between two versions of a policy, in words. */
#ifndef WEIR_POLICY_DIFF_H
#define WEIR_POLICY_DIFF_H

#include <stddef.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "policy/policy.h"

/*
 * What a policy says, rule by rule, in a form small enough to keep while it is in
 * force. Of a rule with very many entries only their number and a sum are kept.
 */
struct policy_outline;

/* Returns 0 and *ret (policy_outline_free), or -ENOMEM. */
int policy_outline(const struct policy *policy, struct policy_outline **ret);
void policy_outline_free(struct policy_outline *outline);
DEFINE_CLEANUP(struct policy_outline, policy_outline_free);
#define _cleanup_outline_ _cleanup_(cleanup_policy_outline_free)

/*
 * Appends a line for each rule that was added, removed or changed, and one for what
 * else the policy says:
 *
 *   added rule network.allow git: address 10.20.0.0/16, port 22
 *   removed rule files.deny secrets: path /srv/.env, access read
 *   changed rule network.allow web: now also port 8443; no longer port 80
 *   changed policy: now mode audit; no longer mode enforce
 *
 * Returns the number of lines; failures of memory are left in out->error. Both keep texts of
 * what was shown.
 */
size_t policy_diff(struct policy_outline *before, struct policy_outline *after, struct buf *out);

#endif
