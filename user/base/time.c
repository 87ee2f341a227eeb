// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Times as text; see time.h. */
#include "base/time.h"

#include <stddef.h>

#include "base/clock.h"

#define S_PER_DAY 86400u
#define DAYS_PER_ERA 146097u	/* 400 years */
#define DAYS_TO_1970 719468u	/* from 0000-03-01 */

static void digits_add(char *to, size_t count, uint32_t value)
{
	while (count) {
		to[--count] = (char)('0' + value % 10);
		value /= 10;
	}
}

/*
 * Years that begin in March put the leap day last, which makes the month a
 * plain division (Hinnant, "chrono-Compatible Low-Level Date Algorithms",
 * civil_from_days). gmtime_r takes a lock and costs more than a whole record.
 */
static void date_add(char to[10], uint32_t days_since_1970)
{
	uint32_t days = days_since_1970 + DAYS_TO_1970;
	uint32_t era = days / DAYS_PER_ERA;
	uint32_t of_era = days % DAYS_PER_ERA;
	uint32_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint32_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint32_t from_march = (5 * of_year + 2) / 153;
	uint32_t month = from_march < 10 ? from_march + 3 : from_march - 9;
	uint32_t year = era * 400 + year_of_era + (month <= 2);

	digits_add(to, 4, year);
	to[4] = '-';
	digits_add(to + 5, 2, month);
	to[7] = '-';
	digits_add(to + 8, 2, of_year - (153 * from_march + 2) / 5 + 1);
}

void time_format(uint64_t utc_ns, char ret[TIME_STRLEN])
{
	uint64_t utc_s = utc_ns / NS_PER_S;
	uint32_t of_day = (uint32_t)(utc_s % S_PER_DAY);

	date_add(ret, (uint32_t)(utc_s / S_PER_DAY));
	ret[10] = 'T';
	digits_add(ret + 11, 2, of_day / 3600);
	ret[13] = ':';
	digits_add(ret + 14, 2, of_day / 60 % 60);
	ret[16] = ':';
	digits_add(ret + 17, 2, of_day % 60);
	ret[19] = '.';
	digits_add(ret + 20, 9, (uint32_t)(utc_ns % NS_PER_S));
	ret[29] = 'Z';
	ret[30] = '\0';
}
