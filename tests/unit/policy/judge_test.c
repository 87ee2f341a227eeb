// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Recorded actions judged anew by a policy. */
#include "../test.h"

#include <errno.h>
#include <string.h>

#include "policy/judge.h"

static const char
	text[] = "version: 1\n"
		 "name: p\n"
		 "expires: 2030-01-01T00:00:00Z\n"
		 "network:\n"
		 "  allow: [{name: site, addresses: [192.0.2.0/24], ports: [443]}]\n"
		 "  listen: [{name: web, addresses: [192.0.2.0/24], ports: [80]}]\n"
		 "  unix: [{name: bus, paths: [/run/bus]}]\n"
		 "files:\n"
		 "  allow:\n"
		 "    - {name: read, paths: [/srv/**], access: [read]}\n"
		 "    - {name: work, paths: [/project/**], access: [read, write, create, delete]}\n"
		 "guard: unrestricted\n";

#define NOW_S 1700000000
#define AFTER_S 1900000000

static int setup(void **state)
{
	const struct policy_options options = {0};
	struct policy_errors errors = {0};
	struct policy *policy;

	if (policy_read_text("p.yaml", text, strlen(text), &options, &errors, &policy) < 0) {
		print_error("%s", buf_string(&errors.text));
		return -1;
	}
	*state = policy;
	return 0;
}

static int teardown(void **state)
{
	policy_free(*state);
	return 0;
}

static struct judge_action flow(enum weir_event_type type, const char *addr, uint16_t port)
{
	struct judge_action action = {.type = type, .proto = WEIR_PROTO_TCP, .port = port};

	assert_int_equal(addr_parse(addr, &action.addr), 0);
	return action;
}

static struct judge_action file(enum weir_event_type type, const char *path, const char *target,
				uint32_t access)
{
	return (struct judge_action){
		.type = type, .path = path, .path_len = strlen(path), .target = target,
		.target_len = target ? strlen(target) : 0, .access = access,
	};
}

#define READ WEIR_ACCESS_BIT(WEIR_ACCESS_READ)
#define WRITE WEIR_ACCESS_BIT(WEIR_ACCESS_WRITE)

static void expect(const struct policy *policy, struct judge_action action,
		   enum weir_verdict verdict, enum weir_reason reason, const char *rule)
{
	struct explanation told = {0};

	assert_int_equal(judge_action(policy, &action, NOW_S, &told), 0);
	assert_int_equal(told.verdict, verdict);
	assert_int_equal(told.reason, reason);
	if (rule)
		assert_string_equal(told.name, rule);
	else
		assert_null(told.name);
}

static void expect_unknown(const struct policy *policy, struct judge_action action)
{
	struct explanation told;

	assert_int_equal(judge_action(policy, &action, NOW_S, &told), -ENODATA);
}

#define ALLOW WEIR_VERDICT_ALLOW, WEIR_REASON_RULE
#define DENY WEIR_VERDICT_DENY, WEIR_REASON_NO_RULE, NULL

static void judges_by_rules(void **state)
{
	const struct policy *policy = *state;

	expect(policy, flow(WEIR_EVENT_CONNECT, "192.0.2.7", 443), ALLOW, "site");
	expect(policy, flow(WEIR_EVENT_SEND, "192.0.2.7", 80), DENY);
	expect(policy, flow(WEIR_EVENT_LISTEN, "192.0.2.7", 80), ALLOW, "web");
	expect(policy, flow(WEIR_EVENT_LISTEN, "192.0.2.7", 81), DENY);
	expect(policy, file(WEIR_EVENT_UNIX, "/run/bus", NULL, 0), ALLOW, "bus");
	expect(policy, file(WEIR_EVENT_UNIX, "@/run/bus", NULL, 0), DENY);
	expect(policy, file(WEIR_EVENT_FILE_OPEN, "/srv/a", NULL, READ), ALLOW, "read");
	/* each access asked for */
	expect(policy, file(WEIR_EVENT_FILE_OPEN, "/srv/a", NULL, READ | WRITE), DENY);
	expect(policy, file(WEIR_EVENT_FILE_OPEN, "/project/a", NULL, READ | WRITE), ALLOW, "work");
	expect(policy, file(WEIR_EVENT_EXEC, "/project/a", NULL,
			    WEIR_ACCESS_BIT(WEIR_ACCESS_EXECUTE)), DENY);
}

static void judges_both_names(void **state)
{
	const struct policy *policy = *state;

	expect(policy, file(WEIR_EVENT_FILE_LINK, "/project/a", "/project/b", 0), ALLOW, "work");
	expect(policy, file(WEIR_EVENT_FILE_LINK, "/project/a", "/srv/b", 0), DENY);
	expect(policy, file(WEIR_EVENT_FILE_LINK, "/srv/a", "/project/b", 0), WEIR_VERDICT_DENY,
	       WEIR_REASON_WIDEN, NULL);
	expect(policy, file(WEIR_EVENT_FILE_RENAME, "/srv/a", "/project/b", 0), DENY);
	expect(policy, file(WEIR_EVENT_FILE_RENAME, "/project/a", "/srv/b", 0), DENY);
	expect_unknown(policy, file(WEIR_EVENT_FILE_RENAME, "/project/a", "/project/b", 0));
}

static void says_what_it_cannot_know(void **state)
{
	const struct policy *policy = *state;
	struct judge_action reply = flow(WEIR_EVENT_SEND, "198.51.100.1", 5000);

	reply.rule = "web";
	expect_unknown(policy, reply);
	reply.rule = "site";
	expect(policy, reply, DENY);
	expect_unknown(policy, flow(WEIR_EVENT_ACCEPT, "192.0.2.7", 80));
	expect_unknown(policy, (struct judge_action){.type = WEIR_EVENT_UNIX});
	expect_unknown(policy, (struct judge_action){.type = WEIR_EVENT_FILE_OPEN});
	expect_unknown(policy, (struct judge_action){.type = WEIR_EVENT_GUARD_MOUNT});
}

static void judges_as_attached(void **state)
{
	struct judge_action denied = flow(WEIR_EVENT_CONNECT, "198.51.100.1", 1);
	struct judge_action allowed = flow(WEIR_EVENT_CONNECT, "192.0.2.7", 443);
	struct policy *policy = *state;
	struct explanation told;

	assert_int_equal(judge_action(policy, &allowed, AFTER_S, &told), 0);
	assert_int_equal(told.verdict, WEIR_VERDICT_DENY);
	assert_int_equal(told.reason, WEIR_REASON_EXPIRED);
	judge_policy_adapt(policy, CONFIG_MODE_AUDIT, 1u << POLICY_SECTION_FILES);
	expect(policy, denied, WEIR_VERDICT_WOULD_DENY, WEIR_REASON_NO_RULE, NULL);
	expect(policy, file(WEIR_EVENT_FILE_OPEN, "/etc/x", NULL, WRITE), WEIR_VERDICT_ALLOW,
	       WEIR_REASON_UNRESTRICTED, NULL);
	judge_policy_adapt(policy, CONFIG_MODE_POLICY, 0);
	expect(policy, denied, WEIR_VERDICT_WOULD_DENY, WEIR_REASON_NO_RULE, NULL);
	judge_policy_adapt(policy, CONFIG_MODE_ENFORCE, 0);
	expect(policy, denied, DENY);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(judges_by_rules),
		TEST(judges_both_names),
		TEST(says_what_it_cannot_know),
		TEST(judges_as_attached),
	};

	return RUN_TESTS(tests);
}
