/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the daemon writes down for the one that takes over when it is killed, or stopped. */
#ifndef WEIR_DAEMON_AGENT_KEEP_H
#define WEIR_DAEMON_AGENT_KEEP_H

#include "base/buf.h"
#include "daemon/agent_state.h"

#define KEEP_STATE "/run/weir/state.json"
#define KEEP_POSITION "/run/weir/position"

/*
 * Writes down what is in force, and what is about to be: before it is. Returns 0, or
 * negative errno with the reason added to text (NULL: it is logged).
 */
int keep_save(struct agent *agent, struct buf *text);

/* Opens the position of the log; needs the rings, whose it is. What fails is said. */
int keep_open(struct agent *agent);

/* Writes down what has changed since, now and then: what has ended is found out without it. */
int keep_start(struct agent *agent);

/* Nothing is in force: nothing is to be known. */
void keep_forget(void);

#endif
