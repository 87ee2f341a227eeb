// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tests of user/event/json_network, and of context and summary on network.*. */
#include "lines.h"

#include <linux/netlink.h>
#include <sys/socket.h>

static struct weir_event_head allowed(enum weir_event_type type, weir_rule_t rule)
{
	return head_make(type, WEIR_VERDICT_ALLOW, WEIR_REASON_RULE, rule);
}

static struct weir_event_head refused(enum weir_event_type type, enum weir_reason reason)
{
	return head_make(type, WEIR_VERDICT_DENY, reason, 0);
}

static const char *line_make(const struct record *record)
{
	struct event_context context = context_make();

	return line_of(record, &context);
}

#define EXPECT_PART(line, part) assert_non_null(strstr(line, part))
#define EXPECT_NO(line, part) assert_null(strstr(line, part))

static void writes_listening(void **state)
{
	struct record record = flow_make(refused(WEIR_EVENT_LISTEN, WEIR_REASON_NO_RULE),
					 "::ffff:0.0.0.0", 8080, IPPROTO_TCP);
	const char *line = line_make(&record);

	(void)state;
	EXPECT_PART(line,
		    "\"type\":\"network.listen\",\"verdict\":\"deny\",\"reason\":\"no-rule\"");
	EXPECT_PART(line, "},\"destination\":{\"address\":\"0.0.0.0\",\"port\":8080,"
			  "\"protocol\":\"tcp\"}}");
	EXPECT_NO(line, "\"source\"");
	EXPECT_NO(line, "\"detail\"");

	record = flow_make(allowed(WEIR_EVENT_LISTEN, 2), "::", 53, IPPROTO_UDP);
	expect_text(line_make(&record), "policy", "rule", "dns");
}

static void writes_peers(void **state)
{
	struct record record = flow_make(allowed(WEIR_EVENT_ACCEPT, 1), "192.0.2.1", 8080,
					 IPPROTO_TCP);
	const char *line;

	(void)state;
	flow_source_add(&record, "203.0.113.9", 50000);
	line = line_make(&record);
	expect_text(line, "policy", "rule", "web");
	EXPECT_PART(line, "\"destination\":{\"address\":\"192.0.2.1\",\"port\":8080,"
			  "\"protocol\":\"tcp\"},"
			  "\"source\":{\"address\":\"203.0.113.9\",\"port\":50000}}");
}

static void writes_totals(void **state)
{
	struct record record = total_make(allowed(WEIR_EVENT_FLOW, 1), "203.0.113.7", 443,
					  IPPROTO_TCP);
	struct weir_addr source;
	const char *line;

	(void)state;
	line = line_make(&record);
	expect_text(line, "policy", "rule", "registries");
	EXPECT_PART(line, "\"protocol\":\"tcp\"},\"flow\":{\"bytes_sent\":512,"
			  "\"bytes_received\":20480,\"duration_ns\":1500000000}}");

	assert_int_equal(addr_parse("192.0.2.1", &source), 0);
	RECORD_SET(&record, weir_event_total, flow.source, source);
	RECORD_SET(&record, weir_event_total, bytes_sent, UINT64_MAX);
	RECORD_SET(&record, weir_event_total, destinations, 3);
	RECORD_SET(&record, weir_event_total, denied, 17);
	RECORD_SET(&record, weir_event_total, flow.head.reason, WEIR_REASON_UNRESTRICTED);
	RECORD_SET(&record, weir_event_total, flow.head.rule, 0);
	line = line_make(&record);
	EXPECT_PART(line, "\"reason\":\"unrestricted\"");
	EXPECT_PART(line, "},\"source\":{\"address\":\"192.0.2.1\"},"
			  "\"flow\":{\"bytes_sent\":18446744073709551615,"
			  "\"bytes_received\":20480,\"duration_ns\":1500000000},"
			  "\"detail\":{\"destinations\":3,\"denied\":17}}");
}

/* The number counts in the list that the kernel side decided by. */
static void rules_are_of_the_right_list(void **state)
{
	static const struct {
		enum weir_event_type type;
		weir_rule_t rule;
		bool inbound;
		const char *name;
	} cases[] = {
		{WEIR_EVENT_CONNECT, 1, false, "registries"},
		{WEIR_EVENT_SEND, 1, false, "registries"},
		{WEIR_EVENT_SEND, 1, true, "web"},
		{WEIR_EVENT_SEND, WEIR_RULE_DENY | 1, true, "cloud-metadata"},
		{WEIR_EVENT_FLOW, 2, false, "local"},
		{WEIR_EVENT_FLOW, 2, true, "dns"},
		{WEIR_EVENT_LISTEN, 1, false, "web"},
		{WEIR_EVENT_LISTEN, 3, false, "allow#3"},
		{WEIR_EVENT_ACCEPT, 1, true, "web"},
		{WEIR_EVENT_ACCEPT, 1, false, "web"},
		{WEIR_EVENT_ACCEPT, WEIR_RULE_DENY | 1, true, "cloud-metadata"},
		{WEIR_EVENT_ACCEPT, WEIR_RULE_DENY | 1, false, "cloud-metadata"},
	};
	struct weir_event_head head;
	struct record record;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		head = allowed(cases[i].type, cases[i].rule);
		head.inbound = cases[i].inbound;
		record = cases[i].type == WEIR_EVENT_FLOW ?
				 total_make(head, "192.0.2.1", 1, IPPROTO_UDP) :
				 flow_make(head, "192.0.2.1", 1, IPPROTO_UDP);
		expect_text(line_make(&record), "policy", "rule", cases[i].name);
	}
	record = unix_path_make(allowed(WEIR_EVENT_UNIX, 1), SOCK_STREAM, "/a");
	expect_text(line_make(&record), "policy", "rule", "journal");
	record = unix_path_make(allowed(WEIR_EVENT_UNIX, WEIR_RULE_DENY | 1), SOCK_STREAM, "/a");
	expect_text(line_make(&record), "policy", "rule", "deny#1");
	record = socket_make(allowed(WEIR_EVENT_SOCKET, 1), AF_INET, SOCK_RAW, 0, 0);
	expect_text(line_make(&record), "policy", "rule", "allow#1");
}

static void writes_sockets(void **state)
{
	struct weir_event_head head = refused(WEIR_EVENT_SOCKET, WEIR_REASON_FAMILY);
	struct record record = socket_make(head, AF_PACKET, SOCK_RAW, 768, 0);
	const char *line = line_make(&record);

	(void)state;
	EXPECT_PART(line, "\"type\":\"network.socket\",\"verdict\":\"deny\",\"reason\":\"family\"");
	EXPECT_PART(line, "},\"detail\":{\"family\":\"AF_PACKET\",\"type\":\"SOCK_RAW\","
			  "\"protocol\":768}}");
	EXPECT_NO(line, "\"destination\"");

	record = socket_make(head, AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE, 16);
	EXPECT_PART(line_make(&record), "\"detail\":{\"family\":\"AF_NETLINK\","
					"\"type\":\"SOCK_DGRAM\",\"protocol\":0,"
					"\"netlink\":\"NETLINK_ROUTE\",\"netlink_type\":16}}");

	record = socket_make(head, AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT, 0);
	line = line_make(&record);
	EXPECT_PART(line, "\"netlink\":\"NETLINK_KOBJECT_UEVENT\"");
	EXPECT_NO(line, "\"netlink_type\"");

	record = socket_make(head, AF_NETLINK, SOCK_RAW, 4294967295, 1);
	EXPECT_PART(line_make(&record), "\"netlink\":\"NETLINK_4294967295\"");

	record = socket_make(head, 99, 9, 4294967295, 0);
	EXPECT_PART(line_make(&record), "\"detail\":{\"family\":\"AF_99\",\"type\":\"SOCK_9\","
					"\"protocol\":4294967295}}");
}

static void writes_unix_sockets(void **state)
{
	struct weir_event_head head = refused(WEIR_EVENT_UNIX, WEIR_REASON_NO_RULE);
	struct record record = unix_path_make(head, SOCK_STREAM, "/run/docker.sock");
	const char *line = line_make(&record);

	(void)state;
	EXPECT_PART(line, "},\"file\":{\"path\":\"/run/docker.sock\"},"
			  "\"detail\":{\"socket\":\"stream\"}}");

	RECORD_SET(&record, weir_event_unix, descriptors, 1);
	RECORD_SET(&record, weir_event_unix, kind, SOCK_SEQPACKET);
	EXPECT_PART(line_make(&record),
		    "\"detail\":{\"socket\":\"seqpacket\",\"passed\":\"out\"}}");
	RECORD_SET(&record, weir_event_unix, inward, 1);
	RECORD_SET(&record, weir_event_unix, kind, SOCK_RAW);
	EXPECT_PART(line_make(&record),
		    "\"detail\":{\"socket\":\"SOCK_3\",\"passed\":\"in\"}}");

	head.reason = WEIR_REASON_UNRESOLVED_PATH;
	record = unix_path_make(head, SOCK_DGRAM, "/deep/down");
	line = line_make(&record);
	EXPECT_PART(line, "\"reason\":\"unresolved-path\"");
	EXPECT_PART(line, "\"file\":{\"path\":\".../deep/down\"},"
			  "\"detail\":{\"socket\":\"dgram\"}}");
}

static void writes_unix_sockets_without_a_path(void **state)
{
	struct weir_event_head head = head_make(WEIR_EVENT_UNIX, WEIR_VERDICT_ALLOW,
						WEIR_REASON_SCOPE_PEER, 0);
	struct record record = unix_make(head, SOCK_DGRAM, WEIR_UNIX_UNNAMED, "", 0);
	struct event_context context = context_make();
	char longest[107];
	const char *line = line_of(&record, &context);

	(void)state;
	EXPECT_PART(line, "\"reason\":\"scope-peer\"");
	EXPECT_NO(line, "\"file\"");
	EXPECT_PART(line, "\"detail\":{\"socket\":\"dgram\"}}");

	record = unix_make(head, SOCK_STREAM, WEIR_UNIX_ABSTRACT, "/tmp/.X11-unix/X0", 17);
	EXPECT_PART(line_make(&record), "\"file\":{\"path\":\"@/tmp/.X11-unix/X0\"},");

	record = unix_make(head, SOCK_STREAM, WEIR_UNIX_ABSTRACT, "a\0\xff", 3);
	EXPECT_PART(line_make(&record), "\"file\":{\"path\":\"@a\\u0000\xef\xbf\xbd\","
					"\"path_b64\":\"QGEA/w==\"},");

	/* an abstract name is never a part of one */
	head.reason = WEIR_REASON_UNRESOLVED_PATH;
	memset(longest, '\n', sizeof(longest));
	record = unix_make(head, SOCK_STREAM, WEIR_UNIX_ABSTRACT, longest, sizeof(longest));
	EXPECT_PART(line_make(&record), "\"file\":{\"path\":\"@\\n\\n");
}

static void writes_packets(void **state)
{
	struct weir_event_head head = refused(WEIR_EVENT_SEND, WEIR_REASON_PACKET);
	struct event_process process = {.exe = "/usr/bin/curl", .exe_len = 13};
	struct event_context context = context_make();
	struct record record;
	const char *line;

	(void)state;
	head.layer = WEIR_LAYER_PACKET;
	context.process = &process;
	record = flow_make(head, "192.0.2.1", 53, IPPROTO_UDP);
	line = line_of(&record, &context);
	EXPECT_PART(line, "\"reason\":\"packet\"");
	EXPECT_PART(line, "\"process\":{\"pid\":123,");
	EXPECT_PART(line, ",\"detail\":{\"layer\":\"packet\"}}");

	/* nobody is known: not even where the caller brings something */
	head.pid = 0;
	context.seq = next_seq;
	record = flow_make(head, "192.0.2.1", 53, IPPROTO_UDP);
	line = line_of(&record, &context);
	EXPECT_NO(line, "\"process\"");
	EXPECT_PART(line, "\"cgroup_id\":4242},\"destination\":{");
	record = total_make(allowed(WEIR_EVENT_FLOW, 1), "192.0.2.1", 53, IPPROTO_UDP);
	RECORD_SET(&record, weir_event_head, pid, 0);
	EXPECT_NO(line_make(&record), "\"process\"");
}

static void sums_up_addresses(void **state)
{
	struct weir_event_head head = refused(WEIR_EVENT_LISTEN, WEIR_REASON_NO_RULE);
	struct record record = flow_make(head, "::ffff:0.0.0.0", 8080, IPPROTO_TCP);

	(void)state;
	expect_summary(&record, "deny network.listen 0.0.0.0:8080/tcp (no-rule) by curl[123]");

	head = head_make(WEIR_EVENT_ACCEPT, WEIR_VERDICT_DENY, WEIR_REASON_RULE,
			 WEIR_RULE_DENY | 1);
	record = flow_make(head, "192.0.2.1", 8080, IPPROTO_TCP);
	flow_source_add(&record, "2001:db8::1", 50000);
	expect_summary(&record, "deny network.accept 192.0.2.1:8080/tcp from 2001:db8::1 "
				"(rule cloud-metadata) by curl[123]");

	record = total_make(allowed(WEIR_EVENT_FLOW, 1), "203.0.113.7", 443, IPPROTO_TCP);
	expect_summary(&record, "allow network.flow 203.0.113.7:443/tcp sent 512 received 20480 "
				"(rule registries) by curl[123]");
	RECORD_SET(&record, weir_event_total, denied, 2);
	expect_summary(&record, "allow network.flow 203.0.113.7:443/tcp sent 512 received 20480 "
				"refused 2 (rule registries) by curl[123]");

	head = refused(WEIR_EVENT_SEND, WEIR_REASON_NO_RULE);
	head.layer = WEIR_LAYER_PACKET;
	record = flow_make(head, "192.0.2.1", 53, IPPROTO_UDP);
	expect_summary(&record,
		       "deny network.send 192.0.2.1:53/udp [packet] (no-rule) by curl[123]");
	head.pid = 0;
	record = flow_make(head, "2001:db8::1", 53, IPPROTO_UDP);
	expect_summary(&record, "deny network.send [2001:db8::1]:53/udp [packet] (no-rule)");
}

static void sums_up_sockets(void **state)
{
	struct weir_event_head head = refused(WEIR_EVENT_SOCKET, WEIR_REASON_FAMILY);
	struct record record = socket_make(head, AF_PACKET, SOCK_RAW, 768, 0);

	(void)state;
	expect_summary(&record, "deny network.socket AF_PACKET SOCK_RAW (family) by curl[123]");
	record = socket_make(head, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, 0);
	expect_summary(&record, "deny network.socket AF_INET6 SOCK_RAW icmp (family) by curl[123]");
	record = socket_make(head, AF_INET, SOCK_RAW, 65536, 0);
	expect_summary(&record, "deny network.socket AF_INET SOCK_RAW (family) by curl[123]");
	record = socket_make(head, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, 16);
	expect_summary(&record, "deny network.socket AF_NETLINK SOCK_RAW NETLINK_ROUTE message 16 "
				"(family) by curl[123]");

	head = refused(WEIR_EVENT_UNIX, WEIR_REASON_NO_RULE);
	record = unix_path_make(head, SOCK_STREAM, "/run/docker.sock");
	expect_summary(&record, "deny network.unix /run/docker.sock (no-rule) by curl[123]");
	RECORD_SET(&record, weir_event_unix, descriptors, 1);
	expect_summary(&record,
		       "deny network.unix /run/docker.sock descriptors out (no-rule) by curl[123]");
	record = unix_make(head, SOCK_STREAM, WEIR_UNIX_ABSTRACT, "a\0 b", 4);
	expect_summary(&record, "deny network.unix \"@a\\x00 b\" (no-rule) by curl[123]");
	record = unix_make(head, SOCK_DGRAM, WEIR_UNIX_UNNAMED, "", 0);
	expect_summary(&record, "deny network.unix unnamed (no-rule) by curl[123]");
}

/* What a run's end counts together: everything but which process it was. */
static void deeds_have_no_number(void **state)
{
	struct weir_event_head head = refused(WEIR_EVENT_CONNECT, WEIR_REASON_NO_RULE);
	struct record record = flow_make(head, "2001:db8::1", 53, IPPROTO_UDP);
	struct event_context context = context_make();
	_cleanup_buf_ struct buf out = {0};
	struct event event;

	(void)state;
	assert_int_equal(event_decode(record.data, record.size, &event), 0);
	event_summary_deed(&out, &event, &context);
	assert_string_equal(buf_string(&out),
			    "deny network.connect [2001:db8::1]:53/udp (no-rule) by curl");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_listening),
		cmocka_unit_test(writes_peers),
		cmocka_unit_test(writes_totals),
		cmocka_unit_test(rules_are_of_the_right_list),
		cmocka_unit_test(writes_sockets),
		cmocka_unit_test(writes_unix_sockets),
		cmocka_unit_test(writes_unix_sockets_without_a_path),
		cmocka_unit_test(writes_packets),
		cmocka_unit_test(sums_up_addresses),
		cmocka_unit_test(sums_up_sockets),
		cmocka_unit_test(deeds_have_no_number),
	};

	samples_open(argc, argv);
	return samples_close(RUN_TESTS(tests));
}
