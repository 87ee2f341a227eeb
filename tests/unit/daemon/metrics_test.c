// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The daemon's figures as metrics, and the counts of records they are made of. */
#include "../test.h"

#include <string.h>

#include "daemon/figures.h"

static void count(struct event_counts *counts, const char *policy, enum weir_event_type type,
		  enum weir_verdict verdict)
{
	const struct weir_event_head head = {.type = (uint8_t)type, .verdict = (uint8_t)verdict};

	event_counts_record(counts, policy, &head);
}

static uint64_t counted(const struct event_counts *counts, const char *policy)
{
	for (size_t i = 0; i < counts->n; i++)
		if (strcmp(counts->list[i].policy, policy) == 0)
			return counts->list[i].records[WEIR_EVENT_CONNECT][WEIR_VERDICT_DENY];
	fail_msg("no policy \"%s\"", policy);
	return 0;
}

static void counts_by_policy(void **state)
{
	static const char *const names[] = {"b", "", "a", "c", "b"};
	_cleanup_event_counts_ struct event_counts counts = {0}, copy = {0};

	(void)state;
	count(&counts, "a", WEIR_EVENT_CONNECT, WEIR_VERDICT_DENY);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(event_counts_add(&counts, names[i]), 0);
	assert_int_equal(counts.n, 4);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		count(&counts, names[i], WEIR_EVENT_CONNECT, WEIR_VERDICT_DENY);
	count(&counts, NULL, WEIR_EVENT_CONNECT, WEIR_VERDICT_DENY);
	count(&counts, "never added", WEIR_EVENT_CONNECT, WEIR_VERDICT_DENY);
	count(&counts, "a", WEIR_EVENT_CONNECT, WEIR_VERDICT_ALLOW);
	count(&counts, "a", WEIR_EVENT_SEND, WEIR_VERDICT_DENY);
	assert_int_equal(event_counts_copy(&counts, &copy), 0);
	event_counts_done(&counts);
	assert_int_equal(counted(&copy, "a"), 1);
	assert_int_equal(counted(&copy, "b"), 2);
	assert_int_equal(counted(&copy, "c"), 1);
	assert_int_equal(counted(&copy, ""), 3);
}

/* As the format has it: every line is a comment, or NAME{LABEL="VALUE",…} NUMBER. */
static void expect_form(const char *text)
{
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		size_t len = strcspn(line, "\n");
		const char *space = memrchr(line, ' ', len);

		assert_int_equal(line[len], '\n');
		if (*line == '#')
			continue;
		assert_non_null(space);
		assert_true(strncmp(line, "weir_", 5) == 0);
		assert_int_equal(strspn(space + 1, "0123456789."), line + len - space - 1);
	}
}

static void writes_all(void **state)
{
	struct figures_policy policies[] = {
		{.name = "quote\"back\\slash\nline\xff", .digest = "sha256:00", .scopes = 3},
		{.name = "web", .digest = "sha256:11", .audit = true},
	};
	struct kern_cost costs[] = {{"weir_connect4", 7, 2000000042}};
	struct figures figures = {
		.started_s = 1700000000, .reloaded_s = 1700000001, .reload_failed = true,
		.kernel = "6.1.0", .log_writable = true,
		.journal = {.last_seq = 12, .bytes = 3456},
		.lost = {[WEIR_EVENT_FILE_OPEN] = 5, [EVENT_LOST_UNKNOWN] = 2},
		.fills = {.allow = {8, 4096}, .deny = {16, 8192}},
		.policies = policies, .n_policies = ARRAY_SIZE(policies),
		.costs_counted = true, .costs = costs, .n_costs = ARRAY_SIZE(costs),
	};
	static const char *const lines[] = {
		"weir_build_info{version=\"" WEIR_VERSION "\",kernel=\"6.1.0\"} 1\n",
		"weir_start_time_seconds 1700000000\n",
		"weir_reload_time_seconds 1700000001\n",
		"weir_reload_success 0\n",
		"weir_records_total{policy=\"web\",type=\"network.connect\",verdict=\"deny\"} 1\n",
		"weir_lost_total{type=\"file.open\"} 5\n",
		"weir_lost_total{type=\"network.connect\"} 0\n",
		"weir_lost_total{type=\"unknown\"} 2\n",
		"weir_ring_bytes{ring=\"allowed\"} 8\n",
		"weir_ring_size_bytes{ring=\"denied\"} 8192\n",
		"weir_policy_scopes{policy=\"quote\\\"back\\\\slash\\nline\xef\xbf\xbd\","
		"digest=\"sha256:00\",mode=\"enforce\"} 3\n",
		"weir_policy_scopes{policy=\"web\",digest=\"sha256:11\",mode=\"audit\"} 0\n",
		"weir_log_sequence 12\n",
		"weir_log_bytes_total 3456\n",
		"weir_log_writable 1\n",
		"weir_program_stats_enabled 1\n",
		"weir_program_runs_total{program=\"weir_connect4\"} 7\n",
		"weir_program_seconds_total{program=\"weir_connect4\"} 2.000000042\n",
	};
	_cleanup_buf_ struct buf out = {0};

	(void)state;
	assert_int_equal(event_counts_add(&figures.journal.decided, "web"), 0);
	count(&figures.journal.decided, "web", WEIR_EVENT_CONNECT, WEIR_VERDICT_DENY);
	metrics_format(&figures, &out);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (!strstr(buf_string(&out), lines[i]))
			fail_msg("%s is not in:\n%s", lines[i], out.data);
	expect_form(out.data);
	event_counts_done(&figures.journal.decided);
}

static void says_nothing_of_a_reload_that_was_not(void **state)
{
	const struct figures figures = {.kernel = "6.1.0"};
	_cleanup_buf_ struct buf out = {0};

	(void)state;
	metrics_format(&figures, &out);
	assert_null(strstr(buf_string(&out), "weir_reload"));
	expect_form(out.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_by_policy),
		cmocka_unit_test(writes_all),
		cmocka_unit_test(says_nothing_of_a_reload_that_was_not),
	};

	return RUN_TESTS(tests);
}
