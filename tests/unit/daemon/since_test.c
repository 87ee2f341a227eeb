// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Points in time as `weir events --since` takes them. */
#include "../test.h"

#include <errno.h>

#include "daemon/events.h"

#define NOW_NS 1767323045000000001ull	/* 2026-01-02T03:04:05.000000001Z */

static void takes_times(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{"0s", NOW_NS},
		{"90s", NOW_NS - 90000000000ull},
		{"15m", NOW_NS - 900000000000ull},
		{"2h", NOW_NS - 7200000000000ull},
		{"3d", NOW_NS - 259200000000000ull},
		{"2026-01-02", 1767312000000000000ull},
		{"2026-01-02 03:04", 1767323040000000000ull},
		{"2026-01-02T03:04:05", 1767323045000000000ull},
		{"2026-01-02T03:04:05Z", 1767323045000000000ull},
		{"2026-01-02 03:04:05.5", 1767323045500000000ull},
		{"2026-01-02T03:04:05.000000001Z", NOW_NS},
	};
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(events_since_parse(good[i].text, NOW_NS, &ns), 0);
		assert_int_equal(ns, good[i].ns);
	}
}

static void refuses_the_rest(void **state)
{
	static const char *const wrong[] = {
		"", "m", "15", "15w", "15m ", "-15m", "+15m", "15mm", "99999999999999999999s",
		"999999d", "2026-13-02", "2026-01-02 3:04", "2026-01-02 03", "2026-01-02Z",
		"2026-01-02 03:04:05.1234567890", "2026-01-02 03:04:05 ", "2026-01-02x03:04",
	};
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (events_since_parse(wrong[i], NOW_NS, &ns) != -EINVAL)
			fail_msg("\"%s\" is taken", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_times),
		cmocka_unit_test(refuses_the_rest),
	};

	return RUN_TESTS(tests);
}
