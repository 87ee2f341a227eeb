// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The process that answers for metrics; see metrics_http.h. */
#include "daemon/metrics_http.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/buf.h"
#include "base/log.h"

#define CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define NOBODY 65534

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int status,
			      const char *type, struct buf *text)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	response = text->error ? NULL : MHD_create_response_from_buffer(text->len, text->data,
									 MHD_RESPMEM_MUST_FREE);
	if (!response)
		return MHD_NO;
	TAKE_PTR(text->data);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	/* one request for each connection: what is bounded stays so */
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer_plain(struct MHD_Connection *connection, unsigned int status,
				    const char *words)
{
	_cleanup_buf_ struct buf text = {0};

	buf_add_string(&text, words);
	return answer(connection, status, "text/plain; charset=utf-8", &text);
}

/*
 * All of it, or this process has no use any more: what follows would be taken for something else.
 */
static void daemon_read(void *data, size_t len)
{
	if (len && recv(METRICS_HTTP_DAEMON, data, len, MSG_WAITALL) != (ssize_t)len)
		_exit(1);
}

static void text_get(struct buf *ret)
{
	char chunk[4096];
	uint32_t len;

	if (send(METRICS_HTTP_DAEMON, "", 1, MSG_NOSIGNAL) != 1)
		_exit(1);
	daemon_read(&len, sizeof(len));
	if (len > METRICS_TEXT_MAX)
		_exit(1);
	while (len) {
		uint32_t part = len < sizeof(chunk) ? len : (uint32_t)sizeof(chunk);

		daemon_read(chunk, part);
		buf_add(ret, chunk, part);
		len -= part;
	}
}

/* The headers have come. MHD_NO closes the connection. */
static enum MHD_Result request_came(void *context, struct MHD_Connection *connection,
				    const char *url, const char *method, const char *version,
				    const char *data, size_t *data_size, void **state)
{
	_cleanup_buf_ struct buf text = {0};

	(void)context;
	(void)version;
	(void)data;
	(void)data_size;
	(void)state;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
		return answer_plain(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
	if (strcmp(url, "/metrics") != 0)
		return answer_plain(connection, MHD_HTTP_NOT_FOUND, "only /metrics\n");
	text_get(&text);
	if (!text.len)
		return answer_plain(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
				    "the metrics cannot be had now\n");
	return answer(connection, MHD_HTTP_OK, CONTENT_TYPE, &text);
}

/* An ordinary user who runs a daemon stays that. */
static int user_leave(void)
{
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return -errno;
	return 0;
}

/* Whatever fails: it does not start. */
static int privileges_leave(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
	int r;

	if (close_range(METRICS_HTTP_DAEMON + 1, ~0u, 0) < 0)
		return -errno;
	r = user_leave();
	if (r < 0)
		return r;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
	    syscall(SYS_capset, &header, none) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

static struct MHD_Daemon *http_start(void)
{
	return MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, request_came, NULL,
		MHD_OPTION_LISTEN_SOCKET, METRICS_HTTP_LISTEN, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)METRICS_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int)METRICS_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)METRICS_REQUEST_BYTES, MHD_OPTION_END);
}

int metrics_http_run(void)
{
	/* its end, and nothing else: the thread that serves reads */
	struct pollfd daemon = {.fd = METRICS_HTTP_DAEMON};
	int r = privileges_leave();

	if (r < 0) {
		log_error("metrics: cannot give up privileges: %s", strerror(-r));
		return 1;
	}
	if (!http_start()) {
		log_error("metrics: cannot serve");
		return 1;
	}
	while (poll(&daemon, 1, -1) < 0 && errno == EINTR)
		;
	return 0;
}
