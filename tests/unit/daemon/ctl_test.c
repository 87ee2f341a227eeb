// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Requests and replies of the control socket: what is taken, what is refused, and how it is said.
 */
#include "../test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl.h"
#include "daemon/enforce.h"
#include "weir/ctl.h"

static void expect_refused(const char *text, const char *error)
{
	_cleanup_free_ char *message = NULL;
	struct ctl_request request;

	assert_int_equal(ctl_request_parse(text, strlen(text), &request, &message), -EINVAL);
	assert_string_equal(message, error);
}

static void takes_an_attach_whole(void **state)
{
	static const char text[] = "{\"v\":1,\"command\":\"attach\",\"policy\":\"web\","
				   "\"cgroup\":\"/a/b\",\"set\":{\"x\":\"1\"},"
				   "\"labels\":{\"team\":\"t\"},\"without\":[\"guard\"]}\n";
	_cleanup_ctl_request_ struct ctl_request request = {0};
	_cleanup_free_ char *message = NULL;

	(void)state;
	assert_int_equal(ctl_request_parse(text, strlen(text), &request, &message), 0);
	assert_int_equal(request.command, CTL_ATTACH);
	assert_int_equal(request.target, CTL_TARGET_CGROUP);
	assert_string_equal(request.place, "/a/b");
	assert_string_equal(request.policy, "web");
	assert_int_equal(request.n_set, 1);
	assert_string_equal(request.set[0].value, "1");
	assert_string_equal(request.labels[0].key, "team");
	assert_int_equal(request.without, ENFORCE_BIT(POLICY_SECTION_GUARD));
}

static void refuses_with_the_name(void **state)
{
	(void)state;
	expect_refused("", "this is not JSON: '[' or '{' expected near end of file");
	expect_refused("[]", "a request is an object");
	expect_refused("{}", "\"v\", the version of the protocol, is missing");
	expect_refused("{\"v\":2,\"command\":\"status\"}",
		       "the daemon speaks version 1 of the protocol, not 2");
	expect_refused("{\"v\":1}", "\"command\" is missing");
	expect_refused("{\"v\":1,\"command\":\"stop\"}", "there is no command \"stop\"");
	expect_refused("{\"v\":1,\"command\":\"status\",\"verbose\":true}",
		       "\"status\" has no \"verbose\"");
	expect_refused("{\"v\":1,\"command\":\"detach\",\"pid\":1}", "\"detach\" has no \"pid\"");
	expect_refused("{\"v\":1,\"command\":\"a\\u001bb\"}",
		       "there is no command \"a\\x1bb\"");
	expect_refused("{\"v\":1,\"v\":1,\"command\":\"status\"}",
		       "this is not JSON: duplicate object key near '\"v\"'");
}

static void refuses_wrong_values(void **state)
{
	(void)state;
	expect_refused("{\"v\":1,\"command\":\"attach\",\"policy\":\"p\"}",
		       "what to attach is missing: \"cgroup\", \"pid\" or \"unit\"");
	expect_refused("{\"v\":1,\"command\":\"attach\",\"unit\":\"a.service\"}",
		       "\"policy\" is missing");
	expect_refused("{\"v\":1,\"command\":\"detach\",\"cgroup\":\"/a\",\"unit\":\"b\"}",
		       "one of \"cgroup\", \"pid\" and \"unit\" is wanted, not two");
	expect_refused("{\"v\":1,\"command\":\"attach\",\"policy\":\"p\",\"unit\":\"a\","
		       "\"at_exec\":true}", "\"at_exec\" goes with \"pid\"");
	expect_refused("{\"v\":1,\"command\":\"attach\",\"policy\":\"p\",\"pid\":1,"
		       "\"at_exec\":1}", "\"at_exec\" must be true or false");
	expect_refused("{\"v\":1,\"command\":\"detach\",\"cgroup\":\"\"}",
		       "\"cgroup\" must be text, and not empty");
	expect_refused("{\"v\":1,\"command\":\"attach\",\"policy\":\"p\",\"pid\":4294967297}",
		       "\"pid\" must be the number of a process");
	expect_refused("{\"v\":1,\"command\":\"attach\",\"policy\":\"p\",\"pid\":1,"
		       "\"set\":{\"a\":1}}", "\"set\" must be an object of texts");
	expect_refused("{\"v\":1,\"command\":\"attach\",\"policy\":\"p\",\"pid\":1,"
		       "\"without\":[\"network\"]}",
		       "\"without\" takes files, guard, unix and listen");
	expect_refused("{\"v\":1,\"command\":\"reload\",\"names\":[\"a\",1]}",
		       "\"names\" must be text, and not empty");
	expect_refused("{\"v\":1,\"command\":\"reload\",\"dry_run\":1}",
		       "\"dry_run\" must be true or false");
}

static void refuses_what_is_too_long(void **state)
{
	_cleanup_free_ char *text = malloc(WEIR_CTL_REQUEST_MAX + 1), *message = NULL;
	struct ctl_request request;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', WEIR_CTL_REQUEST_MAX + 1);
	assert_int_equal(ctl_request_parse(text, WEIR_CTL_REQUEST_MAX + 1, &request, &message),
			 -EINVAL);
	assert_string_equal(message, "a request has at most 65536 bytes");
}

static void says_what_it_reads(void **state)
{
	struct policy_pair pairs[] = {{(char *)"k", (char *)"v"}};
	char *names[] = {(char *)"one", (char *)"two"};
	const struct ctl_request requests[] = {
		{.command = CTL_STATUS},
		{.command = CTL_ATTACH, .target = CTL_TARGET_PID, .pid = 12, .policy = (char *)"p",
		 .set = pairs, .n_set = 1, .labels = pairs, .n_labels = 1,
		 .without = ENFORCE_BIT(POLICY_SECTION_FILES)},
		{.command = CTL_DETACH, .target = CTL_TARGET_UNIT, .place = (char *)"a.service"},
		{.command = CTL_RELOAD, .names = names, .n_names = 2, .dry_run = true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		_cleanup_ctl_request_ struct ctl_request read = {0};
		_cleanup_buf_ struct buf first = {0}, second = {0};
		_cleanup_free_ char *message = NULL;

		assert_int_equal(ctl_request_format(&requests[i], &first), 0);
		assert_int_equal(ctl_request_parse(first.data, first.len, &read, &message), 0);
		assert_int_equal(ctl_request_format(&read, &second), 0);
		assert_string_equal(buf_string(&first), buf_string(&second));
	}
}

static void requests_are_utf8(void **state)
{
	const struct ctl_request request = {.command = CTL_DETACH, .target = CTL_TARGET_CGROUP,
					    .place = (char *)"/\xff"};
	_cleanup_buf_ struct buf out = {0};

	(void)state;
	assert_int_equal(ctl_request_format(&request, &out), -EILSEQ);
}

static void replies_come_back(void **state)
{
	const struct ctl_reply reply = {.outcome = CTL_UNENFORCEABLE, .text = (char *)"no\xff LSM"};
	_cleanup_ctl_reply_ struct ctl_reply read = {0};
	static const char *const bad[] = {"", "{}", "{\"v\":1}", "{\"v\":2,\"outcome\":\"done\"}",
					  "{\"v\":1,\"outcome\":\"well\"}", "[1]"};
	_cleanup_buf_ struct buf out = {0};

	(void)state;
	assert_int_equal(ctl_reply_format(&reply, &out), 0);
	assert_int_equal(out.data[out.len - 1], '\n');
	assert_int_equal(ctl_reply_parse(out.data, out.len, &read), 0);
	assert_int_equal(read.outcome, CTL_UNENFORCEABLE);
	assert_string_equal(read.text, "no\\xff LSM");
	assert_null(read.result);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(ctl_reply_parse(bad[i], strlen(bad[i]), &read), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_an_attach_whole), cmocka_unit_test(refuses_with_the_name),
		cmocka_unit_test(refuses_wrong_values),	 cmocka_unit_test(refuses_what_is_too_long),
		cmocka_unit_test(says_what_it_reads),	 cmocka_unit_test(requests_are_utf8),
		cmocka_unit_test(replies_come_back),
	};

	return RUN_TESTS(tests);
}
