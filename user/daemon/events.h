/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `weir events`: an audit log read, or followed, for people. */
#ifndef WEIR_DAEMON_EVENTS_H
#define WEIR_DAEMON_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENTS_ALL SIZE_MAX

/* What is asked for. NULL and false: whatever it is. */
struct events_options {
	const char *log;	/* NULL: the daemon's, as its configuration says */
	bool follow;
	bool json;		/* the lines as they stand in the log */
	bool color;
	bool terminal;		/* whose control characters nobody else may send */
	bool denied;
	const char *policy;
	const char *type;
	const char *cgroup;
	uint64_t since_ns;	/* UTC */
	size_t last;		/* so many of the lines that are there; EVENTS_ALL */
};

/*
 * A point in time as people give it: "90s", "15m", "2h", "3d" before now_ns; or UTC as
 * "2026-01-02", "2026-01-02 03:04", "2026-01-02T03:04:05.5Z". 0 or -EINVAL.
 */
int events_since_parse(const char *text, uint64_t now_ns, uint64_t *ret_utc_ns);

/* Is it a type of this version, or what several begin with? */
bool events_type_known(const char *type);

/*
 * Prints on standard output until the log's end, or with `follow` until nobody reads.
 * What is wrong with the log is said on standard error.
 *
 * Returns 0, -EBADMSG (there were lines that are no records; the others were printed)
 * or another errno, said already.
 */
int events_show(const struct events_options *options);

#endif
