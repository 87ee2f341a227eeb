/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cgroup v2 folders: finding the hierarchy, making, entering, killing, removing. */
#ifndef WEIR_KERN_CGROUP_H
#define WEIR_KERN_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

struct cgroup {
	char *path;		/* below the root of the hierarchy, "/a/b" */
	int fd;			/* its folder */
	uint64_t id;		/* what BPF calls the cgroup id */
	unsigned int level;	/* depth below the root, root: 0 */
};

/* Folder at which cgroup2 is mounted, by /proc/self/mountinfo. 0, -ENOENT or another errno. */
int cgroup_mount_path(char *ret, size_t size);

/* Opens the hierarchy's root folder. Returns a descriptor or negative errno. */
int cgroup_root_open(void);

/* Makes NAME below the caller's own cgroup. */
int cgroup_create(const char *name, struct cgroup *ret);

/* Opens an existing cgroup by its path below the root. -EXDEV: outside the cgroup namespace. */
int cgroup_open(const char *path, struct cgroup *ret);

/* The same by the root folder: who looks often need not find the hierarchy each time. */
int cgroup_open_at(int root, const char *path, struct cgroup *ret);

/* Path below the root of the cgroup that a process is in. -ESRCH: it is gone. Heap string. */
int cgroup_of_process(pid_t pid, char **ret);

/* Is path that of folder, or of a cgroup below it? */
bool cgroup_path_inside(const char *path, const char *folder);

/* Path below the root of the cgroup with this id. -ESTALE: there is none. Heap string. */
int cgroup_path_of(uint64_t id, char **ret);

/* Moves the calling process into the cgroup. */
int cgroup_enter(const struct cgroup *cgroup);

/* 1: has processes (below it too), 0: none. */
int cgroup_populated(const struct cgroup *cgroup);

/* 1: this process is in it (not below it), and no other. 0: not so. */
int cgroup_holds_only(const struct cgroup *cgroup, pid_t pid);

/*
 * Kills everything in it and below (cgroup.kill) and waits until it is empty.
 * -ETIMEDOUT: something in it has not died within ten seconds.
 */
int cgroup_kill(const struct cgroup *cgroup);

/* Removes it with the cgroups below it. -EBUSY: it has processes. */
int cgroup_remove(const struct cgroup *cgroup);

/* Closes and frees what the struct holds; the cgroup stays. */
void cgroup_done(struct cgroup *cgroup);
#define _cleanup_cgroup_ _cleanup_(cgroup_done)

#endif
