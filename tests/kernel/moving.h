/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A tree of directories that is changed while it is used, as the model sees
 * it: one writer changes it call by call and tells, around each call, what the
 * tree was and will be; who uses it asks what may have come of a path in any
 * state that the tree had meanwhile. Lies in memory that processes share.
 */
#ifndef WEIR_TESTS_KERNEL_MOVING_H
#define WEIR_TESTS_KERNEL_MOVING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Names, by index; those of directories and of files are not the same. */
enum moving_name {
	NAME_DIR_FIRST,
	NAME_MOUNT = 4,		/* of the mount point alone */
	NAME_FILE_FIRST,
	NAME_COUNT = 8,
};
extern const char *const moving_names[NAME_COUNT];

/* Nodes of the tree, by index: directories, those that come and go, then files. */
enum moving_node_index {
	NODE_TOP,
	NODE_DIR_FIRST,
	NODE_DIR_LAST = 10,
	NODE_MOUNT,		/* an empty directory on which others are mounted */
	NODE_OUTER,		/* made and removed, with NODE_INNER and NODE_LEAF in it */
	NODE_INNER,
	NODE_FILE_FIRST,
	NODE_FILE_LAST = 18,
	NODE_LINK,		/* another name of the first file; made and removed */
	NODE_LEAF,
	NODE_COUNT,
};

struct moving_node {
	uint8_t parent;		/* as it was last, when it is no more */
	uint8_t name;
	uint16_t life;		/* odd: it is there; counted up when it is made and removed */
};

struct moving_state {
	struct moving_node nodes[NODE_COUNT];
	uint8_t source;		/* the directory that is mounted on NODE_MOUNT; 0: none */
	uint8_t mounts;		/* counts them */
};

#define MOVING_STATES 1024	/* that are kept */
#define MOVING_DEPTH 5		/* directories below the top, without those of a mount */
#define MOVING_NAMES 12		/* of a path below the top, with those of a mount */

struct moving {
	_Atomic uint64_t begun;	/* the state that the last call leads to */
	_Atomic uint64_t done;	/* the last state that was reached */
	struct moving_state states[MOVING_STATES];
};

/* The writer's: a copy of the state as it is, to be changed; then around the call. */
struct moving_state *moving_next(struct moving *moving);
void moving_begin(struct moving *moving);
void moving_end(struct moving *moving);

static inline bool node_is_there(const struct moving_state *state, unsigned int node)
{
	return state->nodes[node].life & 1;
}

/* The node of that name in a directory; 0: none is there. */
unsigned int moving_child(const struct moving_state *state, unsigned int dir, unsigned int name);

bool moving_is_below(const struct moving_state *state, unsigned int node, unsigned int dir);

/* A path below the top, outermost name first. */
struct moving_path {
	uint8_t names[MOVING_NAMES];
	uint8_t count;
};

/* The path of a node; of one that is mounted, as it is seen through the mount point. */
bool moving_path(const struct moving_state *state, unsigned int node, bool mounted,
		 struct moving_path *ret);

/* " a/b/c" with `before` in front of it. */
void moving_path_text(const char *before, const struct moving_path *path, char *text, int size);

/* What may come of a call, as bits. */
#define MAY_ALLOW 1u
#define MAY_DENY 2u
#define MAY_MISS 4u		/* there is no such path */
#define MAY_ALL 7u

/* Does the model allow a path? */
typedef bool (*moving_allows_fn)(void *context, const struct moving_path *path);

/*
 * What may come of looking up a path from a directory and deciding on what is
 * there, begun in state `first` and ended in `last`: names are looked up one
 * after the other, and decided is by the name that the object then has.
 * Returns 0 when states of this time are no longer kept.
 */
unsigned int moving_answers(const struct moving *moving, uint64_t first, uint64_t last,
			    unsigned int from, const struct moving_path *path,
			    moving_allows_fn allows, void *context);

#endif
