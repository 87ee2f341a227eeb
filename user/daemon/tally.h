/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Denials counted for the summary at the end of a run: repeats folded, in bounded memory. */
#ifndef WEIR_DAEMON_TALLY_H
#define WEIR_DAEMON_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "event/summary.h"

#define TALLY_LINES 64		/* different denials told apart */

struct tally_line {
	char *text;
	uint64_t count;
};

struct tally {
	struct tally_line lines[TALLY_LINES];
	size_t n_lines;
	uint64_t others;	/* denials beyond those lines */
	uint64_t total;
	struct buf text;
};

/* Counts a denial, or what audit mode let through. */
void tally_add(struct tally *tally, const struct event *event, const struct event_context *context);

/* Prints the most frequent lines on standard error, at most `max`. */
void tally_print(struct tally *tally, size_t max);

void tally_done(struct tally *tally);

#endif
