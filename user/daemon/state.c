// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The file of the daemon's state; see state.h. */
#include "daemon/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int all_write(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t wrote = write(fd, data, len);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return wrote < 0 ? -errno : -EIO;
		data += wrote;
		len -= (size_t)wrote;
	}
	return 0;
}

int state_write(const char *path, const struct buf *text)
{
	_cleanup_close_ int fd = -1;
	char other[PATH_MAX];
	int r;

	if (text->len > STATE_BYTES_MAX)
		return -EFBIG;
	if (snprintf(other, sizeof(other), "%s.new", path) >= (int)sizeof(other))
		return -ENAMETOOLONG;
	fd = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = all_write(fd, text->data, text->len);
	if (r >= 0 && rename(other, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(other);
	return r;
}

static int file_read(int fd, struct buf *ret)
{
	char data[65536];
	ssize_t got;

	while ((got = read(fd, data, sizeof(data))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		buf_add(ret, data, (size_t)got);
		if (ret->len > STATE_BYTES_MAX)
			return -EFBIG;
	}
	return ret->error;
}

static int damaged(const char *why, char **ret_error)
{
	*ret_error = strdup(why);
	return -EINVAL;
}

int state_read(const char *path, struct state *ret, char **ret_error)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	_cleanup_buf_ struct buf text = {0};
	struct stat status;
	int r;

	if (fd < 0)
		return errno == ENOENT ? -ENOENT : damaged(strerror(errno), ret_error);
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_uid != geteuid() ||
	    status.st_mode & 077)
		return damaged("it is not a file of root's alone", ret_error);
	r = file_read(fd, &text);
	if (r == -EFBIG)
		return damaged("it is too large", ret_error);
	if (r < 0)
		return r;
	return state_parse(text.data ? text.data : "", text.len, ret, ret_error);
}

int state_boot(char ret[STATE_BOOT_LEN + 1])
{
	_cleanup_close_ int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (read(fd, ret, STATE_BOOT_LEN) != STATE_BOOT_LEN)
		return -EIO;
	ret[STATE_BOOT_LEN] = '\0';
	return 0;
}
