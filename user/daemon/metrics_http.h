/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * GET /metrics over HTTP, by libmicrohttpd: what parses what any user of this host may
 * send. A process of its own without capabilities, user or files: it has the socket that
 * listens, and one to the daemon, which gives it the text.
 */
#ifndef WEIR_DAEMON_METRICS_HTTP_H
#define WEIR_DAEMON_METRICS_HTTP_H

#define METRICS_HTTP_NAME "weir-metrics"	/* argv[0] of a weir that is to be this process */
#define METRICS_HTTP_LISTEN 3			/* its descriptors */
#define METRICS_HTTP_DAEMON 4

#define METRICS_CONNECTIONS_MAX 16	/* further ones wait to be accepted */
#define METRICS_TIMEOUT_S 5		/* a connection on which nothing happens is closed */
#define METRICS_REQUEST_BYTES 8192	/* memory of a connection, its request included */
#define METRICS_TEXT_MAX (64u << 20)

/*
 * To the daemon a byte goes for each request. Back come four bytes, the length of the
 * text, in host byte order, and the text; no text: there is none now.
 *
 * Runs until the daemon's end of that socket is closed, or something fails. Returns the
 * exit status.
 */
int metrics_http_run(void);

#endif
