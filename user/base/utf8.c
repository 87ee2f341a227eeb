// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* UTF-8; see utf8.h. */
#include "base/utf8.h"

size_t utf8_next(const char *data, size_t len, uint32_t *ret)
{
	static const uint32_t lowest[] = {[1] = 0, [2] = 0x80, [3] = 0x800, [4] = 0x10000};
	unsigned char first = (unsigned char)data[0];
	uint32_t code;
	size_t size, i;

	if (first < 0x80) {
		*ret = first;
		return 1;
	}
	if (first >= 0xc2 && first <= 0xdf) {
		size = 2;
		code = first & 0x1f;
	} else if (first >= 0xe0 && first <= 0xef) {
		size = 3;
		code = first & 0x0f;
	} else if (first >= 0xf0 && first <= 0xf4) {
		size = 4;
		code = first & 0x07;
	} else {
		return 0;
	}
	if (size > len)
		return 0;
	for (i = 1; i < size; i++) {
		unsigned char next = (unsigned char)data[i];

		if ((next & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (next & 0x3f);
	}
	if (code < lowest[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret = code;
	return size;
}
