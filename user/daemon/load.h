/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a name or a file to a compiled policy, with what there is to say about it. */
#ifndef WEIR_DAEMON_LOAD_H
#define WEIR_DAEMON_LOAD_H

#include <stddef.h>

#include "base/buf.h"
#include "policy/compile.h"
#include "policy/policy.h"

/*
 * The file a policy name stands for: NAME.yaml in the policy folders, the
 * operator's first. What holds a '/' or ends in ".yaml" is a file already.
 *
 * Returns 0 and a heap string, -ENOENT (no folder has it) or -ENOMEM.
 */
int load_find(const char *name, char **ret);

/*
 * Reads and compiles a file. `text` receives what is to be said: the errors
 * (on -EINVAL), or the notes.
 *
 * Returns 0 and *ret (policy_compiled_free), -EINVAL or -ENOMEM.
 */
int load_file(const char *path, const struct policy_pair *set, size_t n_set, struct buf *text,
	      struct policy_compiled **ret);

/* Rules and path patterns it has, for people. */
size_t load_rule_count(const struct policy_compiled *compiled);

#endif
