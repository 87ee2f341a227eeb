/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The look-up behind the process table (enrich.h): living processes as /proc
 * shows them. For what ran before weir watched, and for ancestors.
 */
#ifndef WEIR_EVENT_PROCFS_H
#define WEIR_EVENT_PROCFS_H

#include "event/enrich.h"

struct procfs {
	int fd;		/* the folder, "/proc" */
};

/*
 * Opens the proc file system at PATH. Its pids must be those of the initial
 * pid namespace, and the caller in the initial time namespace, as records are.
 *
 * Returns 0 or negative errno.
 */
int procfs_open(const char *path, struct procfs *ret);

/*
 * A process_look_up_fn; context is a struct procfs. A pid that came to belong
 * to another process meanwhile is noticed, also that of the parent. exe is as
 * the kernel shows it, with " (deleted)" behind a program whose file is gone.
 */
int procfs_look_up(void *context, uint32_t pid, uint64_t start_ns, struct process_found *ret);

void procfs_done(struct procfs *procfs);
#define _cleanup_procfs_ _cleanup_(procfs_done)

#endif
