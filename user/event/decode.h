/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From the bytes of a ring record (abi.h) to a checked struct event: the
 * first step of a record's way to the log. Nothing after it checks lengths
 * or enumerations again.
 */
#ifndef WEIR_EVENT_DECODE_H
#define WEIR_EVENT_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/abi.h"

/* Before a path of which only the innermost part is known: ".../b/c". Whole ones start with '/'. */
#define EVENT_PATH_UNRESOLVED "..."

/*
 * A path as '/'-joined text. Its bytes are the file system's: any but NUL.
 * Or an abstract name behind '@', of any bytes, NUL and '/' too.
 */
struct event_path {
	size_t len;
	char text[sizeof(EVENT_PATH_UNRESOLVED) + WEIR_PATH_MAX];
};

struct event {
	struct weir_event_head head;	/* head.quiet: for the process table, not for the log */
	size_t comm_len;

	bool has_flow;		/* network.connect, .send, .listen, .accept, .flow */
	struct weir_addr dest;
	struct weir_addr source;
	bool has_source;
	uint16_t dport;
	uint16_t sport;
	uint16_t protocol;	/* IPPROTO_* */

	bool has_total;		/* network.flow, besides */
	uint64_t bytes_sent;
	uint64_t bytes_received;
	uint64_t duration_ns;
	uint32_t destinations;
	uint32_t denied;	/* packets refused and not recorded one by one */

	bool has_socket;	/* network.socket: as in socket(2) */
	uint32_t family;	/* AF_* */
	uint32_t kind;		/* SOCK_* without flags; of network.unix too */
	uint32_t socket_protocol;
	uint32_t message;	/* netlink: type of the message refused; 0: the socket itself */

	bool has_unix;		/* network.unix; a peer that has a name has_path */
	bool descriptors;	/* passed across the border of the scope, */
	bool inward;		/* to the workload */

	bool has_guard;		/* guard.*: what was asked for, and as in struct weir_event_guard */
	enum weir_ask ask;
	enum weir_guard opens;	/* WEIR_GUARD_COUNT: nothing does */
	uint32_t number;
	uint32_t target_pid;	/* 0: none */
	char target_comm[16];
	size_t target_comm_len;
	bool guard_path;	/* path is that of a file it was asked for */

	bool has_path;		/* file.*, process.exec, network.unix */
	bool has_target;	/* file.rename, file.link */
	bool has_access;	/* file.*, process.exec */
	uint32_t access;	/* WEIR_ACCESS_BIT()s */
	struct event_path path;
	struct event_path target;

	bool has_args;		/* an exec that happened */
	/* strings, each NUL-terminated but perhaps the last; into the record's bytes */
	const char *args;
	size_t args_len;
	uint32_t args_total;	/* bytes they have in all; more than args_len: cut */

	bool has_status;	/* process.exit */
	uint32_t status;	/* as wait(2) gives it */
};

/* network.*, whose records may lack who acted (head.pid 0). */
bool event_type_is_network(enum weir_event_type type);

/*
 * Reads one record. An exec that was refused has the form of a file record,
 * one that happened has its arguments; which of them it is follows from size.
 *
 * Returns 0 and *ret, whose args stay in data; or -EBADMSG: a length, an
 * enumeration or a name in it cannot be. *ret is then not to be read.
 */
int event_decode(const void *data, size_t size, struct event *ret);

#endif
