/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What one run writes to its audit log: gives records their context and
 * number, and appends them. For one thread at a time.
 */
#ifndef WEIR_DAEMON_JOURNAL_H
#define WEIR_DAEMON_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "audit/log.h"
#include "base/buf.h"
#include "event/json.h"
#include "policy/compile.h"

struct journal {
	struct audit_log *log;
	char *path;			/* NULL: standard output */
	struct event_context context;
	struct event_policy policy;
	struct event_pair *identity;	/* as in context */
	char host[256];
	char **strings;			/* every string of the context, owned */
	size_t n_strings;
	struct buf line;
};

/*
 * Opens the log of a run.
 *
 * @file: "-" is standard output; NULL: run-PID.jsonl in /var/log/weir for
 *        root, else in $XDG_STATE_HOME/weir
 *
 * Returns 0 or negative errno with a heap string.
 */
int journal_open(const char *file, struct journal *ret, char **ret_message);

/*
 * Copies what records take from the policy, with the labels of the attach. -EEXIST: a label the
 * policy has as identity.
 */
int journal_policy(struct journal *journal, const struct policy_compiled *compiled,
		   const struct policy_pair *labels, size_t n_labels);

/* The scope all records are about, and the sections given up (a bit per enum policy_section). */
int journal_scope(struct journal *journal, const char *cgroup, unsigned int without);

/* Reads the clocks; before a batch of records. */
void journal_clock(struct journal *journal);

/* Appends a record. Returns 0, or negative errno when the log takes nothing now: try again. */
int journal_event(struct journal *journal, const struct event *event,
		  const struct event_process *process);

/* The same for a record about weir itself; its time is filled in. */
int journal_self(struct journal *journal, struct event_self *self);

int journal_flush(struct journal *journal);

void journal_close(struct journal *journal);
#define _cleanup_journal_ _cleanup_(journal_close)

/* CLOCK_BOOTTIME in nanoseconds. */
uint64_t journal_now(void);

#endif
