/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lines of the audit log for people: which of them, and as what text. */
#ifndef WEIR_EVENT_SHOW_H
#define WEIR_EVENT_SHOW_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/time.h"
#include "event/line.h"

/* NULL, false and "": whatever it is. */
struct event_filter {
	bool denied;		/* refused, or would have been */
	const char *policy;
	const char *type;	/* "network.connect", or all that begin with "network." as "network" */
	const char *cgroup;	/* of the scope: this one, and those below it */
	char since[TIME_STRLEN];	/* as time_format() writes it */
};

bool event_filter_matches(const struct event_filter *filter, const struct event_line *line);

/* Is it a type of this version, or what several begin with? */
bool event_filter_type_known(const char *type);

/*
 * Appends a line, LF included:
 *
 *   2026-03-01 09:30:00.123 deny       agent  network.connect 203.0.113.7:443/tcp (no-rule) by …
 *   2026-03-01 09:30:02.250            agent  scope.attach    mode=enforce in /agents/one
 *
 * What weir does not know of a later version comes as key=value. Every byte from the
 * log goes through the escaper. Failures of memory are left in out->error.
 */
void event_show(struct buf *out, const struct event_line *line, bool color);

/*
 * Appends the record as JSON for a terminal, LF included: the same values in the same
 * order, all that is no printable ASCII as \uXXXX. Failures of memory as above.
 */
void event_show_json(struct buf *out, const struct event_line *line);

#endif
