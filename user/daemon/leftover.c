// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Scopes whose weir is dead: finding them, and ending those that are empty; see leftover.h. */
#include "daemon/leftover.h"

#include <string.h>

#include "daemon/session.h"
#include "kern/cgroup.h"

/* 1: processes live in the cgroup, or it cannot be told; 0: none, or the cgroup is gone. */
static int cgroup_lives(uint64_t id, char **ret_path)
{
	_cleanup_cgroup_ struct cgroup cgroup = {.fd = -1};
	int r;

	r = cgroup_path_of(id, ret_path);
	if (r >= 0)
		r = cgroup_open(*ret_path, &cgroup);
	if (r >= 0)
		r = cgroup_populated(&cgroup);
	/* only "there is none" means that nothing lives there */
	return r > 0 || (r < 0 && r != -ESTALE && r != -ENOENT && r != -ENODEV);
}

/* Made by "weir run"; others are not weir's to remove, and somebody may enter them yet. */
static bool cgroup_own(const char *path)
{
	return strncmp(strrchr(path, '/') + 1, SESSION_CGROUP, strlen(SESSION_CGROUP)) == 0;
}

/* What is known of the cgroup a dead weir confined, and of tasks that were moved out of it. */
static int leftover_look(struct kern *kern, const struct kern_orphan *orphan, struct leftover *ret)
{
	_cleanup_free_ char *path = NULL;
	const char *what = "its cgroup is gone; the next \"weir run\" clears it up";
	bool populated;

	populated = cgroup_lives(orphan->cgroup_id, &path) || (path && !cgroup_own(path)) ||
		    kern_marks(kern, orphan->scope) != 0;
	if (orphan->daemons)
		what = "the daemon has ended; it stays confined, and the next daemon takes it over";
	else if (populated)
		what = "its weir has ended; what it confined still lives, and stays confined";
	else if (path)
		what = "its weir has ended, nothing it ran is left; the next \"weir run\" clears it up";
	if (asprintf(&ret->text, "%s: %s", path ? path : "?", what) < 0) {
		ret->text = NULL;
		return -ENOMEM;
	}
	ret->cgroup_id = orphan->cgroup_id;
	ret->cgroup = TAKE_PTR(path);
	ret->populated = populated;
	return 0;
}

/* Nothing lives in it: first the cgroup goes, then, as nothing can enter, what confined it. */
static int leftover_clear(struct kern *kern, const struct leftover *leftover, weir_scope_t scope)
{
	_cleanup_cgroup_ struct cgroup cgroup = {.fd = -1};
	int r;

	if (leftover->cgroup) {
		r = cgroup_open(leftover->cgroup, &cgroup);
		if (r >= 0 && cgroup.id != leftover->cgroup_id)
			return -ESTALE;
		if (r >= 0)
			r = cgroup_remove(&cgroup);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return kern_scope_detach(kern, scope);
}

static int leftovers_add(struct leftovers *leftovers, struct leftover *item)
{
	struct leftover *items = reallocarray(leftovers->items, leftovers->n + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	leftovers->items = items;
	items[leftovers->n++] = *item;
	*item = (struct leftover){0};
	return 0;
}

static void leftover_done(struct leftover *leftover)
{
	free(leftover->cgroup);
	free(leftover->text);
	*leftover = (struct leftover){0};
}

static int orphan_look(struct kern *kern, const struct kern_orphan *orphan, bool sweep,
		       struct leftovers *leftovers)
{
	_cleanup_(leftover_done) struct leftover leftover = {0};
	int r = leftover_look(kern, orphan, &leftover);

	if (r < 0)
		return r;
	/* the next daemon records the end of what was a daemon's */
	if (sweep && !orphan->daemons && !leftover.populated &&
	    leftover_clear(kern, &leftover, orphan->scope) == 0)
		return 0;
	return leftovers_add(leftovers, &leftover);
}

int leftovers_find(struct kern *kern, bool sweep, struct leftovers *ret)
{
	_cleanup_leftovers_ struct leftovers found = {0};
	_cleanup_free_ struct kern_orphan *orphans = NULL;
	size_t n = 0;
	int r;

	r = kern_orphans(kern, &orphans, &n);
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = orphan_look(kern, &orphans[i], sweep, &found);
	if (r < 0)
		return r;
	if (sweep)
		kern_orphans_end(kern);
	*ret = found;
	found = (struct leftovers){0};
	return 0;
}

void leftovers_done(struct leftovers *leftovers)
{
	for (size_t i = 0; i < leftovers->n; i++)
		leftover_done(&leftovers->items[i]);
	free(leftovers->items);
	*leftovers = (struct leftovers){0};
}
