// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tests of user/event/json, self and summary; those of network.* are in json_network_test.c. */
#include "lines.h"

#include <errno.h>

#include <stdio.h>

static const char *self_line_of(const struct event_self *self, const struct event_context *context)
{
	static struct buf line;

	buf_reset(&line);
	assert_int_equal(event_self_json(&line, self, context), 0);
	keep(&line);
	line.len--;
	return buf_string(&line);
}

static void writes_a_connect_whole(void **state)
{
	struct record record = flow_make(head_make(WEIR_EVENT_CONNECT, WEIR_VERDICT_DENY,
						   WEIR_REASON_RULE, WEIR_RULE_DENY | 1),
					 "169.254.169.254", 80, IPPROTO_TCP);
	struct event_process process = {
		.exe = "/usr/bin/curl",
		.exe_len = 13,
		.ancestors = {{100, "/bin/sh", 7}, {1, NULL, 0}},
		.n_ancestors = 2,
	};
	static const char *const without[] = {"guard", "unix"};
	struct event_context context = context_make();
	char expected[2048];

	(void)state;
	context.process = &process;
	context.without = without;
	context.n_without = 2;
	context.dest_host = "metadata.example.com";
	snprintf(expected, sizeof(expected),
		 "{\"v\":1,\"seq\":%d,\"time\":\"2023-11-14T22:13:25.000000000Z\","
		 "\"host\":\"build.example.com\",\"type\":\"network.connect\",\"verdict\":\"deny\","
		 "\"reason\":\"rule\",\"policy\":{\"name\":\"coding-agent\",\"digest\":\"" DIGEST "\","
		 "\"rule\":\"cloud-metadata\"},\"identity\":{\"agent\":\"code-assistant\","
		 "\"owner\":\"platform \\\"x\\\"\"},\"scope\":{\"cgroup\":\"/agents/one\","
		 "\"cgroup_id\":4242},\"process\":{\"pid\":123,\"tid\":123,\"ppid\":100,\"uid\":1000,"
		 "\"gid\":1001,\"comm\":\"curl\",\"exe\":\"/usr/bin/curl\",\"start\":\"4000000000\","
		 "\"ancestors\":[{\"pid\":100,\"exe\":\"/bin/sh\"},{\"pid\":1}]},"
		 "\"destination\":{\"address\":\"169.254.169.254\",\"port\":80,"
		 "\"host\":\"metadata.example.com\",\"protocol\":\"tcp\"},"
		 "\"detail\":{\"without\":[\"guard\",\"unix\"]}}", (int)next_seq);
	assert_string_equal(line_of(&record, &context), expected);
}

static void writes_flows_of_every_kind(void **state)
{
	struct weir_event_head head = head_make(WEIR_EVENT_SEND, WEIR_VERDICT_ALLOW,
						WEIR_REASON_RULE, 2);
	struct event_context context = context_make();
	struct record record = flow_make(head, "2001:db8::53", 53, IPPROTO_UDP);
	const char *line;

	(void)state;
	flow_source_add(&record, "2001:db8::1", 40000);
	line = line_of(&record, &context);
	expect_text(line, "policy", "rule", "local");
	expect_text(line, "destination", "protocol", "udp");
	assert_non_null(strstr(line, ",\"source\":{\"address\":\"2001:db8::1\",\"port\":40000}"));

	context = context_make();
	record = flow_make(head, "192.0.2.1", 0, IPPROTO_ICMP);
	line = line_of(&record, &context);
	assert_non_null(
		strstr(line, "\"destination\":{\"address\":\"192.0.2.1\",\"protocol\":\"icmp\"}"));

	context = context_make();
	record = flow_make(head, "::ffff:192.0.2.1", 0, IPPROTO_SCTP);
	expect_text(line_of(&record, &context), "destination", "protocol", "proto-132");
}

static void names_a_rule_by_number_where_the_name_is_missing(void **state)
{
	struct record record = flow_make(head_make(WEIR_EVENT_CONNECT, WEIR_VERDICT_WOULD_DENY,
						   WEIR_REASON_RULE, WEIR_RULE_DENY | 9),
					 "192.0.2.1", 1, IPPROTO_TCP);
	struct event_context context = context_make();
	const char *line;

	(void)state;
	expect_text(line_of(&record, &context), "policy", "rule", "deny#9");
	context = context_make();
	context.policy = NULL;
	line = line_of(&record, &context);
	assert_non_null(strstr(line, "\"policy\":{\"rule\":\"deny#9\"}"));
	assert_non_null(strstr(line, "\"detail\":{\"instance\":77}"));
}

static void keeps_the_exact_bytes_of_names(void **state)
{
	struct weir_event_head head =
		head_make(WEIR_EVENT_FILE_RENAME, WEIR_VERDICT_DENY, WEIR_REASON_WIDEN, 0);
	struct event_context context = context_make();
	struct record record;
	const char *line;

	(void)state;
	memcpy(head.comm, "a\xff\033[m", 6);
	record = file_make(
		head, WEIR_ACCESS_BIT(WEIR_ACCESS_CREATE) | WEIR_ACCESS_BIT(WEIR_ACCESS_DELETE),
		"/a\xe9/\xc3\xa9", "/\"\\\n\xc2\x9b\x7f");
	line = line_of(&record, &context);
	assert_non_null(
		strstr(line, "\"comm\":\"a\xef\xbf\xbd\\u001b[m\",\"comm_b64\":\"Yf8bW20=\""));
	assert_non_null(strstr(line, "\"file\":{\"path\":\"/a\xef\xbf\xbd/\xc3\xa9\","
				     "\"path_b64\":\"L2HpL8Op\","
				     "\"target\":\"/\\\"\\\\\\n\\u009b\\u007f\","
				     "\"access\":[\"create\",\"delete\"]}"));
}

static void long_bytes_are_one_base64_text(void **state)
{
	struct weir_event_head head =
		head_make(WEIR_EVENT_FILE_OPEN, WEIR_VERDICT_DENY, WEIR_REASON_UNRESOLVED_PATH, 0);
	struct event_context context = context_make();
	char path[WEIR_PATH_MAX + 1];
	struct record record;
	json_t *json;
	const char *text;
	size_t i;

	(void)state;
	for (i = 0; i < WEIR_PATH_MAX; i++)
		path[i] = i % 200 ? '\xfe' : '/';
	path[WEIR_PATH_MAX] = '\0';
	record = file_make(head, WEIR_ACCESS_BIT(WEIR_ACCESS_READ), path, NULL);
	json = parse(line_of(&record, &context));
	text = json_string_value(json_object_get(json_object_get(json, "file"), "path_b64"));
	assert_int_equal(strlen(text), (WEIR_PATH_MAX + 3 + 2) / 3 * 4);
	assert_null(memchr(text, '=', strlen(text) - 2));
	json_decref(json);
}

static void writes_arguments(void **state)
{
	struct weir_event_head head = head_make(WEIR_EVENT_EXEC, WEIR_VERDICT_ALLOW,
						WEIR_REASON_RULE, 1);
	struct event_context context = context_make();
	struct record record = exec_make(head, "/usr/bin/git", "git\0\0log\0", 9, 9);
	const char *line = line_of(&record, &context);

	(void)state;
	expect_text(line, "policy", "rule", "system");
	assert_non_null(strstr(line, "\"args\":[\"git\",\"\",\"log\"],\"start\""));
	assert_null(strstr(line, "detail"));

	context = context_make();
	record = exec_make(head, "/usr/bin/git", "git\0\xff\xfe\0cut h", 12, 5000);
	line = line_of(&record, &context);
	assert_non_null(strstr(line, "\"args\":[\"git\",\"\xef\xbf\xbd\xef\xbf\xbd\",\"cut h\"],"
				     "\"args_b64\":[\"Z2l0\",\"//4=\",\"Y3V0IGg=\"]"));
	assert_non_null(strstr(line, "\"detail\":{\"args_total\":5000}"));

	context = context_make();
	record = exec_make(head, "/usr/bin/git", "", 0, 0);
	assert_non_null(strstr(line_of(&record, &context), "\"args\":[]"));
}

static void writes_ends(void **state)
{
	struct weir_event_head head = head_make(WEIR_EVENT_EXIT, WEIR_VERDICT_ALLOW,
						WEIR_REASON_RULE, 0);
	struct event_context context = context_make();
	struct record record = exit_make(head, 3 << 8);
	const char *line = line_of(&record, &context);

	(void)state;
	assert_non_null(strstr(line, "\"detail\":{\"exit_code\":3}"));
	assert_null(strstr(line, "\"reason\""));
	context = context_make();
	record = exit_make(head, 0x8b);
	assert_non_null(
		strstr(line_of(&record, &context), "\"detail\":{\"signal\":11,\"core\":true}"));
}

static void says_less_where_less_is_known(void **state)
{
	struct weir_event_head head =
		head_make(WEIR_EVENT_FILE_OPEN, WEIR_VERDICT_DENY, WEIR_REASON_SCOPE, 0);
	struct event_context context = {.seq = next_seq, .host = "h", .utc_offset_ns = -5000000000};
	struct record record;
	const char *line;

	(void)state;
	head.scope_id = 0;
	head.instance_serial = 0;
	head.comm[0] = '\0';
	record = file_make(head, 0, "/", NULL);
	line = line_of(&record, &context);
	assert_non_null(strstr(line, "\"time\":\"1970-01-01T00:00:00.000000000Z\""));
	assert_null(strstr(line, "\"policy\""));
	assert_null(strstr(line, "\"scope\":"));
	assert_null(strstr(line, "\"detail\""));
	assert_non_null(strstr(line, "\"file\":{\"path\":\"/\",\"access\":[]}}"));
}

static void writes_records_about_weir(void **state)
{
	static const struct event_pair parameters[] = {{"workspace", "/srv/\xff"}};
	static const struct event_pair descriptors[] = {{"0", "/dev/null"}, {"2", "pipe:[1]"}};
	static const char *const command[] = {"sh", "\xff", NULL};
	static const struct event_grant_told grant = {.id = 3, .for_s = 90, .once = true, .pid = 12,
						      .until_ns = 2000000000};
	struct event_self self = {.type = EVENT_SELF_AGENT_START, .time_ns = 1, .version = "0.1.0",
				  .kernel = "6.1.0", .mode = "enforce",
				  .away_ns = 1500000000};
	struct event_context context = context_make();
	const char *line;

	(void)state;
	line = self_line_of(&self, &context);
	expect_text(line, "detail", "version", "0.1.0");
	assert_null(strstr(line, "\"verdict\""));
	assert_non_null(strstr(line, "\"away_ns\":1500000000"));

	self = (struct event_self){.type = EVENT_SELF_POLICY_LOAD,
				   .file = "/etc/weir/policies/a.yaml",
				   .mode = "audit",
				   .parameters = parameters,
				   .n_parameters = 1};
	context = context_make();
	line = self_line_of(&self, &context);
	assert_non_null(strstr(line, "\"parameters\":{\"workspace\":\"/srv/\xef\xbf\xbd\","
				     "\"workspace_b64\":\"L3Nydi//\"}"));

	self = (struct event_self){.type = EVENT_SELF_POLICY_REJECT, .file = "/a\xff.yaml",
				   .error = "/a.yaml:1:1: no\nnames"};
	context = (struct event_context){.seq = next_seq, .host = "h"};
	line = self_line_of(&self, &context);
	assert_non_null(strstr(
		line, "\"file_b64\":\"L2H/LnlhbWw=\",\"error\":\"/a.yaml:1:1: no\\nnames\""));

	self = (struct event_self){.type = EVENT_SELF_SCOPE_ATTACH,
				   .cgroup_id = 7,
				   .command = command,
				   .descriptors = descriptors,
				   .n_descriptors = 2};
	context = context_make();
	line = self_line_of(&self, &context);
	assert_non_null(strstr(line, "\"scope\":{\"cgroup\":\"/agents/one\",\"cgroup_id\":7},"
				     "\"detail\":{\"command\":[\"sh\",\"\xef\xbf\xbd\"],"
				     "\"command_b64\":[\"c2g=\",\"/w==\"],"
				     "\"descriptors\":{\"0\":\"/dev/null\",\"2\":\"pipe:[1]\"}}"));
	self = (struct event_self){.type = EVENT_SELF_SCOPE_DETACH, .cgroup_id = 7};
	context = context_make();
	assert_null(strstr(self_line_of(&self, &context), "detail"));

	self = (struct event_self){.type = EVENT_SELF_POLICY_EXPIRE, .grant = &grant,
				   .what = "read /a", .message = "its time is over"};
	context = context_make();
	line = self_line_of(&self, &context);
	assert_non_null(strstr(line, "\"detail\":{\"message\":\"its time is over\",\"id\":3,"
				     "\"what\":\"read /a\",\"for\":90,"
				     "\"until\":\"2023-11-14T22:13:22.000000000Z\","
				     "\"once\":true,\"uid\":0,\"pid\":12}"));

	self = (struct event_self){
		.type = EVENT_SELF_AUDIT_LOST, .from_ns = 1, .to_ns = 2000000000};
	self.lost[WEIR_EVENT_SEND] = 17;
	self.lost[EVENT_LOST_UNKNOWN] = 1;
	context = context_make();
	line = self_line_of(&self, &context);
	assert_non_null(strstr(line, "\"detail\":{\"count\":{\"network.send\":17,\"unknown\":1},"
				     "\"from\":\"2023-11-14T22:13:20.000000001Z\","
				     "\"to\":\"2023-11-14T22:13:22.000000000Z\"}}"));

	self = (struct event_self){.type = EVENT_SELF_AGENT_STOP, .message = "the command ended"};
	context = context_make();
	self_line_of(&self, &context);
}

static void numbers_a_line_later(void **state)
{
	struct event_self self = {.type = EVENT_SELF_AGENT_STOP, .message = "\"seq\":0"};
	_cleanup_buf_ struct buf early = {0}, late = {0}, expected = {0};
	struct event_context context = context_make();

	(void)state;
	context.seq = 0;
	assert_int_equal(event_self_json(&early, &self, &context), 0);
	context.seq = 1234;
	assert_int_equal(event_self_json(&expected, &self, &context), 0);
	assert_int_equal(event_json_number(&late, early.data, early.len, 1234), 0);
	assert_string_equal(buf_string(&late), buf_string(&expected));
	assert_int_equal(event_json_number(&late, expected.data, expected.len, 1), -EINVAL);
	assert_int_equal(event_json_number(&late, early.data, 5, 1), -EINVAL);
	assert_int_equal(late.len, expected.len);
}

static void sums_up_for_people(void **state)
{
	struct weir_event_head head = head_make(WEIR_EVENT_CONNECT, WEIR_VERDICT_DENY,
						WEIR_REASON_NO_RULE, 0);
	struct record record = flow_make(head, "203.0.113.7", 443, IPPROTO_TCP);

	(void)state;
	expect_summary(&record, "deny network.connect 203.0.113.7:443/tcp (no-rule) by curl[123]");
	record = flow_make(head, "2001:db8::1", 53, IPPROTO_UDP);
	expect_summary(&record, "deny network.connect [2001:db8::1]:53/udp (no-rule) by curl[123]");
	record = flow_make(head, "192.0.2.1", 0, IPPROTO_ICMP);
	expect_summary(&record, "deny network.connect 192.0.2.1/icmp (no-rule) by curl[123]");

	head = head_make(WEIR_EVENT_FILE_OPEN, WEIR_VERDICT_WOULD_DENY, WEIR_REASON_NO_RULE, 0);
	record = file_make(head, 3, "/tmp/x\033]0;y\a (no-rule) by sh[1]", NULL);
	expect_summary(&record, "would-deny file.open \"/tmp/x\\x1b]0;y\\x07 (no-rule) by sh[1]\" "
				"read,write (no-rule) by curl[123]");

	head = head_make(WEIR_EVENT_FILE_RENAME, WEIR_VERDICT_ALLOW, WEIR_REASON_RULE, 1);
	record = file_make(head, 12, "/a", "/b");
	expect_summary(&record,
		       "allow file.rename /a -> /b create,delete (rule system) by curl[123]");

	head = head_make(WEIR_EVENT_EXEC, WEIR_VERDICT_ALLOW, WEIR_REASON_RULE, 1);
	record = exec_make(head, "/usr/bin/git", "git\0commit -m\0", 14, 99);
	expect_summary(&record, "allow process.exec /usr/bin/git git \"commit -m\" [cut] "
				"(rule system) by curl[123]");

	head = head_make(WEIR_EVENT_EXIT, WEIR_VERDICT_ALLOW, WEIR_REASON_RULE, 0);
	record = exit_make(head, 0x8b);
	expect_summary(&record, "allow process.exit signal 11 (core dumped) by curl[123]");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_a_connect_whole),
		cmocka_unit_test(writes_flows_of_every_kind),
		cmocka_unit_test(names_a_rule_by_number_where_the_name_is_missing),
		cmocka_unit_test(keeps_the_exact_bytes_of_names),
		cmocka_unit_test(long_bytes_are_one_base64_text),
		cmocka_unit_test(writes_arguments),
		cmocka_unit_test(writes_ends),
		cmocka_unit_test(says_less_where_less_is_known),
		cmocka_unit_test(writes_records_about_weir),
		cmocka_unit_test(numbers_a_line_later),
		cmocka_unit_test(sums_up_for_people),
	};

	samples_open(argc, argv);
	return samples_close(RUN_TESTS(tests));
}
