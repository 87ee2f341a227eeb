/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Records counted by policy, type and verdict. Unlike the counts of a scope these go on
 * when a version or a scope ends. Not for several threads at once.
 */
#ifndef WEIR_EVENT_COUNTS_H
#define WEIR_EVENT_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "weir/abi.h"

struct event_count {
	char *policy;		/* its name; "" where that was not known any more */
	uint64_t records[WEIR_EVENT_COUNT][WEIR_VERDICT_COUNT];
};

/* Zero-initialised it is empty. */
struct event_counts {
	struct event_count *list;	/* sorted by name */
	size_t n;
};

/* Makes room for a policy; one that is there already stays as it is. 0 or -ENOMEM. */
int event_counts_add(struct event_counts *counts, const char *policy);

/* Counts one record. Of a policy that was not added it counts for "", if that was. */
void event_counts_record(struct event_counts *counts, const char *policy,
			 const struct weir_event_head *head);

/* 0 and *ret (event_counts_done), or -ENOMEM. */
int event_counts_copy(const struct event_counts *counts, struct event_counts *ret);

void event_counts_done(struct event_counts *counts);
#define _cleanup_event_counts_ _cleanup_(event_counts_done)

#endif
