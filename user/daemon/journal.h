/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What goes to the audit log: gives records their context and number, and appends
 * them. Appending is for one thread, the journal's; what policies and scopes there
 * are may be told by another, and records posted by it.
 */
#ifndef WEIR_DAEMON_JOURNAL_H
#define WEIR_DAEMON_JOURNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit/log.h"
#include "base/buf.h"
#include "event/counts.h"
#include "event/json.h"
#include "event/table.h"
#include "policy/compile.h"

struct journal_post;

struct journal {
	struct audit_log *log;
	char *path;			/* NULL: standard output */
	char host[256];
	struct position *position;	/* of batches, borrowed; NULL: not kept */
	enum position_end batch;	/* what became of the last one before */
	struct event_context context;	/* of the record appended last */
	struct buf line;
	pthread_mutex_t lock;		/* of what follows */
	struct event_table *table;
	struct event_counts decided;	/* over all that the log has taken */
	uint64_t last_seq;		/* of the record appended last */
	uint64_t bytes;			/* appended */
	struct journal_post *posts;	/* in the order in which they came */
	struct journal_post **posts_end;
	size_t posts_bytes;
	uint64_t posts_lost;		/* not told yet */
};

/*
 * Posted records that may wait for a log that takes nothing, until it is full, and what
 * cannot wait (what ends, say) may add; beyond that they are counted as lost.
 */
#define JOURNAL_POSTS_BYTES_MAX ((size_t)1024 * 1024)
#define JOURNAL_POSTS_BYTES_LAST ((size_t)4 * 1024 * 1024)

/*
 * Opens a log.
 *
 * @file: "-" is standard output; NULL: run-PID.jsonl in /var/log/weir for
 *        root, else in $XDG_STATE_HOME/weir
 * @make_folders: make the folders above it; those of the default place always are
 * @position: NULL, or where the writer before has left word of what it was writing
 *
 * Returns 0 or negative errno with a heap string. *ret stays where it is from here on.
 */
int journal_open(const char *file, bool make_folders, struct position *position,
		 struct journal *ret, char **ret_message);

/* 0, or -EEXIST: a label has a key that the policy's identity has. */
int journal_labels_check(const struct policy_compiled *compiled, const struct policy_pair *labels,
			 size_t n_labels);

/*
 * Any thread: copies what records of a policy version take from it, with the labels of the
 * attach and the sections given up (a bit per enum policy_section). 0 or negative errno.
 */
int journal_version_add(struct journal *journal, uint64_t serial,
			const struct policy_compiled *compiled, const struct policy_pair *labels,
			size_t n_labels, unsigned int without);

/* The same of what is kept already as records want it. */
int journal_version_take(struct journal *journal, uint64_t serial,
			 const struct event_version *version);

/* Any thread: all that records may still name. The journal waits until it is released. */
const struct event_table *journal_hold(struct journal *journal);
void journal_release(struct journal *journal);

/* Any thread: the cgroup of a scope. */
int journal_scope_add(struct journal *journal, uint64_t cgroup_id, const char *cgroup);

/*
 * Any thread: no record is made under it from here on. It is known until the
 * journal's thread has read what was made before, between _mark and _sweep.
 */
void journal_version_retire(struct journal *journal, uint64_t serial);
void journal_scope_retire(struct journal *journal, uint64_t cgroup_id);
void journal_mark(struct journal *journal);
void journal_sweep(struct journal *journal);

/* Any thread: records of a scope so far, by verdict. */
void journal_counts(struct journal *journal, uint64_t cgroup_id, uint64_t ret[WEIR_VERDICT_COUNT]);

/* Any thread: how the journal stands. */
struct journal_state {
	struct event_counts decided;	/* owned */
	uint64_t last_seq;		/* of the log; 0: nothing was appended yet */
	uint64_t bytes;			/* appended since it was opened */
};

/* 0 and *ret (journal_state_done), or -ENOMEM. */
int journal_state(struct journal *journal, struct journal_state *ret);
void journal_state_done(struct journal_state *state);
#define _cleanup_journal_state_ _cleanup_(journal_state_done)

/* The journal's thread: path of a scope, or NULL; valid until the next sweep. */
const char *journal_cgroup(struct journal *journal, uint64_t cgroup_id);

/* Reads the clocks; before a batch of records. */
void journal_clock(struct journal *journal);

/* Appends a record. Returns 0, or negative errno when the log takes nothing now: try again. */
int journal_event(struct journal *journal, const struct event *event,
		  const struct event_process *process);

/*
 * The same for a record about weir itself, of a policy version or none (0); its time is filled in.
 */
int journal_self(struct journal *journal, struct event_self *self, uint64_t serial);

/*
 * Any thread: makes such a record now, to be appended by the journal's thread, before any
 * event that is handed to it after this. 0, or negative errno: it is counted as lost.
 * journal_posts_full(): the log has taken nothing for long; what can wait should.
 */
int journal_post(struct journal *journal, struct event_self *self, uint64_t serial);
bool journal_posts_full(struct journal *journal);

/* The journal's thread: how many were lost since it was asked last. */
uint64_t journal_posts_lost(struct journal *journal);

/* Appends what was posted. 0, or negative errno: what is left is tried again. */
int journal_posts_append(struct journal *journal);

int journal_flush(struct journal *journal);

void journal_close(struct journal *journal);
#define _cleanup_journal_ _cleanup_(journal_close)

/* CLOCK_BOOTTIME in nanoseconds. */
uint64_t journal_now(void);

/* CLOCK_REALTIME less CLOCK_BOOTTIME, in nanoseconds. */
int64_t journal_utc_offset(void);

#endif
