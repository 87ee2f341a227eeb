// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tests of user/event/enrich, with a process list of our own behind the look-up. */
#include "../test.h"
#include "records.h"

#include <errno.h>
#include <stdio.h>

#include "event/enrich.h"

#define MS 1000000ull

/* What the look-up finds; pid 0 ends the list. */
struct living {
	uint32_t pid;
	uint64_t start_ns;
	uint32_t ppid;
	uint64_t parent_start_ns;
	const char *comm;
	const char *exe;
};

struct world {
	struct process_table *table;
	struct living living[8];
	unsigned int asked;
};

static int look_up(void *context, uint32_t pid, uint64_t start_ns, struct process_found *ret)
{
	struct world *world = context;
	const struct living *one;

	world->asked++;
	for (one = world->living; one->pid; one++) {
		if (one->pid != pid ||
		    one->start_ns / PROCESS_TICK_NS != start_ns / PROCESS_TICK_NS)
			continue;
		memset(ret->comm, 0, sizeof(ret->comm));
		strcpy(ret->comm, one->comm);
		strcpy(ret->exe, one->exe);
		ret->exe_len = strlen(one->exe);
		ret->ppid = one->ppid;
		ret->parent_start_ns = one->parent_start_ns / PROCESS_TICK_NS * PROCESS_TICK_NS;
		return 0;
	}
	return -ESRCH;
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world || process_table_new(64, look_up, world, &world->table) < 0)
		return -1;
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	process_table_free(world->table);
	free(world);
	return 0;
}

/* Who acts in a record: pid 20, started at 100 ms, child of 10, started at 50 ms. */
static struct weir_event_head actor(enum weir_event_type type, uint64_t time_ns, const char *comm)
{
	struct weir_event_head head = head_make(type, WEIR_VERDICT_ALLOW, WEIR_REASON_UNRESTRICTED,
						0);

	head.time_ns = time_ns;
	head.pid = head.tid = 20;
	head.start_ns = 100 * MS + 5;
	head.ppid = 10;
	head.parent_start_ns = 50 * MS + 7;
	memset(head.comm, 0, sizeof(head.comm));
	strcpy(head.comm, comm);
	return head;
}

static struct event_process describe(struct world *world, const struct record *record)
{
	struct event_process process;
	struct event event;

	assert_int_equal(event_decode(record->data, record->size, &event), 0);
	process_table_describe(world->table, &event, &process);
	return process;
}

static struct event_process describe_connect(struct world *world, struct weir_event_head head)
{
	struct record record;

	head.type = WEIR_EVENT_CONNECT;
	record = flow_make(head, "192.0.2.1", 443, IPPROTO_TCP);
	return describe(world, &record);
}

static struct event_process describe_exec(struct world *world, struct weir_event_head head,
					  const char *path)
{
	struct record record;

	head.type = WEIR_EVENT_EXEC;
	record = exec_make(head, path, "x", 2, 2);
	return describe(world, &record);
}

static struct event_process describe_exit(struct world *world, struct weir_event_head head)
{
	struct record record;

	head.type = WEIR_EVENT_EXIT;
	record = exit_make(head, 0);
	return describe(world, &record);
}

static void expect_exe(const char *exe, size_t len, const char *expected)
{
	if (!expected) {
		assert_null(exe);
		return;
	}
	assert_non_null(exe);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(exe, expected, len);
}

#define EXPECT_EXE(process, expected)                                  \
	do {                                                           \
		struct event_process found_ = (process);               \
                                                                       \
		expect_exe(found_.exe, found_.exe_len, expected);      \
	} while (0)

static void execs_name_the_program(void **state)
{
	struct world *world = *state;
	struct event_process process;

	process = describe_exec(world, actor(WEIR_EVENT_EXEC, 200 * MS, "curl"), "/usr/bin/curl");
	EXPECT_EXE(process, "/usr/bin/curl");
	world->asked = 0;
	process = describe_connect(world, actor(WEIR_EVENT_CONNECT, 210 * MS, "curl"));
	EXPECT_EXE(process, "/usr/bin/curl");
	process = describe_exec(world, actor(WEIR_EVENT_EXEC, 220 * MS, "git"), "/usr/bin/git");
	EXPECT_EXE(process, "/usr/bin/git");
	process = describe_connect(world, actor(WEIR_EVENT_CONNECT, 230 * MS, "git"));
	EXPECT_EXE(process, "/usr/bin/git");
	/* asked for the parent only: who it is stays unknown, each time anew */
	assert_int_equal(world->asked, 3);
	assert_int_equal(process.n_ancestors, 1);
	assert_int_equal(process.ancestors[0].pid, 10);
	assert_null(process.ancestors[0].exe);
}

static void a_refused_exec_names_nothing(void **state)
{
	struct world *world = *state;
	struct weir_event_head head = actor(WEIR_EVENT_EXEC, 210 * MS, "sh");
	struct record record;

	describe_exec(world, actor(WEIR_EVENT_EXEC, 200 * MS, "sh"), "/bin/sh");
	head.verdict = WEIR_VERDICT_DENY;
	record = file_make(head, WEIR_ACCESS_BIT(WEIR_ACCESS_EXECUTE), "/tmp/evil", NULL);
	EXPECT_EXE(describe(world, &record), "/bin/sh");
	EXPECT_EXE(describe_connect(world, actor(WEIR_EVENT_CONNECT, 220 * MS, "sh")), "/bin/sh");
}

static void look_ups_fill_what_began_before(void **state)
{
	struct world *world = *state;
	struct event_process process;

	world->living[0] = (struct living){20,	    100 * MS,  10,
					   50 * MS, "python3", "/usr/bin/python3.11"};
	world->living[1] = (struct living){10, 50 * MS, 1, 0, "bash", "/bin/bash"};
	world->living[2] = (struct living){1, 0, 0, 0, "systemd", "/sbin/init"};
	process = describe_connect(world, actor(WEIR_EVENT_CONNECT, 200 * MS, "python3"));
	EXPECT_EXE(process, "/usr/bin/python3.11");
	assert_int_equal(process.n_ancestors, 2);
	assert_int_equal(process.ancestors[0].pid, 10);
	expect_exe(process.ancestors[0].exe, process.ancestors[0].exe_len, "/bin/bash");
	assert_int_equal(process.ancestors[1].pid, 1);
	expect_exe(process.ancestors[1].exe, process.ancestors[1].exe_len, "/sbin/init");
	assert_int_equal(world->asked, 3);
	describe_connect(world, actor(WEIR_EVENT_CONNECT, 201 * MS, "python3"));
	assert_int_equal(world->asked, 3);
	assert_int_equal(process_table_count(world->table), 3);
}

static void a_reused_pid_never_lends_its_name(void **state)
{
	struct world *world = *state;
	struct weir_event_head head = actor(WEIR_EVENT_CONNECT, 900 * MS, "wget");

	/* the same pid in the table and among the living, both of another start */
	describe_exec(world, actor(WEIR_EVENT_EXEC, 200 * MS, "wget"), "/usr/bin/wget");
	world->living[0] = (struct living){20, 700 * MS, 10, 50 * MS, "wget", "/usr/bin/other"};
	head.start_ns = 800 * MS;
	EXPECT_EXE(describe_connect(world, head), NULL);
	/* exact starts in one tick are still two processes */
	head.start_ns = 100 * MS + 6;
	EXPECT_EXE(describe_connect(world, head), NULL);
	head.start_ns = 100 * MS + 5;
	EXPECT_EXE(describe_connect(world, head), "/usr/bin/wget");
}

static void a_fork_runs_its_parents_program(void **state)
{
	struct world *world = *state;
	struct weir_event_head child = actor(WEIR_EVENT_CONNECT, 400 * MS, "agent");

	describe_exec(world, actor(WEIR_EVENT_EXEC, 200 * MS, "agent"), "/opt/agent");
	child.pid = child.tid = 30;
	child.start_ns = 300 * MS;
	child.ppid = 20;
	child.parent_start_ns = 100 * MS + 5;
	EXPECT_EXE(describe_connect(world, child), "/opt/agent");

	/* another name: it ran exec, of which nothing is known yet */
	child.pid = child.tid = 31;
	strcpy(child.comm, "curl");
	EXPECT_EXE(describe_connect(world, child), NULL);

	/* born before the parent ran what it runs now */
	child.pid = child.tid = 32;
	child.start_ns = 150 * MS;
	strcpy(child.comm, "agent");
	EXPECT_EXE(describe_connect(world, child), NULL);
}

static void a_denial_before_its_exec_gets_no_wrong_program(void **state)
{
	struct world *world = *state;

	describe_exec(world, actor(WEIR_EVENT_EXEC, 200 * MS, "sh"), "/bin/sh");
	/* the exec at 250 ms waits in the other ring */
	EXPECT_EXE(describe_connect(world, actor(WEIR_EVENT_CONNECT, 300 * MS, "curl")), NULL);
	EXPECT_EXE(describe_connect(world, actor(WEIR_EVENT_CONNECT, 240 * MS, "sh")), NULL);
	EXPECT_EXE(describe_exec(world, actor(WEIR_EVENT_EXEC, 350 * MS, "curl"), "/usr/bin/curl"),
		   "/usr/bin/curl");
	EXPECT_EXE(describe_connect(world, actor(WEIR_EVENT_CONNECT, 400 * MS, "curl")),
		   "/usr/bin/curl");
}

static void a_look_up_that_came_too_late_is_not_taken(void **state)
{
	struct world *world = *state;

	world->living[0] = (struct living){20, 100 * MS, 0, 0, "curl", "/usr/bin/curl"};
	EXPECT_EXE(describe_connect(world, actor(WEIR_EVENT_CONNECT, 200 * MS, "sh")), NULL);
	EXPECT_EXE(describe_connect(world, actor(WEIR_EVENT_CONNECT, 300 * MS, "curl")),
		   "/usr/bin/curl");
}

static void older_records_do_not_change_what_is_known(void **state)
{
	struct world *world = *state;

	describe_exec(world, actor(WEIR_EVENT_EXEC, 300 * MS, "curl"), "/usr/bin/curl");
	EXPECT_EXE(describe_connect(world, actor(WEIR_EVENT_CONNECT, 200 * MS, "sh")), NULL);
	EXPECT_EXE(describe_exec(world, actor(WEIR_EVENT_EXEC, 250 * MS, "env"), "/usr/bin/env"),
		   NULL);
	EXPECT_EXE(describe_connect(world, actor(WEIR_EVENT_CONNECT, 400 * MS, "curl")),
		   "/usr/bin/curl");
}

static void threads_names_say_nothing(void **state)
{
	struct world *world = *state;
	struct weir_event_head head = actor(WEIR_EVENT_CONNECT, 300 * MS, "worker-1");

	describe_exec(world, actor(WEIR_EVENT_EXEC, 200 * MS, "node"), "/usr/bin/node");
	world->asked = 0;
	head.tid = 21;
	EXPECT_EXE(describe_connect(world, head), "/usr/bin/node");
	EXPECT_EXE(describe_connect(world, actor(WEIR_EVENT_CONNECT, 310 * MS, "node")),
		   "/usr/bin/node");
	assert_int_equal(world->asked, 2);	/* the parent */
}

static void unresolved_programs_are_not_named(void **state)
{
	struct world *world = *state;
	struct weir_event_head head = actor(WEIR_EVENT_EXEC, 200 * MS, "x");

	head.reason = WEIR_REASON_UNRESOLVED_PATH;
	EXPECT_EXE(describe_exec(world, head, "/bin/sh"), NULL);
}

/* Of packets nobody stands behind: no look-up, no entry, and no name from an entry of pid 0. */
static void a_process_that_is_not_known_has_no_entry(void **state)
{
	struct world *world = *state;
	struct weir_event_head head = actor(WEIR_EVENT_CONNECT, 200 * MS, "curl");
	struct event_process process;

	head.pid = head.tid = 0;
	process = describe_connect(world, head);
	assert_null(process.exe);
	assert_int_equal(process.n_ancestors, 0);
	assert_int_equal(world->asked, 0);
	assert_int_equal(process_table_count(world->table), 0);
}

static void ancestors_end_at_the_limit(void **state)
{
	struct world *world = *state;
	struct event_process process;
	struct weir_event_head head;
	uint32_t pid;

	for (pid = 1000; pid < 1030; pid++) {
		char path[32];

		head = actor(WEIR_EVENT_EXEC, pid * MS + 1, "x");
		head.pid = head.tid = pid;
		head.start_ns = pid * MS;
		head.ppid = pid - 1;
		head.parent_start_ns = (pid - 1) * MS;
		snprintf(path, sizeof(path), "/bin/p%u", pid);
		process = describe_exec(world, head, path);
	}
	assert_int_equal(process.n_ancestors, EVENT_ANCESTORS_MAX);
	expect_exe(process.ancestors[0].exe, process.ancestors[0].exe_len, "/bin/p1028");
	expect_exe(process.ancestors[15].exe, process.ancestors[15].exe_len, "/bin/p1013");
}

/* A parent that claims to be its own child's child. */
static void a_ring_of_parents_ends(void **state)
{
	struct world *world = *state;
	struct weir_event_head head = actor(WEIR_EVENT_EXEC, 200 * MS, "x");

	head.ppid = head.pid;
	head.parent_start_ns = head.start_ns;
	assert_int_equal(describe_exec(world, head, "/bin/x").n_ancestors, EVENT_ANCESTORS_MAX);
}

static void the_table_stays_bounded_and_keeps_the_living(void **state)
{
	struct world *world = *state;
	struct weir_event_head keep = actor(WEIR_EVENT_EXEC, 200 * MS, "agent");
	struct weir_event_head head;
	uint32_t i;

	keep.ppid = 0;
	describe_exec(world, keep, "/opt/agent");
	for (i = 0; i < 5000; i++) {
		head = actor(WEIR_EVENT_EXEC, (300 + i) * MS, "child");
		head.pid = head.tid = 10000 + i;
		head.start_ns = (300 + i) * MS;
		head.ppid = 0;
		describe_exec(world, head, "/bin/child");
		describe_exit(world, head);
		assert_true(process_table_count(world->table) <= 64);
	}
	keep.time_ns = 9000 * MS;
	EXPECT_EXE(describe_connect(world, keep), "/opt/agent");
	/* also without a single end */
	for (i = 0; i < 5000; i++) {
		head.pid = head.tid = 20000 + i;
		describe_exec(world, head, "/bin/child");
		assert_true(process_table_count(world->table) <= 64);
	}
}

static void sizes_are_checked(void **state)
{
	struct process_table *table = NULL;

	(void)state;
	assert_int_equal(process_table_new(63, NULL, NULL, &table), -EINVAL);
	assert_int_equal(process_table_new(SIZE_MAX, NULL, NULL, &table), -EINVAL);
	assert_null(table);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(execs_name_the_program),
		TEST(a_refused_exec_names_nothing),
		TEST(look_ups_fill_what_began_before),
		TEST(a_reused_pid_never_lends_its_name),
		TEST(a_fork_runs_its_parents_program),
		TEST(a_denial_before_its_exec_gets_no_wrong_program),
		TEST(a_look_up_that_came_too_late_is_not_taken),
		TEST(older_records_do_not_change_what_is_known),
		TEST(threads_names_say_nothing),
		TEST(unresolved_programs_are_not_named),
		TEST(a_process_that_is_not_known_has_no_entry),
		TEST(ancestors_end_at_the_limit),
		TEST(a_ring_of_parents_ends),
		TEST(the_table_stays_bounded_and_keeps_the_living),
		TEST(sizes_are_checked),
	};

	return RUN_TESTS(tests);
}
