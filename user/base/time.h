/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Times as text. No clock is read here: times are parameters. */
#ifndef WEIR_BASE_TIME_H
#define WEIR_BASE_TIME_H

#include <stdint.h>

#define TIME_STRLEN 31	/* "2026-01-02T03:04:05.123456789Z" and NUL */

/*
 * RFC 3339 in UTC with nanoseconds, always TIME_STRLEN - 1 characters.
 *
 * @utc_ns: nanoseconds since 1970; the largest lies in the year 2554
 */
void time_format(uint64_t utc_ns, char ret[TIME_STRLEN]);

#endif
