// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Netlink sockets in the network namespaces of a cgroup's processes. A socket
 * stays in the namespace it was made in, so a thread goes there, makes one, and
 * ends; the caller never leaves its own.
 */
#include "kern/namespaces.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* A socket to be made in a namespace. */
struct visit {
	int namespace_fd;
	int protocol;
	int fd;			/* of the socket, or negative errno */
};

static int netlink_open(int protocol)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	return fd < 0 ? -errno : fd;
}

static void *visit_main(void *context)
{
	struct visit *visit = context;

	visit->fd = setns(visit->namespace_fd, CLONE_NEWNET) < 0 ? -errno :
								   netlink_open(visit->protocol);
	return NULL;
}

static int socket_there(int namespace_fd, int protocol)
{
	struct visit visit = {.namespace_fd = namespace_fd, .protocol = protocol};
	pthread_t thread;
	int r = pthread_create(&thread, NULL, visit_main, &visit);

	if (r)
		return -r;
	pthread_join(thread, NULL);
	return visit.fd;
}

/* 1: not seen before. */
static int namespace_new(struct namespaces *walk, ino_t inode)
{
	ino_t *grown;

	for (size_t i = 0; i < walk->n; i++)
		if (walk->seen[i] == inode)
			return 0;
	if (walk->n == walk->cap) {
		walk->cap = walk->cap ? walk->cap * 2 : 8;
		grown = reallocarray(walk->seen, walk->cap, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		walk->seen = grown;
	}
	walk->seen[walk->n++] = inode;
	return 1;
}

/* By the link of a process in /proc; own: the caller's, where no thread need go. */
static int namespace_visit(struct namespaces *walk, const char *link, bool own)
{
	_cleanup_close_ int fd = open(link, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int r, there;

	if (fd < 0 || fstat(fd, &st) < 0)
		return errno == ENOENT || errno == ESRCH ? 0 : -errno;
	r = namespace_new(walk, st.st_ino);
	if (r <= 0)
		return r;
	there = own ? netlink_open(walk->protocol) : socket_there(fd, walk->protocol);
	r = there < 0 ? there : walk->fn(there, walk->context);
	if (r > 0)
		walk->sum += r;
	return r;
}

static int processes_visit(struct namespaces *walk, int folder)
{
	int fd = openat(folder, "cgroup.procs", O_RDONLY | O_CLOEXEC), pid, r = 0;
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char link[64];

	if (!file) {
		r = -errno;
		fd_close(fd);
		return r == -ENODEV || r == -ENOENT ? 0 : r;	/* removed meanwhile */
	}
	while (r >= 0 && fscanf(file, "%d", &pid) == 1) {
		snprintf(link, sizeof(link), "/proc/%d/ns/net", pid);
		r = namespace_visit(walk, link, false);
	}
	fclose(file);
	return r;
}

/* A cgroup and those below it. Takes ownership of folder. */
static int tree_visit(struct namespaces *walk, int folder)
{
	DIR *dir = fdopendir(folder);
	struct dirent *entry;
	int r;

	if (!dir) {
		r = -errno;
		fd_close(folder);
		return r;
	}
	r = processes_visit(walk, folder);
	while (r >= 0 && (entry = readdir(dir))) {
		int child;

		if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		child = openat(folder, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (child >= 0)
			r = tree_visit(walk, child);
	}
	closedir(dir);
	return r;
}

int namespaces_own(struct namespaces *walk)
{
	int r = namespace_visit(walk, "/proc/self/ns/net", true);

	return r < 0 ? r : 0;
}

int namespaces_of(struct namespaces *walk, const struct cgroup *cgroup)
{
	int folder = openat(cgroup->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = folder < 0 ? -errno : tree_visit(walk, folder);

	return r < 0 ? r : 0;
}

void namespaces_done(struct namespaces *walk)
{
	free(walk->seen);
}
