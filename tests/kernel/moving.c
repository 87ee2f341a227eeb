// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* See moving.h. */
#include "moving.h"

#include <stdio.h>
#include <string.h>

/* Names around the 28 bytes that one step through the tables takes are among them. */
const char *const moving_names[NAME_COUNT] = {
	"a", "b", "some.d", "abcdefghijklmnopqrstuvwxyz012", "mount", "f", "key.pem", "other.txt",
};

struct moving_state *moving_next(struct moving *moving)
{
	struct moving_state *next = &moving->states[(moving->done + 1) % MOVING_STATES];

	*next = moving->states[moving->done % MOVING_STATES];
	return next;
}

void moving_begin(struct moving *moving)
{
	moving->begun = moving->done + 1;
}

void moving_end(struct moving *moving)
{
	moving->done = moving->begun;
}

unsigned int moving_child(const struct moving_state *state, unsigned int dir, unsigned int name)
{
	unsigned int i;

	for (i = NODE_TOP + 1; i < NODE_COUNT; i++)
		if (node_is_there(state, i) && state->nodes[i].parent == dir &&
		    state->nodes[i].name == name)
			return i;
	return 0;
}

bool moving_is_below(const struct moving_state *state, unsigned int node, unsigned int dir)
{
	while (node != dir && node != NODE_TOP)
		node = state->nodes[node].parent;
	return node == dir;
}

static bool path_put(struct moving_path *path, uint8_t name)
{
	if (path->count == MOVING_NAMES)
		return false;
	memmove(path->names + 1, path->names, path->count++);
	path->names[0] = name;
	return true;
}

/*
 * Puts the names from a node up to a directory in front of a path. What was
 * removed keeps its last name; its directory must not have been made anew.
 */
static bool path_climb(const struct moving_state *state, unsigned int node, unsigned int to,
		       struct moving_path *path)
{
	const struct moving_node *at;

	for (; node != to; node = at->parent) {
		at = &state->nodes[node];
		if (node == NODE_TOP || !path_put(path, at->name))
			return false;
	}
	return true;
}

bool moving_path(const struct moving_state *state, unsigned int node, bool mounted,
		 struct moving_path *ret)
{
	ret->count = 0;
	return !mounted ? path_climb(state, node, NODE_TOP, ret) :
			  path_climb(state, node, state->source, ret) &&
				  path_climb(state, NODE_MOUNT, NODE_TOP, ret);
}

void moving_path_text(const char *before, const struct moving_path *path, char *text, int size)
{
	int len = snprintf(text, (size_t)size, "%s", before), i;

	for (i = 0; i < path->count && len < size; i++)
		len += snprintf(text + len, (size_t)(size - len), "%s%s", len ? "/" : "",
				moving_names[path->names[i]]);
}

/* An object that a look-up may have come to, and since which state. */
struct spot {
	uint64_t since;
	uint8_t node;
	uint16_t life;		/* which of its lives */
	uint16_t mount;		/* seen through which: 1 + moving_state.mounts; 0: none */
};

#define SPOTS_MAX 24

struct spots {
	struct spot all[SPOTS_MAX];
	unsigned int count;
	bool full;
};

struct lookup {
	const struct moving *moving;
	uint64_t last;
	unsigned int may;
};

static const struct moving_state *state_at(const struct lookup *lookup, uint64_t index)
{
	return &lookup->moving->states[index % MOVING_STATES];
}

/* What can be reached earlier can be reached later too: the first state is enough. */
static void spot_add(struct spots *spots, struct spot spot)
{
	unsigned int i;

	for (i = 0; i < spots->count; i++) {
		struct spot *other = &spots->all[i];

		if (other->node != spot.node || other->life != spot.life ||
		    other->mount != spot.mount)
			continue;
		if (spot.since < other->since)
			other->since = spot.since;
		return;
	}
	spots->full |= spots->count == SPOTS_MAX;
	if (!spots->full)
		spots->all[spots->count++] = spot;
}

/* Where a name leads from a spot, in each state from when it was reached. */
static void spot_follow(struct lookup *lookup, const struct spot *from, unsigned int name,
			struct spots *ret)
{
	uint64_t i;

	for (i = from->since; i <= lookup->last; i++) {
		const struct moving_state *state = state_at(lookup, i);
		unsigned int child = moving_child(state, from->node, name);

		if (state->nodes[from->node].life != from->life)
			child = 0;	/* removed meanwhile: nothing is in it */
		if (child)
			spot_add(ret, (struct spot){i, (uint8_t)child, state->nodes[child].life,
						    from->mount});
		else
			lookup->may |= MAY_MISS;
	}
}

/* From the mount point on to what is mounted there, where something is. */
static void spots_cross(const struct lookup *lookup, struct spots *spots)
{
	struct spots crossed = {.full = spots->full};
	unsigned int n;
	uint64_t i;

	for (n = 0; n < spots->count; n++) {
		struct spot spot = spots->all[n];

		if (spot.node != NODE_MOUNT || spot.mount) {
			spot_add(&crossed, spot);
			continue;
		}
		for (i = spot.since; i <= lookup->last; i++) {
			const struct moving_state *state = state_at(lookup, i);

			spot.since = i;
			if (state->source)
				spot_add(&crossed, (struct spot){i, state->source, 1,
								 (uint16_t)(state->mounts + 1)});
			else
				spot_add(&crossed, spot);
		}
	}
	*spots = crossed;
}

/* Made anew since what was in it was removed: of the latter no name is known. */
static bool spot_is_lost(const struct moving_state *state, const struct spot *spot)
{
	unsigned int parent = state->nodes[spot->node].parent;

	if (state->nodes[spot->node].life > spot->life + 1)
		return true;
	return (parent == NODE_OUTER || parent == NODE_INNER) &&
	       (state->nodes[parent].life > spot->life + 1 ||
		state->nodes[NODE_OUTER].life > spot->life + 1);
}

static unsigned int spot_decide(const struct moving_state *state, const struct spot *spot,
				moving_allows_fn allows, void *context)
{
	struct moving_path path;

	if (spot->mount && (!state->source || state->mounts + 1 != spot->mount))
		return MAY_DENY;	/* the mount is no more: it has no path */
	if (spot_is_lost(state, spot))
		return MAY_ALLOW | MAY_DENY;
	if (!moving_path(state, spot->node, spot->mount, &path))
		return MAY_DENY;	/* moved out of what is mounted */
	return allows(context, &path) ? MAY_ALLOW : MAY_DENY;
}

unsigned int moving_answers(const struct moving *moving, uint64_t first, uint64_t last,
			    unsigned int from, const struct moving_path *path,
			    moving_allows_fn allows, void *context)
{
	struct lookup lookup = {.moving = moving, .last = last};
	struct spots spots = {.count = 1}, next;
	unsigned int i, n;
	uint64_t at;

	if (last - first > MOVING_STATES / 2)
		return 0;
	spots.all[0] = (struct spot){first, (uint8_t)from, 1, 0};
	for (i = 0; i < path->count; i++) {
		next.count = 0;
		next.full = spots.full;
		for (n = 0; n < spots.count; n++)
			spot_follow(&lookup, &spots.all[n], path->names[i], &next);
		spots_cross(&lookup, &next);
		spots = next;
	}
	for (n = 0; n < spots.count; n++)
		for (at = spots.all[n].since; at <= last; at++)
			lookup.may |= spot_decide(state_at(&lookup, at), &spots.all[n], allows,
						  context);
	if (spots.full || moving->begun - first >= MOVING_STATES - 1)
		return 0;	/* meanwhile overwritten */
	return lookup.may;
}
