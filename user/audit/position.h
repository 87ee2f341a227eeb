/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A small file, mapped, that says of each batch of lines what will be true when it
 * is in the log: written before the log is. It outlives the process that wrote it,
 * so that the next one can tell whether the last batch came into the log, and takes
 * away what is there of one that did not. Not for several threads at once, but for
 * position_touch().
 */
#ifndef WEIR_AUDIT_POSITION_H
#define WEIR_AUDIT_POSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

/* What is written, by the log's length without any of it, and with all of it. */
struct position_batch {
	uint64_t device;
	uint64_t inode;
	uint64_t before;
	uint64_t after;
};

#define POSITION_WORDS 128	/* room for what the caller has to remember */

struct position_note {
	struct position_batch batch;
	uint64_t words[POSITION_WORDS];
};

struct position;

/*
 * Opens the file, mode 0600, and makes it if there is none. One that is none of
 * ours is begun anew. The key says whose it is: a note under another is not given.
 *
 * Returns 0 or negative errno.
 */
int position_open(const char *path, const uint64_t key[2], struct position **ret);
void position_close(struct position *position);
DEFINE_CLEANUP(struct position, position_close);
#define _cleanup_position_ _cleanup_(cleanup_position_close)

/* The last note; false: there is none. */
bool position_get(const struct position *position, struct position_note *ret);

/* Writes a note, all of it or nothing, wherever the process is killed. */
void position_set(struct position *position, const struct position_note *note);

/* When its writer was last alive, on a clock of the caller's; 0: not known. */
void position_touch(struct position *position, uint64_t now_ns);
uint64_t position_touched(const struct position *position);

/* What became of a batch. */
enum position_end {
	POSITION_UNKNOWN,	/* no batch, or of another file: nothing is done */
	POSITION_WHOLE,		/* all of it is in the log */
	POSITION_NONE,		/* none of it is: what there was has been cut off */
};

/* Looks at the log, and cuts off a part of a batch. Returns 0 or negative errno. */
int position_settle(const struct position_batch *batch, int log_fd, enum position_end *ret);

#endif
