/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A policy as a tree: what a file says, checked, includes and parameters
 * resolved, every rule with its place.
 */
#ifndef WEIR_POLICY_POLICY_H
#define WEIR_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/cleanup.h"

enum policy_section {
	POLICY_SECTION_NETWORK,
	POLICY_SECTION_LISTEN,	/* network.listen */
	POLICY_SECTION_UNIX,	/* network.unix */
	POLICY_SECTION_FILES,
	POLICY_SECTION_GUARD,
	POLICY_SECTION_COUNT,
};

/* "network", "listen", "unix", "files", "guard" */
const char *policy_section_name(enum policy_section section);

struct policy_pair {
	char *key;
	char *value;
};

/* Frees an array of pairs, and what is in them. */
void policy_pairs_free(struct policy_pair *pairs, size_t n);

struct policy;		/* defined in tree.h; only user/policy looks inside */

/*
 * Every error found, as text for people, in the order of the file:
 * "FILE:LINE:COLUMN: message", the line, a caret, what would be accepted.
 * Zero-initialise; policy_errors_done() frees the text.
 */
struct policy_errors {
	struct buf text;
	size_t count;
};
void policy_errors_done(struct policy_errors *errors);

/* How a policy is to be read. Everything is borrowed for the call. */
struct policy_options {
	const struct policy_pair *set;	/* --set values for parameters */
	size_t n_set;
	const char *const *folders;	/* of included names, after the file's own */
	size_t n_folders;
};

/*
 * Reads a policy file, its includes, and substitutes parameters. The file is
 * taken whole or refused whole.
 *
 * Returns 0 and *ret (freed with policy_free), -EINVAL (errors says what and
 * where; also when a file cannot be read) or -ENOMEM.
 */
int policy_read(const char *path, const struct policy_options *options,
		struct policy_errors *errors, struct policy **ret);

/*
 * The same for text in memory; `name` stands for the file in messages.
 * Includes are looked up in options->folders only.
 */
int policy_read_text(const char *name, const char *text, size_t len,
		     const struct policy_options *options, struct policy_errors *errors,
		     struct policy **ret);

void policy_free(struct policy *policy);
DEFINE_CLEANUP(struct policy, policy_free);
#define _cleanup_policy_ _cleanup_(cleanup_policy_free)

#endif
