// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* cgroup v2 folders: ending what is in one, and removing it. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>

#include "base/text_file.h"
#include "kern/cgroup.h"

/*
 * How long a killed cgroup may take to become empty. A task that sleeps
 * without interruption (a dead network file system, say) dies only when it
 * wakes; beyond this the caller is told, and keeps it confined.
 */
#define KILL_WAIT_MS 10000

static int events_populated(int fd)
{
	char text[256];
	const char *at;
	int r;

	r = text_file_read(fd, text, sizeof(text));
	if (r < 0)
		return r;
	at = strstr(text, "populated ");
	return at ? at[strlen("populated ")] == '1' : -EPROTO;
}

int cgroup_populated(const struct cgroup *cgroup)
{
	_cleanup_close_ int fd = openat(cgroup->fd, "cgroup.events", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : events_populated(fd);
}

int cgroup_holds_only(const struct cgroup *cgroup, pid_t pid)
{
	_cleanup_close_ int fd = openat(cgroup->fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	char text[32], only[16];
	int r;

	if (fd < 0)
		return -errno;
	r = text_file_read(fd, text, sizeof(text));
	if (r < 0)
		return r;
	snprintf(only, sizeof(only), "%d\n", (int)pid);
	return strcmp(text, only) == 0;
}

static int kill_all(const struct cgroup *cgroup)
{
	_cleanup_close_ int fd = openat(cgroup->fd, "cgroup.kill", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, "1", 1) == 1 ? 0 : -errno;
}

int cgroup_kill(const struct cgroup *cgroup)
{
	_cleanup_close_ int fd = openat(cgroup->fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = events_populated(fd);
	if (r <= 0)
		return r;
	r = kill_all(cgroup);
	if (r < 0)
		return r;
	/* kernfs raises POLLPRI when the file has changed since it was last read */
	while ((r = events_populated(fd)) > 0) {
		struct pollfd wait = {.fd = fd, .events = POLLPRI};

		r = poll(&wait, 1, KILL_WAIT_MS);
		if (r == 0)
			return -ETIMEDOUT;
		if (r < 0 && errno != EINTR)
			return -errno;
	}
	return r;
}

/* 1: ret holds the name of a folder in fd; 0: there is none. */
static int child_first(int fd, char ret[NAME_MAX + 1])
{
	_cleanup_close_ int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	DIR *dir;
	int r;

	if (copy < 0)
		return -errno;
	dir = fdopendir(copy);
	if (!dir)
		return -errno;
	copy = -1;
	for (;;) {
		errno = 0;
		entry = readdir(dir);
		if (!entry) {
			r = -errno;
			break;
		}
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0) {
			snprintf(ret, NAME_MAX + 1, "%s", entry->d_name);
			r = 1;
			break;
		}
	}
	closedir(dir);
	return r;
}

/*
 * Removes all folders below fd, however deep: goes down where a removal is
 * refused and up through "..", so that neither descriptors nor path length
 * bound the depth a workload may have made.
 */
static int remove_below(int fd)
{
	_cleanup_close_ int at = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	unsigned int depth = 0;
	bool emptied = false;
	char name[NAME_MAX + 1];
	int r, next;

	if (at < 0)
		return -errno;
	for (;;) {
		r = child_first(at, name);
		if (r < 0)
			return r;
		if (r == 0 && depth == 0)
			return 0;
		if (r > 0 && unlinkat(at, name, AT_REMOVEDIR) == 0) {
			emptied = false;
			continue;
		}
		/* refused again though nothing is below it: it has processes */
		if (r > 0 && (emptied || errno != EBUSY))
			return -errno;
		next = openat(at, r ? name : "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return -errno;
		fd_close(at);
		at = next;
		depth = r ? depth + 1 : depth - 1;
		emptied = r == 0;
	}
}

int cgroup_remove(const struct cgroup *cgroup)
{
	_cleanup_close_ int root = -1;
	int r;

	r = cgroup_populated(cgroup);
	/* already removed, the open folder is all that is left */
	if (r == -ENODEV || r == -ENOENT)
		return 0;
	if (r != 0)
		return r < 0 ? r : -EBUSY;
	r = remove_below(cgroup->fd);
	if (r < 0)
		return r;
	root = cgroup_root_open();
	if (root < 0)
		return root;
	if (unlinkat(root, cgroup->path + 1, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}
