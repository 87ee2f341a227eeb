// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Folders of pins: claiming one, and ending those whose weir is dead; see leftover.h. */
#include "daemon/leftover.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "kern/cgroup.h"
#include "kern/kern.h"

#define RUN_PREFIX "run-"
#define FOLDER_MODE 0700

/* The descriptor's folder still has this name: nobody removed it before the lock was had. */
static bool folder_stands(int fd, int parent, const char *name)
{
	struct stat held, named;

	return fstat(fd, &held) == 0 && fstatat(parent, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

int leftover_claim(uint64_t cgroup_id, char **ret_path)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *path = NULL;
	int r;

	r = bpffs_ensure();
	if (r < 0)
		return r;
	if (mkdir(LEFTOVER_FOLDER, FOLDER_MODE) < 0 && errno != EEXIST)
		return -errno;
	if (asprintf(&path, LEFTOVER_FOLDER "/" RUN_PREFIX "%llu", (unsigned long long)cgroup_id) <
	    0) {
		path = NULL;
		return -ENOMEM;
	}
	/* again when another weir's sweep removed the folder while it was still without a lock */
	do {
		fd = fd_close(fd);
		if (mkdir(path, FOLDER_MODE) < 0)
			return -errno;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno != ENOENT)
			return -errno;
		if (fd >= 0 && flock(fd, LOCK_EX) < 0)
			return -errno;
	} while (fd < 0 || !folder_stands(fd, AT_FDCWD, path));
	*ret_path = TAKE_PTR(path);
	return TAKE_FD(fd);
}

/* Looks at the pins in a run's folder, or unlinks them. 1: there were some; 0: none. */
static int pins_walk(int fd, bool unpin)
{
	int pins = openat(fd, LEFTOVER_PINS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
	    r = 0;
	DIR *dir = pins < 0 ? NULL : fdopendir(pins);
	struct dirent *entry;

	if (!dir) {
		r = errno == ENOENT ? 0 : -errno;
		fd_close(pins);
		return r;
	}
	while (r >= 0 && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		r = 1;
		if (unpin && unlinkat(pins, entry->d_name, 0) < 0)
			r = -errno;
	}
	if (unpin && r >= 0 && unlinkat(fd, LEFTOVER_PINS, AT_REMOVEDIR) < 0)
		r = -errno;
	closedir(dir);
	return r;
}

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

/* What is known of the cgroup a dead weir confined, and of tasks that were moved out of it. */
static int leftover_look(uint64_t id, struct leftover *ret)
{
	_cleanup_free_ char *path = NULL, *pins = NULL;
	const char *what = "its cgroup is gone; the next \"weir run\" clears it up";
	bool populated;

	if (asprintf(&pins, LEFTOVER_FOLDER "/" RUN_PREFIX "%llu/" LEFTOVER_PINS,
		     (unsigned long long)id) < 0) {
		pins = NULL;
		return -ENOMEM;
	}
	populated = cgroup_lives(id, &path) || kern_marks_pinned(pins) != 0;
	if (populated)
		what = "its weir has ended; what it ran still lives, confined";
	else if (path)
		what = "its weir has ended, nothing it ran is left; the next \"weir run\" clears it up";
	if (asprintf(&ret->text, "%s: %s", path ? path : "?", what) < 0) {
		ret->text = NULL;
		return -ENOMEM;
	}
	ret->cgroup_id = id;
	ret->cgroup = TAKE_PTR(path);
	ret->populated = populated;
	return 0;
}

/* Nothing lives in it: first the cgroup goes, then, as nothing can enter, what confined it. */
static int leftover_clear(const struct leftover *leftover, int parent, int fd, const char *name)
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
	r = pins_walk(fd, true);
	if (r < 0)
		return r;
	return unlinkat(parent, name, AT_REMOVEDIR) < 0 ? -errno : 0;
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

/* One entry below LEFTOVER_FOLDER. */
static int entry_look(int parent, const char *name, bool sweep, struct leftovers *leftovers)
{
	_cleanup_(leftover_done) struct leftover leftover = {0};
	_cleanup_close_ int fd = -1;
	unsigned long long id;
	char *end;
	int r;

	if (strncmp(name, RUN_PREFIX, strlen(RUN_PREFIX)) != 0)
		return 0;
	id = strtoull(name + strlen(RUN_PREFIX), &end, 10);
	if (*end || !id)
		return 0;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* a lock that cannot be had: its weir lives */
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || !folder_stands(fd, parent, name))
		return 0;
	r = pins_walk(fd, false);
	if (r == 0) {
		/* nothing pinned: a weir that starts just now, or one that died there */
		if (sweep) {
			unlinkat(fd, LEFTOVER_PINS, AT_REMOVEDIR);
			unlinkat(parent, name, AT_REMOVEDIR);
		}
		return 0;
	}
	r = leftover_look(id, &leftover);
	if (r < 0)
		return r;
	if (sweep && !leftover.populated && leftover_clear(&leftover, parent, fd, name) == 0)
		return 0;
	return leftovers_add(leftovers, &leftover);
}

int leftovers_find(bool sweep, struct leftovers *ret)
{
	_cleanup_leftovers_ struct leftovers found = {0};
	DIR *dir = opendir(LEFTOVER_FOLDER);
	struct dirent *entry;
	int r = 0;

	while (dir && r >= 0 && (entry = readdir(dir)))
		r = entry_look(dirfd(dir), entry->d_name, sweep, &found);
	if (dir)
		closedir(dir);
	if (r < 0)
		return r;
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
