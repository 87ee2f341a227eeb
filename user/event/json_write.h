/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pieces of a JSON text, appended to a buffer. Inside user/event only:
 * json.c and self.c make records of them. (jsonw_, because json_ is
 * jansson's, which is linked in too.) Names of fields are literals of
 * ours and are not escaped, but for jsonw_pair(); values may hold any bytes.
 */
#ifndef WEIR_EVENT_JSON_WRITE_H
#define WEIR_EVENT_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Begins an element: a comma unless it is the first in its object or list. */
void jsonw_next(struct buf *out);

/*
 * Names come as they stand in the text, "name": with quotes and colon, and
 * their length: the macros make both of a literal. The comma they may need
 * comes by itself.
 */
void jsonw_name_add(struct buf *out, const char *name, size_t name_len);
#define JSONW_NAME(name) "\"" name "\":", sizeof(name) + 2
#define jsonw_name(out, name) jsonw_name_add(out, JSONW_NAME(name))

/*
 * A string in quotes. Control characters (DEL and C1 too: logs are looked at
 * on terminals) are escaped, each byte that is not UTF-8 becomes U+FFFD.
 *
 * Returns whether all of it was valid UTF-8.
 */
bool jsonw_string(struct buf *out, const char *data, size_t len);

/* Base64 (RFC 4648, 4) in quotes. */
void jsonw_base64(struct buf *out, const char *data, size_t len);

/* "name":"text", and "name_b64" with the exact bytes where the text is not UTF-8. */
void jsonw_bytes_add(struct buf *out, const char *name, size_t name_len, const char *data,
		     size_t len);
#define jsonw_bytes(out, name, data, len) jsonw_bytes_add(out, JSONW_NAME(name), data, len)

/* The same for a C string; NULL is left out. */
void jsonw_text_add(struct buf *out, const char *name, size_t name_len, const char *text);
#define jsonw_text(out, name, text) jsonw_text_add(out, JSONW_NAME(name), text)

/* The same with a name from outside. Of a name that is not UTF-8 the exact bytes are not kept. */
void jsonw_pair(struct buf *out, const char *name, const char *text);

void jsonw_u64_add(struct buf *out, const char *name, size_t name_len, uint64_t value);
#define jsonw_u64(out, name, value) jsonw_u64_add(out, JSONW_NAME(name), value)

#endif
