// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finding the cgroup that is meant; see place.h. */
#include "daemon/place.h"

#include <fts.h>
#include <limits.h>
#include <string.h>

#include "base/escape.h"

static void say(struct buf *why, const char *what, const char *name, const char *problem)
{
	buf_printf(why, "%s ", what);
	escape_word_add(why, name, strlen(name));
	buf_printf(why, " %s\n", problem);
}

/* Opens it under the name that it has without detours. */
static int canonical_open(const char *path, struct cgroup *ret)
{
	_cleanup_cgroup_ struct cgroup cgroup = {.fd = -1};
	_cleanup_free_ char *canonical = NULL;
	int r;

	r = cgroup_open(path, &cgroup);
	if (r >= 0)
		r = cgroup_path_of(cgroup.id, &canonical);
	if (r >= 0)
		r = cgroup_open(canonical, ret);
	return r;
}

static int path_find(const char *path, struct cgroup *ret, struct buf *why)
{
	char mount[PATH_MAX];
	int r;

	if (cgroup_mount_path(mount, sizeof(mount)) == 0 && strcmp(mount, "/") != 0 &&
	    cgroup_path_inside(path, mount))
		path += strlen(mount);
	r = canonical_open(*path ? path : "/", ret);
	if (r == -EINVAL)
		say(why, "the path", path, "does not begin with \"/\"");
	else if (r == -ENOENT || r == -ENOTDIR)
		say(why, "the cgroup", path, "does not exist");
	else if (r < 0)
		say(why, "cannot open the cgroup", path, strerror(-r));
	return r;
}

static int process_find(pid_t pid, struct cgroup *ret, struct buf *why)
{
	_cleanup_free_ char *path = NULL;
	int r = cgroup_of_process(pid, &path);

	if (r < 0) {
		buf_printf(why, "process %d: %s\n", (int)pid,
			   r == -ESRCH ? "there is none" : strerror(-r));
		return r;
	}
	return path_find(path, ret, why);
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

/*
 * Units lie in slices. What lies in user.slice is made by users, and so is what lies below
 * a unit: either may have any name.
 */
static bool holds_units(const FTSENT *entry)
{
	return entry->fts_level == 0 ||
	       (ends_with(entry->fts_name, ".slice") && strcmp(entry->fts_name, "user.slice") != 0);
}

/* Cgroups of this name where units lie, the first of them in ret. */
static size_t name_find(const char *mount, const char *name, char ret[PATH_MAX])
{
	char *const roots[] = {(char *)mount, NULL};
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	FTSENT *entry;
	size_t n = 0;

	while (tree && (entry = fts_read(tree))) {
		if (entry->fts_info != FTS_D)
			continue;
		if (entry->fts_level > 0 && strcmp(entry->fts_name, name) == 0 && n++ == 0)
			snprintf(ret, PATH_MAX, "%s", entry->fts_path + strlen(mount));
		if (!holds_units(entry))
			fts_set(tree, entry, FTS_SKIP);
	}
	if (tree)
		fts_close(tree);
	return n;
}

/* As systemctl(1): a name without the kind of a unit that has a cgroup is a service's. */
static bool has_kind(const char *unit)
{
	static const char *const kinds[] = {".service", ".scope", ".slice",
					    ".socket",	".mount", ".swap"};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (ends_with(unit, kinds[i]))
			return true;
	return false;
}

static int unit_find(const char *unit, struct cgroup *ret, struct buf *why)
{
	char mount[PATH_MAX], name[NAME_MAX + 1], path[PATH_MAX];
	size_t n;
	int r;

	if (strchr(unit, '/') || strlen(unit) + sizeof(".service") > sizeof(name)) {
		say(why, "the unit", unit, "cannot be one's name");
		return -EINVAL;
	}
	snprintf(name, sizeof(name), "%s%s", unit, has_kind(unit) ? "" : ".service");
	snprintf(path, sizeof(path), "/system.slice/%s", name);
	if (canonical_open(path, ret) == 0)
		return 0;
	r = cgroup_mount_path(mount, sizeof(mount));
	n = r < 0 ? 0 : name_find(mount, name, path);
	if (n == 1)
		return path_find(path, ret, why);
	say(why, "the unit", name,
	    n ? "has several cgroups; name one with --cgroup" : "has no cgroup: it does not run");
	return n ? -ENOTUNIQ : -ENOENT;
}

int place_find(const struct ctl_request *request, struct cgroup *ret, struct buf *why)
{
	switch (request->target) {
	case CTL_TARGET_PID:
		return process_find(request->pid, ret, why);
	case CTL_TARGET_UNIT:
		return unit_find(request->place, ret, why);
	default:
		return path_find(request->place, ret, why);
	}
}

int place_apart(const struct ctl_request *request, pid_t pid, struct buf *why)
{
	_cleanup_cgroup_ struct cgroup cgroup = {.fd = -1};
	_cleanup_free_ char *other = NULL;
	int r = place_find(request, &cgroup, why);

	if (r < 0)
		return r;
	r = cgroup_of_process(pid, &other);
	if (r >= 0 && !cgroup_path_inside(other, cgroup.path))
		return 0;
	say(why, "the cgroup", cgroup.path, "holds other processes too, as that of who asks");
	return -EBUSY;
}
