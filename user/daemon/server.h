/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The control socket's I/O on the event loop: a request and a reply for each
 * connection, sizes and times bounded, so that no client holds up another.
 */
#ifndef WEIR_DAEMON_SERVER_H
#define WEIR_DAEMON_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/buf.h"

/* One past that, and the connection that is there for longest is closed. */
#define SERVER_CONNECTIONS_MAX 32
#define SERVER_REQUEST_MS 5000		/* a request has come whole by then */
#define SERVER_REPLY_MS 10000		/* a reply has been taken by then */

/* Who has connected, as the kernel names them. */
struct server_peer {
	struct ucred cred;
	int pidfd;	/* of that process, and no other that was given its number since */
};

struct server_calls {
	/*
	 * May they ask? Appends the reply if not. Asked when they connect, and again when
	 * their request has come.
	 */
	bool (*peer)(void *context, const struct server_peer *peer, struct buf *reply);
	/* A request has come whole, or is too long (line NULL). Appends the reply. */
	void (*request)(void *context, const struct server_peer *peer, const char *line, size_t len,
			struct buf *reply);
	/* Asked before anybody can connect: keeps the socket from who is confined. 0 or -errno. */
	int (*protect)(void *context, int fd);
	void *context;
};

struct server;

/*
 * Listens on a socket of mode 0600. Its folder must be this user's, and closed to
 * others; it is made if there is none. A socket that is left there is replaced: the
 * caller holds the daemon's lock. -EEXIST: what is there is none.
 *
 * Returns 0 or negative errno with a heap string.
 */
int server_start(uv_loop_t *loop, const char *path, const struct server_calls *calls,
		 struct server **ret, char **ret_message);

/*
 * The folder of a socket: made if there is none; only who is this user, or root, may
 * come as far as the socket. Returns 0, -EPERM (others may) or another errno.
 */
int server_folder_check(const char *path);

/* Closes all; memory is freed when the loop has run. */
void server_stop(struct server *server);

#endif
