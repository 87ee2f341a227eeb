// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tests of user/event/line and show; that lines are read back is told by lines.h too. */
#include "../test.h"

#include <errno.h>
#include <string.h>

#include "event/show.h"

#define START "{\"v\":1,\"seq\":7,\"time\":\"2026-03-01T09:30:00.123456789Z\","
#define CONNECT                                                                       \
	START "\"type\":\"network.connect\",\"verdict\":\"deny\",\"reason\":\"rule\","    \
	      "\"policy\":{\"name\":\"agent\",\"rule\":\"cloud\"},"                       \
	      "\"scope\":{\"cgroup\":\"/agents/one\",\"cgroup_id\":9},"                   \
	      "\"process\":{\"pid\":12,\"comm\":\"curl\"},"                               \
	      "\"destination\":{\"address\":\"192.0.2.1\",\"port\":80,\"protocol\":\"tcp\"}}"

static void expect_shown(const char *text, bool color, const char *expected)
{
	_cleanup_event_line_ struct event_line line = {0};
	_cleanup_buf_ struct buf out = {0};

	assert_int_equal(event_line_parse(text, strlen(text), &line), 0);
	event_show(&out, &line, color);
	assert_string_equal(buf_string(&out), expected);
}

static void shows_a_decision(void **state)
{
	(void)state;
	expect_shown(CONNECT, false,
		     "2026-03-01 09:30:00.123 deny       agent            network.connect  "
		     "192.0.2.1:80/tcp (rule cloud) by curl[12] in /agents/one\n");
	expect_shown(CONNECT, true,
		     "2026-03-01 09:30:00.123 \033[31mdeny\033[0m       agent            "
		     "network.connect  192.0.2.1:80/tcp (rule cloud) by curl[12] in /agents/one\n");
}

static void shows_what_weir_says_of_itself(void **state)
{
	(void)state;
	expect_shown(START "\"type\":\"agent.stop\",\"detail\":{\"message\":\"a b\"}}", false,
		     "2026-03-01 09:30:00.123                             agent.stop       "
		     "message=\"a b\"\n");
	expect_shown(START "\"type\":\"agent.stop\"}", false,
		     "2026-03-01 09:30:00.123                             agent.stop       \n");
	expect_shown(START "\"type\":\"audit.lost\",\"detail\":{\"count\":{\"file.open\":3}}}",
		     true,
		     "2026-03-01 09:30:00.123                             "
		     "\033[31maudit.lost\033[0m       count={file.open=3}\n");
}

/* A type, reason or key of a later version, or a record without what it should have. */
static void shows_what_it_does_not_know(void **state)
{
	(void)state;
	expect_shown(START "\"type\":\"future.deed\",\"verdict\":\"deny\",\"reason\":\"new\","
			   "\"policy\":{\"name\":\"agent\",\"digest\":\"sha256:0123456789abcdef\"},"
			   "\"file\":{\"path\":\"/a\"},\"detail\":{\"list\":[1,\"x\"]}}",
		     false,
		     "2026-03-01 09:30:00.123 deny       agent            future.deed      "
		     "path=/a list=\"[1,\\\"x\\\"]\" digest=sha256:0123456789ab (new)\n");
	expect_shown(START "\"type\":\"network.connect\",\"verdict\":\"deny\","
			   "\"destination\":{\"address\":\"nowhere\"}}",
		     false,
		     "2026-03-01 09:30:00.123 deny                        network.connect  "
		     "address=nowhere\n");
}

static void escapes_everything(void **state)
{
	(void)state;
	expect_shown(
		START
		"\"type\":\"a\\u001b[2J\",\"verdict\":\"\\n\",\"policy\":"
		"{\"name\":\"\\u202e\",\"digest\":\"\\u001b\"},\"scope\":{\"cgroup\":\"/a b\"},"
		"\"detail\":{\"k\\u001b\":\"v\\u007f\",\"o\":{\"\\u0007\":\"\\u0007\"}}}",
		true,
		"2026-03-01 09:30:00.123 \\x0a       \\xe2\\x80\\xae     "
		"\"a\\x1b[2J\"       k\\x1b=v\\x7f o={\\x07=\\x07} digest=\\x1b "
		"in \"/a b\"\n");
}

static bool matches(const struct event_filter *filter, const char *text)
{
	_cleanup_event_line_ struct event_line line = {0};

	assert_int_equal(event_line_parse(text, strlen(text), &line), 0);
	return event_filter_matches(filter, &line);
}

static void filters(void **state)
{
	static const char stop[] = START "\"type\":\"agent.stop\"}";
	static const char would[] = START "\"type\":\"file.open\",\"verdict\":\"would-deny\"}";
	static const char allowed[] = START "\"type\":\"file.open\",\"verdict\":\"allow\"}";

	(void)state;
	assert_true(matches(&(struct event_filter){0}, stop));
	assert_true(matches(&(struct event_filter){.denied = true}, CONNECT));
	assert_true(matches(&(struct event_filter){.denied = true}, would));
	assert_false(matches(&(struct event_filter){.denied = true}, allowed));
	assert_false(matches(&(struct event_filter){.denied = true}, stop));
	assert_true(matches(&(struct event_filter){.policy = "agent"}, CONNECT));
	assert_false(matches(&(struct event_filter){.policy = "agen"}, CONNECT));
	assert_false(matches(&(struct event_filter){.policy = "agent"}, stop));
	assert_true(matches(&(struct event_filter){.type = "network"}, CONNECT));
	assert_true(matches(&(struct event_filter){.type = "network.connect"}, CONNECT));
	assert_false(matches(&(struct event_filter){.type = "network.con"}, CONNECT));
	assert_true(matches(&(struct event_filter){.cgroup = "/agents"}, CONNECT));
	assert_true(matches(&(struct event_filter){.cgroup = "/agents/one/"}, CONNECT));
	assert_false(matches(&(struct event_filter){.cgroup = "/agents/on"}, CONNECT));
	assert_false(matches(&(struct event_filter){.cgroup = "/agents"}, stop));
	assert_true(
		matches(&(struct event_filter){.since = "2026-03-01T09:30:00.123456789Z"}, stop));
	assert_false(
		matches(&(struct event_filter){.since = "2026-03-01T09:30:00.123456790Z"}, stop));
	assert_true(event_filter_type_known("network"));
	assert_true(event_filter_type_known("policy.load"));
	assert_false(event_filter_type_known("networks"));
	assert_false(event_filter_type_known("network."));
}

static void refuses_what_is_no_record(void **state)
{
	static const char *const wrong[] = {
		"", "nonsense", "[]", "{}", "{\"v\":1,\"seq\":1,\"type\":\"agent.stop\"}",
		"{\"v\":1,\"time\":\"2026-03-01T09:30:00.123456789Z\",\"type\":\"agent.stop\"}",
		"{\"v\":1,\"seq\":1,\"time\":\"2026-03-01\",\"type\":\"agent.stop\"}",
		START "\"type\":\"agent.stop\"} more",
		START "\"type\":\"agent.stop\",\"type\":\"x\"}",
		START "\"type\":1}",
	};
	struct event_line line;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(event_line_parse(wrong[i], strlen(wrong[i]), &line), -EBADMSG);
}

/* Values that do not fit leave a record that is shown as one that is not known. */
static void takes_no_value_that_does_not_fit(void **state)
{
	static const char *const parts[] = {
		"\"process\":{\"pid\":4294967296,\"comm\":\"x\"}",
		"\"process\":{\"pid\":1,\"comm\":\"longer than the sixteen\"}",
		"\"process\":{\"pid\":1,\"comm\":\"x\",\"comm_b64\":\"!\"}",
		"\"process\":{\"pid\":-1,\"comm\":\"x\"}",
		"\"file\":{\"path\":\"\"}", "\"file\":{\"path\":\"/a\",\"access\":[\"own\"]}",
		"\"file\":{\"path\":\"/a\",\"access\":\"read\"}", "\"detail\":{\"layer\":\"x\"}",
	};
	struct event_line line;
	char text[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		snprintf(text, sizeof(text),
			 START "\"type\":\"file.open\",\"verdict\":\"deny\",%s}", parts[i]);
		assert_int_equal(event_line_parse(text, strlen(text), &line), 0);
		assert_false(line.decided);
		event_line_done(&line);
	}
}

/* A log that somebody else has written may hold what valid JSON may: DEL, C1, bidi. */
static void sends_a_terminal_no_controls(void **state)
{
	const char *text = START
		"\"type\":\"agent.stop\",\"b\":\"\x7f\xc2\x9b\xe2\x80\xae\",\"a\":1}";
	_cleanup_event_line_ struct event_line line = {0};
	_cleanup_buf_ struct buf out = {0};

	(void)state;
	assert_int_equal(event_line_parse(text, strlen(text), &line), 0);
	event_show_json(&out, &line);
	assert_string_equal(buf_string(&out),
			    START "\"type\":\"agent.stop\",\"b\":\"\\u007f\\u009B\\u202E\","
				  "\"a\":1}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_a_decision),
		cmocka_unit_test(shows_what_weir_says_of_itself),
		cmocka_unit_test(shows_what_it_does_not_know),
		cmocka_unit_test(escapes_everything),
		cmocka_unit_test(filters),
		cmocka_unit_test(sends_a_terminal_no_controls),
		cmocka_unit_test(refuses_what_is_no_record),
		cmocka_unit_test(takes_no_value_that_does_not_fit),
	};

	return RUN_TESTS(tests);
}
