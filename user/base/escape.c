// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Bytes from outside as text for people; see escape.h. */
#include "base/escape.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

struct range {
	uint32_t first, last;
};

/* Sorted. Controls, separators, and what has no glyph or moves those of others. */
static const struct range hidden[] = {
	{0x0000, 0x001f},   {0x007f, 0x009f},	{0x00ad, 0x00ad},   {0x034f, 0x034f},
	{0x061c, 0x061c},   {0x115f, 0x1160},	{0x17b4, 0x17b5},   {0x180b, 0x180f},
	{0x200b, 0x200f},   {0x2028, 0x202e},	{0x2060, 0x206f},   {0x3164, 0x3164},
	{0xfe00, 0xfe0f},   {0xfeff, 0xfeff},	{0xffa0, 0xffa0},   {0xfff0, 0xfffb},
	{0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

static bool is_hidden(uint32_t code)
{
	size_t i;

	if (code >= 0x20 && code < 0x7f)
		return false;
	for (i = 0; i < ARRAY_SIZE(hidden) && code >= hidden[i].first; i++)
		if (code <= hidden[i].last)
			return true;
	return false;
}

static void add_hex(struct buf *out, const char *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)data[i];
		char text[4] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};

		buf_add(out, text, sizeof(text));
	}
}

static void add(struct buf *out, const char *data, size_t len, bool quoted)
{
	uint32_t code;
	size_t at, size;

	for (at = 0; at < len; at += size) {
		size = utf8_next(data + at, len - at, &code);
		if (size == 0) {
			size = 1;
			add_hex(out, data + at, size);
		} else if (is_hidden(code)) {
			add_hex(out, data + at, size);
		} else {
			if (code == '\\' || (quoted && code == '"'))
				buf_add_char(out, '\\');
			buf_add(out, data + at, size);
		}
	}
}

void escape_add(struct buf *out, const char *data, size_t len)
{
	add(out, data, len, false);
}

/* Other than U+0020: the spaces that would look like one. */
/* Spaces, and what shells and readers of lists take for more than text. */
static bool ends_word(uint32_t code)
{
	if (code < 0x80)
		return code && strchr(" \"'()[]{}<>,;", (int)code);
	return code == 0xa0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200a) ||
	       code == 0x202f || code == 0x205f || code == 0x3000;
}

static bool needs_quotes(const char *data, size_t len)
{
	uint32_t code;
	size_t at, size;

	for (at = 0; at < len; at += size ? size : 1) {
		size = utf8_next(data + at, len - at, &code);
		if (size && ends_word(code))
			return true;
	}
	return len == 0;
}

void escape_word_add(struct buf *out, const char *data, size_t len)
{
	bool quoted = needs_quotes(data, len);

	if (quoted)
		buf_add_char(out, '"');
	add(out, data, len, quoted);
	if (quoted)
		buf_add_char(out, '"');
}
