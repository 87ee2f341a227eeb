/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What comes before the daemon's event loop, and after it. */
#ifndef WEIR_DAEMON_AGENT_START_H
#define WEIR_DAEMON_AGENT_START_H

#include "daemon/agent_state.h"

/* Reads a configuration; NULL: AGENT_CONFIG, or its defaults. What is wrong is said. 0 or errno. */
int agent_config(const char *path, struct config **ret);

/*
 * Configuration, lock, log, the policies that the configuration names, the kernel
 * side, the drain. What fails is said; agent_close() in any case.
 */
int agent_open(struct agent *agent, const char *config);

/* The same to take everything away: no policy is read, and nothing attached. */
int agent_open_remove(struct agent *agent, const char *config);

/*
 * Writes the last records, and frees. What is confined stays so, for the next daemon
 * to take over; where nothing is, nothing is left.
 */
void agent_close(struct agent *agent);

#endif
