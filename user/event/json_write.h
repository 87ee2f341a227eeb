/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pieces of a JSON text, appended to a buffer. Inside user/event only:
 * json.c and self.c make records of them. Names of fields are literals of
 * ours and are not escaped, but for json_pair(); values may hold any bytes.
 */
#ifndef WEIR_EVENT_JSON_WRITE_H
#define WEIR_EVENT_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Begins an element: a comma unless it is the first in its object or list. */
void json_next(struct buf *out);

/*
 * Names come as they stand in the text, "name": with quotes and colon, and
 * their length: the macros make both of a literal. The comma they may need
 * comes by itself.
 */
void json_name_add(struct buf *out, const char *name, size_t name_len);
#define JSON_NAME(name) "\"" name "\":", sizeof(name) + 2
#define json_name(out, name) json_name_add(out, JSON_NAME(name))

/*
 * A string in quotes. Control characters (DEL and C1 too: logs are looked at
 * on terminals) are escaped, each byte that is not UTF-8 becomes U+FFFD.
 *
 * Returns whether all of it was valid UTF-8.
 */
bool json_string(struct buf *out, const char *data, size_t len);

/* Base64 (RFC 4648, 4) in quotes. */
void json_base64(struct buf *out, const char *data, size_t len);

/* "name":"text", and "name_b64" with the exact bytes where the text is not UTF-8. */
void json_bytes_add(struct buf *out, const char *name, size_t name_len, const char *data,
		    size_t len);
#define json_bytes(out, name, data, len) \
	json_bytes_add(out, JSON_NAME(name), data, len)

/* The same for a C string; NULL is left out. */
void json_text_add(struct buf *out, const char *name, size_t name_len, const char *text);
#define json_text(out, name, text) json_text_add(out, JSON_NAME(name), text)

/* The same with a name from outside. Of a name that is not UTF-8 the exact bytes are not kept. */
void json_pair(struct buf *out, const char *name, const char *text);

void json_u64_add(struct buf *out, const char *name, size_t name_len, uint64_t value);
#define json_u64(out, name, value) json_u64_add(out, JSON_NAME(name), value)

#endif
