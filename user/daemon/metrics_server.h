/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The daemon's side of GET /metrics: it listens, begins the process that parses requests
 * (metrics_http.h), gives it the text when it asks, and begins another when it ends.
 */
#ifndef WEIR_DAEMON_METRICS_SERVER_H
#define WEIR_DAEMON_METRICS_SERVER_H

#include <uv.h>

#include "base/buf.h"
#include "policy/config.h"

struct metrics_server;

/* Appends the metrics. Returns 0 or negative errno. */
typedef int (*metrics_fn)(void *context, struct buf *out);

/*
 * Listens where the configuration says; *ret is NULL where it says nothing. Of a socket
 * the folder must be this user's, and closed to others.
 *
 * Returns 0 or negative errno with a heap string.
 */
int metrics_start(uv_loop_t *loop, const struct config *config, metrics_fn metrics, void *context,
		  struct metrics_server **ret, char **ret_message);

/* Closes all; memory is freed when the loop has run. */
void metrics_stop(struct metrics_server *server);

#endif
