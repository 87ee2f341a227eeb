// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What goes to the audit log; see journal.h. */
#include "daemon/journal.h"

#include <limits.h>
#include <string.h>

#include "base/clock.h"

#define CLOCK_READS 8
#define CLOCK_APART_NS 100000

uint64_t journal_now(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

int64_t journal_utc_offset(void)
{
	uint64_t before_ns, real_ns, after_ns;
	int left = CLOCK_READS;

	/* again when something came between the readings */
	do {
		before_ns = journal_now();
		real_ns = clock_ns(CLOCK_REALTIME);
		after_ns = journal_now();
	} while (after_ns - before_ns > CLOCK_APART_NS && --left > 0);
	return (int64_t)(real_ns - before_ns);
}

/* XDG Base Directory Specification: a relative XDG_STATE_HOME is to be ignored. */
static int path_default(char **ret)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int pid = getpid(), r;

	if (geteuid() == 0)
		r = asprintf(ret, "/var/log/weir/run-%d.jsonl", pid);
	else if (state && *state == '/')
		r = asprintf(ret, "%s/weir/run-%d.jsonl", state, pid);
	else if (home && *home == '/')
		r = asprintf(ret, "%s/.local/state/weir/run-%d.jsonl", home, pid);
	else
		return -ENOENT;
	return r < 0 ? -ENOMEM : 0;
}

static int message_set(char **ret_message, int error, const char *path, const char *why)
{
	if (asprintf(ret_message, "cannot write the audit log%s%s: %s", path ? " " : "",
		     path ? path : "", why) < 0)
		*ret_message = NULL;
	return error;
}

static const char *open_error(int error)
{
	switch (error) {
	case -EBUSY:
		return "another weir writes it";
	case -EBADMSG:
		return "it does not end with a record of weir; name another file with --log";
	case -ELOOP:
		return "it is a symbolic link";
	default:
		return strerror(-error);
	}
}

static int file_open(const char *path, bool make_folders, struct position *position,
		     struct audit_log **ret, enum position_end *ret_batch)
{
	struct audit_log_found found;
	struct position_note note;
	bool noted = position && position_get(position, &note);
	int r = audit_log_resume(path, make_folders, noted ? &note.batch : NULL, ret, &found);

	if (r >= 0)
		*ret_batch = found.batch;
	return r;
}

int journal_open(const char *file, bool make_folders, struct position *position,
		 struct journal *ret, char **ret_message)
{
	enum position_end batch = POSITION_UNKNOWN;
	_cleanup_event_table_ struct event_table *table = NULL;
	_cleanup_audit_log_ struct audit_log *log = NULL;
	_cleanup_free_ char *path = NULL;
	int r;

	if (file && strcmp(file, "-") == 0) {
		r = audit_log_open_fd(STDOUT_FILENO, &log);
		if (r < 0)
			return message_set(ret_message, r, NULL, strerror(-r));
	} else {
		r = file ? 0 : path_default(&path);
		if (r < 0)
			return message_set(ret_message, r, NULL, "no HOME; name a file with --log");
		if (file && !(path = strdup(file)))
			return message_set(ret_message, -ENOMEM, file, strerror(ENOMEM));
		r = file_open(path, !file || make_folders, position, &log, &batch);
		if (r < 0)
			return message_set(ret_message, r, path, open_error(r));
	}
	r = event_table_new(&table);
	if (r < 0)
		return message_set(ret_message, r, path, strerror(-r));
	*ret = (struct journal){.log = TAKE_PTR(log), .path = TAKE_PTR(path),
				.table = TAKE_PTR(table), .posts_end = &ret->posts,
				.position = position, .batch = batch};
	pthread_mutex_init(&ret->lock, NULL);
	r = event_counts_add(&ret->decided, "");
	if (r < 0) {
		journal_close(ret);
		return message_set(ret_message, r, NULL, strerror(-r));
	}
	if (gethostname(ret->host, sizeof(ret->host) - 1) < 0)
		ret->host[0] = '\0';
	return 0;
}

static void context_fill(struct journal *journal, uint64_t serial, uint64_t cgroup_id,
			 struct event_context *context)
{
	context->host = journal->host;
	pthread_mutex_lock(&journal->lock);
	event_table_look_up(journal->table, serial, cgroup_id, context);
	pthread_mutex_unlock(&journal->lock);
}

const char *journal_cgroup(struct journal *journal, uint64_t cgroup_id)
{
	struct event_context context = {0};

	context_fill(journal, 0, cgroup_id, &context);
	return context.cgroup;
}

void journal_clock(struct journal *journal)
{
	journal->context.utc_offset_ns = journal_utc_offset();
}

static int line_append(struct journal *journal)
{
	const uint64_t seq = audit_log_next_seq(journal->log);
	int r = audit_log_append(journal->log, journal->line.data, journal->line.len);

	if (r < 0)
		return r;
	pthread_mutex_lock(&journal->lock);
	journal->last_seq = seq;
	journal->bytes += journal->line.len;
	pthread_mutex_unlock(&journal->lock);
	return r;
}

static void verdict_count(struct journal *journal, const struct weir_event_head *head)
{
	const struct event_policy *policy = journal->context.policy;

	pthread_mutex_lock(&journal->lock);
	event_table_count(journal->table, head->scope_id, head->verdict);
	event_counts_record(&journal->decided, policy ? policy->name : NULL, head);
	pthread_mutex_unlock(&journal->lock);
}

int journal_event(struct journal *journal, const struct event *event,
		  const struct event_process *process)
{
	int r;

	buf_reset(&journal->line);
	context_fill(journal, event->head.instance_serial, event->head.scope_id,
		     &journal->context);
	journal->context.seq = audit_log_next_seq(journal->log);
	journal->context.process = process;
	r = event_json(&journal->line, event, &journal->context);
	if (r >= 0)
		r = line_append(journal);
	if (r >= 0)
		verdict_count(journal, &event->head);
	return r;
}

int journal_self(struct journal *journal, struct event_self *self, uint64_t serial)
{
	int r;

	buf_reset(&journal->line);
	journal_clock(journal);
	self->time_ns = journal_now();
	context_fill(journal, serial, self->cgroup_id, &journal->context);
	journal->context.seq = audit_log_next_seq(journal->log);
	r = event_self_json(&journal->line, self, &journal->context);
	return r < 0 ? r : line_append(journal);
}

/* A record that was made, and has no number yet. */
struct journal_post {
	struct journal_post *next;
	struct buf line;
};

static void post_free(struct journal_post *post)
{
	buf_done(&post->line);
	free(post);
}

static int post_lost(struct journal *journal, int error)
{
	__atomic_fetch_add(&journal->posts_lost, 1, __ATOMIC_RELAXED);
	return error;
}

int journal_post(struct journal *journal, struct event_self *self, uint64_t serial)
{
	struct event_context context = {.utc_offset_ns = journal_utc_offset()};
	struct journal_post *post = calloc(1, sizeof(*post));
	int r;

	if (!post)
		return post_lost(journal, -ENOMEM);
	self->time_ns = journal_now();
	context.host = journal->host;
	/* held while the line is made: another thread sweeps */
	pthread_mutex_lock(&journal->lock);
	event_table_look_up(journal->table, serial, self->cgroup_id, &context);
	r = event_self_json(&post->line, self, &context);
	if (r >= 0 && journal->posts_bytes + post->line.len > JOURNAL_POSTS_BYTES_LAST)
		r = -ENOBUFS;
	if (r >= 0) {
		journal->posts_bytes += post->line.len;
		*journal->posts_end = post;
		journal->posts_end = &post->next;
	}
	pthread_mutex_unlock(&journal->lock);
	if (r >= 0)
		return 0;
	post_free(post);
	return post_lost(journal, r);
}

uint64_t journal_posts_lost(struct journal *journal)
{
	return __atomic_exchange_n(&journal->posts_lost, 0, __ATOMIC_RELAXED);
}

bool journal_posts_full(struct journal *journal)
{
	bool full;

	pthread_mutex_lock(&journal->lock);
	full = journal->posts_bytes > JOURNAL_POSTS_BYTES_MAX;
	pthread_mutex_unlock(&journal->lock);
	return full;
}

/* Takes away the first when it is done. Returns the next to do, or NULL. */
static struct journal_post *post_next(struct journal *journal, struct journal_post *done)
{
	struct journal_post *first;

	pthread_mutex_lock(&journal->lock);
	if (done) {
		journal->posts = done->next;
		journal->posts_bytes -= done->line.len;
		if (!journal->posts)
			journal->posts_end = &journal->posts;
	}
	first = journal->posts;
	pthread_mutex_unlock(&journal->lock);
	return first;
}

int journal_posts_append(struct journal *journal)
{
	struct journal_post *post = post_next(journal, NULL), *next;
	int r;

	for (; post; post = next) {
		buf_reset(&journal->line);
		r = event_json_number(&journal->line, post->line.data, post->line.len,
				      audit_log_next_seq(journal->log));
		if (r >= 0)
			r = line_append(journal);
		if (r < 0)
			return r;
		next = post_next(journal, post);
		post_free(post);
	}
	return 0;
}

int journal_flush(struct journal *journal)
{
	return audit_log_flush(journal->log);
}

void journal_close(struct journal *journal)
{
	struct journal_post *post, *next;

	if (!journal->log)
		return;
	for (post = journal->posts; post; post = next) {
		next = post->next;
		post_free(post);
	}
	audit_log_close(journal->log);
	event_table_free(journal->table);
	event_counts_done(&journal->decided);
	pthread_mutex_destroy(&journal->lock);
	free(journal->path);
	buf_done(&journal->line);
	*journal = (struct journal){0};
}
