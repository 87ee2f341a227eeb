// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tests of user/event/decode. */
#include "../test.h"
#include "records.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "event/decode.h"

#define READ WEIR_ACCESS_BIT(WEIR_ACCESS_READ)

static struct weir_event_head denied(enum weir_event_type type)
{
	return head_make(type, WEIR_VERDICT_DENY, WEIR_REASON_NO_RULE, 0);
}

/* The bytes are copied to the heap in their exact size: the sanitizer sees a read behind them. */
static int decode(const struct record *record, size_t size, struct event *ret)
{
	_cleanup_free_ char *copy = malloc(size ? size : 1);
	int result;

	assert_non_null(copy);
	memcpy(copy, record->data, size);
	result = event_decode(copy, size, ret);
	if (result == 0 && ret->has_args)
		ret->args = record->data + (ret->args - copy);
	return result;
}

static void reads_flows(void **state)
{
	struct record record = flow_make(denied(WEIR_EVENT_CONNECT), "203.0.113.7", 443,
					 IPPROTO_TCP);
	struct event event;

	(void)state;
	assert_int_equal(decode(&record, record.size, &event), 0);
	assert_true(event.has_flow);
	assert_false(event.has_source);
	assert_false(event.has_path);
	assert_int_equal(event.dport, 443);
	assert_int_equal(event.protocol, IPPROTO_TCP);
	assert_int_equal(event.comm_len, 4);
	assert_true(addr_is_v4(&event.dest));

	flow_source_add(&record, "2001:db8::1", 40000);
	assert_int_equal(decode(&record, record.size, &event), 0);
	assert_true(event.has_source);
	assert_int_equal(event.sport, 40000);
	assert_int_equal(event.source.bytes[15], 1);
}

static void reads_totals(void **state)
{
	struct weir_event_head head = head_make(WEIR_EVENT_FLOW, WEIR_VERDICT_ALLOW,
						WEIR_REASON_RULE, 1);
	struct record record = total_make(head, "203.0.113.7", 443, IPPROTO_TCP);
	struct weir_addr source = {{0}};
	struct event event;

	(void)state;
	RECORD_SET(&record, weir_event_total, destinations, 2);
	RECORD_SET(&record, weir_event_total, denied, 3);
	assert_int_equal(decode(&record, record.size, &event), 0);
	assert_true(event.has_flow && event.has_total);
	assert_int_equal(event.dport, 443);
	assert_int_equal(event.bytes_sent, 512);
	assert_int_equal(event.bytes_received, 20480);
	assert_int_equal(event.duration_ns, 1500000000);
	assert_int_equal(event.destinations, 2);
	assert_int_equal(event.denied, 3);

	/* its source is known when there is anything in it */
	assert_false(event.has_source);
	assert_int_equal(addr_parse("0.0.0.0", &source), 0);
	RECORD_SET(&record, weir_event_total, flow.source, source);
	assert_int_equal(decode(&record, record.size, &event), 0);
	assert_false(event.has_source);
	RECORD_SET(&record, weir_event_total, flow.sport, 1);
	assert_int_equal(decode(&record, record.size, &event), 0);
	assert_true(event.has_source);
	RECORD_SET(&record, weir_event_total, flow.sport, 0);
	assert_int_equal(addr_parse("::1", &source), 0);
	RECORD_SET(&record, weir_event_total, flow.source, source);
	assert_int_equal(decode(&record, record.size, &event), 0);
	assert_true(event.has_source);

	RECORD_SET(&record, weir_event_head, verdict, WEIR_VERDICT_WOULD_DENY);
	assert_int_equal(decode(&record, record.size, &event), -EBADMSG);
}

static void reads_sockets(void **state)
{
	struct record record =
		socket_make(denied(WEIR_EVENT_SOCKET), AF_NETLINK, 1000, NETLINK_ROUTE, 16);
	struct event event;

	(void)state;
	assert_int_equal(decode(&record, record.size, &event), 0);
	assert_true(event.has_socket);
	assert_false(event.has_flow);
	assert_int_equal(event.family, AF_NETLINK);
	assert_int_equal(event.kind, 1000);
	assert_int_equal(event.socket_protocol, NETLINK_ROUTE);
	assert_int_equal(event.message, 16);
	/* no other family has messages that are looked at */
	RECORD_SET(&record, weir_event_socket, family, AF_INET);
	assert_int_equal(decode(&record, record.size, &event), -EBADMSG);
}

static void reads_names_of_unix_sockets(void **state)
{
	struct weir_event_head head = denied(WEIR_EVENT_UNIX);
	struct record record = unix_path_make(head, SOCK_STREAM, "/run/x.sock");
	char name[108];
	struct event event;

	(void)state;
	RECORD_SET(&record, weir_event_unix, descriptors, 1);
	assert_int_equal(decode(&record, record.size, &event), 0);
	assert_true(event.has_unix && event.has_path && event.descriptors);
	assert_false(event.has_access || event.has_target || event.inward);
	assert_int_equal(event.kind, SOCK_STREAM);
	assert_string_equal(event.path.text, "/run/x.sock");

	memset(name, '\0', sizeof(name));
	record = unix_make(head, SOCK_DGRAM, WEIR_UNIX_ABSTRACT, name, 107);
	assert_int_equal(decode(&record, record.size, &event), 0);
	assert_int_equal(event.path.len, 108);
	assert_memory_equal(event.path.text, "@\0", 2);

	record = unix_make(head, SOCK_DGRAM, WEIR_UNIX_UNNAMED, "", 0);
	assert_int_equal(decode(&record, record.size, &event), 0);
	assert_true(event.has_unix);
	assert_false(event.has_path);
}

static void refuses_names_no_unix_socket_has(void **state)
{
	struct weir_event_head head = denied(WEIR_EVENT_UNIX);
	char name[108] = {0};
	struct record records[] = {
		unix_make(head, SOCK_STREAM, WEIR_UNIX_ABSTRACT, name, 0),
		unix_make(head, SOCK_STREAM, WEIR_UNIX_ABSTRACT, name, 108),
		unix_make(head, SOCK_STREAM, WEIR_UNIX_UNNAMED, "a", 1),
		unix_make(head, SOCK_STREAM, WEIR_UNIX_PATH, "\3a/b", 4),
		unix_make(head, SOCK_STREAM, WEIR_UNIX_PATH, "\2a", 2),
		unix_make(head, SOCK_STREAM, WEIR_UNIX_NAME_COUNT, "", 0),
		unix_path_make(head, SOCK_STREAM, "/a"),
		unix_path_make(head, SOCK_STREAM, "/a"),
	};
	struct event event;
	size_t i;

	(void)state;
	RECORD_SET(&records[6], weir_event_unix, descriptors, 2);
	RECORD_SET(&records[7], weir_event_unix, inward, 2);
	for (i = 0; i < ARRAY_SIZE(records); i++)
		assert_int_equal(decode(&records[i], records[i].size, &event), -EBADMSG);
}

static void reads_a_name_without_end(void **state)
{
	struct weir_event_head head = denied(WEIR_EVENT_SEND);
	struct event event;
	struct record record;

	(void)state;
	memset(head.comm, 'x', sizeof(head.comm));
	record = flow_make(head, "2001:db8::1", 53, IPPROTO_UDP);
	assert_int_equal(decode(&record, record.size, &event), 0);
	assert_int_equal(event.comm_len, 16);
}

static void reads_paths(void **state)
{
	struct weir_event_head head = denied(WEIR_EVENT_FILE_RENAME);
	struct record record = file_make(head, READ, "/usr/lib/x y", "/");
	struct event event;

	(void)state;
	assert_int_equal(decode(&record, record.size, &event), 0);
	assert_string_equal(event.path.text, "/usr/lib/x y");
	assert_int_equal(event.path.len, 12);
	assert_true(event.has_target);
	assert_string_equal(event.target.text, "/");
	assert_int_equal(event.access, READ);

	head.reason = WEIR_REASON_UNRESOLVED_PATH;
	record = file_make(head, READ, "/deep/down", "/");
	assert_int_equal(decode(&record, record.size, &event), 0);
	assert_string_equal(event.path.text, ".../deep/down");
	assert_string_equal(event.target.text, "...");
}

static void reads_the_longest_path(void **state)
{
	struct weir_event_head head = denied(WEIR_EVENT_FILE_OPEN);
	char path[WEIR_PATH_MAX + 1];
	struct record record;
	struct event event;
	size_t i;

	(void)state;
	for (i = 0; i < WEIR_PATH_MAX; i++)
		path[i] = i % 256 ? (char)(1 + i % 46) : '/';
	path[WEIR_PATH_MAX] = '\0';
	head.reason = WEIR_REASON_UNRESOLVED_PATH;
	record = file_make(head, READ, path, NULL);
	assert_int_equal(decode(&record, record.size, &event), 0);
	assert_int_equal(event.path.len, WEIR_PATH_MAX + 3);
	assert_string_equal(event.path.text + 3, path);
}

static void tells_the_two_forms_of_exec_apart(void **state)
{
	struct weir_event_head head = denied(WEIR_EVENT_EXEC);
	struct record record = file_make(head, READ, "/bin/sh", NULL);
	struct event event;

	(void)state;
	assert_int_equal(decode(&record, record.size, &event), 0);
	assert_true(event.has_path);
	assert_false(event.has_args);

	head.verdict = WEIR_VERDICT_ALLOW;
	record = exec_make(head, "/bin/sh", "sh\0-c\0", 6, 6);
	assert_int_equal(decode(&record, record.size, &event), 0);
	assert_true(event.has_args);
	assert_int_equal(event.args_len, 6);
	assert_memory_equal(event.args, "sh\0-c\0", 6);
	assert_string_equal(event.path.text, "/bin/sh");

	record = exec_make(head, "/", "", 0, 0);
	assert_int_equal(decode(&record, record.size, &event), 0);
	assert_true(event.has_args);
}

static void reads_the_guard(void **state)
{
	struct weir_event_guard guard = {
		.head = denied(WEIR_EVENT_GUARD_PTRACE),
		.ask = WEIR_ASK_PTRACE,
		.opens = WEIR_GUARD_PTRACE,
		.number = 9,
		.target = 4711,
		.target_comm = "sshd",
	};
	struct record record = guard_make(&guard, "/proc/1");
	struct event event;

	(void)state;
	assert_int_equal(decode(&record, record.size, &event), 0);
	assert_true(event.has_guard && event.guard_path);
	assert_false(event.has_path || event.has_socket);
	assert_int_equal(event.ask, WEIR_ASK_PTRACE);
	assert_int_equal(event.opens, WEIR_GUARD_PTRACE);
	assert_int_equal(event.number, 9);
	assert_int_equal(event.target_pid, 4711);
	assert_int_equal(event.target_comm_len, 4);
	assert_string_equal(event.path.text, "/proc/1");

	RECORD_SET(&record, weir_event_guard, opens, WEIR_GUARD_COUNT);
	assert_int_equal(decode(&record, record.size, &event), 0);
	RECORD_SET(&record, weir_event_guard, opens, WEIR_GUARD_COUNT + 1);
	assert_int_equal(decode(&record, record.size, &event), -EBADMSG);
	RECORD_SET(&record, weir_event_guard, opens, WEIR_GUARD_TUN);
	RECORD_SET(&record, weir_event_guard, ask, WEIR_ASK_COUNT);
	assert_int_equal(decode(&record, record.size, &event), -EBADMSG);
	guard.head.pid = 0;
	record = guard_make(&guard, "");
	assert_int_equal(decode(&record, record.size, &event), -EBADMSG);
}

static void reads_ends(void **state)
{
	struct record record = exit_make(denied(WEIR_EVENT_EXIT), 0x8b);
	struct event event;

	(void)state;
	assert_int_equal(decode(&record, record.size, &event), 0);
	assert_true(event.has_status);
	assert_int_equal(event.status, 0x8b);
}

/* One byte less or more is another record than the one it says it is. */
static void refuses_every_wrong_size(void **state)
{
	struct weir_event_head total = head_make(WEIR_EVENT_FLOW, WEIR_VERDICT_ALLOW,
						 WEIR_REASON_RULE, 1);
	struct record records[] = {
		flow_make(denied(WEIR_EVENT_CONNECT), "203.0.113.7", 443, IPPROTO_TCP),
		file_make(denied(WEIR_EVENT_FILE_OPEN), READ, "/usr/lib", NULL),
		file_make(denied(WEIR_EVENT_FILE_LINK), READ, "/usr/lib", "/tmp/x"),
		exec_make(denied(WEIR_EVENT_EXEC), "/bin/sh", "sh\0x\0", 5, 5),
		exit_make(denied(WEIR_EVENT_EXIT), 0),
		flow_make(denied(WEIR_EVENT_LISTEN), "::", 80, IPPROTO_TCP),
		flow_make(denied(WEIR_EVENT_ACCEPT), "::1", 80, IPPROTO_TCP),
		total_make(total, "203.0.113.7", 443, IPPROTO_TCP),
		socket_make(denied(WEIR_EVENT_SOCKET), AF_PACKET, SOCK_RAW, 0, 0),
		unix_path_make(denied(WEIR_EVENT_UNIX), SOCK_STREAM, "/run/x"),
		unix_make(denied(WEIR_EVENT_UNIX), SOCK_STREAM, WEIR_UNIX_ABSTRACT, "ab", 2),
		unix_make(denied(WEIR_EVENT_UNIX), SOCK_STREAM, WEIR_UNIX_UNNAMED, "", 0),
	};
	struct event event;
	size_t i, size;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(records); i++) {
		assert_int_equal(decode(&records[i], records[i].size, &event), 0);
		for (size = 0; size < records[i].size; size++)
			assert_int_equal(decode(&records[i], size, &event), -EBADMSG);
		assert_int_equal(decode(&records[i], records[i].size + 1, &event), -EBADMSG);
	}
}

static void refuses_what_is_not_in_the_enumerations(void **state)
{
	struct event event;
	struct weir_event_head head;
	struct record record;

	(void)state;
	head = denied(WEIR_EVENT_COUNT);
	record = flow_make(head, "203.0.113.7", 443, IPPROTO_TCP);
	assert_int_equal(decode(&record, record.size, &event), -EBADMSG);
	head = denied(WEIR_EVENT_CONNECT);
	head.verdict = WEIR_VERDICT_COUNT;
	record = flow_make(head, "203.0.113.7", 443, IPPROTO_TCP);
	assert_int_equal(decode(&record, record.size, &event), -EBADMSG);
	head = denied(WEIR_EVENT_CONNECT);
	head.reason = WEIR_REASON_COUNT;
	record = flow_make(head, "203.0.113.7", 443, IPPROTO_TCP);
	assert_int_equal(decode(&record, record.size, &event), -EBADMSG);
	head = denied(WEIR_EVENT_CONNECT);
	head.layer = WEIR_LAYER_COUNT;
	record = flow_make(head, "203.0.113.7", 443, IPPROTO_TCP);
	assert_int_equal(decode(&record, record.size, &event), -EBADMSG);
	head = denied(WEIR_EVENT_CONNECT);
	head.inbound = 2;
	record = flow_make(head, "203.0.113.7", 443, IPPROTO_TCP);
	assert_int_equal(decode(&record, record.size, &event), -EBADMSG);
	record = file_make(denied(WEIR_EVENT_FILE_OPEN), WEIR_ACCESS_BIT(WEIR_ACCESS_COUNT), "/a",
			   NULL);
	assert_int_equal(decode(&record, record.size, &event), -EBADMSG);
}

/* Behind a packet there may be nobody; behind all else there is a process. */
static void only_network_records_lack_a_process(void **state)
{
	struct record record = flow_make(denied(WEIR_EVENT_SEND), "203.0.113.7", 53, IPPROTO_UDP);
	struct event event;

	(void)state;
	RECORD_SET(&record, weir_event_head, pid, 0);
	assert_int_equal(decode(&record, record.size, &event), 0);
	record = file_make(denied(WEIR_EVENT_FILE_OPEN), READ, "/a", NULL);
	RECORD_SET(&record, weir_event_head, pid, 0);
	assert_int_equal(decode(&record, record.size, &event), -EBADMSG);
	record = exit_make(denied(WEIR_EVENT_EXIT), 0);
	RECORD_SET(&record, weir_event_head, pid, 0);
	assert_int_equal(decode(&record, record.size, &event), -EBADMSG);
}

static void expect_bad_path(const char *components, size_t len)
{
	struct weir_event_file file = {
		.head = denied(WEIR_EVENT_FILE_OPEN),
		.path_len = (__u16)len,
	};
	struct record record = {.size = 0};
	struct event event;

	record_add(&record, &file, sizeof(file));
	record_add(&record, components, len);
	assert_int_equal(decode(&record, record.size, &event), -EBADMSG);
}

static void refuses_components_that_cannot_be(void **state)
{
	char filler[WEIR_PATH_MAX + 2];
	struct record record;
	struct event event;

	(void)state;
	expect_bad_path("\0", 1);		/* empty */
	expect_bad_path("\1a\0", 3);
	expect_bad_path("\5abcd", 5);		/* longer than what is there */
	expect_bad_path("\377", 1);
	expect_bad_path("\3a/b", 4);		/* a slash in a name */
	expect_bad_path("\3a\0b", 4);
	memset(filler, 1, sizeof(filler));
	expect_bad_path(filler, sizeof(filler));	/* longer than WEIR_PATH_MAX */
	record = file_make(denied(WEIR_EVENT_FILE_OPEN), READ, "/a", "/b");
	assert_int_equal(decode(&record, record.size, &event), -EBADMSG);	/* has no target */
	record = exec_make(denied(WEIR_EVENT_EXEC), "/bin/sh", "sh\0x\0", 5, 4);
	assert_int_equal(decode(&record, record.size, &event),
			 -EBADMSG); /* fewer in all than here */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_flows),
		cmocka_unit_test(reads_totals),
		cmocka_unit_test(reads_sockets),
		cmocka_unit_test(reads_names_of_unix_sockets),
		cmocka_unit_test(refuses_names_no_unix_socket_has),
		cmocka_unit_test(reads_a_name_without_end),
		cmocka_unit_test(reads_paths),
		cmocka_unit_test(reads_the_longest_path),
		cmocka_unit_test(tells_the_two_forms_of_exec_apart),
		cmocka_unit_test(reads_the_guard),
		cmocka_unit_test(reads_ends),
		cmocka_unit_test(refuses_every_wrong_size),
		cmocka_unit_test(refuses_what_is_not_in_the_enumerations),
		cmocka_unit_test(only_network_records_lack_a_process),
		cmocka_unit_test(refuses_components_that_cannot_be),
	};

	return RUN_TESTS(tests);
}
