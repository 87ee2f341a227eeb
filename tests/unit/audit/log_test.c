// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tests of user/audit/log on real files, pipes, and a file system that is full. */
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "audit/log.h"

struct place {
	char folder[64];
	char path[128];
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -1;
	strcpy(place->folder, "/tmp/weir-log-test-XXXXXX");
	if (!mkdtemp(place->folder))
		return -1;
	snprintf(place->path, sizeof(place->path), "%s/audit.jsonl", place->folder);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	unlink(place->path);
	rmdir(place->folder);
	free(place);
	return 0;
}

static void append(struct audit_log *log, const char *rest)
{
	char line[256];
	int len = snprintf(line, sizeof(line), "{\"v\":1,\"seq\":%llu,%s}\n",
			   (unsigned long long)audit_log_next_seq(log), rest);

	assert_int_equal(audit_log_append(log, line, (size_t)len), 0);
}

static void put(const char *path, const char *text)
{
	_cleanup_fclose_ FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
}

static void expect_content(const char *path, const char *expected)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char text[4096];
	size_t len;

	assert_non_null(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	assert_string_equal(text, expected);
}

static void numbers_go_on_in_a_log_that_exists(void **state)
{
	struct place *place = *state;
	struct audit_log_found found;
	struct audit_log *log;
	struct stat status;

	assert_int_equal(audit_log_open(place->path, false, &log, &found), 0);
	assert_int_equal(found.last_seq, 0);
	assert_int_equal(audit_log_next_seq(log), 1);
	append(log, "\"a\":1");
	append(log, "\"a\":18446744073709551615");
	assert_int_equal(audit_log_next_seq(log), 3);
	expect_content(place->path, "");
	assert_int_equal(audit_log_flush(log), 0);
	audit_log_close(log);
	assert_int_equal(stat(place->path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);

	assert_int_equal(audit_log_open(place->path, false, &log, &found), 0);
	assert_int_equal(found.last_seq, 2);
	assert_int_equal(found.torn_bytes, 0);
	append(log, "\"a\":3");
	audit_log_close(log);
	expect_content(place->path, "{\"v\":1,\"seq\":1,\"a\":1}\n"
				    "{\"v\":1,\"seq\":2,\"a\":18446744073709551615}\n"
				    "{\"v\":1,\"seq\":3,\"a\":3}\n");
}

static void a_torn_line_is_kept_and_ended(void **state)
{
	struct place *place = *state;
	struct audit_log_found found;
	struct audit_log *log;

	put(place->path, "{\"v\":1,\"seq\":8,\"a\":1}\n{\"v\":1,\"seq\":9,\"a");
	assert_int_equal(audit_log_open(place->path, false, &log, &found), 0);
	assert_int_equal(found.last_seq, 8);
	assert_int_equal(found.torn_bytes, 17);
	audit_log_close(log);	/* nothing was appended: nothing is changed */
	expect_content(place->path, "{\"v\":1,\"seq\":8,\"a\":1}\n{\"v\":1,\"seq\":9,\"a");

	assert_int_equal(audit_log_open(place->path, false, &log, &found), 0);
	append(log, "\"b\":1");
	audit_log_close(log);
	expect_content(place->path, "{\"v\":1,\"seq\":8,\"a\":1}\n{\"v\":1,\"seq\":9,\"a\n"
				    "{\"v\":1,\"seq\":9,\"b\":1}\n");

	/* torn once more, in front of it an older one: both are passed over */
	put(place->path, "{\"v\":1,\"seq\":8,\"a\":1}\n{\"v\":1,\"seq\":9,\"a\n{\"v\"");
	assert_int_equal(audit_log_open(place->path, false, &log, &found), 0);
	assert_int_equal(found.last_seq, 8);
	assert_int_equal(found.torn_bytes, 4);
	audit_log_close(log);
}

static void a_record_that_lacks_only_its_end_counts(void **state)
{
	struct place *place = *state;
	struct audit_log_found found;
	struct audit_log *log;

	put(place->path, "{\"v\":1,\"seq\":8,\"a\":1}");
	assert_int_equal(audit_log_open(place->path, false, &log, &found), 0);
	assert_int_equal(found.last_seq, 8);
	append(log, "\"b\":1");
	audit_log_close(log);
	expect_content(place->path, "{\"v\":1,\"seq\":8,\"a\":1}\n{\"v\":1,\"seq\":9,\"b\":1}\n");
}

/* The search for the last line goes over more than one block of the file. */
static void long_lines_are_found_whole(void **state)
{
	struct place *place = *state;
	struct audit_log_found found;
	struct audit_log *log;
	static char rest[100000];
	_cleanup_fclose_ FILE *file = fopen(place->path, "we");

	assert_non_null(file);
	memset(rest, 'x', sizeof(rest) - 1);
	fprintf(file, "{\"v\":1,\"seq\":41,\"a\":\"%s\"}\n{\"v\":1,\"seq\":42,\"a\":\"%s\"}\n",
		rest, rest);
	fflush(file);
	assert_int_equal(audit_log_open(place->path, false, &log, &found), 0);
	assert_int_equal(found.last_seq, 42);
	audit_log_close(log);
}

static void refuses_what_is_no_log(void **state)
{
	static const char *const texts[] = {
		"root:x:0:0\n",
		"{\"v\":2,\"seq\":1,\"a\":1}\n",
		"{\"v\":1,\"seq\":1,\"a\":1}\nnote\n",
		"{\"v\":1,\"seq\":1,\"a\":1}\nnote",
		"x",
	};
	struct place *place = *state;
	struct audit_log *log = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		put(place->path, texts[i]);
		assert_int_equal(audit_log_open(place->path, false, &log, NULL), -EBADMSG);
		assert_null(log);
		expect_content(place->path, texts[i]);
	}
}

static void refuses_links_and_second_writers(void **state)
{
	struct place *place = *state;
	struct audit_log *log, *second = NULL;
	char link[160];

	snprintf(link, sizeof(link), "%s/link", place->folder);
	assert_int_equal(symlink(place->path, link), 0);
	assert_int_equal(audit_log_open(link, false, &log, NULL), -ELOOP);
	assert_int_equal(access(place->path, F_OK), -1);
	unlink(link);
	assert_int_equal(audit_log_open(place->path, false, &log, NULL), 0);
	assert_int_equal(audit_log_open(place->path, false, &second, NULL), -EBUSY);
	audit_log_close(log);
	assert_int_equal(audit_log_open(place->path, false, &second, NULL), 0);
	audit_log_close(second);
}

static void makes_folders_when_asked(void **state)
{
	struct place *place = *state;
	struct audit_log *log;
	struct stat status;
	char path[160], inner[160], outer[160];

	snprintf(path, sizeof(path), "%s/a/b/audit.jsonl", place->folder);
	snprintf(inner, sizeof(inner), "%s/a/b", place->folder);
	snprintf(outer, sizeof(outer), "%s/a", place->folder);
	assert_int_equal(audit_log_open(path, false, &log, NULL), -ENOENT);
	assert_int_equal(audit_log_open(path, true, &log, NULL), 0);
	audit_log_close(log);
	assert_int_equal(audit_log_open(path, true, &log, NULL), 0);
	audit_log_close(log);
	assert_int_equal(stat(inner, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_int_equal(stat(outer, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	unlink(path);
	rmdir(inner);
	rmdir(outer);
}

static void takes_only_single_lines(void **state)
{
	struct place *place = *state;
	struct audit_log *log;

	assert_int_equal(audit_log_open(place->path, false, &log, NULL), 0);
	assert_int_equal(audit_log_append(log, "", 0), -EINVAL);
	assert_int_equal(audit_log_append(log, "\n", 1), -EINVAL);
	assert_int_equal(audit_log_append(log, "{}", 2), -EINVAL);
	assert_int_equal(audit_log_append(log, "{}\n{}\n", 6), -EINVAL);
	assert_int_equal(audit_log_next_seq(log), 1);
	audit_log_close(log);
}

/*
 * Appends until the log takes no more, lets go of the hindrance, appends the
 * refused line again: what arrives is every number once, in order.
 */
static uint64_t fill(struct audit_log *log, int expected)
{
	char line[600];
	int result, len;

	for (;;) {
		len = snprintf(line, sizeof(line), "{\"v\":1,\"seq\":%llu,\"a\":\"%0512d\"}\n",
			       (unsigned long long)audit_log_next_seq(log), 0);
		result = audit_log_append(log, line, (size_t)len);
		if (result < 0)
			break;
		assert_true(audit_log_pending(log) <= AUDIT_LOG_BUFFER_BYTES);
	}
	assert_int_equal(result, expected);
	assert_int_equal(audit_log_flush(log), expected);
	return audit_log_next_seq(log) - 1;
}

static uint64_t count_in_order(FILE *file)
{
	char line[1024];
	unsigned long long seq;
	uint64_t count = 0;

	while (fgets(line, sizeof(line), file)) {
		assert_int_equal(sscanf(line, "{\"v\":1,\"seq\":%llu,", &seq), 1);
		assert_int_equal(seq, ++count);
		assert_int_equal(line[strlen(line) - 1], '\n');
	}
	return count;
}

static void a_full_pipe_loses_nothing(void **state)
{
	struct audit_log *log;
	uint64_t taken, seen;
	char drop[65536];
	int ends[2];
	ssize_t len;
	FILE *file;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(audit_log_open_fd(ends[1], &log), 0);
	taken = fill(log, -EAGAIN);
	assert_true(audit_log_pending(log) > 0);

	file = tmpfile();
	assert_non_null(file);
	do {
		while ((len = read(ends[0], drop, sizeof(drop))) > 0)
			assert_int_equal(fwrite(drop, 1, (size_t)len, file), len);
	} while (audit_log_flush(log) == -EAGAIN);
	while ((len = read(ends[0], drop, sizeof(drop))) > 0)
		assert_int_equal(fwrite(drop, 1, (size_t)len, file), len);
	assert_int_equal(audit_log_pending(log), 0);
	rewind(file);
	seen = count_in_order(file);
	assert_int_equal(seen, taken);
	fclose(file);
	audit_log_close(log);
	close(ends[0]);
	close(ends[1]);
}

/* A limit on the file's size stands for the full disk: writes get shorter, then fail. */
static void a_full_file_loses_nothing(void **state)
{
	struct place *place = *state;
	struct rlimit before, small;
	struct audit_log *log;
	uint64_t taken;
	FILE *file;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){.rlim_cur = 100001, .rlim_max = before.rlim_max};
	assert_int_equal(audit_log_open(place->path, false, &log, NULL), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	taken = fill(log, -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	append(log, "\"again\":1");
	assert_int_equal(audit_log_flush(log), 0);
	audit_log_close(log);
	file = fopen(place->path, "re");
	assert_non_null(file);
	assert_int_equal(count_in_order(file), taken + 1);
	fclose(file);
}

static void a_gone_reader_is_an_error(void **state)
{
	struct audit_log *log;
	int ends[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	assert_int_equal(audit_log_open_fd(ends[1], &log), 0);
	append(log, "\"a\":1");
	assert_int_equal(audit_log_flush(log), -EPIPE);
	assert_true(audit_log_pending(log) > 0);
	audit_log_close(log);
	close(ends[1]);
	assert_int_equal(audit_log_open_fd(-1, &log), -EBADF);
}

static void a_line_longer_than_the_buffer_goes_alone(void **state)
{
	struct place *place = *state;
	struct audit_log *log;
	size_t len = AUDIT_LOG_BUFFER_BYTES * 2;
	_cleanup_free_ char *line = malloc(len);
	struct stat status;

	assert_non_null(line);
	memset(line, 'x', len);
	line[len - 1] = '\n';
	assert_int_equal(audit_log_open(place->path, false, &log, NULL), 0);
	append(log, "\"a\":1");
	assert_int_equal(audit_log_append(log, line, len), 0);
	assert_int_equal(audit_log_flush(log), 0);
	audit_log_close(log);
	assert_int_equal(stat(place->path, &status), 0);
	assert_int_equal(status.st_size, len + strlen("{\"v\":1,\"seq\":1,\"a\":1}\n"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(numbers_go_on_in_a_log_that_exists),
		TEST(a_torn_line_is_kept_and_ended),
		TEST(a_record_that_lacks_only_its_end_counts),
		TEST(long_lines_are_found_whole),
		TEST(refuses_what_is_no_log),
		TEST(refuses_links_and_second_writers),
		TEST(makes_folders_when_asked),
		TEST(takes_only_single_lines),
		TEST(a_full_pipe_loses_nothing),
		TEST(a_full_file_loses_nothing),
		TEST(a_gone_reader_is_an_error),
		TEST(a_line_longer_than_the_buffer_goes_alone),
	};

	return RUN_TESTS(tests);
}
