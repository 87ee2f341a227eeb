/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading the end of a log, to go on where it stopped. Inside user/audit only. */
#ifndef WEIR_AUDIT_TAIL_H
#define WEIR_AUDIT_TAIL_H

#include <stdint.h>

/* A longer line is none of ours. */
#define TAIL_LINE_MAX (16 * 1024 * 1024)

/*
 * Finds the number of the last whole record. Lines that a crash left torn are
 * passed over; they were no records.
 *
 * Returns 0 with *ret_seq (0: no record) and *ret_torn (bytes behind the last
 * LF), -EBADMSG (a line that cannot have been begun by weir, or is too long)
 * or another negative errno.
 */
int tail_read(int fd, uint64_t *ret_seq, uint64_t *ret_torn);

#endif
