// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Single values: names, ports, hosts, times, resolvers, record types. */
#include "../test.h"

#include <errno.h>
#include <string.h>

#include "policy/value.h"

static void names_are_checked(void **state)
{
	(void)state;
	assert_true(name_ok("a"));
	assert_true(name_ok("0-a"));
	assert_true(name_ok("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
	assert_false(name_ok("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
	assert_false(name_ok(""));
	assert_false(name_ok("-a"));
	assert_false(name_ok("a_b"));
	assert_false(name_ok("A"));
	assert_true(parameter_name_ok("_a-B9", 5));
	assert_false(parameter_name_ok("9a", 2));
	assert_false(parameter_name_ok("", 0));
}

static void ports_are_parsed(void **state)
{
	static const char *const wrong[] = {"",	 "0",	  "65536", "-1",  "+1",		"01",  "1-",
					    "-", "1-2-3", "1 ",	   "0-5", "4294967297", "0x1", "a"};
	struct port_range range;
	size_t i;

	(void)state;
	assert_int_equal(port_range_parse("443", &range), 0);
	assert_int_equal(range.first, 443);
	assert_int_equal(range.last, 443);
	assert_int_equal(port_range_parse("1-65535", &range), 0);
	assert_int_equal(range.first, 1);
	assert_int_equal(range.last, 65535);
	assert_int_equal(port_range_parse("9-8", &range), -ERANGE);
	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(port_range_parse(wrong[i], &range), -EINVAL);
}

static void hosts_are_lowered(void **state)
{
	static const char *const wrong[] = {"",	    ".",   "*",	    "*.", "*.*.a", "a*.b",
					    "a..b", ".a",  "-a",    "a-", "a b",   "1.2.3.4",
					    "a/b",  "a:1", "[::1]", "1",  "a.1"};
	char host[300], label[70], name[300] = "";
	size_t i;

	(void)state;
	assert_int_equal(host_parse("Registry.Example.COM.", host), 0);
	assert_string_equal(host, "registry.example.com");
	assert_int_equal(host_parse("*.Example.com", host), 0);
	assert_string_equal(host, "*.example.com");
	assert_int_equal(host_parse("a", host), 0);
	assert_int_equal(host_parse("*.a", host), 0);
	assert_int_equal(host_parse("_dmarc.xn--e1aybc.example", host), 0);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		if (host_parse(wrong[i], host) != -EINVAL)
			fail_msg("\"%s\" is taken", wrong[i]);
	}
	memset(label, 'a', 63);
	strcpy(label + 63, ".");
	for (i = 0; i < 4; i++)
		strcat(name, label);
	assert_int_equal(host_parse(name, host), -EINVAL);	/* 255 characters */
	assert_int_equal(host_parse(name + 2, host), 0);	/* 253 */
	memset(label, 'a', 64);
	label[64] = '\0';
	assert_int_equal(host_parse(label, host), -EINVAL);
}

static void times_are_seconds(void **state)
{
	static const char *const wrong[] = {
		"",
		"2026-12-31",
		"2026-12-31T00:00:00",
		"2026-12-31t00:00:00z",
		"2026-12-31 00:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"2026-04-31T00:00:00Z",
		"2026-12-31T24:00:00Z",
		"2026-12-31T00:60:00Z",
		"2026-12-31T00:00:60Z",
		"2026-12-31T00:00:00.5Z",
		"1969-12-31T23:59:59Z",
		"1970-01-01T00:00:00Z",
		"2026-12-00T00:00:00Z",
		"+026-12-01T00:00:00Z",
	};
	uint64_t time_s;
	size_t i;

	(void)state;
	assert_int_equal(time_parse("1970-01-01T00:00:01Z", &time_s), 0);
	assert_int_equal(time_s, 1);
	assert_int_equal(time_parse("2000-02-29T12:34:56Z", &time_s), 0);
	assert_int_equal(time_s, 951827696);
	assert_int_equal(time_parse("2026-12-31T00:00:00Z", &time_s), 0);
	assert_int_equal(time_s, 1798675200);
	assert_int_equal(time_parse("2100-03-01T00:00:00Z", &time_s), 0);
	assert_int_equal(time_s, 4107542400);
	assert_int_equal(time_parse("9999-12-31T23:59:59Z", &time_s), 0);
	assert_int_equal(time_s, 253402300799);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		if (time_parse(wrong[i], &time_s) != -EINVAL)
			fail_msg("\"%s\" is taken", wrong[i]);
	}
}

static void resolvers_and_types(void **state)
{
	struct upstream upstream;

	(void)state;
	assert_int_equal(upstream_parse("192.0.2.53", &upstream), 0);
	assert_int_equal(upstream.port, 53);
	assert_int_equal(upstream_parse("2001:db8::53#5353", &upstream), 0);
	assert_int_equal(upstream.port, 5353);
	assert_int_equal(upstream_parse("192.0.2.53#", &upstream), -EINVAL);
	assert_int_equal(upstream_parse("#53", &upstream), -EINVAL);
	assert_int_equal(upstream_parse("192.0.2.53#0", &upstream), -EINVAL);
	assert_true(dns_type_ok("TXT"));
	assert_true(dns_type_ok("TYPE65"));
	assert_false(dns_type_ok("TYPE0"));
	assert_false(dns_type_ok("TYPE65536"));
	assert_false(dns_type_ok("ANY"));
	assert_false(dns_type_ok("AXFR"));
	assert_false(dns_type_ok("txt"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_checked),   cmocka_unit_test(ports_are_parsed),
		cmocka_unit_test(hosts_are_lowered),   cmocka_unit_test(times_are_seconds),
		cmocka_unit_test(resolvers_and_types),
	};

	return RUN_TESTS(tests);
}
