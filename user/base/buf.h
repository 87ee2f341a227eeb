/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A growing byte buffer. A failed growth is remembered in `error` and later
 * appends do nothing, so that a writer checks once, at the end.
 */
#ifndef WEIR_BASE_BUF_H
#define WEIR_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"

struct buf {
	char *data;	/* owned; not NUL-terminated unless buf_string() was called */
	size_t len;
	size_t cap;
	int error;	/* 0 or -ENOMEM */
};

void buf_grow_add(struct buf *buf, const void *data, size_t len);

/* Inline while there is room: a log line is a hundred small pieces. */
static inline void buf_add(struct buf *buf, const void *data, size_t len)
{
	if (len > buf->cap - buf->len || buf->error) {
		buf_grow_add(buf, data, len);
	} else if (len) {
		memcpy(buf->data + buf->len, data, len);
		buf->len += len;
	}
}

static inline void buf_add_char(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

static inline void buf_add_string(struct buf *buf, const char *string)
{
	buf_add(buf, string, strlen(string));
}

void buf_add_u64(struct buf *buf, uint64_t value);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The contents as a NUL-terminated string, owned by buf; NULL after -ENOMEM. */
const char *buf_string(struct buf *buf);

/* Empties the buffer and keeps its memory. */
void buf_reset(struct buf *buf);

/* Frees what the buffer holds; the struct itself is the caller's. */
void buf_done(struct buf *buf);

#define _cleanup_buf_ _cleanup_(buf_done)

#endif
