// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The text of one policy file, and places in it; see source.h. */
#include "policy/source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/utf8.h"

#define SHOW_WIDTH 100		/* bytes of a line that messages print */
#define SHOW_BEFORE 60		/* of these before the place, where a line is longer */

static int file_read(int fd, struct buf *ret)
{
	char chunk[65536];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf_add(ret, chunk, (size_t)n);
		if (ret->error)
			return ret->error;
		if (ret->len > SOURCE_SIZE_MAX)
			return -EFBIG;
	}
	return 0;
}

int source_load(struct source *source, const char *path, struct arena *arena)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	_cleanup_buf_ struct buf buf = {0};
	struct stat stat;
	int err;

	if (fd < 0 || fstat(fd, &stat) < 0)
		return -errno;
	source->dev = stat.st_dev;
	source->ino = stat.st_ino;
	err = file_read(fd, &buf);
	if (err < 0)
		return err;
	return source_set(source, buf.data, buf.len, arena);
}

int source_set(struct source *source, const char *text, size_t len, struct arena *arena)
{
	size_t n = 1, i;

	/* a byte order mark is not part of the text */
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	if (len > SOURCE_SIZE_MAX)
		return -EFBIG;
	source->text = arena_copy(arena, text, len);
	if (!source->text)
		return -ENOMEM;
	source->len = len;
	for (i = 0; i < source->len; i++)
		n += source->text[i] == '\n';
	source->lines = arena_array(arena, n, sizeof(*source->lines));
	if (!source->lines)
		return -ENOMEM;
	source->n_lines = 1;
	for (i = 0; i < source->len; i++) {
		if (source->text[i] == '\n')
			source->lines[source->n_lines++] = (uint32_t)i + 1;
	}
	return 0;
}

bool character_hidden(uint32_t code)
{
	return (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2060 && code <= 0x206f) || code == 0xfeff || code == 0x061c ||
	       code == 0x00ad;
}

size_t character_len(const char *text, size_t len)
{
	uint32_t code;

	return len ? utf8_next(text, len, &code) : 0;
}

static size_t column_count(const char *text, size_t len)
{
	size_t n = 0, at = 0, step;

	for (; at < len; at += step, n++) {
		step = character_len(text + at, len - at);
		if (!step)
			step = 1;
	}
	return n;
}

/* Index of the line that holds a byte. */
static size_t line_find(const struct source *source, uint32_t offset)
{
	size_t low = 0, high = source->n_lines;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (source->lines[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Length of a line without its line break. */
static size_t line_len(const struct source *source, size_t line)
{
	size_t start = source->lines[line];
	size_t end = line + 1 < source->n_lines ? source->lines[line + 1] - 1 : source->len;

	if (end > start && source->text[end - 1] == '\r')
		end--;
	return end - start;
}

void source_position(const struct source *source, uint32_t offset, unsigned int *ret_line,
		     unsigned int *ret_column)
{
	size_t line = line_find(source, offset);
	size_t start = source->lines[line];

	*ret_line = (unsigned int)line + 1;
	*ret_column = (unsigned int)column_count(source->text + start, offset - start) + 1;
}

uint32_t source_offset(const struct source *source, unsigned int line, unsigned int column)
{
	size_t index = line ? line - 1 : 0, at = 0, len, step;
	const char *text;

	if (index >= source->n_lines)
		index = source->n_lines - 1;
	text = source->text + source->lines[index];
	len = line_len(source, index);
	for (; column > 1 && at < len; column--, at += step) {
		step = character_len(text + at, len - at);
		if (!step)
			step = 1;
	}
	return source->lines[index] + (uint32_t)at;
}

void text_show(const char *text, size_t len, struct buf *ret)
{
	size_t at = 0, step;
	uint32_t code;

	for (; at < len; at += step) {
		step = utf8_next(text + at, len - at, &code);
		if (!step || code < 0x20 || (code >= 0x7f && code < 0xa0) || character_hidden(code))
			buf_add_char(ret, step && code == '\t' ? ' ' : '?');
		else
			buf_add(ret, text + at, step);
		step = step ? step : 1;
	}
}

void place_format(const struct place *place, struct buf *ret)
{
	unsigned int line, column;

	text_show(place->source->name, strlen(place->source->name), ret);
	if (!place->source->text)
		return;
	source_position(place->source, place->offset, &line, &column);
	buf_printf(ret, ":%u:%u", line, column);
}

/* Moves back to where a character starts. */
static size_t character_start(const char *text, size_t at)
{
	size_t back;

	for (back = 0; back < 3 && at > back && ((unsigned char)text[at - back] & 0xc0) == 0x80;
	     back++)
		;
	return at - back;
}

void place_show(const struct place *place, struct buf *ret)
{
	const struct source *source = place->source;
	size_t line, start = 0, end, at, width, i;
	const char *text;

	if (!source->text)
		return;
	line = line_find(source, place->offset);
	text = source->text + source->lines[line];
	end = line_len(source, line);
	at = place->offset - source->lines[line];
	if (at > end)
		at = end;
	width = place->width < end - at ? place->width : end - at;
	if (end > SHOW_WIDTH && at > SHOW_BEFORE)
		start = character_start(text, at - SHOW_BEFORE);
	if (end - start > SHOW_WIDTH)
		end = character_start(text, start + SHOW_WIDTH);
	if (width > end - at)
		width = end - at;

	buf_printf(ret, "%5zu | %s", line + 1, start ? "..." : "");
	text_show(text + start, end - start, ret);
	buf_printf(ret, "%s\n      | %s", end < line_len(source, line) ? "..." : "",
		   start ? "   " : "");
	for (i = column_count(text + start, at - start); i > 0; i--)
		buf_add_char(ret, ' ');
	buf_add_char(ret, '^');
	for (i = column_count(text + at, width); i > 1; i--)
		buf_add_char(ret, '~');
	buf_add_char(ret, '\n');
}
