// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Policy versions and scopes by number: found, retired, gone only after the rings were read. */
#include "../test.h"

#include <errno.h>
#include <string.h>

#include "event/table.h"

static const char *const allow[] = {"registries", "git"};
static const char *const without[] = {"guard"};
static const struct event_pair identity[] = {{"agent", "one"}};

static struct event_version version_make(const char *name)
{
	return (struct event_version){
		.policy = {.name = name,
			   .digest = "sha256:0",
			   .network = {.allow = allow, .n_allow = ARRAY_SIZE(allow)}},
		.identity = identity,
		.n_identity = ARRAY_SIZE(identity),
		.without = without,
		.n_without = ARRAY_SIZE(without),
	};
}

static const char *name_of(const struct event_table *table, uint64_t serial)
{
	struct event_context context = {0};

	event_table_look_up(table, serial, 0, &context);
	return context.policy ? context.policy->name : NULL;
}

static const char *path_of(const struct event_table *table, uint64_t cgroup_id)
{
	struct event_context context = {0};

	event_table_look_up(table, 0, cgroup_id, &context);
	return context.cgroup;
}

static void finds_many(void **state)
{
	_cleanup_event_table_ struct event_table *table = NULL;
	char name[16];

	(void)state;
	assert_int_equal(event_table_new(&table), 0);
	for (uint64_t i = 1; i <= 300; i++) {
		struct event_version version = version_make(name);
		uint64_t key = i * 7919 % 1009;		/* not in order */

		snprintf(name, sizeof(name), "p%u", (unsigned int)key);
		assert_int_equal(event_table_version_add(table, key, &version), 0);
		assert_int_equal(event_table_scope_add(table, key + 5000, name), 0);
	}
	for (uint64_t i = 1; i <= 300; i++) {
		uint64_t key = i * 7919 % 1009;

		snprintf(name, sizeof(name), "p%u", (unsigned int)key);
		assert_string_equal(name_of(table, key), name);
		assert_string_equal(path_of(table, key + 5000), name);
	}
	assert_null(name_of(table, 5000));
	assert_null(path_of(table, 1));
}

static void copies_everything(void **state)
{
	_cleanup_event_table_ struct event_table *table = NULL;
	char name[] = "builder";
	struct event_version version = version_make(name);
	struct event_context context = {.seq = 7};

	(void)state;
	assert_int_equal(event_table_new(&table), 0);
	assert_int_equal(event_table_version_add(table, 256, &version), 0);
	assert_int_equal(event_table_version_add(table, 256, &version), -EEXIST);
	memset(name, 'x', sizeof(name) - 1);
	event_table_look_up(table, 256, 1, &context);
	assert_string_equal(context.policy->name, "builder");
	assert_string_equal(context.policy->network.allow[1], "git");
	assert_int_equal(context.policy->files.n_allow, 0);
	assert_string_equal(context.identity[0].value, "one");
	assert_string_equal(context.without[0], "guard");
	assert_null(context.cgroup);
	assert_int_equal(context.seq, 7);
	/* what is not known leaves nothing of the last record behind */
	event_table_look_up(table, 1, 1, &context);
	assert_null(context.policy);
	assert_int_equal(context.n_identity + context.n_without, 0);
}

static void retired_stays_until_read(void **state)
{
	_cleanup_event_table_ struct event_table *table = NULL;
	struct event_version version = version_make("a");

	(void)state;
	assert_int_equal(event_table_new(&table), 0);
	assert_int_equal(event_table_version_add(table, 1, &version), 0);
	assert_int_equal(event_table_version_add(table, 2, &version), 0);
	event_table_version_retire(table, 1);
	event_table_version_retire(table, 99);
	event_table_sweep(table);
	assert_non_null(name_of(table, 1));
	event_table_mark(table);
	/* retired while the rings were read: records of it may have come since */
	event_table_version_retire(table, 2);
	event_table_sweep(table);
	assert_null(name_of(table, 1));
	assert_non_null(name_of(table, 2));
	event_table_mark(table);
	event_table_sweep(table);
	assert_null(name_of(table, 2));
}

static void scope_comes_back(void **state)
{
	_cleanup_event_table_ struct event_table *table = NULL;
	uint64_t counts[WEIR_VERDICT_COUNT];

	(void)state;
	assert_int_equal(event_table_new(&table), 0);
	assert_int_equal(event_table_scope_add(table, 9, "/a"), 0);
	event_table_count(table, 9, WEIR_VERDICT_DENY);
	event_table_count(table, 9, WEIR_VERDICT_DENY);
	event_table_count(table, 8, WEIR_VERDICT_DENY);
	event_table_counts(table, 9, counts);
	assert_int_equal(counts[WEIR_VERDICT_DENY], 2);
	assert_int_equal(counts[WEIR_VERDICT_ALLOW], 0);
	event_table_scope_retire(table, 9);
	event_table_mark(table);
	assert_int_equal(event_table_scope_add(table, 9, "/a"), 0);
	event_table_sweep(table);
	assert_string_equal(path_of(table, 9), "/a");
	event_table_counts(table, 9, counts);
	assert_int_equal(counts[WEIR_VERDICT_DENY], 0);
	event_table_counts(table, 8, counts);
	assert_int_equal(counts[WEIR_VERDICT_DENY], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_many),
		cmocka_unit_test(copies_everything),
		cmocka_unit_test(retired_stays_until_read),
		cmocka_unit_test(scope_comes_back),
	};

	return RUN_TESTS(tests);
}
