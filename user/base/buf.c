// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A growing byte buffer; see buf.h. */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static char *reserve(struct buf *buf, size_t more)
{
	size_t need, cap = buf->cap ? buf->cap : 256;
	char *data;

	if (buf->error)
		return NULL;
	if (__builtin_add_overflow(buf->len, more, &need)) {
		buf->error = -ENOMEM;
		return NULL;
	}
	if (need > buf->cap) {
		while (cap < need && !__builtin_mul_overflow(cap, (size_t)2, &cap))
			;
		data = cap >= need ? realloc(buf->data, cap) : NULL;
		if (!data) {
			buf->error = -ENOMEM;
			return NULL;
		}
		buf->data = data;
		buf->cap = cap;
	}
	return buf->data + buf->len;
}

void buf_grow_add(struct buf *buf, const void *data, size_t len)
{
	char *to = len ? reserve(buf, len) : NULL;

	if (!to)
		return;
	memcpy(to, data, len);
	buf->len += len;
}

void buf_add_u64(struct buf *buf, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	buf_add(buf, digits + at, sizeof(digits) - at);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;
	char *to;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	to = len >= 0 ? reserve(buf, (size_t)len + 1) : NULL;
	if (!to) {
		buf->error = -ENOMEM;
		return;
	}
	va_start(args, format);
	vsnprintf(to, (size_t)len + 1, format, args);
	va_end(args);
	buf->len += (size_t)len;
}

const char *buf_string(struct buf *buf)
{
	char *to = reserve(buf, 1);

	if (!to)
		return NULL;
	*to = '\0';
	return buf->data;
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->error = 0;
}

void buf_done(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){0};
}
