// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tests of user/base/utf8, escape and time. */
#include "../test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "base/time.h"
#include "base/utf8.h"

static void utf8_takes_characters(void **state)
{
	static const struct {
		const char *text;
		uint32_t code;
	} cases[] = {
		{"a", 'a'},
		{"\x7f", 0x7f},
		{"\xc2\x80", 0x80},
		{"\xdf\xbf", 0x7ff},
		{"\xe0\xa0\x80", 0x800},
		{"\xed\x9f\xbf", 0xd7ff},
		{"\xee\x80\x80", 0xe000},
		{"\xef\xbf\xbf", 0xffff},
		{"\xf0\x90\x80\x80", 0x10000},
		{"\xf4\x8f\xbf\xbf", 0x10ffff},
	};
	uint32_t code;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(utf8_next(cases[i].text, strlen(cases[i].text), &code),
				 strlen(cases[i].text));
		assert_int_equal(code, cases[i].code);
	}
	assert_int_equal(utf8_next("", 1, &code), 1);
	assert_int_equal(code, 0);
}

static void utf8_refuses_the_rest(void **state)
{
	static const char *const cases[] = {
		"\x80",		    /* continues nothing */
		"\xbf",
		"\xc0\x80",	    /* overlong NUL */
		"\xc1\xbf",
		"\xe0\x9f\xbf",	    /* overlong */
		"\xf0\x8f\xbf\xbf",
		"\xed\xa0\x80",	    /* surrogates */
		"\xed\xbf\xbf",
		"\xf4\x90\x80\x80", /* above U+10FFFF */
		"\xf5\x80\x80\x80",
		"\xff",
		"\xc3(",	    /* cut short by another character */
		"\xe2\x82(",
		"\xf0\x9f\x98(",
	};
	uint32_t code = 42;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(utf8_next(cases[i], strlen(cases[i]), &code), 0);
	/* cut short by the end: what lies behind is not read */
	assert_int_equal(utf8_next("\xe2\x82\xac", 2, &code), 0);
	assert_int_equal(code, 42);
}

static void expect_escaped(const char *data, size_t len, const char *text, const char *word)
{
	_cleanup_buf_ struct buf out = {0};

	escape_add(&out, data, len);
	assert_string_equal(buf_string(&out), text);
	buf_reset(&out);
	escape_word_add(&out, data, len);
	assert_string_equal(buf_string(&out), word);
}

static void escapes_what_terminals_obey(void **state)
{
	(void)state;
#define EXPECT(data, text, word) expect_escaped(data, sizeof(data) - 1, text, word)
	EXPECT("/usr/bin/env", "/usr/bin/env", "/usr/bin/env");
	EXPECT("/tmp/\xc3\xa4\xe6\x97\xa5", "/tmp/\xc3\xa4\xe6\x97\xa5",
	       "/tmp/\xc3\xa4\xe6\x97\xa5");
	EXPECT("\033[2J\r\n\t\a", "\\x1b[2J\\x0d\\x0a\\x09\\x07",
	       "\"\\x1b[2J\\x0d\\x0a\\x09\\x07\"");
	EXPECT("a\0b", "a\\x00b", "a\\x00b");
	EXPECT("\x7f", "\\x7f", "\\x7f");
	EXPECT("\x9b" "31m", "\\x9b31m", "\\x9b31m");	/* CSI as one byte */
	EXPECT("\xc2\x9b" "31m", "\\xc2\\x9b31m", "\\xc2\\x9b31m");	/* and as U+009B */
	EXPECT("\xff\xfe", "\\xff\\xfe", "\\xff\\xfe");
	EXPECT("\xe2\x80\xae" "cod.exe", "\\xe2\\x80\\xaecod.exe", "\\xe2\\x80\\xaecod.exe");
	EXPECT("\xef\xbb\xbf", "\\xef\\xbb\\xbf", "\\xef\\xbb\\xbf");
	EXPECT("\\x1b", "\\\\x1b", "\\\\x1b");
	EXPECT("", "", "\"\"");
	EXPECT("a b", "a b", "\"a b\"");
	EXPECT("a\xc2\xa0" "b", "a\xc2\xa0" "b", "\"a\xc2\xa0" "b\"");
	EXPECT("say \"x\"", "say \"x\"", "\"say \\\"x\\\"\"");
	EXPECT("(no-rule)", "(no-rule)", "\"(no-rule)\"");
}

/* No byte string whatever leaves a control character or anything that is not UTF-8. */
static void escaped_text_is_printable(void **state)
{
	_cleanup_buf_ struct buf out = {0};
	char data[3];
	uint32_t seed = 1, code;
	size_t at, size, i;

	(void)state;
	for (i = 0; i < 200000; i++) {
		seed = seed * 1664525 + 1013904223;
		memcpy(data, (uint8_t[]){seed >> 8, seed >> 16, seed >> 24}, 3);
		buf_reset(&out);
		escape_word_add(&out, data, 3);
		for (at = 0; at < out.len; at += size) {
			size = utf8_next(out.data + at, out.len - at, &code);
			assert_true(size > 0);
			assert_true(code >= 0x20 && !(code >= 0x7f && code < 0xa0));
		}
	}
}

static void times_agree_with_the_c_library(void **state)
{
	char text[TIME_STRLEN], expected[64];
	uint64_t utc_ns, seed = 7;
	struct tm tm;
	time_t utc_s;
	size_t i, len;

	(void)state;
	for (i = 0; i < 100000; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		utc_ns = i < 2 ? (i ? UINT64_MAX : 0) : seed;
		utc_s = (time_t)(utc_ns / 1000000000);
		assert_non_null(gmtime_r(&utc_s, &tm));
		len = strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S", &tm);
		snprintf(expected + len, sizeof(expected) - len, ".%09lluZ",
			 (unsigned long long)(utc_ns % 1000000000));
		time_format(utc_ns, text);
		assert_string_equal(text, expected);
	}
}

static void times_of_leap_days(void **state)
{
	char text[TIME_STRLEN];

	(void)state;
	time_format(951782400ull * 1000000000, text);
	assert_string_equal(text, "2000-02-29T00:00:00.000000000Z");
	time_format(4107542400ull * 1000000000 - 1, text);
	assert_string_equal(text, "2100-02-28T23:59:59.999999999Z");
	time_format(4107542400ull * 1000000000, text);
	assert_string_equal(text, "2100-03-01T00:00:00.000000000Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_takes_characters),
		cmocka_unit_test(utf8_refuses_the_rest),
		cmocka_unit_test(escapes_what_terminals_obey),
		cmocka_unit_test(escaped_text_is_printable),
		cmocka_unit_test(times_agree_with_the_c_library),
		cmocka_unit_test(times_of_leap_days),
	};

	return RUN_TESTS(tests);
}
