/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Telling text from bytes: UTF-8 as RFC 3629 has it. */
#ifndef WEIR_BASE_UTF8_H
#define WEIR_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * The character that data starts with. Overlong forms, surrogates and what
 * lies above U+10FFFF are no characters.
 *
 * @len: bytes there are, at least 1
 *
 * Returns its length in bytes, 1 to 4, and *ret; or 0 when there is none.
 */
size_t utf8_next(const char *data, size_t len, uint32_t *ret);

#endif
