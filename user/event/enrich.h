/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which program a process runs and who its ancestors are: a table by pid and
 * start time, filled from exec records and, for what began before them, from
 * an injected look-up (procfs.h). Pure. A wrong program is worse than none:
 * what cannot be told is left out.
 */
#ifndef WEIR_EVENT_ENRICH_H
#define WEIR_EVENT_ENRICH_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "event/decode.h"
#include "event/process.h"

/* Start times agree when they lie in the same tick: the look-up knows no finer ones. */
#define PROCESS_TICK_NS 10000000ull

/* What a look-up finds. */
struct process_found {
	uint32_t ppid;			/* 0: no parent */
	uint64_t parent_start_ns;	/* CLOCK_BOOTTIME, exact to PROCESS_TICK_NS */
	char comm[16];			/* as in records, padded with NUL; empty: not known */
	size_t exe_len;			/* 0: not known */
	char exe[WEIR_PATH_MAX];
};

/*
 * Looks at a living process. Returns 0 and *ret, or -ESRCH: it is gone, or
 * its pid belongs to a process that started at another time.
 */
typedef int (*process_look_up_fn)(void *context, uint32_t pid, uint64_t start_ns,
				  struct process_found *ret);

struct process_table;

/*
 * @max: processes remembered. The ended ones go first, then those that no
 *       record named for longest; at least 64
 *
 * look_up may be NULL. Returns 0, -EINVAL or -ENOMEM.
 */
int process_table_new(size_t max, process_look_up_fn look_up, void *context,
		      struct process_table **ret);

/*
 * Takes in a record (execs name programs, exits end processes) and describes
 * who acted. For an exec that happened exe is the new program. A record whose
 * process is not known (pid 0) says nothing and leaves nothing behind.
 *
 * Records may come out of order by what two rings allow, and execs may go
 * unrecorded: a group leader's name (comm) that does not fit the program
 * remembered leads to a new look-up, and to no exe if that does not show the
 * name either. A process that is gone and never ran exec has its parent's
 * program.
 *
 * The strings in *ret stay until the next call. Without memory *ret says
 * less; nothing fails.
 */
void process_table_describe(struct process_table *table, const struct event *event,
			    struct event_process *ret);

/* Processes remembered. */
size_t process_table_count(const struct process_table *table);

void process_table_free(struct process_table *table);
DEFINE_CLEANUP(struct process_table, process_table_free);
#define _cleanup_process_table_ _cleanup_(cleanup_process_table_free)

#endif
