/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Folders of cgroups that are watched for what appears in them and what goes. */
#ifndef WEIR_DAEMON_WATCH_H
#define WEIR_DAEMON_WATCH_H

#include <stddef.h>
#include <uv.h>

struct watch;

/*
 * changed is called for anything that happens, and when a folder was not watched before.
 * root_fd: of the hierarchy, borrowed. Returns 0, -ENOMEM, or -ENOENT: no cgroup2.
 */
int watch_new(uv_loop_t *loop, int root_fd, void (*changed)(void *context), void *context,
	      struct watch **ret);

/*
 * Between begin and end, every folder that is to be watched is named, by its path
 * below the hierarchy's root, "" the root; the others are let go. For one that
 * is not there, the nearest above it is watched.
 */
void watch_begin(struct watch *watch);
void watch_want(struct watch *watch, const char *folder, size_t len);
void watch_end(struct watch *watch);

/* Memory is freed when the loop has run. */
void watch_free(struct watch *watch);

#endif
