// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Pieces of a JSON text; see json_write.h. */
#include "event/json_write.h"

#include <sodium.h>
#include <string.h>

#include "base/utf8.h"

void jsonw_next(struct buf *out)
{
	char last = out->len ? out->data[out->len - 1] : '{';

	if (last != '{' && last != '[' && last != ':')
		buf_add_char(out, ',');
}

void jsonw_name_add(struct buf *out, const char *name, size_t name_len)
{
	jsonw_next(out);
	buf_add(out, name, name_len);
}

#define EACH_BYTE(byte) (0x0101010101010101ull * (byte))

/* High bits set (and others with them) where a byte of the word is not plain; 0: all eight are. */
static uint64_t special_bytes(uint64_t word)
{
	uint64_t quote = word ^ EACH_BYTE('"'), backslash = word ^ EACH_BYTE('\\');

	/* below 0x20, '"', '\\', DEL and above: borrows and carries only add to what is found */
	return ((word - EACH_BYTE(0x20)) | (quote - EACH_BYTE(1)) | (backslash - EACH_BYTE(1)) |
		(word + EACH_BYTE(1)) | word) &
	       EACH_BYTE(0x80);
}

/* Bytes that stand for themselves: printable ASCII but '"' and '\'. */
static size_t plain_len(const char *data, size_t len)
{
	uint64_t word;
	size_t at;

	for (at = 0; at + sizeof(word) <= len; at += sizeof(word)) {
		memcpy(&word, data + at, sizeof(word));
		if (special_bytes(word))
			break;
	}
	for (; at < len; at++) {
		unsigned char c = (unsigned char)data[at];

		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			break;
	}
	return at;
}

static void escape_add_code(struct buf *out, uint32_t code)
{
	static const char digits[] = "0123456789abcdef";
	static const char short_forms[] = {
		['"'] = '"', ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
	};
	char text[6] = {'\\', 'u', '0', '0', digits[code >> 4 & 15], digits[code & 15]};

	if (code < sizeof(short_forms) && short_forms[code]) {
		text[1] = short_forms[code];
		buf_add(out, text, 2);
	} else {
		buf_add(out, text, sizeof(text));
	}
}

bool jsonw_string(struct buf *out, const char *data, size_t len)
{
	bool valid = true;
	uint32_t code;
	size_t plain, size;

	buf_add_char(out, '"');
	while (len) {
		plain = plain_len(data, len);
		buf_add(out, data, plain);
		data += plain;
		len -= plain;
		if (!len)
			break;
		size = utf8_next(data, len, &code);
		if (size == 0) {
			buf_add(out, "\xef\xbf\xbd", 3);
			valid = false;
			size = 1;
		} else if (code < 0xa0) {
			escape_add_code(out, code);
		} else {
			buf_add(out, data, size);
		}
		data += size;
		len -= size;
	}
	buf_add_char(out, '"');
	return valid;
}

/* libsodium wants room for the whole; pieces of whole three-byte groups join without padding. */
void jsonw_base64(struct buf *out, const char *data, size_t len)
{
	enum { PIECE = 768, VARIANT = sodium_base64_VARIANT_ORIGINAL };
	char text[sodium_base64_ENCODED_LEN(PIECE, VARIANT)];
	size_t at, size;

	buf_add_char(out, '"');
	for (at = 0; at < len; at += size) {
		size = len - at < PIECE ? len - at : PIECE;
		sodium_bin2base64(text, sizeof(text), (const unsigned char *)data + at, size,
				  VARIANT);
		buf_add_string(out, text);
	}
	buf_add_char(out, '"');
}

void jsonw_bytes_add(struct buf *out, const char *name, size_t name_len, const char *data,
		     size_t len)
{
	jsonw_name_add(out, name, name_len);
	if (jsonw_string(out, data, len))
		return;
	jsonw_name_add(out, name, name_len - 2);	/* without its end */
	buf_add_string(out, "_b64\":");
	jsonw_base64(out, data, len);
}

void jsonw_text_add(struct buf *out, const char *name, size_t name_len, const char *text)
{
	if (text)
		jsonw_bytes_add(out, name, name_len, text, strlen(text));
}

void jsonw_pair(struct buf *out, const char *name, const char *text)
{
	size_t len = strlen(text);

	jsonw_next(out);
	jsonw_string(out, name, strlen(name));
	buf_add_char(out, ':');
	if (jsonw_string(out, text, len))
		return;
	jsonw_next(out);
	jsonw_string(out, name, strlen(name));
	if (out->error)
		return;
	out->len--;	/* the closing quote comes after the ending */
	buf_add_string(out, "_b64\":");
	jsonw_base64(out, text, len);
}

void jsonw_u64_add(struct buf *out, const char *name, size_t name_len, uint64_t value)
{
	jsonw_name_add(out, name, name_len);
	buf_add_u64(out, value);
}
