/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A line of the audit log, read back: the other way round than event/json. */
#ifndef WEIR_EVENT_LINE_H
#define WEIR_EVENT_LINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/context.h"
#include "event/decode.h"

/* The strings belong to `json`; NULL where the record has none. */
struct event_line {
	json_t *json;
	const char *time;		/* as time_format() writes it */
	const char *type;
	const char *verdict;
	const char *reason;
	const char *policy;
	const char *digest;
	const char *rule;
	const char *cgroup;		/* of the scope */
	const char *dest_host;
	/*
	 * One of the decisions of abi.h, and all of it is understood: event holds it, with
	 * the rule as number 1 of `names`. Otherwise it is a record about weir, or of a
	 * later version.
	 */
	bool decided;
	struct event event;
	struct event_policy names;
	char *args;			/* of event */
};

/*
 * Reads one line, LF or not. Keys that are not known are left to who looks at `json`.
 *
 * Returns 0 and *ret (event_line_done), -EBADMSG (it is no record: no JSON, or without
 * number, time or type) or -ENOMEM.
 */
int event_line_parse(const char *text, size_t len, struct event_line *ret);

void event_line_done(struct event_line *line);
#define _cleanup_event_line_ _cleanup_(event_line_done)

#endif
