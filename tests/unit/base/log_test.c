// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tests of user/base/log and cleanup, on what really reaches standard error. */
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

static char said[16384];

/* Standard error goes to a file while said is filled. */
static void listen_to(void (*talk)(void))
{
	int saved = dup(STDERR_FILENO);
	FILE *file = tmpfile();
	size_t len;

	assert_non_null(file);
	assert_true(saved >= 0);
	assert_int_equal(dup2(fileno(file), STDERR_FILENO), STDERR_FILENO);
	talk();
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
	rewind(file);
	len = fread(said, 1, sizeof(said) - 1, file);
	said[len] = '\0';
	fclose(file);
}

static void say_each(void)
{
	log_error("no %s", "room");
	log_warning("%d left", 3);
	log_notice("started");
	log_debug("step");
}

static void levels_are_kept(void **state)
{
	(void)state;
	listen_to(say_each);
	assert_string_equal(said, "weir: no room\nweir: warning: 3 left\nweir: started\n");
	log_set_level(LOG_LEVEL_ERROR);
	listen_to(say_each);
	assert_string_equal(said, "weir: no room\n");
	log_set_level(LOG_LEVEL_DEBUG);
	listen_to(say_each);
	assert_non_null(strstr(said, "weir: debug: step\n"));
	log_set_level(LOG_LEVEL_NOTICE);
}

static void say_much(void)
{
	log_error("%05000d", 7);
}

static void a_cut_message_says_so(void **state)
{
	size_t len;

	(void)state;
	listen_to(say_much);
	len = strlen(said);
	assert_true(len < 4200);
	assert_string_equal(said + len - strlen("0 [cut]\n"), "0 [cut]\n");
}

static int open_and_forget(bool keep)
{
	_cleanup_close_ int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int number = fd;

	assert_true(fd >= 0);
	if (keep)
		TAKE_FD(fd);
	return number;
}

static void descriptors_end_with_their_scope(void **state)
{
	int fd;

	(void)state;
	fd = open_and_forget(false);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	fd = open_and_forget(true);
	assert_true(fcntl(fd, F_GETFD) >= 0);
	errno = ENOSPC;
	assert_int_equal(fd_close(fd), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(fd_close(-1), -1);
}

static void memory_is_taken_once(void **state)
{
	_cleanup_free_ char *first = strdup("text"), *second = NULL;

	(void)state;
	second = TAKE_PTR(first);
	assert_null(first);
	assert_string_equal(second, "text");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_are_kept),
		cmocka_unit_test(a_cut_message_says_so),
		cmocka_unit_test(descriptors_end_with_their_scope),
		cmocka_unit_test(memory_is_taken_once),
	};

	return RUN_TESTS(tests);
}
