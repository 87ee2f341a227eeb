// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Policy versions and scopes that records name by number; see table.h. */
#include "event/table.h"

#include <stdbool.h>
#include <string.h>

enum entry_state {
	ENTRY_LIVE,
	ENTRY_RETIRED,
	ENTRY_MARKED,		/* goes with the next sweep */
};

/* A version or a scope. */
struct entry {
	uint64_t key;
	enum entry_state state;
	struct event_version version;
	char *cgroup;
	uint64_t counts[WEIR_VERDICT_COUNT];
	char **strings;		/* of the version, owned */
	size_t n_strings;
};

/* Sorted by key; entries stay where they are while the list grows. */
struct entries {
	struct entry **list;
	size_t n;
};

struct event_table {
	struct entries versions;
	struct entries scopes;
};

/* Where a key is, or would be. */
static size_t place_of(const struct entries *entries, uint64_t key)
{
	size_t low = 0, high = entries->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (entries->list[middle]->key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct entry *entry_find(const struct entries *entries, uint64_t key)
{
	size_t place = place_of(entries, key);

	return place < entries->n && entries->list[place]->key == key ? entries->list[place] : NULL;
}

static void rules_free(struct event_rules *rules)
{
	free((void *)rules->allow);
	free((void *)rules->deny);
}

static void entry_free(struct entry *entry)
{
	if (!entry)
		return;
	for (size_t i = 0; i < entry->n_strings; i++)
		free(entry->strings[i]);
	free(entry->strings);
	rules_free(&entry->version.policy.network);
	rules_free(&entry->version.policy.listen);
	rules_free(&entry->version.policy.unix_sockets);
	rules_free(&entry->version.policy.files);
	free((void *)entry->version.policy.grants);
	free((void *)entry->version.identity);
	free((void *)entry->version.without);
	free(entry->cgroup);
	free(entry);
}
DEFINE_CLEANUP(struct entry, entry_free);

/* Takes ownership of the entry when it succeeds. */
static int entry_put(struct entries *entries, struct entry *entry)
{
	size_t place = place_of(entries, entry->key);
	struct entry **list = reallocarray(entries->list, entries->n + 1, sizeof(struct entry *));

	if (!list)
		return -ENOMEM;
	entries->list = list;
	memmove(&list[place + 1], &list[place], (entries->n - place) * sizeof(struct entry *));
	list[place] = entry;
	entries->n++;
	return 0;
}

static const char *string_keep(struct entry *entry, const char *text)
{
	char **strings = reallocarray(entry->strings, entry->n_strings + 1, sizeof(char *));

	if (!strings)
		return NULL;
	entry->strings = strings;
	strings[entry->n_strings] = strdup(text);
	return strings[entry->n_strings] ? strings[entry->n_strings++] : NULL;
}

static int names_keep(struct entry *entry, const char *const *names, size_t n,
		      const char *const **ret)
{
	const char **copies = calloc(n + 1, sizeof(char *));

	if (!copies)
		return -ENOMEM;
	*ret = copies;
	for (size_t i = 0; i < n; i++) {
		copies[i] = string_keep(entry, names[i]);
		if (!copies[i])
			return -ENOMEM;
	}
	return 0;
}

static int rules_keep(struct entry *entry, const struct event_rules *rules, struct event_rules *ret)
{
	int r;

	ret->n_allow = rules->n_allow;
	ret->n_deny = rules->n_deny;
	r = names_keep(entry, rules->allow, rules->n_allow, &ret->allow);
	return r < 0 ? r : names_keep(entry, rules->deny, rules->n_deny, &ret->deny);
}

static int pairs_keep(struct entry *entry, const struct event_version *version)
{
	struct event_pair *pairs = calloc(version->n_identity + 1, sizeof(*pairs));

	if (!pairs)
		return -ENOMEM;
	entry->version.identity = pairs;
	entry->version.n_identity = version->n_identity;
	for (size_t i = 0; i < version->n_identity; i++) {
		pairs[i].key = string_keep(entry, version->identity[i].key);
		pairs[i].value = string_keep(entry, version->identity[i].value);
		if (!pairs[i].key || !pairs[i].value)
			return -ENOMEM;
	}
	return 0;
}

static int grants_keep(struct entry *entry, const struct event_policy *policy,
		       struct event_policy *ret)
{
	struct event_grant *grants = calloc(policy->n_grants + 1, sizeof(*grants));

	if (!grants)
		return -ENOMEM;
	ret->grants = grants;
	ret->n_grants = policy->n_grants;
	for (size_t i = 0; i < policy->n_grants; i++) {
		grants[i].slot = policy->grants[i].slot;
		grants[i].name = string_keep(entry, policy->grants[i].name);
		if (!grants[i].name)
			return -ENOMEM;
	}
	return 0;
}

static int version_keep(struct entry *entry, const struct event_version *version)
{
	struct event_policy *policy = &entry->version.policy;
	int r;

	policy->name = string_keep(entry, version->policy.name);
	policy->digest = string_keep(entry, version->policy.digest);
	r = policy->name && policy->digest ? 0 : -ENOMEM;
	if (r >= 0)
		r = rules_keep(entry, &version->policy.network, &policy->network);
	if (r >= 0)
		r = rules_keep(entry, &version->policy.listen, &policy->listen);
	if (r >= 0)
		r = rules_keep(entry, &version->policy.unix_sockets, &policy->unix_sockets);
	if (r >= 0)
		r = rules_keep(entry, &version->policy.files, &policy->files);
	if (r >= 0)
		r = grants_keep(entry, &version->policy, policy);
	if (r >= 0)
		r = pairs_keep(entry, version);
	if (r < 0)
		return r;
	entry->version.n_without = version->n_without;
	return names_keep(entry, version->without, version->n_without, &entry->version.without);
}

int event_table_new(struct event_table **ret)
{
	struct event_table *table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	*ret = table;
	return 0;
}

int event_table_version_add(struct event_table *table, uint64_t serial,
			    const struct event_version *version)
{
	_cleanup_(cleanup_entry_free) struct entry *entry = NULL;
	int r;

	if (entry_find(&table->versions, serial))
		return -EEXIST;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->key = serial;
	r = version_keep(entry, version);
	if (r >= 0)
		r = entry_put(&table->versions, entry);
	if (r < 0)
		return r;
	TAKE_PTR(entry);
	return 0;
}

int event_table_scope_add(struct event_table *table, uint64_t cgroup_id, const char *cgroup)
{
	_cleanup_(cleanup_entry_free) struct entry *entry = NULL;
	struct entry *there = entry_find(&table->scopes, cgroup_id);
	int r;

	if (there) {
		/* records may have been read before who attached it has told */
		if (there->state != ENTRY_LIVE)
			memset(there->counts, 0, sizeof(there->counts));
		there->state = ENTRY_LIVE;
		return 0;
	}
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->key = cgroup_id;
	entry->cgroup = strdup(cgroup);
	r = entry->cgroup ? entry_put(&table->scopes, entry) : -ENOMEM;
	if (r < 0)
		return r;
	TAKE_PTR(entry);
	return 0;
}

static void entry_retire(struct entry *entry)
{
	if (entry && entry->state == ENTRY_LIVE)
		entry->state = ENTRY_RETIRED;
}

void event_table_version_retire(struct event_table *table, uint64_t serial)
{
	entry_retire(entry_find(&table->versions, serial));
}

void event_table_scope_retire(struct event_table *table, uint64_t cgroup_id)
{
	entry_retire(entry_find(&table->scopes, cgroup_id));
}

static void entries_mark(struct entries *entries)
{
	for (size_t i = 0; i < entries->n; i++)
		if (entries->list[i]->state == ENTRY_RETIRED)
			entries->list[i]->state = ENTRY_MARKED;
}

void event_table_mark(struct event_table *table)
{
	entries_mark(&table->versions);
	entries_mark(&table->scopes);
}

static void entries_sweep(struct entries *entries)
{
	size_t kept = 0;

	for (size_t i = 0; i < entries->n; i++) {
		struct entry *entry = entries->list[i];

		if (entry->state == ENTRY_MARKED)
			entry_free(entry);
		else
			entries->list[kept++] = entry;
	}
	entries->n = kept;
}

void event_table_sweep(struct event_table *table)
{
	entries_sweep(&table->versions);
	entries_sweep(&table->scopes);
}

void event_table_look_up(const struct event_table *table, uint64_t serial, uint64_t cgroup_id,
			 struct event_context *context)
{
	static const struct event_version none;
	const struct entry *version = entry_find(&table->versions, serial);
	const struct entry *scope = entry_find(&table->scopes, cgroup_id);
	const struct event_version *known = version ? &version->version : &none;

	context->policy = version ? &known->policy : NULL;
	context->identity = known->identity;
	context->n_identity = known->n_identity;
	context->without = known->without;
	context->n_without = known->n_without;
	context->cgroup = scope ? scope->cgroup : NULL;
}

void event_table_each(const struct event_table *table, const struct event_table_calls *calls)
{
	for (size_t i = 0; i < table->versions.n; i++)
		calls->version(calls->context, table->versions.list[i]->key,
			       &table->versions.list[i]->version);
	for (size_t i = 0; i < table->scopes.n; i++)
		calls->scope(calls->context, table->scopes.list[i]->key,
			     table->scopes.list[i]->cgroup);
}

void event_table_count(struct event_table *table, uint64_t cgroup_id, enum weir_verdict verdict)
{
	struct entry *scope = entry_find(&table->scopes, cgroup_id);

	if (scope)
		scope->counts[verdict]++;
}

void event_table_counts(const struct event_table *table, uint64_t cgroup_id,
			uint64_t ret[WEIR_VERDICT_COUNT])
{
	const struct entry *scope = entry_find(&table->scopes, cgroup_id);

	for (int verdict = 0; verdict < WEIR_VERDICT_COUNT; verdict++)
		ret[verdict] = scope ? scope->counts[verdict] : 0;
}

static void entries_free(struct entries *entries)
{
	for (size_t i = 0; i < entries->n; i++)
		entry_free(entries->list[i]);
	free(entries->list);
}

void event_table_free(struct event_table *table)
{
	if (!table)
		return;
	entries_free(&table->versions);
	entries_free(&table->scopes);
	free(table);
}
