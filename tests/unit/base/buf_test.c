// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tests of user/base/buf. */
#include "../test.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"

static void grows_and_keeps(void **state)
{
	_cleanup_buf_ struct buf buf = {0};
	size_t i;

	(void)state;
	for (i = 0; i < 10000; i++)
		buf_add_char(&buf, (char)('a' + i % 26));
	assert_int_equal(buf.len, 10000);
	assert_int_equal(buf.error, 0);
	for (i = 0; i < 10000; i++)
		assert_int_equal(buf.data[i], 'a' + i % 26);
	buf_add(&buf, NULL, 0);
	assert_int_equal(buf.len, 10000);
}

static void writes_numbers(void **state)
{
	_cleanup_buf_ struct buf buf = {0};

	(void)state;
	buf_add_u64(&buf, 0);
	buf_add_char(&buf, ' ');
	buf_add_u64(&buf, 18446744073709551615ull);
	buf_printf(&buf, " %d %s", -7, "end");
	assert_string_equal(buf_string(&buf), "0 18446744073709551615 -7 end");
	assert_int_equal(buf.len, strlen("0 18446744073709551615 -7 end"));
}

static void formats_longer_than_its_memory(void **state)
{
	_cleanup_buf_ struct buf buf = {0};

	(void)state;
	buf_add_string(&buf, "x");
	buf_printf(&buf, "%5000d", 42);
	assert_int_equal(buf.len, 5001);
	assert_memory_equal(buf.data + 4997, "  42", 4);
}

static void remembers_failure(void **state)
{
	volatile size_t too_much = SIZE_MAX - 2;	/* the compiler would refuse the constant */
	_cleanup_buf_ struct buf buf = {0};

	(void)state;
	buf_add_string(&buf, "kept");
	buf_add(&buf, "", too_much);
	assert_int_equal(buf.error, -ENOMEM);
	buf_add_string(&buf, "ignored");
	assert_int_equal(buf.len, 4);
	assert_null(buf_string(&buf));
	buf_reset(&buf);
	assert_int_equal(buf.error, 0);
	buf_add_string(&buf, "again");
	assert_string_equal(buf_string(&buf), "again");
}

static void done_leaves_an_empty_buffer(void **state)
{
	struct buf buf = {0};

	(void)state;
	buf_add_string(&buf, "text");
	buf_done(&buf);
	assert_null(buf.data);
	assert_int_equal(buf.len, 0);
	assert_string_equal(buf_string(&buf), "");
	buf_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_keeps),
		cmocka_unit_test(writes_numbers),
		cmocka_unit_test(formats_longer_than_its_memory),
		cmocka_unit_test(remembers_failure),
		cmocka_unit_test(done_leaves_an_empty_buffer),
	};

	return RUN_TESTS(tests);
}
