// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The control socket on the event loop; see server.h. */
#include "daemon/server.h"

#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#include "weir/ctl.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77		/* Linux 6.5 */
#endif

#define CLIENTS_MAX (2 * SERVER_CONNECTIONS_MAX)	/* with those that are being closed */

struct client {
	struct server *server;		/* NULL: not in use */
	struct client *next;		/* who came after */
	uv_pipe_t pipe;
	uv_timer_t timer;
	uv_write_t write;
	struct server_peer peer;
	struct buf in;
	struct buf out;
	bool late;			/* its time is up, and what it had sent by then is read */
	bool closing;
};

struct server {
	uv_pipe_t pipe;
	char *path;
	struct server_calls calls;
	struct client *clients;		/* in the order in which they came */
	size_t n_clients;
	size_t n_used;			/* of the list below, and the server itself */
	bool waiting;			/* somebody is, for one in use to be closed */
	bool stopping;
	char chunk[4096];		/* what is read goes through it at once */
	struct client list[CLIENTS_MAX];
};

static void client_came(uv_stream_t *listener, int status);

static void server_put(struct server *server)
{
	if (--server->n_used)
		return;
	free(server->path);
	free(server);
}

static void pipe_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;
	struct server *server = client->server;

	buf_done(&client->in);
	buf_done(&client->out);
	fd_close(client->peer.pidfd);
	client->server = NULL;
	if (server->waiting && !server->stopping)
		client_came((uv_stream_t *)&server->pipe, 0);
	server_put(server);
}

static void timer_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;

	uv_close((uv_handle_t *)&client->pipe, pipe_closed);
}

/* It is none of those of whom the oldest makes way, and they do not make way for it. */
static void client_unlist(struct client *client)
{
	struct client **at = &client->server->clients;

	while (*at && *at != client)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = client->next;
	client->server->n_clients--;
}

static void client_close(struct client *client)
{
	if (client->closing)
		return;
	client->closing = true;
	client_unlist(client);
	uv_read_stop((uv_stream_t *)&client->pipe);
	uv_close((uv_handle_t *)&client->timer, timer_closed);
}

static void time_is_up(uv_timer_t *timer);

/* From now on, and not from when the loop last looked at the clock: it may have been busy. */
static int timer_begin(struct client *client, uint64_t timeout_ms)
{
	uv_update_time(client->timer.loop);
	return uv_timer_start(&client->timer, time_is_up, timeout_ms, 0);
}

/* Timers come before what was sent: what came in time, while the loop was busy, counts. */
static void time_is_up(uv_timer_t *timer)
{
	struct client *client = timer->data;

	if (client->late || timer_begin(client, 1) < 0)
		client_close(client);
	client->late = true;
}

static void written(uv_write_t *write, int status)
{
	(void)status;
	client_close(write->data);
}

/* What is in `out`, and the end. */
static void client_reply(struct client *client)
{
	uv_buf_t piece;

	uv_read_stop((uv_stream_t *)&client->pipe);
	if (client->out.error || !client->out.len || client->out.len > UINT32_MAX) {
		client_close(client);
		return;
	}
	piece = uv_buf_init(client->out.data, (unsigned int)client->out.len);
	client->write.data = client;
	client->late = true;	/* nothing more is read */
	if (timer_begin(client, SERVER_REPLY_MS) < 0 ||
	    uv_write(&client->write, (uv_stream_t *)&client->pipe, &piece, 1, written) < 0)
		client_close(client);
}

static bool peer_may(struct client *client)
{
	const struct server_calls *calls = &client->server->calls;

	return calls->peer(calls->context, &client->peer, &client->out);
}

static void client_answer(struct client *client, const char *line, size_t len)
{
	const struct server_calls *calls = &client->server->calls;

	if (peer_may(client))
		calls->request(calls->context, &client->peer, line, len, &client->out);
	client_reply(client);
}

static void chunk_offer(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct client *client = handle->data;

	(void)suggested;
	*ret = uv_buf_init(client->server->chunk, sizeof(client->server->chunk));
}

static void chunk_take(uv_stream_t *stream, ssize_t n, const uv_buf_t *chunk)
{
	struct client *client = stream->data;
	const char *end;

	if (n == 0)
		return;
	if (n < 0) {
		client_close(client);
		return;
	}
	end = memchr(chunk->base, '\n', (size_t)n);
	buf_add(&client->in, chunk->base, end ? (size_t)(end - chunk->base) : (size_t)n);
	if (client->in.error)
		client_close(client);
	else if (client->in.len >= WEIR_CTL_REQUEST_MAX)
		client_answer(client, NULL, 0);
	else if (end)
		client_answer(client, client->in.data ? client->in.data : "", client->in.len);
}

/*
 * The kernel names who connected. Before 6.5 by number alone: that number may have been
 * given to another process since, if the one that connected has ended already.
 */
static int peer_find(struct client *client)
{
	struct server_peer *peer = &client->peer;
	socklen_t len = sizeof(peer->cred), fd_len = sizeof(peer->pidfd);
	uv_os_fd_t fd;

	if (uv_fileno((uv_handle_t *)&client->pipe, &fd) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer->cred, &len) < 0)
		return -EIO;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &peer->pidfd, &fd_len) < 0)
		peer->pidfd = errno == ENOPROTOOPT ? pidfd_open(peer->cred.pid, 0) : -1;
	return 0;
}

/* One that is free, at the end of the list. NULL: none is. */
static struct client *client_add(struct server *server)
{
	struct client **at = &server->clients, *client = server->list;

	while (client < server->list + CLIENTS_MAX && client->server)
		client++;
	if (client == server->list + CLIENTS_MAX)
		return NULL;
	*client = (struct client){.server = server, .peer.pidfd = -1};
	while (*at)
		at = &(*at)->next;
	*at = client;
	server->n_clients++;
	server->n_used++;
	return client;
}

/* Who may not ask is told at once, and does not take the place of who may. */
static void client_begin(struct client *client)
{
	int r = peer_find(client);

	if (r >= 0 && !peer_may(client)) {
		client_unlist(client);
		client_reply(client);
		return;
	}
	if (r >= 0)
		r = timer_begin(client, SERVER_REQUEST_MS);
	if (r >= 0)
		r = uv_read_start((uv_stream_t *)&client->pipe, chunk_offer, chunk_take);
	if (r < 0)
		client_close(client);
}

static void client_came(uv_stream_t *listener, int status)
{
	struct server *server = listener->data;
	struct client *client = status < 0 ? NULL : client_add(server);

	/* who is not accepted stays the next: see pipe_closed() */
	server->waiting = status >= 0 && !client;
	if (!client)
		return;
	uv_pipe_init(listener->loop, &client->pipe, 0);
	uv_timer_init(listener->loop, &client->timer);
	client->pipe.data = client->timer.data = client;
	if (uv_accept(listener, (uv_stream_t *)&client->pipe) < 0)
		client_close(client);
	else
		client_begin(client);
	if (server->n_clients > SERVER_CONNECTIONS_MAX)
		client_close(server->clients);
}

int server_folder_check(const char *path)
{
	_cleanup_free_ char *folder = strdup(path);
	struct stat status;
	char *slash;

	if (!folder)
		return -ENOMEM;
	slash = strrchr(folder, '/');
	*slash = '\0';
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (lstat(folder, &status) < 0)
		return -errno;
	if (!S_ISDIR(status.st_mode))
		return -ENOTDIR;
	return status.st_uid != geteuid() || status.st_mode & 077 ? -EPERM : 0;
}

static int socket_listen(struct server *server)
{
	struct stat status;
	uv_os_fd_t fd;
	int r;

	if (lstat(server->path, &status) == 0 && !S_ISSOCK(status.st_mode))
		return -EEXIST;
	if (unlink(server->path) < 0 && errno != ENOENT)
		return -errno;
	r = uv_pipe_bind(&server->pipe, server->path);
	if (r >= 0)
		r = uv_fileno((uv_handle_t *)&server->pipe, &fd);
	if (r >= 0)
		r = server->calls.protect(server->calls.context, fd);
	if (r >= 0 && chmod(server->path, 0600) < 0)
		r = -errno;
	if (r >= 0)
		r = uv_listen((uv_stream_t *)&server->pipe, SERVER_CONNECTIONS_MAX, client_came);
	return r;
}

static void server_closed(uv_handle_t *handle)
{
	server_put(handle->data);
}

static const char *listen_error(int error)
{
	switch (error) {
	case -EPERM:
		return "its folder must be this user's, with mode 0700";
	case -EEXIST:
		return "what is there is no socket";
	default:
		return strerror(-error);
	}
}

int server_start(uv_loop_t *loop, const char *path, const struct server_calls *calls,
		 struct server **ret, char **ret_message)
{
	struct server *server = calloc(1, sizeof(*server));
	char *copy = strdup(path);
	int r;

	if (!server || !copy) {
		free(server);
		free(copy);
		return -ENOMEM;
	}
	server->path = copy;
	server->calls = *calls;
	server->n_used = 1;
	r = uv_pipe_init(loop, &server->pipe, 0);
	server->pipe.data = server;
	if (r >= 0)
		r = server_folder_check(path);
	if (r >= 0)
		r = socket_listen(server);
	if (r < 0) {
		if (asprintf(ret_message, "cannot listen on %s: %s", path, listen_error(r)) < 0)
			*ret_message = NULL;
		uv_close((uv_handle_t *)&server->pipe, server_closed);
		return r;
	}
	*ret = server;
	return 0;
}

void server_stop(struct server *server)
{
	if (!server)
		return;
	server->stopping = true;
	while (server->clients)
		client_close(server->clients);
	unlink(server->path);
	uv_close((uv_handle_t *)&server->pipe, server_closed);
}
