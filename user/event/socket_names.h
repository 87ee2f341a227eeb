/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The words of <sys/socket.h> and <linux/netlink.h> for the numbers in socket(2). */
#ifndef WEIR_EVENT_SOCKET_NAMES_H
#define WEIR_EVENT_SOCKET_NAMES_H

#include <stdint.h>

#define EVENT_SOCKET_STRLEN 24	/* "NETLINK_KOBJECT_UEVENT" and NUL */

/* Numbers without a word come as text behind the same beginning: "AF_99". */
void event_family_format(uint32_t family, char ret[EVENT_SOCKET_STRLEN]);	/* "AF_PACKET" */
void event_kind_format(uint32_t kind, char ret[EVENT_SOCKET_STRLEN]);		/* "SOCK_RAW" */
void event_netlink_format(uint32_t protocol, char ret[EVENT_SOCKET_STRLEN]);	/* "NETLINK_ROUTE" */

/* "stream", "dgram", "seqpacket", or as event_kind_format(). */
void event_unix_kind_format(uint32_t kind, char ret[EVENT_SOCKET_STRLEN]);

#endif
