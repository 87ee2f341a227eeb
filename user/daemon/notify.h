/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Telling the service manager how it goes (sd_notify(3)): a datagram to $NOTIFY_SOCKET. */
#ifndef WEIR_DAEMON_NOTIFY_H
#define WEIR_DAEMON_NOTIFY_H

#include <stdint.h>

/* Sends "READY=1" and the like. Without a manager that waits for it, nothing: 0. */
int notify_send(const char *state);

/* Milliseconds between two "WATCHDOG=1", half of what the manager waits for; 0: it does not. */
uint64_t notify_watchdog_ms(void);

#endif
