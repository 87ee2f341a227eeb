// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What records are told of: policy versions and scopes, known by numbers; see journal.h. */
#include "daemon/journal.h"

#include <string.h>

static struct event_rules rules_of(const struct compiled_rules *rules, const char **names)
{
	struct event_rules ret = {.allow = names, .n_allow = rules->n_allow,
				  .deny = names + rules->n_allow, .n_deny = rules->n_deny};

	for (size_t i = 0; i < rules->n_allow; i++)
		names[i] = rules->allow[i].name;
	for (size_t i = 0; i < rules->n_deny; i++)
		names[rules->n_allow + i] = rules->deny[i].name;
	return ret;
}

static size_t rules_count(const struct compiled_rules *rules)
{
	return rules->n_allow + rules->n_deny;
}

int journal_labels_check(const struct policy_compiled *compiled, const struct policy_pair *labels,
			 size_t n_labels)
{
	for (size_t i = 0; i < n_labels; i++)
		for (size_t k = 0; k < compiled->n_identity; k++)
			if (strcmp(labels[i].key, compiled->identity[k].key) == 0)
				return -EEXIST;
	return 0;
}

/* The names of all rules, one list behind the other; the table makes copies. */
static struct event_policy policy_of(const struct policy_compiled *compiled, const char **names)
{
	struct event_policy ret = {.name = compiled->name, .digest = compiled->digest};

	ret.network = rules_of(&compiled->network, names);
	names += rules_count(&compiled->network);
	ret.listen = rules_of(&compiled->listen, names);
	names += rules_count(&compiled->listen);
	ret.unix_sockets = rules_of(&compiled->unix_sockets, names);
	names += rules_count(&compiled->unix_sockets);
	ret.files = rules_of(&compiled->files, names);
	return ret;
}

static void pairs_add(struct event_pair *pairs, size_t *n, const struct policy_pair *from,
		      size_t n_from)
{
	for (size_t i = 0; i < n_from; i++)
		pairs[(*n)++] = (struct event_pair){from[i].key, from[i].value};
}

int journal_version_add(struct journal *journal, uint64_t serial,
			const struct policy_compiled *compiled, const struct policy_pair *labels,
			size_t n_labels, unsigned int without)
{
	const size_t n_names = rules_count(&compiled->network) + rules_count(&compiled->listen) +
			       rules_count(&compiled->unix_sockets) + rules_count(&compiled->files);
	_cleanup_free_ const char **names = calloc(n_names + 1, sizeof(char *));
	_cleanup_free_ struct event_grant *grants = calloc(compiled->n_grants + 1, sizeof(*grants));
	_cleanup_free_ struct event_pair *identity = calloc(compiled->n_identity + n_labels + 1,
							    sizeof(*identity));
	const char *sections[POLICY_SECTION_COUNT];
	struct event_version version = {.identity = identity, .without = sections};

	if (!names || !identity || !grants)
		return -ENOMEM;
	version.policy = policy_of(compiled, names);
	version.policy.grants = grants;
	version.policy.n_grants = compiled->n_grants;
	for (size_t i = 0; i < compiled->n_grants; i++)
		grants[i] = (struct event_grant){compiled->grants[i].slot,
						 compiled->grants[i].name};
	pairs_add(identity, &version.n_identity, compiled->identity, compiled->n_identity);
	pairs_add(identity, &version.n_identity, labels, n_labels);
	for (int section = 0; section < POLICY_SECTION_COUNT; section++)
		if (without & 1u << section)
			sections[version.n_without++] = policy_section_name(section);
	return journal_version_take(journal, serial, &version);
}

int journal_version_take(struct journal *journal, uint64_t serial,
			 const struct event_version *version)
{
	int r;

	pthread_mutex_lock(&journal->lock);
	r = event_counts_add(&journal->decided, version->policy.name);
	if (r >= 0)
		r = event_table_version_add(journal->table, serial, version);
	pthread_mutex_unlock(&journal->lock);
	return r;
}

const struct event_table *journal_hold(struct journal *journal)
{
	pthread_mutex_lock(&journal->lock);
	return journal->table;
}

void journal_release(struct journal *journal)
{
	pthread_mutex_unlock(&journal->lock);
}

int journal_scope_add(struct journal *journal, uint64_t cgroup_id, const char *cgroup)
{
	int r;

	pthread_mutex_lock(&journal->lock);
	r = event_table_scope_add(journal->table, cgroup_id, cgroup);
	pthread_mutex_unlock(&journal->lock);
	return r;
}

void journal_version_retire(struct journal *journal, uint64_t serial)
{
	pthread_mutex_lock(&journal->lock);
	event_table_version_retire(journal->table, serial);
	pthread_mutex_unlock(&journal->lock);
}

void journal_scope_retire(struct journal *journal, uint64_t cgroup_id)
{
	pthread_mutex_lock(&journal->lock);
	event_table_scope_retire(journal->table, cgroup_id);
	pthread_mutex_unlock(&journal->lock);
}

void journal_mark(struct journal *journal)
{
	pthread_mutex_lock(&journal->lock);
	event_table_mark(journal->table);
	pthread_mutex_unlock(&journal->lock);
}

void journal_sweep(struct journal *journal)
{
	pthread_mutex_lock(&journal->lock);
	event_table_sweep(journal->table);
	pthread_mutex_unlock(&journal->lock);
}
