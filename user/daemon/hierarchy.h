/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The cgroup hierarchy as it is seen from here. */
#ifndef WEIR_DAEMON_HIERARCHY_H
#define WEIR_DAEMON_HIERARCHY_H

/*
 * Are the cgroups that are seen here the kernel's? Inside a cgroup namespace neither
 * the root nor depths are. Says what is wrong; 0 or negative errno.
 */
int hierarchy_check(void);

#endif
