// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What one run writes to its audit log; see journal.h. */
#include "daemon/journal.h"

#include <limits.h>
#include <string.h>
#include <time.h>

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t journal_now(void)
{
	return clock_ns(CLOCK_BOOTTIME);
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

int journal_open(const char *file, struct journal *ret, char **ret_message)
{
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
		r = audit_log_open(path, !file, &log, NULL);
		if (r < 0)
			return message_set(ret_message, r, path, open_error(r));
	}
	*ret = (struct journal){.log = TAKE_PTR(log), .path = TAKE_PTR(path)};
	if (gethostname(ret->host, sizeof(ret->host) - 1) < 0)
		ret->host[0] = '\0';
	return 0;
}

/* A copy that lives as long as the journal. */
static char *string_keep(struct journal *journal, const char *text)
{
	char **strings = reallocarray(journal->strings, journal->n_strings + 1, sizeof(*strings));
	char *copy;

	if (!strings)
		return NULL;
	journal->strings = strings;
	copy = strdup(text);
	if (copy)
		strings[journal->n_strings++] = copy;
	return copy;
}

static int names_keep(struct journal *journal, const struct compiled_rule *rules, size_t n,
		      const char *const **ret)
{
	const char **names = calloc(n + 1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	*ret = names;
	for (size_t i = 0; i < n; i++) {
		names[i] = string_keep(journal, rules[i].name);
		if (!names[i])
			return -ENOMEM;
	}
	return 0;
}

static int rules_keep(struct journal *journal, const struct compiled_rules *rules,
		      struct event_rules *ret)
{
	int r;

	ret->n_allow = rules->n_allow;
	ret->n_deny = rules->n_deny;
	r = names_keep(journal, rules->allow, rules->n_allow, &ret->allow);
	return r < 0 ? r : names_keep(journal, rules->deny, rules->n_deny, &ret->deny);
}

/* The names themselves are among the journal's strings. */
static void rules_drop(struct event_rules *rules)
{
	free((void *)rules->allow);
	free((void *)rules->deny);
}

static int identity_keep(struct journal *journal, const struct policy_pair *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct event_pair *pair = &journal->identity[journal->context.n_identity];

		for (size_t k = 0; k < journal->context.n_identity; k++)
			if (strcmp(journal->identity[k].key, pairs[i].key) == 0)
				return -EEXIST;
		pair->key = string_keep(journal, pairs[i].key);
		pair->value = string_keep(journal, pairs[i].value);
		if (!pair->key || !pair->value)
			return -ENOMEM;
		journal->context.n_identity++;
	}
	return 0;
}

int journal_policy(struct journal *journal, const struct policy_compiled *compiled,
		   const struct policy_pair *labels, size_t n_labels)
{
	int r;

	journal->policy.name = string_keep(journal, compiled->name);
	journal->policy.digest = string_keep(journal, compiled->digest);
	journal->identity = calloc(compiled->n_identity + n_labels + 1, sizeof(*journal->identity));
	if (!journal->policy.name || !journal->policy.digest || !journal->identity)
		return -ENOMEM;
	r = rules_keep(journal, &compiled->network, &journal->policy.network);
	if (r >= 0)
		r = rules_keep(journal, &compiled->listen, &journal->policy.listen);
	if (r >= 0)
		r = rules_keep(journal, &compiled->unix_sockets, &journal->policy.unix_sockets);
	if (r >= 0)
		r = rules_keep(journal, &compiled->files, &journal->policy.files);
	if (r >= 0)
		r = identity_keep(journal, compiled->identity, compiled->n_identity);
	if (r >= 0)
		r = identity_keep(journal, labels, n_labels);
	if (r < 0)
		return r;
	journal->context.host = journal->host;
	journal->context.policy = &journal->policy;
	journal->context.identity = journal->identity;
	return 0;
}

int journal_scope(struct journal *journal, const char *cgroup, unsigned int without)
{
	const char **sections = calloc(POLICY_SECTION_COUNT, sizeof(*sections));

	if (!sections)
		return -ENOMEM;
	journal->context.without = sections;
	for (int section = 0; section < POLICY_SECTION_COUNT; section++)
		if (without & 1u << section)
			sections[journal->context.n_without++] = policy_section_name(section);
	journal->context.cgroup = string_keep(journal, cgroup);
	return journal->context.cgroup ? 0 : -ENOMEM;
}

void journal_clock(struct journal *journal)
{
	journal->context.utc_offset_ns = (int64_t)(clock_ns(CLOCK_REALTIME) - journal_now());
}

static int line_append(struct journal *journal)
{
	return audit_log_append(journal->log, journal->line.data, journal->line.len);
}

int journal_event(struct journal *journal, const struct event *event,
		  const struct event_process *process)
{
	int r;

	buf_reset(&journal->line);
	journal->context.seq = audit_log_next_seq(journal->log);
	journal->context.process = process;
	r = event_json(&journal->line, event, &journal->context);
	return r < 0 ? r : line_append(journal);
}

int journal_self(struct journal *journal, struct event_self *self)
{
	int r;

	buf_reset(&journal->line);
	journal_clock(journal);
	self->time_ns = journal_now();
	journal->context.seq = audit_log_next_seq(journal->log);
	r = event_self_json(&journal->line, self, &journal->context);
	return r < 0 ? r : line_append(journal);
}

int journal_flush(struct journal *journal)
{
	return audit_log_flush(journal->log);
}

void journal_close(struct journal *journal)
{
	audit_log_close(journal->log);
	for (size_t i = 0; i < journal->n_strings; i++)
		free(journal->strings[i]);
	free(journal->strings);
	rules_drop(&journal->policy.network);
	rules_drop(&journal->policy.listen);
	rules_drop(&journal->policy.unix_sockets);
	rules_drop(&journal->policy.files);
	free((void *)journal->context.without);
	free(journal->identity);
	free(journal->path);
	buf_done(&journal->line);
	*journal = (struct journal){0};
}
