// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tests of user/audit/follow on real files that grow, are renamed and are cut short. */
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "audit/follow.h"

/* Nothing but a change of the file ends a wait as long as this. */
#define WAIT_MS 60000

struct place {
	char folder[64];
	char path[128];
	char old[128];
	int read_fd;	/* inotify: the file was read */
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -1;
	strcpy(place->folder, "/tmp/weir-follow-test-XXXXXX");
	if (!mkdtemp(place->folder))
		return -1;
	snprintf(place->path, sizeof(place->path), "%s/audit.jsonl", place->folder);
	snprintf(place->old, sizeof(place->old), "%s/audit.jsonl.1", place->folder);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	unlink(place->path);
	unlink(place->old);
	rmdir(place->folder);
	free(place);
	return 0;
}

static void add(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void expect(struct follow *follow, enum follow_event event, const char *text,
		   uint64_t number)
{
	struct follow_line line = {.data = "", .len = 0, .number = 0};

	assert_int_equal(follow_next(follow, &line), event);
	if (event != FOLLOW_LINE && event != FOLLOW_TORN)
		return;
	assert_int_equal(line.len, strlen(text));
	assert_memory_equal(line.data, text, line.len);
	assert_int_equal(line.number, number);
}

static void reads_to_the_end(void **state)
{
	struct place *place = *state;
	_cleanup_follow_ struct follow *follow = NULL;

	add(place->path, "one\n\ntwo\n");
	assert_int_equal(follow_open(place->path, false, &follow), 0);
	expect(follow, FOLLOW_LINE, "one", 1);
	expect(follow, FOLLOW_LINE, "", 2);
	expect(follow, FOLLOW_LINE, "two", 3);
	expect(follow, FOLLOW_END, NULL, 0);
}

static void tells_of_an_end_that_never_came(void **state)
{
	struct place *place = *state;
	_cleanup_follow_ struct follow *follow = NULL;

	add(place->path, "one\ntw");
	assert_int_equal(follow_open(place->path, false, &follow), 0);
	expect(follow, FOLLOW_LINE, "one", 1);
	expect(follow, FOLLOW_TORN, "tw", 2);
	expect(follow, FOLLOW_END, NULL, 0);
}

/* Ends the line in the file of `place` once somebody has read its beginning. */
static void *line_end(void *arg)
{
	const struct place *place = arg;
	_Alignas(struct inotify_event) char events[4096];

	if (read(place->read_fd, events, sizeof(events)) <= 0)
		return NULL;
	/* what else is written beside it ends no wait */
	add(place->old, "other\n");
	add(place->path, "ee\nfour\nfi");
	return arg;
}

static void waits_for_a_line_that_is_being_written(void **state)
{
	struct place *place = *state;
	_cleanup_follow_ struct follow *follow = NULL;
	pthread_t writer;
	void *wrote;

	add(place->path, "one\ntwo\nthr");
	place->read_fd = inotify_init1(IN_CLOEXEC);
	assert_true(inotify_add_watch(place->read_fd, place->path, IN_ACCESS) >= 0);
	assert_int_equal(follow_open(place->path, false, &follow), 0);
	add(place->old, "before it was read\n");
	assert_int_equal(pthread_create(&writer, NULL, line_end, place), 0);
	expect(follow, FOLLOW_LINE, "one", 1);
	expect(follow, FOLLOW_LINE, "two", 2);
	expect(follow, FOLLOW_LINE, "three", 3);
	assert_int_equal(pthread_join(writer, &wrote), 0);
	assert_ptr_equal(wrote, place);
	close(place->read_fd);
}

static void follows_the_name(void **state)
{
	struct place *place = *state;
	_cleanup_follow_ struct follow *follow = NULL;

	add(place->path, "one\n");
	assert_int_equal(follow_open(place->path, true, &follow), 0);
	expect(follow, FOLLOW_LINE, "one", 1);
	assert_int_equal(rename(place->path, place->old), 0);
	expect(follow, FOLLOW_END, NULL, 0);
	/* its writer has not noticed yet */
	add(place->old, "two\n");
	expect(follow, FOLLOW_LINE, "two", 2);
	expect(follow, FOLLOW_END, NULL, 0);
	add(place->old, "three\nfou");
	add(place->path, "new\n");
	assert_int_equal(follow_wait(follow, -1, WAIT_MS), 0);
	expect(follow, FOLLOW_LINE, "three", 3);
	expect(follow, FOLLOW_TORN, "fou", 4);
	expect(follow, FOLLOW_REPLACED, NULL, 0);
	expect(follow, FOLLOW_LINE, "new", 1);
	expect(follow, FOLLOW_END, NULL, 0);
}

static void reads_anew_what_was_cut(void **state)
{
	struct place *place = *state;
	_cleanup_follow_ struct follow *follow = NULL;

	add(place->path, "one\ntwo\n");
	assert_int_equal(follow_open(place->path, true, &follow), 0);
	expect(follow, FOLLOW_LINE, "one", 1);
	expect(follow, FOLLOW_LINE, "two", 2);
	assert_int_equal(truncate(place->path, 0), 0);
	expect(follow, FOLLOW_TRUNCATED, NULL, 0);
	expect(follow, FOLLOW_END, NULL, 0);
	add(place->path, "x\n");
	expect(follow, FOLLOW_LINE, "x", 1);
}

static void waits_for_one_that_is_not_there(void **state)
{
	struct place *place = *state;
	_cleanup_follow_ struct follow *follow = NULL;

	assert_int_equal(follow_open(place->path, false, &follow), -ENOENT);
	assert_int_equal(follow_open(place->path, true, &follow), 0);
	expect(follow, FOLLOW_END, NULL, 0);
	add(place->path, "one\n");
	assert_int_equal(follow_wait(follow, -1, WAIT_MS), 0);
	expect(follow, FOLLOW_LINE, "one", 1);
}

static void refuses_what_is_no_file(void **state)
{
	struct place *place = *state;
	struct follow *follow;

	assert_int_equal(mkfifo(place->path, 0600), 0);
	assert_int_equal(follow_open(place->path, true, &follow), -EINVAL);
	assert_int_equal(follow_open(place->folder, false, &follow), -EINVAL);
}

static void a_line_has_its_bound(void **state)
{
	struct place *place = *state;
	_cleanup_follow_ struct follow *follow = NULL;
	_cleanup_free_ char *text = malloc(FOLLOW_LINE_MAX + 2);
	struct follow_line line;

	assert_non_null(text);
	memset(text, 'x', FOLLOW_LINE_MAX + 1);
	text[FOLLOW_LINE_MAX + 1] = '\0';
	add(place->path, text);
	add(place->path, "more\n");
	text[FOLLOW_LINE_MAX] = '\0';
	add(place->path, text);
	add(place->path, "\nlast\n");
	assert_int_equal(follow_open(place->path, false, &follow), 0);
	assert_int_equal(follow_next(follow, &line), FOLLOW_TORN);
	assert_int_equal(line.number, 1);
	assert_int_equal(follow_next(follow, &line), FOLLOW_LINE);
	assert_int_equal(line.len, FOLLOW_LINE_MAX);
	expect(follow, FOLLOW_LINE, "last", 3);
}

static void notices_that_nobody_reads(void **state)
{
	struct place *place = *state;
	_cleanup_follow_ struct follow *follow = NULL;
	int ends[2];

	assert_int_equal(follow_open(place->path, true, &follow), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	assert_int_equal(follow_wait(follow, ends[1], WAIT_MS), -EPIPE);
	close(ends[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(reads_to_the_end),
		TEST(tells_of_an_end_that_never_came),
		TEST(waits_for_a_line_that_is_being_written),
		TEST(follows_the_name),
		TEST(reads_anew_what_was_cut),
		TEST(waits_for_one_that_is_not_there),
		TEST(refuses_what_is_no_file),
		TEST(a_line_has_its_bound),
		TEST(notices_that_nobody_reads),
	};

	return RUN_TESTS(tests);
}
