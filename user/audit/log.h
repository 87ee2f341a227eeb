/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The audit log on disk: appends whole lines, numbers them, and keeps what
 * could not be written yet. The file is the queue that everything behind it
 * reads. Not for several threads at once.
 */
#ifndef WEIR_AUDIT_LOG_H
#define WEIR_AUDIT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit/position.h"
#include "base/cleanup.h"

/* Bytes kept in memory while the file takes nothing; one line may exceed it. */
#define AUDIT_LOG_BUFFER_BYTES (256 * 1024)

/* How long a flush waits for a descriptor that would block (a full pipe). */
#define AUDIT_LOG_WAIT_MS 100

struct audit_log;

/* What was found in a log that existed. */
struct audit_log_found {
	uint64_t last_seq;	/* number of its last whole record, 0: it was empty */
	uint64_t torn_bytes;	/* length of an unfinished last line, kept and ended with LF */
	enum position_end batch;	/* what became of the batch that was in progress */
};

/*
 * Opens a log to append to, and makes it (mode 0600) if there is none. A
 * symbolic link in the last place is not followed. The numbers go on after
 * those of the file. The file is locked (flock) while it is open here: two
 * writers would both count.
 *
 * @make_folders: make the folders above it, mode 0700
 *
 * Returns 0, -EBUSY (another process writes it), -EBADMSG (its last whole
 * line is no record of weir), -ELOOP (a symbolic link) or another errno.
 * *ret_found may be NULL.
 */
int audit_log_open(const char *path, bool make_folders, struct audit_log **ret,
		   struct audit_log_found *ret_found);

/* The same after position_settle() by the batch that the last writer has left, NULL: none. */
int audit_log_resume(const char *path, bool make_folders, const struct position_batch *batch,
		     struct audit_log **ret, struct audit_log_found *ret_found);

/*
 * Writes to a descriptor, numbers from 1; for standard output and pipes, of
 * which nothing is read back. It stays the caller's and is not closed.
 * SIGPIPE is the caller's to ignore.
 */
int audit_log_open_fd(int fd, struct audit_log **ret);

/* The number the next appended line must carry. */
uint64_t audit_log_next_seq(const struct audit_log *log);

/*
 * Takes one line, LF at its end, that carries audit_log_next_seq(). Written
 * with the next flush, or at once when the buffer is full.
 *
 * Returns 0 (taken: its number is spent), -EINVAL (not one line), -ENOMEM,
 * or what kept a full buffer from being written (-ENOSPC, -EAGAIN, …): the
 * line was not taken. The caller then stops reading records and tries again.
 */
int audit_log_append(struct audit_log *log, const char *line, size_t len);

/*
 * Writes what is buffered. What the file does not take stays buffered, in
 * order, for the next call.
 *
 * Returns 0 (nothing is left) or negative errno; -EAGAIN after AUDIT_LOG_WAIT_MS.
 */
int audit_log_flush(struct audit_log *log);

/*
 * Who wants to know of a batch: what is buffered, before any of it is in the file,
 * and again when more has come to it (only of regular files); and when everything
 * that was appended is in the file. Both are called within append and flush, with
 * the lines before the one that is being appended.
 */
struct audit_log_watch {
	void (*before)(void *context, const struct position_batch *batch);
	void (*after)(void *context);
	void *context;
};
void audit_log_watch(struct audit_log *log, const struct audit_log_watch *watch);

/* Bytes that wait to be written. */
size_t audit_log_pending(const struct audit_log *log);

/* Flushes what can be flushed, and frees; audit_log_flush() before tells whether all was. */
void audit_log_close(struct audit_log *log);
DEFINE_CLEANUP(struct audit_log, audit_log_close);
#define _cleanup_audit_log_ _cleanup_(cleanup_audit_log_close)

#endif
