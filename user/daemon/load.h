/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a name or a file to a compiled policy, with what there is to say about it. */
#ifndef WEIR_DAEMON_LOAD_H
#define WEIR_DAEMON_LOAD_H

#include <stddef.h>

#include "base/buf.h"
#include "policy/compile.h"
#include "policy/diff.h"
#include "policy/grant.h"
#include "policy/policy.h"

/* Where policies are looked up by name, the first that has one wins. */
struct load_folders {
	const char *const *list;
	size_t n;
};

/* The operator's, then those that come with weir. */
extern const struct load_folders load_folders;

/*
 * The file a policy name stands for: NAME.yaml in a folder. What holds a '/' or ends in
 * ".yaml" is a file already.
 *
 * Returns 0 and a heap string, -ENOENT (no folder has it) or -ENOMEM.
 */
int load_find(const struct load_folders *folders, const char *name, char **ret);

/*
 * Reads and compiles a file. `text` receives what is to be said: the errors
 * (on -EINVAL), or the notes.
 *
 * @grants: added to the policy, whose digest and outline stay what they are without
 * @ret_outline: NULL, or for policy_diff() (policy_outline_free)
 *
 * Returns 0 and *ret (policy_compiled_free), -EINVAL or -ENOMEM.
 */
int load_file(const struct load_folders *folders, const char *path, const struct policy_pair *set,
	      size_t n_set, const struct policy_grant *grants, size_t n_grants,
	      struct buf *text, struct policy_compiled **ret,
	      struct policy_outline **ret_outline);

/* Rules and path patterns it has, for people. */
size_t load_rule_count(const struct policy_compiled *compiled);

#endif
