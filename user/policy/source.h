/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The text of one policy file, and places in it. */
#ifndef WEIR_POLICY_SOURCE_H
#define WEIR_POLICY_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "policy/arena.h"

#define SOURCE_SIZE_MAX ((size_t)64 * 1024 * 1024)	/* bytes of one file */

struct source {
	const char *name;	/* as messages print it */
	const char *text;	/* NULL: the file could not be read */
	size_t len;
	uint32_t *lines;	/* offset at which each line starts */
	size_t n_lines;
	uint64_t dev, ino;	/* of the file, 0 for text in memory */
	unsigned int index;	/* 0: the file that was asked for; included ones follow */
	struct source *next;
};

/* A piece of a source. Offset and width in bytes; width 0: the whole file. */
struct place {
	const struct source *source;
	uint32_t offset;
	uint32_t width;
};

/*
 * Reads a file of at most SOURCE_SIZE_MAX bytes into the arena.
 * Returns 0, -EFBIG, -ENOMEM, or what open and read say.
 */
int source_load(struct source *source, const char *path, struct arena *arena);

/* Takes a copy of text in memory. Returns 0, -EFBIG or -ENOMEM. */
int source_set(struct source *source, const char *text, size_t len, struct arena *arena);

/* Line and column of a byte, both from 1; a column is one character. */
void source_position(const struct source *source, uint32_t offset, unsigned int *ret_line,
		     unsigned int *ret_column);

/* The byte at a line and column; past the end of a line gives its end. */
uint32_t source_offset(const struct source *source, unsigned int line, unsigned int column);

/* Appends "FILE:LINE:COLUMN", or "FILE" for a source that has no text. */
void place_format(const struct place *place, struct buf *ret);

/* Appends the line with its number, and below it a caret and tildes under the place. */
void place_show(const struct place *place, struct buf *ret);

/* Appends text in which '?' stands for control characters, hidden ones and invalid UTF-8. */
void text_show(const char *text, size_t len, struct buf *ret);

/* Length of the character that text starts with; 0: there is none. */
size_t character_len(const char *text, size_t len);

/* Invisible, or sets the direction of text: what is read would not be what is there. */
bool character_hidden(uint32_t code);

#endif
