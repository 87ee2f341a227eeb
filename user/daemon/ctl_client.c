// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Asking the daemon; see ctl_client.h. */
#include "daemon/ctl_client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "weir/ctl.h"

/* A policy with a million addresses takes seconds to load. */
#define REPLY_WAIT_S 120

const char *ctl_socket(void)
{
	const char *path = getenv("WEIR_SOCKET");

	return path && *path ? path : WEIR_CTL_SOCKET;
}

static int daemon_connect(void)
{
	const struct timeval wait = {.tv_sec = REPLY_WAIT_S};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = ctl_socket();
	_cleanup_close_ int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0 ||
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == EPERM ? -EACCES : -errno;
	return TAKE_FD(fd);
}

static int all_send(int fd, const struct buf *text)
{
	size_t sent = 0;

	while (sent < text->len) {
		ssize_t n = send(fd, text->data + sent, text->len - sent, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return -errno;
		sent += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int all_receive(int fd, struct buf *text)
{
	char chunk[16384];
	ssize_t n;

	while ((n = recv(fd, chunk, sizeof(chunk), 0)) != 0) {
		/* the request was not read: the reply had come before that */
		if (n < 0 && errno == ECONNRESET && text->len)
			return 0;
		if (n < 0 && errno != EINTR)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		buf_add(text, chunk, n > 0 ? (size_t)n : 0);
		if (text->error || text->len > WEIR_CTL_REPLY_MAX)
			return -EBADMSG;
	}
	return 0;
}

int ctl_call(const struct ctl_request *request, struct ctl_reply *ret)
{
	_cleanup_buf_ struct buf out = {0}, in = {0};
	_cleanup_close_ int fd = -1;
	int r;

	r = ctl_request_format(request, &out);
	if (r >= 0 && out.len > WEIR_CTL_REQUEST_MAX)
		r = -E2BIG;
	if (r < 0)
		return r;
	fd = daemon_connect();
	if (fd < 0)
		return fd;
	r = all_send(fd, &out);
	/* a reply may have come although the rest of the request was not wanted */
	if (r == 0 || r == -EPIPE)
		r = all_receive(fd, &in);
	return r < 0 ? r : ctl_reply_parse(in.data ? in.data : "", in.len, ret);
}
