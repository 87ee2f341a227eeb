/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The network namespaces that the processes of a cgroup are in. */
#ifndef WEIR_KERN_NAMESPACES_H
#define WEIR_KERN_NAMESPACES_H

#include <sys/types.h>

#include "kern/cgroup.h"

/*
 * Takes ownership of fd, a netlink socket in one of the namespaces. Returns
 * what is to be summed up, or negative errno.
 */
typedef int (*namespace_fn)(int fd, void *context);

/* A walk over namespaces, with what they were visited for. */
struct namespaces {
	int protocol;		/* of the netlink sockets */
	namespace_fn fn;
	void *context;
	ino_t *seen;		/* inodes of the namespaces so far */
	size_t n, cap;
	int sum;		/* of what fn returned */
};

/*
 * Calls fn for the caller's network namespace, or for each that a process of the cgroup, or
 * of one below it, is in, with a netlink socket of this protocol made there: for each
 * namespace once in a walk. A process that ends meanwhile is passed over. Returns 0 or the
 * first negative errno.
 */
int namespaces_own(struct namespaces *walk);
int namespaces_of(struct namespaces *walk, const struct cgroup *cgroup);

void namespaces_done(struct namespaces *walk);
#define _cleanup_namespaces_ _cleanup_(namespaces_done)

#endif
