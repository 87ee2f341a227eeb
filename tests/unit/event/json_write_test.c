// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tests of user/event/json_write: strings, whatever bytes they hold. */
#include "../test.h"

#include <jansson.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "event/json_write.h"

/* Eight bytes are looked at together: each value in each place of a long string. */
static void every_byte_in_every_place(void **state)
{
	_cleanup_buf_ struct buf out = {0};
	char data[24], expected[8];
	unsigned int value, at;
	bool valid;

	(void)state;
	for (value = 0; value < 256; value++) {
		if (value == '"' || value == '\\')
			snprintf(expected, sizeof(expected), "\\%c", value);
		else if (value == '\n' || value == '\r' || value == '\t')
			snprintf(expected, sizeof(expected), "\\%c",
				 value == '\n' ? 'n' : value == '\r' ? 'r' : 't');
		else if (value < 0x20 || value == 0x7f)
			snprintf(expected, sizeof(expected), "\\u%04x", value);
		else if (value >= 0x80)
			snprintf(expected, sizeof(expected), "\xef\xbf\xbd");
		else
			snprintf(expected, sizeof(expected), "%c", value);
		for (at = 0; at < sizeof(data); at++) {
			_cleanup_buf_ struct buf line = {0};

			memset(data, 'a', sizeof(data));
			data[at] = (char)value;
			buf_reset(&out);
			valid = jsonw_string(&out, data, sizeof(data));
			assert_int_equal(valid, value < 0x80);
			buf_printf(&line, "\"%.*s%s%.*s\"", (int)at, data, expected,
				   (int)(sizeof(data) - at - 1), data + at + 1);
			assert_string_equal(buf_string(&out), buf_string(&line));
		}
	}
}

/* What comes out reads back as the same, or the exact bytes stand beside it. */
static void random_bytes_read_back(void **state)
{
	/* what UTF-8 is made of; never NUL: jansson's strings end there */
	static const char often[] = "\xc3\xa9\xe2\x82\xac\"\\\n\x7f/a";
	_cleanup_buf_ struct buf out = {0};
	unsigned char exact[64];
	uint32_t seed = 3;
	size_t i, k, len, exact_len;
	char data[40];

	(void)state;
	for (i = 0; i < 20000; i++) {
		json_t *json, *text, *bytes;

		len = i % sizeof(data);
		for (k = 0; k < len; k++) {
			seed = seed * 1664525 + 1013904223;
			data[k] = seed >> 30 ? often[(seed >> 8) % (sizeof(often) - 1)] :
					       (char)(1 + (seed >> 16) % 255);
		}
		buf_reset(&out);
		buf_add_char(&out, '{');
		jsonw_bytes(&out, "x", data, len);
		buf_add_char(&out, '}');
		json = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(json);
		text = json_object_get(json, "x");
		bytes = json_object_get(json, "x_b64");
		if (bytes) {
			assert_int_equal(
				sodium_base642bin(exact, sizeof(exact), json_string_value(bytes),
						  json_string_length(bytes), NULL, &exact_len, NULL,
						  sodium_base64_VARIANT_ORIGINAL),
				0);
			assert_int_equal(exact_len, len);
			assert_memory_equal(exact, data, len);
		} else {
			assert_int_equal(json_string_length(text), len);
			assert_memory_equal(json_string_value(text), data, len);
		}
		json_decref(json);
	}
}

static void commas_stand_between(void **state)
{
	_cleanup_buf_ struct buf out = {0};

	(void)state;
	buf_add_char(&out, '{');
	jsonw_u64(&out, "a", 1);
	jsonw_text(&out, "none", NULL);
	jsonw_text(&out, "b", "{[:,");
	jsonw_name(&out, "c");
	buf_add_char(&out, '[');
	jsonw_next(&out);
	jsonw_base64(&out, "", 0);
	jsonw_next(&out);
	jsonw_base64(&out, "\xff", 1);
	buf_add_char(&out, ']');
	jsonw_pair(&out, "d\"", "e");
	buf_add_char(&out, '}');
	assert_string_equal(buf_string(&out),
			    "{\"a\":1,\"b\":\"{[:,\",\"c\":[\"\",\"/w==\"],\"d\\\"\":\"e\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_in_every_place),
		cmocka_unit_test(random_bytes_read_back),
		cmocka_unit_test(commas_stand_between),
	};

	return RUN_TESTS(tests);
}
