// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The end of a log; see tail.h. */
#include "audit/tail.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/cleanup.h"

/* How every line of ours begins (event/json.h); the number follows. */
#define LINE_START "{\"v\":1,\"seq\":"
#define LINE_START_LEN (sizeof(LINE_START) - 1)

static int read_at(int fd, off_t at, char *data, size_t len)
{
	ssize_t got;

	while (len) {
		got = pread(fd, data, len, at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return -EIO;	/* shrank while it was read */
		data += got;
		at += got;
		len -= (size_t)got;
	}
	return 0;
}

/* Place behind the last LF before end; 0: there is none. */
static int line_start_find(int fd, off_t end, off_t *ret)
{
	char data[4096];
	const char *found;
	size_t len;
	int error;

	while (end > 0) {
		len = end < (off_t)sizeof(data) ? (size_t)end : sizeof(data);
		error = read_at(fd, end - (off_t)len, data, len);
		if (error < 0)
			return error;
		end -= (off_t)len;
		found = memrchr(data, '\n', len);
		if (found) {
			*ret = end + (found - data) + 1;
			return 0;
		}
	}
	*ret = 0;
	return 0;
}

/* The number in a whole record; -EBADMSG: it is not one. */
static int seq_parse(const char *line, size_t len, uint64_t *ret)
{
	size_t at = LINE_START_LEN;
	uint64_t seq = 0;
	json_t *json;

	if (len <= LINE_START_LEN || memcmp(line, LINE_START, LINE_START_LEN) != 0)
		return -EBADMSG;
	for (; at < len && line[at] >= '0' && line[at] <= '9'; at++)
		if (__builtin_mul_overflow(seq, 10, &seq) ||
		    __builtin_add_overflow(seq, (uint64_t)(line[at] - '0'), &seq))
			return -EBADMSG;
	if (seq == 0 || seq == UINT64_MAX)
		return -EBADMSG;
	/* as real: ids beyond INT64_MAX would be refused as integers */
	json = json_loadb(line, len, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
	if (!json)
		return -EBADMSG;
	json_decref(json);
	*ret = seq;
	return 0;
}

/* What a crash can leave of a line: any part from its beginning. */
static bool is_torn(const char *line, size_t len)
{
	return memcmp(line, LINE_START, len < LINE_START_LEN ? len : LINE_START_LEN) == 0;
}

static int line_read(int fd, off_t start, off_t end, uint64_t *ret_seq, bool *ret_torn)
{
	_cleanup_free_ char *line = NULL;
	size_t len = (size_t)(end - start);
	int error;

	if (end - start > TAIL_LINE_MAX)
		return -EBADMSG;
	line = malloc(len + 1);
	if (!line)
		return -ENOMEM;
	error = read_at(fd, start, line, len);
	if (error < 0)
		return error;
	*ret_torn = seq_parse(line, len, ret_seq) < 0;
	return *ret_torn && !is_torn(line, len) ? -EBADMSG : 0;
}

int tail_read(int fd, uint64_t *ret_seq, uint64_t *ret_torn)
{
	struct stat status;
	uint64_t seq = 0;
	off_t behind, start, end;
	bool torn = true;
	int error;

	if (fstat(fd, &status) < 0)
		return -errno;
	error = line_start_find(fd, status.st_size, &behind);
	if (error < 0)
		return error;
	if (behind < status.st_size) {
		error = line_read(fd, behind, status.st_size, &seq, &torn);
		if (error < 0)
			return error;
	}
	/* a record that only lacks its LF counts: it gets one */
	for (end = behind; torn && end > 0; end = start) {
		error = line_start_find(fd, end - 1, &start);
		if (error == 0)
			error = line_read(fd, start, end - 1, &seq, &torn);
		if (error < 0)
			return error;
	}
	*ret_seq = seq;
	*ret_torn = (uint64_t)(status.st_size - behind);
	return 0;
}
