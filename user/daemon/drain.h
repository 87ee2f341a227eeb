/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The thread between the rings and the log: reads, decodes, enriches, writes,
 * and does nothing else. What the log does not take stays in the rings, where
 * the policy's `when_full` says what that means.
 *
 * Records leave the rings when they are in the log. Where the journal has a
 * position, each record is written once, wherever this process is killed: before
 * a batch is written, the position says how far the rings will have been read with
 * it, and who comes next goes on from there if all of the batch is in the log, and
 * reads it again if not.
 */
#ifndef WEIR_DAEMON_DRAIN_H
#define WEIR_DAEMON_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/journal.h"
#include "daemon/tally.h"
#include "kern/kern.h"

struct drain;

/* What came of it, once the thread has ended. */
struct drain_result {
	uint64_t lost;		/* that the kernel could not hand over; reported as audit.lost */
	uint64_t unwritten;	/* that the log did not take in the end */
	int log_error;		/* why, negative errno; 0: all was written */
};

/*
 * Opens the rings, and goes on where the journal's writer before has stopped. Owns the
 * tally (NULL: none) until drain_stop(). Connections of which a packet was refused are
 * reset, so that neither end waits for what never comes.
 */
int drain_open(struct kern *kern, struct journal *journal, struct tally *tally,
	       struct drain **ret);

/* Starts the thread, which is the journal's from here on. 0 or negative errno. */
int drain_start(struct drain *drain);

/* Have records been read? Not before it; NULL: no. */
bool drain_started(const struct drain *drain);

/* How it stands, for another thread. */
struct drain_state {
	uint64_t lost;		/* reported so far */
	uint64_t unreadable;	/* of them, those that could not be read */
	int log_error;		/* the log takes nothing, negative errno; 0: it does */
};
void drain_state(struct drain *drain, struct drain_state *ret);

/*
 * Reads the rings to their ends, and ends the thread. Call when nothing writes any
 * more. With `keep` they are read once, and what comes later stays in them, as does
 * what the log does not take.
 */
void drain_stop(struct drain *drain, bool keep, struct drain_result *ret);

#endif
