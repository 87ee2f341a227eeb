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

/* A path as '/'-joined text. Its bytes are the file system's: any but NUL. */
struct event_path {
	size_t len;
	char text[sizeof(EVENT_PATH_UNRESOLVED) + WEIR_PATH_MAX];
};

struct event {
	struct weir_event_head head;	/* head.quiet: for the process table, not for the log */
	size_t comm_len;

	bool has_flow;		/* network.connect, network.send */
	struct weir_addr dest;
	struct weir_addr source;
	bool has_source;
	uint16_t dport;
	uint16_t sport;
	uint16_t protocol;	/* IPPROTO_* */

	bool has_path;		/* file.*, process.exec */
	bool has_target;	/* file.rename, file.link */
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

/*
 * Reads one record. An exec that was refused has the form of a file record,
 * one that happened has its arguments; which of them it is follows from size.
 *
 * Returns 0 and *ret, whose args stay in data; or -EBADMSG: a length, an
 * enumeration or a name in it cannot be. *ret is then not to be read.
 */
int event_decode(const void *data, size_t size, struct event *ret);

#endif
