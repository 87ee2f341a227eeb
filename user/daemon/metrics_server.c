// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The daemon's side of metrics over HTTP; see metrics_server.h. */
#include "daemon/metrics_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/addr.h"
#include "base/log.h"
#include "daemon/backoff.h"
#include "daemon/metrics_http.h"
#include "daemon/server.h"

#define LISTEN_TRIES 20	/* the process of a daemon that was killed is about to end */
#define LISTEN_WAIT_MS 50
/* Who asks again sooner is told the same: working it out takes the daemon's time. */
#define FRESH_MS 1000

struct metrics_server {
	uv_timer_t timer;	/* until another process is begun */
	uv_process_t process;
	uv_pipe_t pipe;		/* to it */
	uv_write_t write;
	char asked[2];
	uint32_t len;		/* of what it is given */
	int handles;		/* of the two above, open */
	unsigned int delay_ms;	/* until the last one was begun; 0: the first, or it was of use */
	bool busy;		/* it is being answered */
	bool ending;		/* the process, or it has */
	bool stopping;		/* all of it */
	int listen_fd;
	char *path;		/* of a socket; NULL: an address */
	metrics_fn metrics;
	void *context;
	struct buf text;	/* as of made_ms, of the loop's clock; empty: none yet */
	uint64_t made_ms;
};

/* Sees to it that server->text is fresh. */
static int text_renew(struct metrics_server *server)
{
	const uint64_t now_ms = uv_now(server->timer.loop);
	_cleanup_buf_ struct buf text = {0};
	int r;

	if (server->text.len && now_ms - server->made_ms < FRESH_MS)
		return 0;
	r = server->metrics(server->context, &text);
	if (r < 0)
		return r;
	buf_done(&server->text);
	server->text = text;
	text = (struct buf){0};
	server->made_ms = now_ms;
	return 0;
}

static int listen_at(int fd, const void *address, socklen_t len)
{
	if (bind(fd, address, len) < 0 || listen(fd, METRICS_CONNECTIONS_MAX) < 0)
		return -errno;
	return 0;
}

static int address_listen(const struct weir_addr *addr, uint16_t port, int *ret)
{
	const bool v4 = addr_is_v4(addr);
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
	_cleanup_close_ int fd = -1;
	int on = 1, r;

	fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	memcpy(&six.sin6_addr, addr->bytes, sizeof(six.sin6_addr));
	memcpy(&four.sin_addr, addr->bytes + 12, sizeof(four.sin_addr));
	r = v4 ? listen_at(fd, &four, sizeof(four)) : listen_at(fd, &six, sizeof(six));
	if (r >= 0)
		*ret = TAKE_FD(fd);
	return r;
}

static int path_listen(const char *path, int *ret)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;
	struct stat status;
	int r = server_folder_check(path);

	if (r < 0)
		return r;
	if (lstat(path, &status) == 0 && !S_ISSOCK(status.st_mode))
		return -EEXIST;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || (unlink(path) < 0 && errno != ENOENT))
		return -errno;
	/* who comes into its folder may ask: its mode closes it to nobody who does */
	r = listen_at(fd, &address, sizeof(address));
	if (r >= 0)
		*ret = TAKE_FD(fd);
	return r;
}

static void timer_came(uv_timer_t *timer);

static void begin_later(struct metrics_server *server)
{
	server->delay_ms = backoff_next(server->delay_ms);
	uv_timer_start(&server->timer, timer_came, server->delay_ms, 0);
}

static void server_free(struct metrics_server *server)
{
	fd_close(server->listen_fd);
	if (server->path)
		unlink(server->path);
	free(server->path);
	buf_done(&server->text);
	free(server);
}

static void timer_closed(uv_handle_t *handle)
{
	server_free(handle->data);
}

/* The process, and the socket to it, are closed before the next one begins. */
static void handle_closed(uv_handle_t *handle)
{
	struct metrics_server *server = handle->data;

	if (--server->handles)
		return;
	if (server->stopping)
		uv_close((uv_handle_t *)&server->timer, timer_closed);
	else
		begin_later(server);
}

/* Its end comes to process_ended(). */
static void process_end(struct metrics_server *server)
{
	if (server->ending)
		return;
	server->ending = true;
	uv_process_kill(&server->process, SIGKILL);
	uv_close((uv_handle_t *)&server->pipe, handle_closed);
}

static void process_ended(uv_process_t *process, int64_t status, int signal)
{
	struct metrics_server *server = process->data;

	if (!server->stopping)
		log_error("the process that gives metrics ended (%s %d); another begins in %u s",
			  signal ? "signal" : "status", signal ? signal : (int)status,
			  backoff_next(server->delay_ms) / 1000);
	process_end(server);
	uv_close((uv_handle_t *)process, handle_closed);
}

static void written(uv_write_t *write, int status)
{
	struct metrics_server *server = write->data;

	server->busy = false;
	if (status < 0)
		process_end(server);
}

static void chunk_offer(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct metrics_server *server = handle->data;

	(void)suggested;
	*ret = uv_buf_init(server->asked, sizeof(server->asked));
}

/* It asks once and waits for the answer: one that does otherwise is not what was begun. */
static void asked_came(uv_stream_t *stream, ssize_t n, const uv_buf_t *chunk)
{
	struct metrics_server *server = stream->data;
	uv_buf_t pieces[2];
	int r;

	(void)chunk;
	if (n == 0)
		return;
	if (n != 1 || server->busy) {
		process_end(server);
		return;
	}
	server->delay_ms = 0;
	r = text_renew(server);
	server->len = r < 0 || server->text.len > METRICS_TEXT_MAX ? 0 : (uint32_t)server->text.len;
	pieces[0] = uv_buf_init((char *)&server->len, sizeof(server->len));
	pieces[1] = uv_buf_init(server->text.data, server->len);
	server->busy = true;
	server->write.data = server;
	if (uv_write(&server->write, stream, pieces, server->len ? 2 : 1, written) < 0)
		process_end(server);
}

static int process_spawn(struct metrics_server *server, int its_end)
{
	char *args[] = {(char *)METRICS_HTTP_NAME, NULL}, *environment[] = {NULL};
	uv_stdio_container_t stdio[] = {
		{.flags = UV_IGNORE},
		{.flags = UV_IGNORE},
		{.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
		[METRICS_HTTP_LISTEN] = {.flags = UV_INHERIT_FD, .data.fd = server->listen_fd},
		[METRICS_HTTP_DAEMON] = {.flags = UV_INHERIT_FD, .data.fd = its_end},
	};
	const uv_process_options_t options = {
		.exit_cb = process_ended, .file = "/proc/self/exe", .args = args,
		.env = environment, .stdio = stdio, .stdio_count = ARRAY_SIZE(stdio),
	};

	return uv_spawn(server->timer.loop, &server->process, &options);
}

/* With a socket to it in server->pipe. After an error both are being closed. */
static int process_connect(struct metrics_server *server, int its_end)
{
	int r = process_spawn(server, its_end);

	server->process.data = server;
	server->handles++;
	if (r >= 0)
		r = uv_read_start((uv_stream_t *)&server->pipe, chunk_offer, asked_came);
	else
		uv_close((uv_handle_t *)&server->process, handle_closed);
	return r;
}

static int process_begin(struct metrics_server *server)
{
	int ends[2], r;

	r = uv_socketpair(SOCK_STREAM, 0, ends, UV_NONBLOCK_PIPE, 0);
	if (r < 0)
		return r;
	server->ending = server->busy = false;
	server->pipe.data = server;
	uv_pipe_init(server->timer.loop, &server->pipe, 0);
	server->handles = 1;
	r = uv_pipe_open(&server->pipe, ends[0]);
	if (r < 0)
		fd_close(ends[0]);
	else
		r = process_connect(server, ends[1]);
	fd_close(ends[1]);
	if (r < 0 && !server->ending) {
		server->ending = true;
		uv_close((uv_handle_t *)&server->pipe, handle_closed);
	}
	return r;
}

static void timer_came(uv_timer_t *timer)
{
	struct metrics_server *server = timer->data;
	int r = process_begin(server);

	if (r < 0)
		log_error("no process that gives metrics can be begun: %s; tried again in %u s",
			  uv_strerror(r), backoff_next(server->delay_ms) / 1000);
	if (r < 0 && !server->handles)
		begin_later(server);
}

void metrics_stop(struct metrics_server *server)
{
	if (!server)
		return;
	if (!server->timer.loop) {
		server_free(server);
		return;
	}
	server->stopping = true;
	uv_timer_stop(&server->timer);
	if (!server->handles)
		uv_close((uv_handle_t *)&server->timer, timer_closed);
	else
		process_end(server);
}

static int config_listen(const struct config *config, int *ret)
{
	if (config->metrics_socket)
		return path_listen(config->metrics_socket, ret);
	return address_listen(&config->metrics_addr, config->metrics_port, ret);
}

static int server_open(struct metrics_server *server, uv_loop_t *loop, const struct config *config)
{
	int r = config_listen(config, &server->listen_fd);

	for (int i = 0; i < LISTEN_TRIES && r == -EADDRINUSE; i++) {
		poll(NULL, 0, LISTEN_WAIT_MS);
		r = config_listen(config, &server->listen_fd);
	}
	if (r >= 0 && config->metrics_socket && !(server->path = strdup(config->metrics_socket)))
		r = -ENOMEM;
	if (r < 0)
		return r;
	uv_timer_init(loop, &server->timer);
	server->timer.data = server;
	return process_begin(server);
}

static void failure_say(const struct config *config, int error, char **ret_message)
{
	char address[ADDR_STRLEN];
	const char *why = error == -EPERM && config->metrics_socket ?
				  "its folder must be this user's, with mode 0700" :
				  strerror(-error);
	int len;

	addr_format(&config->metrics_addr, address);
	if (config->metrics_socket)
		len = asprintf(ret_message, "cannot give metrics on %s: %s",
			       config->metrics_socket, why);
	else
		len = asprintf(ret_message, "cannot give metrics on %s port %u: %s", address,
			       config->metrics_port, why);
	if (len < 0)
		*ret_message = NULL;
}

int metrics_start(uv_loop_t *loop, const struct config *config, metrics_fn metrics, void *context,
		  struct metrics_server **ret, char **ret_message)
{
	struct metrics_server *server;
	int r;

	if (!config->metrics_socket && !config->metrics_port)
		return 0;
	server = calloc(1, sizeof(*server));
	if (!server)
		return -ENOMEM;
	server->listen_fd = -1;
	server->metrics = metrics;
	server->context = context;
	r = server_open(server, loop, config);
	if (r < 0) {
		failure_say(config, r, ret_message);
		metrics_stop(server);
		return r;
	}
	*ret = server;
	return 0;
}
