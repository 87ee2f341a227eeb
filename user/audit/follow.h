/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads a log line by line, once or going on with what is added to it. When it goes
 * on, the name is what is followed: when another file takes it (rotation), the old one
 * is read to its end first; a file that was cut short is read anew.
 */
#ifndef WEIR_AUDIT_FOLLOW_H
#define WEIR_AUDIT_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

/* No record is as long. */
#define FOLLOW_LINE_MAX ((size_t)1 << 20)

struct follow;

/*
 * Opens a log. With `wait` what is added later is read as well, and it may not be
 * there yet; without, FOLLOW_END is the last there is, and a line that is being
 * written has a second to end.
 * Returns 0, -ENOENT, -EINVAL (no regular file) or another errno.
 */
int follow_open(const char *path, bool wait, struct follow **ret);

enum follow_event {
	FOLLOW_LINE,
	FOLLOW_TORN,		/* a line without its end: too long, or left unfinished */
	FOLLOW_REPLACED,	/* another file begins */
	FOLLOW_TRUNCATED,	/* the file is read anew */
	FOLLOW_END,		/* nothing more is there now */
};

struct follow_line {
	const char *data;	/* until the next call */
	size_t len;		/* without LF */
	uint64_t number;	/* of the line in its file, from 1 */
};

/* What comes next, or negative errno. */
int follow_next(struct follow *follow, struct follow_line *ret);

/*
 * Waits until there may be more, at most timeout_ms, or until fd (-1: none) has
 * lost its other end. Returns 0, -EPIPE (that) or another errno.
 */
int follow_wait(struct follow *follow, int fd, int timeout_ms);

void follow_close(struct follow *follow);
DEFINE_CLEANUP(struct follow, follow_close);
#define _cleanup_follow_ _cleanup_(cleanup_follow_close)

#endif
