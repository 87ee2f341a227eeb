// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* See mover.h. */
#include "mover.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"

#define TEXT_SIZE 4096

static const struct moving_state *now(const struct mover *mover)
{
	return &mover->moving->states[mover->moving->done % MOVING_STATES];
}

static const char *name_of(const struct moving_state *state, unsigned int node)
{
	return moving_names[state->nodes[node].name];
}

static unsigned int depth_of(const struct moving_state *state, unsigned int node)
{
	unsigned int depth = 0;

	for (; node != NODE_TOP; node = state->nodes[node].parent)
		depth++;
	return depth;
}

/* How many directories the deepest one below a directory lies below it. */
static unsigned int height_of(const struct moving_state *state, unsigned int dir)
{
	unsigned int i, depth, height = 0;

	for (i = NODE_TOP + 1; i < NODE_FILE_FIRST; i++) {
		if (!node_is_there(state, i) || !moving_is_below(state, i, dir))
			continue;
		depth = depth_of(state, i) - depth_of(state, dir);
		height = depth > height ? depth : height;
	}
	return height;
}

static unsigned int random_stays(void)
{
	return random_below(NODE_DIR_LAST + 1);
}

static bool is_mounted_on(const struct moving_state *state, unsigned int node)
{
	return node == NODE_MOUNT && state->source;
}

/* After a call that changes the tree as the next state says. */
static void change_end(struct mover *mover, int result, const char *what)
{
	if (result < 0)
		fatal("%s: cannot %s: %s", mover->top, what, strerror(errno));
	moving_end(mover->moving);
	mover->changes++;
}

static void rename_step(struct mover *mover, unsigned int node, unsigned int to, unsigned int name)
{
	const struct moving_state *old = now(mover);
	struct moving_state *new = moving_next(mover->moving);

	new->nodes[node].parent = (uint8_t)to;
	new->nodes[node].name = (uint8_t)name;
	moving_begin(mover->moving);
	change_end(mover,
		   renameat2(mover->dirs[old->nodes[node].parent], name_of(old, node),
			     mover->dirs[to], moving_names[name], RENAME_NOREPLACE),
		   "rename");
}

static void dir_rename(struct mover *mover)
{
	const struct moving_state *state = now(mover);
	unsigned int node = NODE_DIR_FIRST + random_below(NODE_OUTER), to = random_stays(), name;

	name = node == NODE_MOUNT ? NAME_MOUNT : random_below(NAME_MOUNT);
	if (!node_is_there(state, node) || is_mounted_on(state, node) ||
	    moving_is_below(state, to, node) || moving_child(state, to, name) ||
	    depth_of(state, to) + 1 + height_of(state, node) > MOVING_DEPTH)
		return;
	rename_step(mover, node, to, name);
}

static void dirs_exchange(struct mover *mover)
{
	const struct moving_state *old = now(mover);
	unsigned int one = NODE_DIR_FIRST + random_below(NODE_DIR_LAST);
	unsigned int other = NODE_DIR_FIRST + random_below(NODE_DIR_LAST);
	struct moving_state *new;

	if (moving_is_below(old, one, other) || moving_is_below(old, other, one) ||
	    depth_of(old, one) + height_of(old, other) > MOVING_DEPTH ||
	    depth_of(old, other) + height_of(old, one) > MOVING_DEPTH)
		return;
	new = moving_next(mover->moving);
	new->nodes[one].parent = old->nodes[other].parent;
	new->nodes[one].name = old->nodes[other].name;
	new->nodes[other].parent = old->nodes[one].parent;
	new->nodes[other].name = old->nodes[one].name;
	moving_begin(mover->moving);
	change_end(mover,
		   renameat2(mover->dirs[old->nodes[one].parent], name_of(old, one),
			     mover->dirs[old->nodes[other].parent], name_of(old, other),
			     RENAME_EXCHANGE),
		   "exchange");
}

static unsigned int file_name_random(void)
{
	return NAME_FILE_FIRST + random_below(NAME_COUNT - NAME_FILE_FIRST);
}

static void file_rename(struct mover *mover)
{
	unsigned int node = NODE_FILE_FIRST + random_below(NODE_LINK - NODE_FILE_FIRST + 1);
	unsigned int to = random_stays(), name = file_name_random();

	if (node_is_there(now(mover), node) && !moving_child(now(mover), to, name))
		rename_step(mover, node, to, name);
}

/* The next state with a node made or removed. */
static struct moving_state *life_next(struct mover *mover, unsigned int node, unsigned int parent,
				      unsigned int name)
{
	struct moving_state *new = moving_next(mover->moving);

	new->nodes[node].life++;
	new->nodes[node].parent = (uint8_t)parent;
	new->nodes[node].name = (uint8_t)name;
	return new;
}

static void link_step(struct mover *mover)
{
	const struct moving_state *state = now(mover);
	const struct moving_node *link = &state->nodes[NODE_LINK];
	const struct moving_node *file = &state->nodes[NODE_FILE_FIRST];
	unsigned int to = random_stays(), name = file_name_random();

	if (node_is_there(state, NODE_LINK)) {
		life_next(mover, NODE_LINK, link->parent, link->name);
		moving_begin(mover->moving);
		change_end(mover,
			   unlinkat(mover->dirs[link->parent], name_of(state, NODE_LINK), 0),
			   "unlink");
	} else if (!moving_child(state, to, name)) {
		life_next(mover, NODE_LINK, to, name);
		moving_begin(mover->moving);
		change_end(mover,
			   linkat(mover->dirs[file->parent], name_of(state, NODE_FILE_FIRST),
				  mover->dirs[to], moving_names[name], 0),
			   "link");
	}
}

/* What comes and goes lies in a directory that stays; its path from there. */
static void coming_path(const struct moving_state *state, unsigned int node, char text[TEXT_SIZE])
{
	snprintf(text, TEXT_SIZE, "%s%s%s%s%s", name_of(state, NODE_OUTER),
		 node > NODE_OUTER ? "/" : "", node > NODE_OUTER ? name_of(state, NODE_INNER) : "",
		 node == NODE_LEAF ? "/" : "", node == NODE_LEAF ? name_of(state, NODE_LEAF) : "");
}

static int file_make(int dir, const char *path)
{
	int fd = openat(dir, path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);

	return fd < 0 ? -1 : close(fd);
}

static int coming_make(int dir, const char *path, unsigned int node)
{
	return node == NODE_LEAF ? file_make(dir, path) : mkdirat(dir, path, 0755);
}

/* Makes or removes one of the chain of those that come and go. */
static void coming_step(struct mover *mover)
{
	static const uint8_t chain[] = {NODE_OUTER, NODE_INNER, NODE_LEAF};
	const struct moving_state *state = now(mover);
	unsigned int parent, name, node, i = 0;
	struct moving_state *new;
	char path[TEXT_SIZE];
	int dir;

	while (i < 3 && node_is_there(state, chain[i]))
		i++;
	if (i == 0 || i == 3)
		mover->removes = i == 3;
	node = chain[mover->removes ? i - 1 : i];
	parent = state->nodes[node].parent;
	name = state->nodes[node].name;
	if (!mover->removes) {
		parent = node == NODE_OUTER ? random_stays() : chain[i - 1];
		name = node == NODE_LEAF ? file_name_random() : random_below(NAME_MOUNT);
		if (node == NODE_OUTER && (moving_child(state, parent, name) ||
					   depth_of(state, parent) + 2 > MOVING_DEPTH))
			return;
	}
	new = life_next(mover, node, parent, name);
	coming_path(new, node, path);
	dir = mover->dirs[new->nodes[NODE_OUTER].parent];
	moving_begin(mover->moving);
	change_end(mover,
		   !mover->removes ? coming_make(dir, path, node) :
				     unlinkat(dir, path, node == NODE_LEAF ? 0 : AT_REMOVEDIR),
		   mover->removes ? "remove" : "make");
}

static void node_text(const struct mover *mover, unsigned int node, char text[TEXT_SIZE])
{
	struct moving_path path;

	moving_path(now(mover), node, false, &path);
	moving_path_text(mover->top, &path, text, TEXT_SIZE);
}

static void mount_step(struct mover *mover)
{
	char source[TEXT_SIZE], target[TEXT_SIZE];
	struct moving_state *new;
	unsigned int node = NODE_DIR_FIRST + random_below(NODE_DIR_LAST);

	node_text(mover, node, source);
	node_text(mover, NODE_MOUNT, target);
	new = moving_next(mover->moving);
	new->source = now(mover)->source ? 0 : (uint8_t)node;
	new->mounts = (uint8_t)(new->mounts + !!new->source);
	moving_begin(mover->moving);
	change_end(mover,
		   new->source ? mount(source, target, NULL, MS_BIND, NULL) :
				 umount2(target, MNT_DETACH),
		   new->source ? "mount" : "unmount");
}

void mover_step(struct mover *mover, bool calm)
{
	unsigned int kind = random_below(64);

	if (calm || kind < 16)
		coming_step(mover);
	else if (kind < 20)
		link_step(mover);
	else if (kind < 28)
		file_rename(mover);
	else if (kind < 48)
		dir_rename(mover);
	else if (kind < 62)
		dirs_exchange(mover);
	else
		mount_step(mover);
}

void mover_dirs_open(const char *top, const struct moving_state *state, int dirs[NODE_MOUNT + 1])
{
	struct moving_path path;
	char text[TEXT_SIZE];
	unsigned int i;

	for (i = 0; i <= NODE_MOUNT; i++) {
		moving_path(state, i, false, &path);
		moving_path_text(top, &path, text, sizeof(text));
		dirs[i] = open(text, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (dirs[i] < 0)
			fatal("cannot open %s: %s", text, strerror(errno));
	}
}

/* Makes a node where the first state has it; of those before it there are all. */
static void node_make(const struct mover *mover, unsigned int node, unsigned int parent,
		      unsigned int name)
{
	struct moving_node *at = &mover->moving->states[0].nodes[node];
	char path[TEXT_SIZE];

	*at = (struct moving_node){(uint8_t)parent, (uint8_t)name, 1};
	node_text(mover, node, path);
	if (node < NODE_FILE_FIRST ? mkdir(path, 0755) < 0 : file_make(AT_FDCWD, path) < 0)
		fatal("cannot make %s: %s", path, strerror(errno));
}

void mover_open(const char *top, struct moving *moving, struct mover *ret)
{
	unsigned int i;

	*ret = (struct mover){.moving = moving, .top = top};
	memset(moving, 0, sizeof(*moving));
	node_make(ret, NODE_TOP, NODE_TOP, 0);
	for (i = NODE_DIR_FIRST; i <= NODE_DIR_LAST; i++)
		node_make(ret, i, (i - 1) / 2, i % 2);	/* a tree with two branches */
	node_make(ret, NODE_MOUNT, 1, NAME_MOUNT);
	for (i = NODE_FILE_FIRST; i <= NODE_FILE_LAST; i++)
		node_make(ret, i, NODE_DIR_LAST - (i - NODE_FILE_FIRST), NAME_FILE_FIRST);
	mover_dirs_open(top, &moving->states[0], ret->dirs);
}

void mover_close(struct mover *mover)
{
	char target[TEXT_SIZE];
	unsigned int i;

	node_text(mover, NODE_MOUNT, target);
	if (now(mover)->source && umount2(target, MNT_DETACH) < 0)
		fatal("cannot unmount %s: %s", target, strerror(errno));
	for (i = 0; i <= NODE_MOUNT; i++)
		close(mover->dirs[i]);
}
