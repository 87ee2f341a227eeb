/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The thread between the rings and the log: reads, decodes, enriches, writes,
 * and does nothing else. What the log does not take stays in the rings, where
 * the policy's `when_full` says what that means.
 */
#ifndef WEIR_DAEMON_DRAIN_H
#define WEIR_DAEMON_DRAIN_H

#include <stdint.h>

#include "daemon/journal.h"
#include "daemon/tally.h"
#include "kern/cgroup.h"
#include "kern/kern.h"

struct drain;

/* What came of it, once the thread has ended. */
struct drain_result {
	uint64_t lost;		/* that the kernel could not hand over; reported as audit.lost */
	uint64_t unwritten;	/* that the log did not take in the end */
	int log_error;		/* why, negative errno; 0: all was written */
};

/*
 * Starts the thread. It owns the journal and the tally until drain_stop(), and
 * borrows cgroup, the scope's: connections of which a packet was refused are
 * reset, so that neither end waits for what never comes.
 */
int drain_start(struct kern *kern, const struct cgroup *cgroup, struct journal *journal,
		struct tally *tally, struct drain **ret);

/* Reads the rings to their ends, and ends the thread. Call when nothing writes any more. */
void drain_stop(struct drain *drain, struct drain_result *ret);

#endif
