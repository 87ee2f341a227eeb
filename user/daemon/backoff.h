/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How long the daemon waits until it tries again what has failed. */
#ifndef WEIR_DAEMON_BACKOFF_H
#define WEIR_DAEMON_BACKOFF_H

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_LAST_MS 60000

/* In ms: twice as long as the time before (0: there was none), in the end a minute. */
static inline unsigned int backoff_next(unsigned int before_ms)
{
	if (!before_ms)
		return BACKOFF_FIRST_MS;
	return before_ms > BACKOFF_LAST_MS / 2 ? BACKOFF_LAST_MS : 2 * before_ms;
}

#endif
