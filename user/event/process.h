/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is known of a process besides its records: filled by enrich.c, written by json.c. */
#ifndef WEIR_EVENT_PROCESS_H
#define WEIR_EVENT_PROCESS_H

#include <stddef.h>
#include <stdint.h>

/* Ancestors a record names at most: the nearest ones. */
#define EVENT_ANCESTORS_MAX 16

struct event_ancestor {
	uint32_t pid;
	const char *exe;	/* NULL: not known */
	size_t exe_len;
};

/* Strings belong to the process table and stay until it is asked again. */
struct event_process {
	const char *exe;	/* NULL: not known */
	size_t exe_len;
	struct event_ancestor ancestors[EVENT_ANCESTORS_MAX];	/* nearest first */
	size_t n_ancestors;
};

#endif
