// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A log read while it grows; see follow.h. */
#include "audit/follow.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"

#define CHUNK_BYTES (64 * 1024)
/* So long the end of a line may take to come: a long write is seen page by page. */
#define TORN_MS 1000

/* What may mean more to read; what happens to the folder itself is found by looking again. */
#define CHANGES (IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR)

struct follow {
	char *path;
	bool wait;
	int fd;			/* -1: not there yet */
	int notify_fd;
	int watch;		/* of the folder; -1: it cannot be watched now */
	struct stat status;	/* of fd, when it was opened */
	uint64_t offset;	/* bytes read of it */
	uint64_t number;
	struct buf bytes;	/* read, and from `at` not given yet */
	size_t at;
	bool skipping;		/* up to the end of a line that is too long */
	bool leaving;		/* another file has the name: this one to its end */
	bool ended;		/* no more is read: without `wait` */
};

static int file_open(struct follow *follow)
{
	/* non-blocking: a FIFO in its place is refused, not waited for */
	_cleanup_close_ int fd = open(follow->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, &follow->status) < 0)
		return -errno;
	if (!S_ISREG(follow->status.st_mode))
		return -EINVAL;
	follow->fd = TAKE_FD(fd);
	return 0;
}

/* Once more when it is not watched: the folder may have come, or come again. */
static void folder_watch(struct follow *follow)
{
	const char *slash = strrchr(follow->path, '/');
	_cleanup_free_ char *folder = NULL;

	if (follow->watch >= 0)
		return;
	folder = slash ? strndup(follow->path, (size_t)(slash - follow->path) + 1) : strdup(".");
	if (folder)
		follow->watch = inotify_add_watch(follow->notify_fd, folder, CHANGES);
}

int follow_open(const char *path, bool wait, struct follow **ret)
{
	_cleanup_follow_ struct follow *follow = calloc(1, sizeof(*follow));
	int r;

	if (!follow)
		return -ENOMEM;
	*follow = (struct follow){.wait = wait, .fd = -1, .notify_fd = -1, .watch = -1};
	follow->path = strdup(path);
	if (!follow->path)
		return -ENOMEM;
	follow->notify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (follow->notify_fd < 0)
		return -errno;
	/* watched before it is opened, so that nothing falls in between */
	folder_watch(follow);
	r = file_open(follow);
	if (r < 0 && (r != -ENOENT || !wait))
		return r;
	*ret = TAKE_PTR(follow);
	return 0;
}

/* What is left moves to the front; memory stays. */
static void bytes_compact(struct follow *follow)
{
	size_t rest = follow->bytes.len - follow->at;

	if (rest && follow->at)
		memmove(follow->bytes.data, follow->bytes.data + follow->at, rest);
	follow->bytes.len = rest;
	follow->at = 0;
}

static void file_begin(struct follow *follow)
{
	follow->bytes.len = follow->at = 0;
	follow->offset = follow->number = 0;
	follow->skipping = follow->leaving = false;
}

static void line_set(struct follow *follow, size_t len, struct follow_line *ret)
{
	*ret = (struct follow_line){
		.data = len ? follow->bytes.data + follow->at : "",
		.len = len,
		.number = ++follow->number,
	};
	follow->at += len;
}

/* A line of what was read, or FOLLOW_END: more is to be read first. */
static int line_take(struct follow *follow, struct follow_line *ret)
{
	size_t left = follow->bytes.len - follow->at;
	const char *start = left ? follow->bytes.data + follow->at : NULL;
	const char *end = left ? memchr(start, '\n', left) : NULL;

	if (end && !follow->skipping && (size_t)(end - start) <= FOLLOW_LINE_MAX) {
		line_set(follow, (size_t)(end - start), ret);
		follow->at++;
		return FOLLOW_LINE;
	}
	if (end && follow->skipping) {
		follow->skipping = false;
		follow->at += (size_t)(end - start) + 1;
		return line_take(follow, ret);
	}
	if (follow->skipping) {
		follow->at += left;
	} else if (left > FOLLOW_LINE_MAX) {
		follow->skipping = true;
		line_set(follow, FOLLOW_LINE_MAX, ret);
		return FOLLOW_TORN;
	}
	return FOLLOW_END;
}

/* Returns bytes read, 0 at the end. */
static ssize_t chunk_read(struct follow *follow)
{
	char chunk[CHUNK_BYTES];
	ssize_t n;

	if (follow->fd < 0)
		return 0;
	do
		n = read(follow->fd, chunk, sizeof(chunk));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	bytes_compact(follow);
	buf_add(&follow->bytes, chunk, (size_t)n);
	follow->offset += (uint64_t)n;
	return follow->bytes.error ? follow->bytes.error : n;
}

/* What comes next of what is there, or FOLLOW_END. */
static int present_take(struct follow *follow, struct follow_line *ret)
{
	ssize_t n;
	int r;

	do {
		r = line_take(follow, ret);
		if (r != FOLLOW_END)
			return r;
		n = chunk_read(follow);
	} while (n > 0);
	return n < 0 ? (int)n : FOLLOW_END;
}

/* The unfinished line at the end, or FOLLOW_END if there is none. */
static int rest_take(struct follow *follow, struct follow_line *ret)
{
	size_t left = follow->bytes.len - follow->at;

	if (!left)
		return FOLLOW_END;
	line_set(follow, left, ret);
	return FOLLOW_TORN;
}

/* The file that has the name now. FOLLOW_REPLACED, or FOLLOW_END: there is none. */
static int file_replace(struct follow *follow)
{
	bool first = follow->fd < 0;
	int old = follow->fd, r;

	follow->fd = -1;
	r = file_open(follow);
	if (r == -ENOENT) {
		follow->fd = old;
		return FOLLOW_END;
	}
	fd_close(old);
	if (r < 0)
		return r;
	file_begin(follow);
	/* a log that was awaited begins like any other */
	return first ? FOLLOW_LINE : FOLLOW_REPLACED;
}

/* At the end of the file: has another one taken its name, or was it cut short? */
static int name_check(struct follow *follow, struct follow_line *ret)
{
	struct stat now;
	int r;

	if (stat(follow->path, &now) < 0)
		return errno == ENOENT || errno == ENOTDIR ? FOLLOW_END : -errno;
	if (follow->fd >= 0 && now.st_dev == follow->status.st_dev &&
	    now.st_ino == follow->status.st_ino) {
		if ((uint64_t)now.st_size >= follow->offset)
			return FOLLOW_END;
		if (lseek(follow->fd, 0, SEEK_SET) < 0)
			return -errno;
		file_begin(follow);
		return FOLLOW_TRUNCATED;
	}
	/* what was written before it made way */
	if (follow->fd >= 0 && !follow->leaving) {
		follow->leaving = true;
		return follow_next(follow, ret);
	}
	r = rest_take(follow, ret);
	if (r != FOLLOW_END)
		return r;
	r = file_replace(follow);
	return r == FOLLOW_LINE ? follow_next(follow, ret) : r;
}

/* Only that something has happened counts; a folder that is gone is watched again. */
static void changes_read(struct follow *follow)
{
	_Alignas(struct inotify_event) char events[4096];
	ssize_t n;

	while ((n = read(follow->notify_fd, events, sizeof(events))) > 0) {
		for (char *at = events; at < events + n;) {
			const struct inotify_event *event = (const void *)at;

			if (event->mask & IN_IGNORED)
				follow->watch = -1;
			at += sizeof(*event) + event->len;
		}
	}
}

int follow_wait(struct follow *follow, int fd, int timeout_ms)
{
	struct pollfd fds[] = {
		{.fd = follow->notify_fd, .events = POLLIN},
		{.fd = fd},
	};

	folder_watch(follow);
	if (poll(fds, ARRAY_SIZE(fds), timeout_ms) < 0 && errno != EINTR)
		return -errno;
	changes_read(follow);
	return fds[1].revents & (POLLERR | POLLHUP) ? -EPIPE : 0;
}

/* At the end of a file that is read once: the line that may be being written is its last. */
static int last_take(struct follow *follow, struct follow_line *ret)
{
	uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + TORN_MS * NS_PER_MS, now_ns;
	int r = FOLLOW_END;

	follow->ended = true;
	while (r == FOLLOW_END && follow->bytes.len > follow->at &&
	       (now_ns = clock_ns(CLOCK_MONOTONIC)) < end_ns) {
		/* anything that happens in the folder ends a wait */
		r = follow_wait(follow, -1, (int)((end_ns - now_ns) / NS_PER_MS) + 1);
		if (r >= 0)
			r = present_take(follow, ret);
	}
	return r == FOLLOW_END ? rest_take(follow, ret) : r;
}

int follow_next(struct follow *follow, struct follow_line *ret)
{
	int r;

	if (follow->ended)
		return FOLLOW_END;
	r = present_take(follow, ret);
	if (r != FOLLOW_END)
		return r;
	return follow->wait ? name_check(follow, ret) : last_take(follow, ret);
}

void follow_close(struct follow *follow)
{
	if (!follow)
		return;
	fd_close(follow->fd);
	fd_close(follow->notify_fd);
	buf_done(&follow->bytes);
	free(follow->path);
	free(follow);
}
