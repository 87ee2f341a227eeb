/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The network namespaces that the processes of a cgroup are in. */
#ifndef WEIR_KERN_NAMESPACES_H
#define WEIR_KERN_NAMESPACES_H

#include "kern/cgroup.h"

/*
 * Takes ownership of fd, a netlink socket in one of the namespaces. Returns
 * what is to be summed up, or negative errno.
 */
typedef int (*namespace_fn)(int fd, void *context);

/*
 * Calls fn for the caller's network namespace and for each that a process of
 * the cgroup, or of one below it, is in: once each, with a netlink socket of
 * this protocol made there. A process that ends meanwhile is passed over.
 * Returns the sum of what fn returned, or the first negative errno.
 */
int namespaces_each(const struct cgroup *cgroup, int protocol, namespace_fn fn, void *context);

#endif
