/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a policy tree to arrays of abi.h keys and values: what kern/apply
 * writes into maps, and nothing else. Pure: no clock, no kernel, no log.
 */
#ifndef WEIR_POLICY_COMPILE_H
#define WEIR_POLICY_COMPILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "policy/policy.h"
#include "weir/abi.h"

/* A rule as records and messages name it. Strings owned by the compiled policy. */
struct compiled_rule {
	char *name;
	char *file;
	unsigned int line;
	unsigned int column;
};

struct compiled_rules {
	struct compiled_rule *allow;
	size_t n_allow;
	struct compiled_rule *deny;
	size_t n_deny;
};

/* A grant that has rules in the tables, by its slot. */
struct compiled_grant {
	char *name;		/* "grant-1" */
	uint32_t slot;
	uint64_t expires_ns;	/* CLOCK_BOOTTIME */
};

/* Something the policy asks for that this version of weir cannot enforce. */
struct compiled_gap {
	enum policy_section section;
	char *text;	/* "FILE:LINE:COLUMN: what; remedy" */
};

struct policy_compiled {
	char *name;
	char *description;		/* NULL: none */
	char digest[72];		/* "sha256:" and 64 hexadecimal digits */
	struct policy_pair *identity;	/* key, value */
	size_t n_identity;
	struct policy_pair *parameters;	/* name, value in force */
	size_t n_parameters;

	uint32_t flags;			/* enum weir_instance_flag */
	uint64_t expires_s;		/* UTC seconds since 1970; 0: never */
	bool present[POLICY_SECTION_COUNT];	/* the section stands in the file */
	bool unrestricted[POLICY_SECTION_COUNT];

	struct weir_net *nets;
	size_t n_nets;
	uint32_t any_v4, any_v6;	/* port sets of 0.0.0.0/0 and ::/0 */
	size_t n_addresses;		/* prefixes that decide otherwise than what covers them */
	struct weir_portset *portsets;
	size_t n_portsets;
	struct weir_segment *segments;
	size_t n_segments;

	/* n_edges keys and, for each, the child node; nodes[0] is unused */
	struct weir_edge_key *edge_keys;
	uint32_t *edge_values;
	size_t n_edges;
	struct weir_node *nodes;
	size_t n_nodes;
	struct weir_glob *globs;	/* globs[0] is unused */
	size_t n_globs;
	struct weir_row *rows;		/* rows[0] takes nothing */
	size_t n_rows;

	struct compiled_rules network;
	struct compiled_rules listen;		/* network.listen: allow alone */
	struct compiled_rules unix_sockets;	/* network.unix: allow alone */
	struct compiled_rules files;

	struct compiled_grant *grants;	/* no part of the policy, nor of its digest */
	size_t n_grants;

	struct compiled_gap *gaps;	/* none: enforceable by this version */
	size_t n_gaps;
};

/*
 * Compiles a policy that was read. Errors found only here (limits) are added
 * to errors, with their places.
 *
 * Returns 0 and *ret (freed with policy_compiled_free), -EINVAL (errors says
 * why) or -ENOMEM.
 */
int policy_compile(const struct policy *policy, struct policy_errors *errors,
		   struct policy_compiled **ret);

void policy_compiled_free(struct policy_compiled *compiled);
DEFINE_CLEANUP(struct policy_compiled, policy_compiled_free);
#define _cleanup_policy_compiled_ _cleanup_(cleanup_policy_compiled_free)

#endif
