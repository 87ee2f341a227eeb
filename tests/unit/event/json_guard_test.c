// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tests of user/event/json_guard and guard_names, and of the summary on guard.*. */
#include "lines.h"

#include <linux/capability.h>

#include "event/guard_names.h"

static struct weir_event_guard guard_of(enum weir_event_type type, enum weir_ask ask,
					enum weir_guard opens, __u32 number)
{
	return (struct weir_event_guard){
		.head = head_make(type, WEIR_VERDICT_DENY, WEIR_REASON_GUARD, 0),
		.ask = (__u8)ask,
		.opens = (__u8)opens,
		.number = number,
	};
}

static void expect_detail(const struct record *record, const char *expected)
{
	struct event_context context = context_make();
	const char *detail = strstr(line_of(record, &context), ",\"detail\":");

	assert_non_null(detail);
	assert_string_equal(detail + strlen(",\"detail\":"), expected);
}

static void writes_capabilities(void **state)
{
	struct weir_event_guard event = guard_of(WEIR_EVENT_GUARD_ESCAPE, WEIR_ASK_CAPABILITY,
						 WEIR_GUARD_COUNT, CAP_SYS_BOOT);
	struct record record = guard_make(&event, "");

	(void)state;
	expect_detail(&record, "{\"asked\":\"capability\",\"capability\":\"CAP_SYS_BOOT\"}}");
	expect_summary(&record, "deny guard.escape CAP_SYS_BOOT (guard) by curl[123]");

	event.number = 99;
	record = guard_make(&event, "");
	expect_detail(&record, "{\"asked\":\"capability\",\"capability\":\"CAP_99\"}}");
}

static void writes_who_is_reached(void **state)
{
	struct weir_event_guard event =
		guard_of(WEIR_EVENT_GUARD_SIGNAL, WEIR_ASK_SIGNAL, WEIR_GUARD_SIGNALS, 9);
	struct record record;

	(void)state;
	event.target = 1;
	memcpy(event.target_comm, "in\nit", 5);
	record = guard_make(&event, "");
	expect_detail(&record, "{\"asked\":\"signal\",\"number\":9,\"target_pid\":1,"
			       "\"target_comm\":\"in\\nit\",\"opens\":\"signals\"}}");
	expect_summary(&record, "deny guard.signal signal 9 of in\\x0ait "
				"[guard.allow: signals] (guard) by curl[123]");

	memset(event.target_comm, '\xff', sizeof(event.target_comm));
	record = guard_make(&event, "");
	expect_detail(&record,
		      "{\"asked\":\"signal\",\"number\":9,\"target_pid\":1,\"target_comm\":\""
		      "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
		      "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
		      "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
		      "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\","
		      "\"target_comm_b64\":\"/////////////////////w==\","
		      "\"opens\":\"signals\"}}");
}

static void writes_paths(void **state)
{
	struct weir_event_guard event =
		guard_of(WEIR_EVENT_GUARD_ESCAPE, WEIR_ASK_KERNEL_FILE, WEIR_GUARD_COUNT, 0);
	struct record record = guard_make(&event, "/proc/sys/kernel/core_pattern");

	(void)state;
	expect_detail(&record, "{\"asked\":\"kernel-file\","
			       "\"path\":\"/proc/sys/kernel/core_pattern\"}}");
	expect_summary(&record, "deny guard.escape kernel-file /proc/sys/kernel/core_pattern "
				"(guard) by curl[123]");
}

/* A record that has nothing but this type, ask and word of guard.allow has these words. */
static void words_must_be(enum weir_event_type type, const char *type_word, enum weir_ask ask,
			  const char *ask_word, enum weir_guard opens, const char *opens_word)
{
	struct weir_event_guard event = guard_of(type, ask, opens, 0);
	struct record record = guard_make(&event, "");
	struct event_context context = context_make();
	const char *line = line_of(&record, &context);
	json_t *json = parse(line);

	assert_string_equal(json_string_value(json_object_get(json, "type")), type_word);
	expect_text(line, "detail", "asked", ask_word);
	expect_text(line, "detail", "opens", opens_word);
	json_decref(json);
}

/* Every type, every ask and every word that opens one, as docs/events.md has them. */
static void every_word_is_there(void **state)
{
	static const struct {
		enum weir_event_type type;
		const char *word;
	} types[] = {
		{WEIR_EVENT_GUARD_MOUNT, "guard.mount"},
		{WEIR_EVENT_GUARD_NAMESPACE, "guard.namespace"},
		{WEIR_EVENT_GUARD_PTRACE, "guard.ptrace"},
		{WEIR_EVENT_GUARD_BPF, "guard.bpf"},
		{WEIR_EVENT_GUARD_MODULE, "guard.module"},
		{WEIR_EVENT_GUARD_SIGNAL, "guard.signal"},
		{WEIR_EVENT_GUARD_ESCAPE, "guard.escape"},
	};
	/* in the order of abi.h */
	static const char *const asks[] = {
		"capability",
		"mount",
		"move-mount",
		"umount",
		"pivot-root",
		"chroot",
		"namespace",
		"user-namespace",
		"ptrace",
		"traceme",
		"signal",
		"limit",
		"scheduling",
		"process-file",
		"bpf",
		"bpf-object",
		"perf",
		"module",
		"ipc",
		"message-queue",
		"key",
		"key-request",
		"tun",
		"kernel-file",
		"kernel-log",
		"quota",
		"credentials",
		"terminal",
		"control-socket",
	};
	static const char *const guards[] = {
		"mount",       "namespaces",	 "ptrace",  "bpf", "kernel-modules",
		"raw-sockets", "packet-sockets", "signals", "ipc", "tun",
	};
	char text[EVENT_CAPABILITY_STRLEN];
	unsigned int i;

	(void)state;
	assert_int_equal(ARRAY_SIZE(asks), WEIR_ASK_COUNT);
	assert_int_equal(ARRAY_SIZE(guards), WEIR_GUARD_COUNT);
	for (i = 0; i < ARRAY_SIZE(types); i++)
		words_must_be(types[i].type, types[i].word, WEIR_ASK_MOUNT, "mount",
			      WEIR_GUARD_COUNT, NULL);
	for (i = 0; i < ARRAY_SIZE(asks); i++)
		words_must_be(WEIR_EVENT_GUARD_MOUNT, "guard.mount", i, asks[i], WEIR_GUARD_COUNT,
			      NULL);
	for (i = 0; i < ARRAY_SIZE(guards); i++)
		words_must_be(WEIR_EVENT_GUARD_MOUNT, "guard.mount", WEIR_ASK_MOUNT, "mount", i,
			      guards[i]);
	event_capability_format(CAP_CHECKPOINT_RESTORE, text);
	assert_string_equal(text, "CAP_CHECKPOINT_RESTORE");
	event_capability_format(CAP_SYS_ADMIN, text);
	assert_string_equal(text, "CAP_SYS_ADMIN");
	event_capability_format(CAP_NET_RAW, text);
	assert_string_equal(text, "CAP_NET_RAW");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_capabilities),
		cmocka_unit_test(writes_who_is_reached),
		cmocka_unit_test(writes_paths),
		cmocka_unit_test(every_word_is_there),
	};

	samples_open(argc, argv);
	return samples_close(RUN_TESTS(tests));
}
