// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The state of a container, as runtimes hand it to hooks: what becomes of it, what is refused. */
#include "../test.h"

#include <errno.h>
#include <string.h>

#include "daemon/oci.h"

#define STATE "{\"ociVersion\":\"1.0\",\"status\":\"creating\""

static void expect_refused(const char *text, const char *error)
{
	_cleanup_free_ char *message = NULL;
	struct ctl_request request;

	assert_int_equal(oci_request(text, strlen(text), &request, &message), -EINVAL);
	assert_string_equal(message, error);
}

static void annotations_name_the_policy(void **state)
{
	static const char text[] =
		"{\"ociVersion\":\"1.0.2\",\"id\":\"c\",\"status\":\"created\",\"pid\":4711,"
		"\"bundle\":\"/b\",\"annotations\":{\"io.weir.policy\":\"web\",\"other\":\"x\","
		"\"io.weir.set.workspace\":\"/srv\",\"io.weir.label.team.name\":\"t\"}}";
	_cleanup_ctl_request_ struct ctl_request request = {0};
	_cleanup_free_ char *message = NULL;
	_cleanup_buf_ struct buf out = {0};

	(void)state;
	assert_int_equal(oci_request(text, strlen(text), &request, &message), 0);
	assert_int_equal(request.command, CTL_ATTACH);
	assert_int_equal(request.target, CTL_TARGET_PID);
	assert_int_equal(request.pid, 4711);
	assert_true(request.at_exec);
	assert_string_equal(request.policy, "web");
	assert_int_equal(request.n_set, 1);
	assert_string_equal(request.set[0].key, "workspace");
	assert_string_equal(request.set[0].value, "/srv");
	assert_int_equal(request.n_labels, 1);
	assert_string_equal(request.labels[0].key, "team.name");
	assert_int_equal(ctl_request_format(&request, &out), 0);
}

static void without_annotations_no_policy(void **state)
{
	static const char *const texts[] = {
		STATE ",\"pid\":1}",
		STATE ",\"pid\":1,\"annotations\":null}",
		STATE ",\"pid\":1,\"annotations\":{\"io.weird\":\"x\"}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_ctl_request_ struct ctl_request request = {0};
		_cleanup_free_ char *message = NULL;

		assert_int_equal(oci_request(texts[i], strlen(texts[i]), &request, &message), 0);
		assert_null(request.policy);
	}
}

static void refuses_what_it_does_not_know(void **state)
{
	(void)state;
	expect_refused("", "this is not JSON: '[' or '{' expected near end of file");
	expect_refused("[]", "this is not the state of a container: no \"ociVersion\"");
	expect_refused(STATE "}",
		       "\"pid\" must be the number of the container's process; is the hook one of "
		       "createRuntime?");
	expect_refused(STATE ",\"pid\":0}",
		       "\"pid\" must be the number of the container's process; is the hook one of "
		       "createRuntime?");
	expect_refused(STATE ",\"pid\":1,\"annotations\":[]}",
		       "\"annotations\" must be an object");
	expect_refused(STATE ",\"pid\":1,\"annotations\":{"
			     "\"io.weir.polcy\":\"x\"}}",
		       "the annotation \"io.weir.polcy\" is not known; there are io.weir.policy, "
		       "io.weir.set.PARAM and io.weir.label.KEY");
	expect_refused(STATE ",\"pid\":1,\"annotations\":{"
			     "\"io.weir.set.\":\"x\"}}",
		       "the annotation \"io.weir.set.\" is not known; there are io.weir.policy, "
		       "io.weir.set.PARAM and io.weir.label.KEY");
	expect_refused(STATE ",\"pid\":1,\"annotations\":{"
			     "\"io.weir.policy\":1}}",
		       "the annotation \"io.weir.policy\" must be text");
	expect_refused(STATE ",\"pid\":1,\"annotations\":{"
			     "\"io.weir.policy\":\"\"}}",
		       "the annotation \"io.weir.policy\" names no policy");
	expect_refused(STATE ",\"pid\":1,\"annotations\":{"
			     "\"io.weir.policy\":\"a\",\"io.weir.policy\":\"b\"}}",
		       "this is not JSON: duplicate object key near '\"io.weir.policy\"'");
}

static void refuses_what_has_begun(void **state)
{
	static const char *const texts[] = {
		"{\"ociVersion\":\"1.0\",\"pid\":1}",
		"{\"ociVersion\":\"1.0\",\"pid\":1,\"status\":1}",
		"{\"ociVersion\":\"1.0\",\"pid\":1,\"status\":\"running\"}",
		"{\"ociVersion\":\"1.0\",\"pid\":1,\"status\":\"stopped\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		expect_refused(
			texts[i],
			"\"status\" must be \"creating\" or \"created\": a container that runs "
			"already, or is restored, cannot be confined from its first "
			"instruction; is the hook one of createRuntime?");
}

static void refuses_what_is_too_long(void **state)
{
	_cleanup_free_ char *text = calloc(1, OCI_STATE_MAX + 1);
	_cleanup_free_ char *message = NULL;
	struct ctl_request request;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', OCI_STATE_MAX + 1);
	assert_int_equal(oci_request(text, OCI_STATE_MAX + 1, &request, &message), -EINVAL);
	assert_string_equal(message, "a state has at most 1048576 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(annotations_name_the_policy),
		cmocka_unit_test(without_annotations_no_policy),
		cmocka_unit_test(refuses_what_it_does_not_know),
		cmocka_unit_test(refuses_what_has_begun),
		cmocka_unit_test(refuses_what_is_too_long),
	};

	return RUN_TESTS(tests);
}
