// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tests of user/base/addr. */
#include "../test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/addr.h"

static void reads_and_prints_addresses(void **state)
{
	static const struct {
		const char *text, *printed;
		bool v4;
	} cases[] = {
		{"192.0.2.7", "192.0.2.7", true},
		{"0.0.0.0", "0.0.0.0", true},
		{"::ffff:192.0.2.7", "192.0.2.7", true},
		{"::FFFF:c000:207", "192.0.2.7", true},
		{"2001:DB8:0:0:0:0:0:1", "2001:db8::1", false},
		{"::", "::", false},
		{"::1", "::1", false},
		{"2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1", false},
	};
	char text[ADDR_STRLEN];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct weir_addr addr;

		assert_int_equal(addr_parse(cases[i].text, &addr), 0);
		assert_int_equal(addr_is_v4(&addr), cases[i].v4);
		addr_format(&addr, text);
		assert_string_equal(text, cases[i].printed);
	}
}

static void refuses_what_is_no_address(void **state)
{
	static const char *const cases[] = {
		"",	      "192.0.2",    "192.0.2.256", "192.0.2.07",
		" 192.0.2.7", "192.0.2.7 ", "0x7f.0.0.1",  "2130706433",
		"1::2::3",    "fe80::1%lo", "[::1]",	   "host.example.com",
	};
	struct weir_addr addr, before;
	size_t i;

	(void)state;
	memset(&addr, 0x5a, sizeof(addr));
	before = addr;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(addr_parse(cases[i], &addr), -EINVAL);
		assert_memory_equal(&addr, &before, sizeof(addr));
	}
}

static void reads_and_prints_prefixes(void **state)
{
	static const struct {
		const char *text, *printed;
		unsigned int len;
		int result;
	} cases[] = {
		{"192.0.2.0/24", "192.0.2.0/24", 120, 0},
		{"192.0.2.7", "192.0.2.7", 128, 0},
		{"192.0.2.7/32", "192.0.2.7", 128, 0},
		{"0.0.0.0/0", "0.0.0.0/0", 96, 0},
		{"::/0", "::/0", 0, 0},
		{"2001:db8::/32", "2001:db8::/32", 32, 0},
		{"::ffff:192.0.2.0/120", "192.0.2.0/24", 120, 0},
		{"192.0.2.7/24", "192.0.2.0/24", 120, -EDOM},
		{"2001:db8::1/64", "2001:db8::/64", 64, -EDOM},
		{"128.0.0.0/0", "0.0.0.0/0", 96, -EDOM},
	};
	char text[PREFIX_STRLEN];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct prefix prefix;

		assert_int_equal(prefix_parse(cases[i].text, &prefix), cases[i].result);
		assert_int_equal(prefix.len, cases[i].len);
		prefix_format(&prefix, text);
		assert_string_equal(text, cases[i].printed);
	}
}

static void refuses_what_is_no_prefix(void **state)
{
	static const char *const cases[] = {
		"/24",
		"192.0.2.0/",
		"192.0.2.0/33",
		"192.0.2.0/-1",
		"192.0.2.0/+8",
		"192.0.2.0/08",
		"192.0.2.0/8 ",
		"192.0.2.0/8/8",
		"2001:db8::/129",
		"192.0.2.0/99999999999999999999999",
		"192.0.2.0/255.255.255.0",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111/12",
	};
	struct prefix prefix;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(prefix_parse(cases[i], &prefix), -EINVAL);
}

/* Dotted text is our own: every byte in every place against the C library. */
static void prints_v4_as_the_c_library(void **state)
{
	char text[ADDR_STRLEN], expected[ADDR_STRLEN];
	struct weir_addr addr;
	unsigned int i;

	(void)state;
	assert_int_equal(addr_parse("0.0.0.0", &addr), 0);
	for (i = 0; i < 1024; i++) {
		addr.bytes[12 + i / 256] = (__u8)i;
		addr_format(&addr, text);
		assert_non_null(inet_ntop(AF_INET, addr.bytes + 12, expected, sizeof(expected)));
		assert_string_equal(text, expected);
	}
}

/* The longest there are: the buffers' sizes are constants. */
static void longest_texts_fit(void **state)
{
	char text[PREFIX_STRLEN];
	struct prefix prefix = {.len = 127};

	(void)state;
	memset(prefix.addr.bytes, 0xfe, sizeof(prefix.addr.bytes));
	prefix_format(&prefix, text);
	assert_string_equal(text, "fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe/127");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_prints_addresses),
		cmocka_unit_test(refuses_what_is_no_address),
		cmocka_unit_test(reads_and_prints_prefixes),
		cmocka_unit_test(refuses_what_is_no_prefix),
		cmocka_unit_test(prints_v4_as_the_c_library),
		cmocka_unit_test(longest_texts_fit),
	};

	return RUN_TESTS(tests);
}
