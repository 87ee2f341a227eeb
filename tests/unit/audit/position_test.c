// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which batch was being written: notes that outlive their writer, and logs that are settled by
 * them.
 */
#include "../test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "audit/log.h"
#include "audit/position.h"

#define LINE(n) "{\"v\":1,\"seq\":" n "}\n"

struct place {
	char folder[64];
	char log[96];
	char file[96];
};

static const uint64_t key[2] = {1, 2}, other_key[2] = {1, 3};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	strcpy(place->folder, "/tmp/weir-position-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	snprintf(place->log, sizeof(place->log), "%s/log", place->folder);
	snprintf(place->file, sizeof(place->file), "%s/position", place->folder);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	unlink(place->log);
	unlink(place->file);
	rmdir(place->folder);
	free(place);
	return 0;
}

static void file_write(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static off_t file_size(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status.st_size;
}

static void keeps_the_last_note(void **state)
{
	struct place *place = *state;
	struct position_note note = {.batch = {.after = 7}, .words = {[POSITION_WORDS - 1] = 9}};
	struct position *position;

	assert_int_equal(position_open(place->file, key, &position), 0);
	assert_false(position_get(position, &note));
	position_set(position, &note);
	note.batch.after = 8;
	position_set(position, &note);
	position_touch(position, 5);
	position_close(position);
	assert_int_equal(position_open(place->file, key, &position), 0);
	memset(&note, 0, sizeof(note));
	assert_true(position_get(position, &note));
	assert_int_equal(note.batch.after, 8);
	assert_int_equal(note.words[POSITION_WORDS - 1], 9);
	assert_int_equal(position_touched(position), 5);
	position_close(position);
}

static void takes_no_note_of_another(void **state)
{
	struct place *place = *state;
	struct position_note note = {0};
	struct position *position;

	file_write(place->file, "this is no file of weir");
	assert_int_equal(position_open(place->file, key, &position), 0);
	assert_false(position_get(position, &note));
	position_set(position, &note);
	position_touch(position, 5);
	position_close(position);
	assert_int_equal(position_open(place->file, other_key, &position), 0);
	assert_false(position_get(position, &note));
	assert_int_equal(position_touched(position), 0);
	position_close(position);
}

/* Killed at any instant, the last note or the one before is there, and whole. */
static void is_whole_when_killed(void **state)
{
	struct place *place = *state;

	for (int round = 0; round < 50; round++) {
		pid_t pid = fork();
		struct position_note note;
		struct position *position;
		uint64_t first;

		if (pid == 0) {
			if (position_open(place->file, key, &position) < 0)
				_exit(1);
			for (uint64_t n = 1;; n++) {
				note.batch = (struct position_batch){n, n, n, n};
				for (int i = 0; i < POSITION_WORDS; i++)
					note.words[i] = n;
				position_set(position, &note);
			}
		}
		usleep(1000 + round * 37);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		assert_int_equal(position_open(place->file, key, &position), 0);
		if (position_get(position, &note)) {
			first = note.batch.device;
			assert_int_equal(note.batch.after, first);
			for (int i = 0; i < POSITION_WORDS; i++)
				assert_int_equal(note.words[i], first);
		}
		position_close(position);
	}
}

struct watched {
	struct position_note notes[8];
	size_t n;
	size_t done;
};

static void before(void *context, const struct position_batch *batch)
{
	struct watched *watched = context;

	watched->notes[watched->n++].batch = *batch;
}

static void after(void *context)
{
	((struct watched *)context)->done++;
}

static void log_tells_of_batches(void **state)
{
	struct place *place = *state;
	struct watched watched = {0};
	const struct audit_log_watch watch = {before, after, &watched};
	struct audit_log *log;

	assert_int_equal(audit_log_open(place->log, false, &log, NULL), 0);
	audit_log_watch(log, &watch);
	assert_int_equal(audit_log_append(log, LINE("1"), strlen(LINE("1"))), 0);
	assert_int_equal(watched.n, 0);
	assert_int_equal(audit_log_flush(log), 0);
	assert_int_equal(watched.n, 1);
	assert_int_equal(watched.done, 1);
	assert_int_equal(watched.notes[0].batch.before, 0);
	assert_int_equal(watched.notes[0].batch.after, file_size(place->log));
	/* nothing to write: nothing is told before, and all is in the file */
	assert_int_equal(audit_log_flush(log), 0);
	assert_int_equal(watched.n, 1);
	assert_int_equal(watched.done, 2);
	audit_log_close(log);
}

/* What each length of the log means, and what becomes of it. */
static void settles_by_length(void **state)
{
	static const char whole[] = LINE("1") LINE("2") LINE("3");
	struct place *place = *state;
	const size_t one = strlen(LINE("1")), all = strlen(whole);

	for (size_t len = 0; len <= all; len++) {
		char text[sizeof(whole)];
		struct audit_log_found found;
		struct position_batch batch = {.before = one, .after = all};
		struct audit_log *log;
		struct stat status;

		memcpy(text, whole, len);
		text[len] = '\0';
		file_write(place->log, text);
		assert_int_equal(stat(place->log, &status), 0);
		batch.device = status.st_dev;
		batch.inode = status.st_ino;
		assert_int_equal(audit_log_resume(place->log, false, &batch, &log, &found), 0);
		audit_log_close(log);
		if (len < one) {
			assert_int_equal(found.batch, POSITION_UNKNOWN);
			assert_int_equal(file_size(place->log), len);
		} else if (len < all) {
			assert_int_equal(found.batch, POSITION_NONE);
			assert_int_equal(found.last_seq, 1);
			assert_int_equal(found.torn_bytes, 0);
			assert_int_equal(file_size(place->log), one);
		} else {
			assert_int_equal(found.batch, POSITION_WHOLE);
			assert_int_equal(found.last_seq, 3);
		}
	}
}

static void leaves_another_log_alone(void **state)
{
	struct place *place = *state;
	struct position_batch batch = {.inode = 1, .before = 0, .after = 1000};
	struct audit_log_found found;
	struct audit_log *log;

	file_write(place->log, LINE("1"));
	assert_int_equal(audit_log_resume(place->log, false, &batch, &log, &found), 0);
	audit_log_close(log);
	assert_int_equal(found.batch, POSITION_UNKNOWN);
	assert_int_equal(file_size(place->log), strlen(LINE("1")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keeps_the_last_note, setup, teardown),
		cmocka_unit_test_setup_teardown(takes_no_note_of_another, setup, teardown),
		cmocka_unit_test_setup_teardown(is_whole_when_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(log_tells_of_batches, setup, teardown),
		cmocka_unit_test_setup_teardown(settles_by_length, setup, teardown),
		cmocka_unit_test_setup_teardown(leaves_another_log_alone, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
