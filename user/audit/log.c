// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The audit log on disk; see log.h. */
#include "audit/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "audit/tail.h"
#include "base/buf.h"

struct audit_log {
	int fd;
	bool owned;		/* fd is closed with the log */
	bool torn;		/* the file ends in an unfinished line */
	uint64_t next_seq;
	struct buf buffer;
	size_t written;		/* bytes of buffer that are in the file */
	struct audit_log_watch watch;
	bool begun;		/* some of a batch may be in the file */
	uint64_t batch_start;	/* its length without any of it */
};

/* Makes the folders above the last component. */
static int folders_make(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	char *slash;

	if (!copy)
		return -ENOMEM;
	for (slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

static int log_new(int fd, bool owned, struct audit_log **ret)
{
	struct audit_log *log = calloc(1, sizeof(*log));

	if (!log)
		return -ENOMEM;
	log->fd = fd;
	log->owned = owned;
	log->next_seq = 1;
	*ret = log;
	return 0;
}

/* Takes the file for this process and finds where its numbers stopped. */
static int file_begin(int fd, const struct position_batch *batch, struct audit_log_found *ret)
{
	struct stat status;
	int r = 0;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return 0;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (batch)
		r = position_settle(batch, fd, &ret->batch);
	return r < 0 ? r : tail_read(fd, &ret->last_seq, &ret->torn_bytes);
}

int audit_log_open(const char *path, bool make_folders, struct audit_log **ret,
		   struct audit_log_found *ret_found)
{
	return audit_log_resume(path, make_folders, NULL, ret, ret_found);
}

int audit_log_resume(const char *path, bool make_folders, const struct position_batch *batch,
		     struct audit_log **ret, struct audit_log_found *ret_found)
{
	struct audit_log_found found = {0};
	_cleanup_close_ int fd = -1;
	struct audit_log *log = NULL;
	int error;

	if (!*path)
		return -ENOENT;
	if (make_folders) {
		error = folders_make(path);
		if (error < 0)
			return error;
	}
	/* read-write: its end is read, and opening a FIFO does not wait for a reader */
	fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0)
		return -errno;
	error = file_begin(fd, batch, &found);
	if (error == 0)
		error = log_new(fd, true, &log);
	if (error < 0)
		return error;
	TAKE_FD(fd);
	log->next_seq = found.last_seq + 1;
	log->torn = found.torn_bytes > 0;
	if (ret_found)
		*ret_found = found;
	*ret = log;
	return 0;
}

int audit_log_open_fd(int fd, struct audit_log **ret)
{
	if (fcntl(fd, F_GETFL) < 0)
		return -errno;
	return log_new(fd, false, ret);
}

uint64_t audit_log_next_seq(const struct audit_log *log)
{
	return log->next_seq;
}

size_t audit_log_pending(const struct audit_log *log)
{
	return log->buffer.len - log->written;
}

/* Moves what is not written yet to the front, so that the buffer does not creep. */
static void buffer_compact(struct audit_log *log)
{
	size_t rest = audit_log_pending(log);

	if (rest && log->written)
		memmove(log->buffer.data, log->buffer.data + log->written, rest);
	log->buffer.len = rest;
	log->written = 0;
}

int audit_log_append(struct audit_log *log, const char *line, size_t len)
{
	struct buf *buffer = &log->buffer;
	size_t before;
	int error;

	if (len < 2 || memchr(line, '\n', len) != line + len - 1)
		return -EINVAL;
	if (audit_log_pending(log) && audit_log_pending(log) + len > AUDIT_LOG_BUFFER_BYTES) {
		error = audit_log_flush(log);
		if (error < 0 && audit_log_pending(log) + len > AUDIT_LOG_BUFFER_BYTES)
			return error;
	}
	before = buffer->len;
	if (log->torn)
		buf_add_char(buffer, '\n');
	buf_add(buffer, line, len);
	if (buffer->error) {
		buffer->error = 0;
		buffer->len = before;
		return -ENOMEM;
	}
	log->torn = false;
	log->next_seq++;
	return 0;
}

static int wait_writable(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLOUT};
	int ready = poll(&wait, 1, AUDIT_LOG_WAIT_MS);

	if (ready < 0)
		return errno == EINTR ? 0 : -errno;
	return ready > 0 ? 0 : -EAGAIN;
}

void audit_log_watch(struct audit_log *log, const struct audit_log_watch *watch)
{
	log->watch = *watch;
}

/* Tells of what is about to be written. Where that cannot be told, nothing is written. */
static int batch_begin(struct audit_log *log)
{
	struct position_batch batch;
	struct stat status;

	if (!log->watch.before || !audit_log_pending(log))
		return 0;
	if (fstat(log->fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return 0;
	if (!log->begun)
		log->batch_start = (uint64_t)status.st_size;
	log->begun = true;
	batch = (struct position_batch){
		.device = status.st_dev,
		.inode = status.st_ino,
		.before = log->batch_start,
		.after = (uint64_t)status.st_size + audit_log_pending(log),
	};
	log->watch.before(log->watch.context, &batch);
	return 0;
}

static void batch_end(struct audit_log *log)
{
	log->begun = false;
	if (log->watch.after)
		log->watch.after(log->watch.context);
}

int audit_log_flush(struct audit_log *log)
{
	int error = batch_begin(log);
	ssize_t wrote;

	while (error == 0 && audit_log_pending(log)) {
		wrote = write(log->fd, log->buffer.data + log->written, audit_log_pending(log));
		if (wrote > 0)
			log->written += (size_t)wrote;
		else if (wrote == 0)
			error = -EIO;
		else if (errno == EAGAIN)
			error = wait_writable(log->fd);
		else if (errno != EINTR)
			error = -errno;
	}
	buffer_compact(log);
	if (error == 0)
		batch_end(log);
	return error;
}

void audit_log_close(struct audit_log *log)
{
	if (!log)
		return;
	(void)audit_log_flush(log);
	if (log->owned)
		fd_close(log->fd);
	buf_done(&log->buffer);
	free(log);
}
