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

size_t utf8_len(const char *text, size_t len)
{
	const unsigned char *c = (const unsigned char *)text;
	size_t need, i;

	if (len == 0)
		return 0;
	if (c[0] < 0x80)
		return 1;
	need = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
	if (c[0] < 0xc2 || c[0] > 0xf4 || need > len)
		return 0;
	for (i = 1; i < need; i++) {
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	}
	/* overlong forms, surrogates, beyond U+10FFFF (RFC 3629, 3) */
	if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
	    (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f))
		return 0;
	return need;
}

static size_t column_count(const char *text, size_t len)
{
	size_t n = 0, at = 0, step;

	for (; at < len; at += step, n++) {
		step = utf8_len(text + at, len - at);
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

void source_position(const struct source *source, uint32_t offset,
		     unsigned int *ret_line, unsigned int *ret_column)
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
		step = utf8_len(text + at, len - at);
		if (!step)
			step = 1;
	}
	return source->lines[index] + (uint32_t)at;
}

void text_show(const char *text, size_t len, struct buf *ret)
{
	size_t at = 0, step;

	for (; at < len; at += step) {
		unsigned char c = (unsigned char)text[at];
		bool control;

		step = utf8_len(text + at, len - at);
		/* C0, DEL, and the C1 controls U+0080 to U+009F */
		control = c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)text[at + 1] < 0xa0);
		if (!step || control) {
			buf_add_char(ret, c == '\t' ? ' ' : '?');
			step = step ? step : 1;
		} else {
			buf_add(ret, text + at, step);
		}
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

	for (back = 0; back < 3 && at > back && ((unsigned char)text[at - back] & 0xc0) == 0x80; back++)
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
	buf_printf(ret, "%s\n      | %s", end < line_len(source, line) ? "..." : "", start ? "   " : "");
	for (i = column_count(text + start, at - start); i > 0; i--)
		buf_add_char(ret, ' ');
	buf_add_char(ret, '^');
	for (i = column_count(text + at, width); i > 1; i--)
		buf_add_char(ret, '~');
	buf_add_char(ret, '\n');
}
