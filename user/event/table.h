/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What records are completed with: policy versions by the serial that records
 * carry, scopes by cgroup id. Pure; not for several threads at once.
 *
 * Records come later than what they tell of. So what ends is retired first, and
 * goes when the records made before have all been read: event_table_mark(), the
 * rings to their ends, event_table_sweep().
 */
#ifndef WEIR_EVENT_TABLE_H
#define WEIR_EVENT_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "event/context.h"

/* A policy version as it was attached. */
struct event_version {
	struct event_policy policy;
	const struct event_pair *identity;	/* the policy's pairs, then those of the attach */
	size_t n_identity;
	const char *const *without;		/* sections given up */
	size_t n_without;
};

struct event_table;

/* Returns 0 or -ENOMEM. */
int event_table_new(struct event_table **ret);

/* Copies a version. Returns 0, -EEXIST or -ENOMEM. */
int event_table_version_add(struct event_table *table, uint64_t serial,
			    const struct event_version *version);

/* Copies a scope's path; one that was retired comes back, counting from 0. 0 or -ENOMEM. */
int event_table_scope_add(struct event_table *table, uint64_t cgroup_id, const char *cgroup);

/* No record is made under it any more. What is not there is no error. */
void event_table_version_retire(struct event_table *table, uint64_t serial);
void event_table_scope_retire(struct event_table *table, uint64_t cgroup_id);

/* Chooses what has been retired so far; sweep frees what was chosen and not taken up again. */
void event_table_mark(struct event_table *table);
void event_table_sweep(struct event_table *table);

/*
 * Puts into a context what is known of a version (0: none) and a scope (0: none).
 * It stays valid until the next sweep, whatever is added meanwhile.
 */
void event_table_look_up(const struct event_table *table, uint64_t serial, uint64_t cgroup_id,
			 struct event_context *context);

/* Calls with each version and each scope, those that were retired too; borrowed for the call. */
struct event_table_calls {
	void (*version)(void *context, uint64_t serial, const struct event_version *version);
	void (*scope)(void *context, uint64_t cgroup_id, const char *cgroup);
	void *context;
};
void event_table_each(const struct event_table *table, const struct event_table_calls *calls);

/* Records of a scope, by verdict. */
void event_table_count(struct event_table *table, uint64_t cgroup_id, enum weir_verdict verdict);
void event_table_counts(const struct event_table *table, uint64_t cgroup_id,
			uint64_t ret[WEIR_VERDICT_COUNT]);

void event_table_free(struct event_table *table);
DEFINE_CLEANUP(struct event_table, event_table_free);
#define _cleanup_event_table_ _cleanup_(cleanup_event_table_free)

#endif
