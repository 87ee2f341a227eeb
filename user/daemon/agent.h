/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `weir daemon`: policies, scopes, one audit log, the control socket, on one event loop. */
#ifndef WEIR_DAEMON_AGENT_H
#define WEIR_DAEMON_AGENT_H

#define AGENT_CONFIG WEIR_SYSCONFDIR "/weir.yaml"
#define AGENT_LOG "/var/log/weir/audit.jsonl"
#define AGENT_LOCK "/run/weir/daemon.lock"

/*
 * Runs until a signal ends it. What fails is said on standard error.
 *
 * @config: file, or NULL: AGENT_CONFIG, and its defaults if there is none
 *
 * Returns 0, or what kept it from starting: -EINVAL (configuration or policy),
 * -ENOTSUP (cannot be enforced here), -EBUSY (another daemon runs), another errno.
 */
int agent_run(const char *config);

#endif
