/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is right in a policy and may still surprise on this machine. */
#ifndef WEIR_POLICY_NOTES_H
#define WEIR_POLICY_NOTES_H

#include "base/buf.h"
#include "policy/policy.h"

/*
 * Appends a line "FILE:LINE:COLUMN: note: …" for every symbolic link that a
 * path pattern goes through on this machine, once a rule and link: patterns
 * match real names only. Nothing is said where the policy does the same for
 * the real name already. Looks at the file system; changes nothing.
 */
void policy_notes(const struct policy *policy, struct buf *ret);

#endif
