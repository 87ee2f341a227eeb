// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How the journal stands, for other threads than its own; see journal.h. */
#include "daemon/journal.h"

void journal_counts(struct journal *journal, uint64_t cgroup_id, uint64_t ret[WEIR_VERDICT_COUNT])
{
	pthread_mutex_lock(&journal->lock);
	event_table_counts(journal->table, cgroup_id, ret);
	pthread_mutex_unlock(&journal->lock);
}

int journal_state(struct journal *journal, struct journal_state *ret)
{
	int r;

	pthread_mutex_lock(&journal->lock);
	ret->last_seq = journal->last_seq;
	ret->bytes = journal->bytes;
	r = event_counts_copy(&journal->decided, &ret->decided);
	pthread_mutex_unlock(&journal->lock);
	return r;
}

void journal_state_done(struct journal_state *state)
{
	event_counts_done(&state->decided);
}
