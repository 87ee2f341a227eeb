/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Errors of a policy while it is read: gathered with their places, then
 * written in the order of the file into struct policy_errors.
 */
#ifndef WEIR_POLICY_REPORT_H
#define WEIR_POLICY_REPORT_H

#include <stdint.h>

#include "policy/policy.h"
#include "policy/source.h"

#define REPORT_SHOWN_MAX 10000	/* errors printed; how many more there are is said */

struct report_entry;

/* Zero-initialise; report_done() frees it. */
struct report {
	struct report_entry *entries;
	size_t n;
	size_t cap;
	size_t more;	/* errors beyond REPORT_SHOWN_MAX */
	int error;	/* 0 or -ENOMEM */
};

/* Adds an error. What would be accepted follows with report_hint(). */
void report_add(struct report *report, const struct place *place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Says of the error added last what would be accepted. */
void report_hint(struct report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Number of errors so far. */
size_t report_count(const struct report *report);

/*
 * Writes all errors, by file and place, and empties the report.
 * Returns 0 (there were none), -EINVAL (there were some) or -ENOMEM.
 */
int report_flush(struct report *report, struct policy_errors *errors);

void report_done(struct report *report);

#define _cleanup_report_ _cleanup_(report_done)

#endif
