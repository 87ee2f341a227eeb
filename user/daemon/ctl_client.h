/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Asking the daemon, from a command. */
#ifndef WEIR_DAEMON_CTL_CLIENT_H
#define WEIR_DAEMON_CTL_CLIENT_H

#include "daemon/ctl.h"

/* $WEIR_SOCKET, or where it usually is. */
const char *ctl_socket(void);

/*
 * Sends a request and waits for its reply.
 *
 * Returns 0 and *ret (ctl_reply_done); -EACCES: not permitted; -EILSEQ: something
 * in the request is not UTF-8; -EBADMSG: that is no reply; else negative errno: the
 * daemon cannot be reached.
 */
int ctl_call(const struct ctl_request *request, struct ctl_reply *ret);

#endif
