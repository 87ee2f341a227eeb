/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The path tables of a policy, as kernel and user side share them: nodes, edges
 * and the automata for wildcards; and what directories were found to mean.
 * Part of abi.h.
 */
#ifndef WEIR_PATHS_H
#define WEIR_PATHS_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define WEIR_PATH_MAX 4096		/* bytes of a path, as '/'-joined text */
#define WEIR_NAME_MAX 255		/* bytes of one component (NAME_MAX) */
#define WEIR_CHUNK 28			/* bytes of a component one edge carries */

/*
 * Which rule decided. 0: none did. Otherwise bit 15 says deny, and the low
 * 14 bits are 1 + the index of the rule in its section's allow or deny list.
 * With bit 14 it is a grant: the low bits are its slot, and bit 13 says that
 * its uses are counted.
 */
typedef __u16 weir_rule_t;
#define WEIR_RULE_NONE 0
#define WEIR_RULE_DENY 0x8000
#define WEIR_RULE_GRANT 0x4000
#define WEIR_RULE_ONCE 0x2000
#define WEIR_RULES_MAX 0x3ffe
#define WEIR_GRANTS_MAX 256		/* grants at one time, of all weirs */
#define WEIR_GRANT_SLOT(rule) ((rule) & (WEIR_GRANTS_MAX - 1))

enum weir_access {
	WEIR_ACCESS_READ,
	WEIR_ACCESS_WRITE,
	WEIR_ACCESS_CREATE,
	WEIR_ACCESS_DELETE,
	WEIR_ACCESS_EXECUTE,
	WEIR_ACCESS_COUNT,
};
#define WEIR_ACCESS_BIT(access) (1u << (access))

/*
 * The path trie. A component of the path is cut into chunks of WEIR_CHUNK
 * bytes, zero-padded; a component whose length is a multiple of WEIR_CHUNK
 * ends with an all-zero chunk. Following one edge per chunk from node leads
 * to the child. A key that is absent: the path leaves the trie here.
 */
struct weir_edge_key {
	__u32 node;
	__u8 chunk[WEIR_CHUNK];
};

#define WEIR_NODE_ROOT 1	/* the node of "/"; node 0 is unused */

/*
 * Of network.unix, in the same tables: the node of "/" for the paths of
 * sockets, and the one from which an abstract name leads on, as one component.
 * Below them rules stand under WEIR_ACCESS_READ alone.
 */
#define WEIR_NODE_UNIX 2
#define WEIR_NODE_ABSTRACT 3

/* Names of another length are told to lead nowhere without being read. */
#define WEIR_LENGTH_BITS 27
#define WEIR_LENGTH_BIT(len) (1u << ((len) < WEIR_LENGTH_BITS ? (len) : WEIR_LENGTH_BITS - 1))

/* Some names: what each of them is like. None is empty. */
struct weir_names {
	__u32 lengths;		/* WEIR_LENGTH_BIT()s */
	__u32 first;		/* WEIR_BYTE_BIT()s of their first bytes */
	__u32 last;
};
#define WEIR_BYTE_BIT(byte) (1u << ((byte) & 31))

/*
 * Where a name leads from a node:
 * 1. along its edge for that name;
 * 2. without one, from a node that has no globs, to what the node `other` says
 *    of the name, if there is such a node and it is another;
 * 3. along the edge for the match of its globs that takes the name;
 * 4. without one, to `other`; 0: the path leaves the trie here for good.
 *
 * Rules by access: self for the path that ends at this node, below for those
 * that lead from here to `other`.
 */
struct weir_node {
	weir_rule_t self[WEIR_ACCESS_COUNT];
	weir_rule_t below[WEIR_ACCESS_COUNT];
	struct weir_names edges;	/* names that have an edge here */
	__u32 other;
	__u32 globs;		/* index of a struct weir_glob; 0: none */
	__u8 always;		/* WEIR_ACCESS_BIT()s of what is allowed below, always, by rules */
	__u8 ever;		/* and of what is allowed anywhere, by grants too */
	__u8 self_allows;	/* the same of self and below, not by grants */
	__u8 below_allows;
};

/*
 * A set of globs. A name can only be one of theirs if it has one of these
 * lengths, and its first byte or its last is told by its low six bits to be in.
 */
struct weir_glob {
	__u64 first;
	__u64 last;
	__u32 lengths;		/* WEIR_LENGTH_BIT()s */
	__u32 start;		/* the row at which a name begins */
};

/* A state of the automaton that reads a name. Row 0 takes nothing. */
struct weir_row {
	__u16 next[256];	/* by byte: the row after it */
	__u16 match;		/* of a name that ends here; 0: no glob takes it */
	__u16 stays;		/* 1: every byte leads back here */
};

/*
 * Edges that are not for a name: for a match of the globs of a node, and from a
 * child that a process's number led to, where the process is the workload's
 * own and goes by the name of self. What they are for is in the first bytes of
 * the chunk.
 */
#define WEIR_EDGE_MATCH(node) ((node) | 1u << 31)
#define WEIR_EDGE_OWN(node) ((node) | 1u << 30)

/* The names in a remembered directory: all but these lead where struct weir_dir says. */
struct weir_dir_names {
	__u64 first;		/* of those that globs take, as in struct weir_glob */
	__u64 last;
	__u32 node;		/* which says where these lead */
	struct weir_names edges;
};

/*
 * One remembered directory, in two parts: most accesses need the first alone.
 * A seal is of its part and whose it is: see dir_seal().
 */
struct weir_dir {
	__u64 seal;
	__u64 found;		/* what is known of most names in it: see FOUND() */
	__u64 counts;		/* of renames and mounts, around the walk */
	__u64 chain;		/* of the directories above it: see weir_chain() */
	__u64 names_seal;
	struct weir_dir_names names;
};
#define WEIR_DIRS_BITS 14	/* 16,384 directories */

_Static_assert(sizeof(struct weir_edge_key) == 32, "layout");
_Static_assert(sizeof(struct weir_node) == 44, "layout");
_Static_assert(sizeof(struct weir_dir) == 72, "layout");
_Static_assert(sizeof(struct weir_glob) == 24, "layout");
_Static_assert(sizeof(struct weir_row) == 516, "layout");
_Static_assert(WEIR_LENGTH_BITS + WEIR_ACCESS_COUNT <= 32, "FOUND() has a word for both");

#endif
