/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one way for bytes from outside (paths, names, arguments) into text for
 * people: what a terminal would act upon, or what would hide or reorder what
 * is read, comes out as \xHH, and the exact bytes can be told from the result.
 */
#ifndef WEIR_BASE_ESCAPE_H
#define WEIR_BASE_ESCAPE_H

#include <stddef.h>

#include "base/buf.h"

/*
 * Appends the bytes; a backslash is doubled. Escaped are control characters
 * (C0, DEL, C1), invalid UTF-8, and characters that are invisible or set the
 * direction of text (Unicode's Cf among them: U+200B to U+200F, U+202A to
 * U+202E, U+2060 to U+206F, U+FEFF), line and paragraph separators.
 */
void escape_add(struct buf *out, const char *data, size_t len);

/*
 * The same as one word of a line: in double quotes (inner ones as \") when it
 * is empty or holds a space, a quote or a bracket, so that a file's name
 * cannot pass for the text around it.
 */
void escape_word_add(struct buf *out, const char *data, size_t len);

#endif
