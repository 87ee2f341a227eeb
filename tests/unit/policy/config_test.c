// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The daemon's configuration: what it says, and every error with its place. */
#include "../test.h"

#include <errno.h>
#include <string.h>

#include "policy/config.h"

static const char *const folders[] = {"/etc/weir/policies"};
static const struct config_defaults defaults = {
	.log = "/var/log/weir/audit.jsonl",
	.socket = "/run/weir/control.sock",
	.policies = folders,
	.n_policies = ARRAY_SIZE(folders),
};

static struct config *read_good(const char *text)
{
	struct policy_errors errors = {0};
	struct config *config = NULL;

	if (config_read_text("weir.yaml", text, strlen(text), &defaults, &errors, &config) < 0)
		fail_msg("%s", buf_string(&errors.text));
	return config;
}

/* Every line of `expected` stands in what is said. */
static void expect_error(const char *text, const char *expected)
{
	struct policy_errors errors = {0};
	struct config *config = NULL;

	assert_int_equal(config_read_text("weir.yaml", text, strlen(text), &defaults, &errors,
					  &config),
			 -EINVAL);
	if (!strstr(buf_string(&errors.text), expected))
		fail_msg("\"%s\" is not in:\n%s", expected, errors.text.data);
	policy_errors_done(&errors);
}

static void has_defaults(void **state)
{
	_cleanup_config_ struct config *config = read_good("version: 1\n");

	(void)state;
	assert_string_equal(config->log, defaults.log);
	assert_string_equal(config->socket, defaults.socket);
	assert_int_equal(config->n_policies, 1);
	assert_int_equal(config->ring_allow_bytes, 0);
	assert_int_equal(config->n_attach, 0);
}

static void reads_everything(void **state)
{
	_cleanup_config_ struct config *config = read_good(
		"version: 1\n"
		"log: /srv/log.jsonl\n"
		"socket: /run/w/c\n"
		"policies: [/a, /b]\n"
		"rings: {allowed: 8388608, denied: 16384}\n"
		"attach:\n"
		"  - cgroup: /system.slice/web.service\n"
		"    policy: web\n"
		"    set: {port: 443, home: /srv}\n"
		"    labels: {team: pay}\n"
		"    mode: audit\n"
		"    without: [guard, files]\n"
		"  - match: \"/agents.slice/*\"\n"
		"    policy: agent\n"
		"  - {cgroup: /top, policy: agent, mode: enforce}\n");
	const struct config_attach *attach = config->attach;

	(void)state;
	assert_string_equal(config->log, "/srv/log.jsonl");
	assert_string_equal(config->socket, "/run/w/c");
	assert_string_equal(config->policies[1], "/b");
	assert_int_equal(config->ring_allow_bytes, 8388608);
	assert_int_equal(config->ring_deny_bytes, 16384);
	assert_int_equal(config->n_attach, 3);
	assert_string_equal(attach[0].folder, "/system.slice");
	assert_string_equal(attach[0].name, "web.service");
	assert_string_equal(attach[0].policy, "web");
	assert_string_equal(attach[0].set[0].value, "443");
	assert_string_equal(attach[0].labels[0].key, "team");
	assert_int_equal(attach[0].mode, CONFIG_MODE_AUDIT);
	assert_int_equal(attach[0].without,
			 1u << POLICY_SECTION_GUARD | 1u << POLICY_SECTION_FILES);
	assert_string_equal(attach[0].place, "weir.yaml:7:5");
	assert_string_equal(attach[1].folder, "/agents.slice");
	assert_null(attach[1].name);
	assert_int_equal(attach[1].mode, CONFIG_MODE_POLICY);
	assert_string_equal(attach[2].folder, "");
	assert_string_equal(attach[2].name, "top");
}

static void refuses_with_the_place(void **state)
{
	(void)state;
	expect_error("", "weir.yaml:1:1: error: a configuration is a map of keys");
	expect_error("log: /a\n", "the configuration needs the key \"version\"");
	expect_error("version: 2\n", "version 2 of the configuration is not known");
	expect_error("version: 1\nlogs: /a\n", "weir.yaml:2:1: error: the configuration has no key "
					       "\"logs\"");
	expect_error("version: 1\nlog: a\n", "\"a\" is not an absolute path of a file");
	expect_error("version: 1\nlog: /\n", "\"/\" is not an absolute path of a file");
	expect_error("version: 1\npolicies: []\n", "this list is empty");
	expect_error("version: 1\nrings: {allowed: 5000}\n", "a ring cannot have 5000 bytes");
	expect_error("version: 1\nrings: {allowed: 0x1000}\n", "a ring cannot have 0x1000 bytes");
	expect_error("version: 1\nrings: {size: 4096}\n", "the section rings has no key \"size\"");
	expect_error("version: 1\nversion: 1\n", "weir.yaml:2:1");
}

static void reads_where_metrics_are_given(void **state)
{
	_cleanup_config_ struct config *none = read_good("version: 1\n");
	_cleanup_config_ struct config *four =
		read_good("version: 1\nmetrics: {listen: 127.0.0.2:9469}\n");
	_cleanup_config_ struct config *six =
		read_good("version: 1\nmetrics: {listen: \"[::1]:65535\"}\n");
	_cleanup_config_ struct config *file =
		read_good("version: 1\nmetrics: {socket: /run/weir/metrics.sock}\n");
	char text[ADDR_STRLEN];

	(void)state;
	assert_int_equal(none->metrics_port, 0);
	assert_null(none->metrics_socket);
	addr_format(&four->metrics_addr, text);
	assert_string_equal(text, "127.0.0.2");
	assert_int_equal(four->metrics_port, 9469);
	addr_format(&six->metrics_addr, text);
	assert_string_equal(text, "::1");
	assert_int_equal(six->metrics_port, 65535);
	assert_int_equal(file->metrics_port, 0);
	assert_string_equal(file->metrics_socket, "/run/weir/metrics.sock");
}

static void gives_metrics_to_no_other_host(void **state)
{
	static const char *const others[] = {"0.0.0.0:1",	"192.0.2.1:1",	     "[::]:1",
					     "[2001:db8::1]:1", "126.255.255.255:1", "128.0.0.1:1"};
	static const char *const wrong[] = {
		"127.0.0.1",	"127.0.0.1:",	  "127.0.0.1:0",      "::1:9469", "127.0.0.1:65536",
		"127.0.0.1:+1", "localhost:9469", "[127.0.0.1]:9469", "[]:1",	  ":1",
		"[::1:1",	"127.0.0.1:1x",	  "[::1]x:1"};
	char text[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		snprintf(text, sizeof(text), "version: 1\nmetrics:\n  listen: \"%s\"\n", others[i]);
		expect_error(text, "is not of this host alone");
		expect_error(text, "weir.yaml:3:11: error: ");
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		snprintf(text, sizeof(text), "version: 1\nmetrics: {listen: \"%s\"}\n", wrong[i]);
		expect_error(text, "is no address with a port");
	}
	expect_error("version: 1\nmetrics: {}\n", "metrics has \"listen\" or \"socket\"");
	expect_error("version: 1\nmetrics: {listen: 127.0.0.1:1, socket: /a/b}\n",
		     "metrics has \"listen\" or \"socket\"");
	expect_error("version: 1\nmetrics: {port: 1}\n", "the section metrics has no key \"port\"");
	expect_error("version: 1\nmetrics: {socket: a}\n", "is not an absolute path");
	expect_error("version: 1\nmetrics: {socket: /a/b}\nsocket: /a/b\n",
		     "weir.yaml:2:10: error: the control socket has this path already");
}

static void refuses_entries(void **state)
{
	(void)state;
	expect_error("version: 1\nattach: [{policy: p}]\n",
		     "an entry needs \"cgroup\" or \"match\"");
	expect_error("version: 1\nattach: [{cgroup: /a}]\n",
		     "an entry of attach needs the key \"policy\"");
	expect_error("version: 1\nattach: [{cgroup: /a, match: /b/*, policy: p}]\n",
		     "an entry has \"cgroup\" or \"match\"");
	expect_error("version: 1\nattach: [{match: /a*/b, policy: p}]\n",
		     "\"/a*/b\" cannot be matched");
	expect_error("version: 1\nattach: [{match: /a/b*, policy: p}]\n",
		     "\"/a/b*\" cannot be matched");
	expect_error("version: 1\nattach: [{match: /*/*, policy: p}]\n",
		     "only \"*\" as the last component is known");
	expect_error("version: 1\nattach: [{match: /a/b, policy: p}]\n",
		     "\"/a/b\" cannot be matched");
	expect_error("version: 1\nattach: [{cgroup: /a/../b, policy: p}]\n",
		     "\"/a/../b\" is no path of a cgroup");
	expect_error("version: 1\nattach: [{cgroup: //a, policy: p}]\n", "is no path of a cgroup");
	expect_error("version: 1\nattach: [{cgroup: /a/*, policy: p}]\n",
		     "\"/a/*\" is not the path of one cgroup");
	expect_error("version: 1\nattach: [{cgroup: /*, policy: p}]\n",
		     "for each cgroup in that folder write \"match\"");
	expect_error("version: 1\nattach: [{cgroup: /a, policy: P}]\n",
		     "\"P\" cannot name a policy");
	expect_error("version: 1\nattach: [{cgroup: /a, policy: p, mode: off}]\n",
		     "\"off\" is not known here");
	expect_error("version: 1\nattach: [{cgroup: /a, policy: p, without: [network]}]\n",
		     "\"network\" is not known here");
	expect_error("version: 1\nattach: [{cgroup: /a, policy: p, set: {x: [1]}}]\n",
		     "this is a list and must be text");
	expect_error(
		"version: 1\nattach:\n  - {cgroup: /a, policy: p}\n  - {cgroup: /a, policy: q}\n",
		"weir.yaml:4:14: error: this cgroup stands in an entry above already");
}

static void tells_of_a_file_that_is_not_there(void **state)
{
	struct policy_errors errors = {0};
	struct config *config = NULL;

	(void)state;
	assert_int_equal(config_read("/nowhere/weir.yaml", &defaults, &errors, &config), -EINVAL);
	assert_non_null(strstr(buf_string(&errors.text), "/nowhere/weir.yaml: error: this file "
							 "cannot be read"));
	policy_errors_done(&errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_defaults),
		cmocka_unit_test(reads_everything),
		cmocka_unit_test(refuses_with_the_place),
		cmocka_unit_test(reads_where_metrics_are_given),
		cmocka_unit_test(gives_metrics_to_no_other_host),
		cmocka_unit_test(refuses_entries),
		cmocka_unit_test(tells_of_a_file_that_is_not_there),
	};

	return RUN_TESTS(tests);
}
