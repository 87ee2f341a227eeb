// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Grants in the daemon: requests, which come first, and the way to the next daemon and back. */
#include "../test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/agent_scopes.h"
#include "daemon/grant.h"

static void expect_refused(const char *text, const char *error)
{
	_cleanup_free_ char *message = NULL;
	struct ctl_request request;

	assert_int_equal(ctl_request_parse(text, strlen(text), &request, &message), -EINVAL);
	assert_string_equal(message, error);
}

#define GRANT "{\"v\":1,\"command\":\"grant\","

static void takes_a_request_whole(void **state)
{
	static const char text[] = GRANT
		"\"cgroup\":\"/a\",\"allow\":[{\"connect\":\"udp:[::1]:53\"},"
		"{\"unix\":\"@name\"}],\"for\":900,\"once\":true}";
	_cleanup_ctl_request_ struct ctl_request request = {0}, again = {0};
	_cleanup_free_ char *message = NULL;
	_cleanup_buf_ struct buf formatted = {0};

	(void)state;
	assert_int_equal(ctl_request_parse(text, strlen(text), &request, &message), 0);
	assert_int_equal(request.command, CTL_GRANT);
	assert_int_equal(ctl_request_format(&request, &formatted), 0);
	assert_int_equal(ctl_request_parse(formatted.data, formatted.len, &again, &message), 0);
	assert_string_equal(again.place, "/a");
	assert_int_equal(again.n_allow, 2);
	assert_int_equal(again.allow[0].kind, GRANT_CONNECT);
	assert_string_equal(again.allow[0].text, "udp:[::1]:53");
	assert_string_equal(again.allow[1].text, "@name");
	assert_int_equal(again.for_s, 900);
	assert_true(again.once);
}

static void refuses_with_the_reason(void **state)
{
	(void)state;
	expect_refused(GRANT "\"policy\":\"p\",\"for\":1}", "\"allow\" is missing");
	expect_refused(GRANT "\"policy\":\"p\",\"allow\":[{\"read\":\"/a\"}]}",
		       "\"for\" is missing");
	expect_refused(GRANT "\"allow\":[{\"read\":\"/a\"}],\"for\":1}",
		       "one of \"policy\" and \"cgroup\" is wanted");
	expect_refused(
		GRANT "\"policy\":\"p\",\"cgroup\":\"/a\",\"allow\":[{\"read\":\"/a\"}],\"for\":1}",
		"one of \"policy\" and \"cgroup\" is wanted");
	expect_refused(GRANT "\"policy\":\"p\",\"allow\":[],\"for\":1}",
		       "\"allow\" must be a list of 1 to 64");
	expect_refused(GRANT "\"policy\":\"p\",\"allow\":[{\"read\":\"a\"}],\"for\":1}",
		       "read: \"a\": a pattern that does not start with '/' or \"**/\"");
	expect_refused(GRANT "\"policy\":\"p\",\"allow\":[{\"see\":\"/a\"}],\"for\":1}",
		       "nothing is allowed by \"see\": connect, listen, unix, read, write, create, "
		       "delete or execute is wanted");
	expect_refused(GRANT "\"policy\":\"p\",\"allow\":[{\"read\":\"/a\"}],\"for\":0}",
		       "\"for\" must be seconds, 1 to 31622400");
	expect_refused(GRANT "\"revoke\":1,\"once\":true}", "nothing goes with \"revoke\"");
	expect_refused(GRANT "\"revoke\":0}", "\"revoke\" must be the id of a grant");
	expect_refused("{\"v\":1,\"command\":\"reload\",\"revoke\":1}",
		       "\"reload\" has no \"revoke\"");
}

static char name_p[] = "p", name_q[] = "q", path_a[] = "/a";
static struct grant_item items[] = {{GRANT_READ, path_a}};

static struct grant grant_of(unsigned int id, uint64_t expires_ns, bool once)
{
	return (struct grant){.id = id, .policy = name_p, .items = items, .n_items = 1,
			      .slot = id, .expires_ns = expires_ns, .once = once};
}

static void what_lasts_decides_first(void **state)
{
	struct binding binding = {.policy = name_p}, other = {.policy = name_q};
	struct grant list[6] = {grant_of(1, 100, false), grant_of(2, 900, true),
				grant_of(3, 300, false), grant_of(4, 999, true),
				grant_of(5, 950, true),	 grant_of(6, 500, false)};
	static const unsigned int order[] = {3, 1, 5, 2, 4};
	struct agent agent = {.grants = list};
	struct policy_grant *grants;
	size_t n;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		list[i].next = &list[i + 1];
	list[3].used = true;
	list[5].over = true;
	assert_int_equal(grants_for(&agent, &binding, &grants, &n), 0);
	assert_int_equal(n, ARRAY_SIZE(order));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(grants[i].id, order[i]);
	free(grants);
	assert_int_equal(grants_for(&agent, &other, &grants, &n), 0);
	assert_int_equal(n, 0);
	free(grants);
}

static void one_of_a_cgroup_is_for_its_scope(void **state)
{
	struct binding one = {.policy = name_p}, two = {.policy = name_p};
	struct scope scopes[2] = {{.cgroup_id = 7, .binding = &one},
				  {.cgroup_id = 8, .binding = &two}};
	struct agent agent = {.scopes = scopes};
	struct grant grant = grant_of(1, 1, false);

	(void)state;
	scopes[0].next = &scopes[1];
	grant.policy = NULL;
	grant.cgroup_id = 8;
	assert_false(grant_concerns(&agent, &grant, &one));
	assert_true(grant_concerns(&agent, &grant, &two));
}

static void grants_free_all(struct agent *agent)
{
	while (agent->grants) {
		struct grant *grant = agent->grants;

		agent->grants = grant->next;
		grant_free(grant);
	}
}

static void the_next_daemon_knows_them(void **state)
{
	struct grant given = grant_of(3, 1234567890123, true), gone = grant_of(2, 5, false);
	struct agent before = {.grants = &given, .last_grant = 9}, after = {0};
	json_t *json;

	(void)state;
	given.next = &gone;
	gone.over = true;
	given.uid = 4;
	given.for_s = 60;
	json = grants_to_json(&before);
	assert_non_null(json);
	assert_int_equal(grants_from_json(&after, json), 0);
	assert_int_equal(after.last_grant, 9);
	assert_non_null(after.grants);
	assert_int_equal(after.grants->id, 3);
	assert_false(after.grants->over);
	assert_int_equal(after.grants->slot, 3);
	assert_int_equal(after.grants->expires_ns, 1234567890123);
	assert_true(after.grants->once);
	assert_string_equal(after.grants->policy, "p");
	assert_string_equal(after.grants->items[0].text, "/a");
	/* its slot is not to be given again as long as a version has rules for it */
	assert_non_null(after.grants->next);
	assert_true(after.grants->next->over);
	assert_null(after.grants->next->next);
	grants_free_all(&after);
	json_object_set_new(json_array_get(json_object_get(json, "grants"), 0), "slot",
			    json_integer(WEIR_GRANTS_MAX));
	assert_int_equal(grants_from_json(&after, json), -EBADMSG);
	assert_null(after.grants);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_a_request_whole),
		cmocka_unit_test(refuses_with_the_reason),
		cmocka_unit_test(what_lasts_decides_first),
		cmocka_unit_test(one_of_a_cgroup_is_for_its_scope),
		cmocka_unit_test(the_next_daemon_knows_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
