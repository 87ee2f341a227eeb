/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The control socket: how commands talk to the daemon. A unix stream socket; on
 * each connection one request, one reply, each a JSON object on a line of its own
 * (UTF-8, LF), and the daemon closes it. docs/daemon.md describes the objects.
 */
#ifndef WEIR_CTL_H
#define WEIR_CTL_H

#define WEIR_CTL_VERSION 1			/* "v" of every request and reply */
#define WEIR_CTL_SOCKET "/run/weir/control.sock"
#define WEIR_CTL_REQUEST_MAX (64 * 1024)	/* bytes of a request, LF included */
#define WEIR_CTL_REPLY_MAX (16 * 1024 * 1024)	/* bytes of a reply a command takes */

#endif
