// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a daemon writes down for the next one: what is read is what was written, or nothing. */
#include "../test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/enforce.h"
#include "daemon/state.h"

#define BOOT "01234567-89ab-cdef-0123-456789abcdef"
#define BINDING \
	"{\"policy\":\"web\",\"set\":{},\"labels\":{},\"without\":[],\"mode\":\"policy\"," \
	"\"configured\":false,\"unknown\":false,\"split\":false}"
#define RULES "{\"allow\":[],\"deny\":[]}"
#define VERSION_WITH(loaded) \
	"{\"serial\":511,\"name\":\"web\",\"digest\":\"sha256:0\",\"network\":" RULES \
	",\"listen\":" RULES ",\"unix\":" RULES ",\"files\":" RULES \
	",\"grants\":[],\"identity\":{},\"without\":[],\"loaded\":" loaded "}"
#define LOADED(binding) \
	"{\"binding\":" binding \
	",\"file\":\"/f\",\"audit\":false,\"expired\":false,\"time\":1,\"parameters\":{}}"
#define STATE(bindings, versions, scopes) \
	"{\"version\":1,\"boot\":\"" BOOT "\",\"bindings\":[" bindings "],\"versions\":[" versions \
	"],\"scopes\":[" scopes "],\"grants\":null}"

/* One of everything. */
static void state_fill(struct state *ret)
{
	static struct policy_pair pair = {"k\xc3\xa9y", "\"quoted\"\n"};
	static const struct event_pair identity = {"agent", "tester"};
	static const char *const names[] = {"one", "two", "three"}, *const without[] = {"guard"};
	static const struct event_grant grants[] = {{255, "grant-3"}, {0, "grant-1"}};
	static struct state_binding binding = {
		.policy = "web", .set = &pair, .n_set = 1, .labels = &pair, .n_labels = 1,
		.without = ENFORCE_BIT(POLICY_SECTION_GUARD), .mode = CONFIG_MODE_AUDIT,
		.configured = true, .split = true,
	};
	static struct state_version versions[2] = {
		{.serial = 0x7ffffffffffffffe, .shown.policy = {.name = "old", .digest = "d"}},
		{
			.serial = 511,
			.shown = {
				.policy = {.name = "web", .digest = "sha256:1",
					   .network = {names, 2, names + 2, 1},
					   .files = {names, 3, NULL, 0},
					   .grants = grants, .n_grants = 2},
				.identity = &identity, .n_identity = 1,
				.without = without, .n_without = 1,
			},
			.loaded = true, .path = "/etc/weir/policies/web.yaml", .audit = true,
			.loaded_s = 1700000000, .parameters = &pair, .n_parameters = 1,
		},
	};
	static struct state_scope scopes[2] = {
		{.cgroup_id = UINT64_MAX - 1, .cgroup = "/gone"},
		{.cgroup_id = 7, .cgroup = "/a/b", .attached = true, .since_s = 5},
	};

	*ret = (struct state){.boot = BOOT,
			      .grants = json_null(),
			      .bindings = &binding,
			      .n_bindings = 1,
			      .versions = versions,
			      .n_versions = 2,
			      .scopes = scopes,
			      .n_scopes = 2};
}

static void version_expect(const struct state_version *version)
{
	const struct event_policy *policy = &version->shown.policy;

	assert_int_equal(version->serial, 511);
	assert_string_equal(policy->name, "web");
	assert_string_equal(policy->digest, "sha256:1");
	assert_int_equal(policy->network.n_allow, 2);
	assert_string_equal(policy->network.allow[1], "two");
	assert_int_equal(policy->network.n_deny, 1);
	assert_string_equal(policy->network.deny[0], "three");
	assert_int_equal(policy->files.n_allow, 3);
	assert_int_equal(policy->listen.n_allow, 0);
	assert_int_equal(policy->n_grants, 2);
	assert_int_equal(policy->grants[0].slot, 255);
	assert_string_equal(policy->grants[1].name, "grant-1");
	assert_string_equal(version->shown.identity[0].value, "tester");
	assert_string_equal(version->shown.without[0], "guard");
	assert_true(version->loaded);
	assert_true(version->audit);
	assert_int_equal(version->binding, 0);
	assert_int_equal(version->loaded_s, 1700000000);
	assert_string_equal(version->path, "/etc/weir/policies/web.yaml");
	assert_string_equal(version->parameters[0].value, "\"quoted\"\n");
}

static void expect_filled(const struct state *state)
{
	assert_string_equal(state->boot, BOOT);
	assert_int_equal(state->n_bindings, 1);
	assert_string_equal(state->bindings[0].policy, "web");
	assert_string_equal(state->bindings[0].set[0].key, "k\xc3\xa9y");
	assert_int_equal(state->bindings[0].n_labels, 1);
	assert_int_equal(state->bindings[0].without, ENFORCE_BIT(POLICY_SECTION_GUARD));
	assert_int_equal(state->bindings[0].mode, CONFIG_MODE_AUDIT);
	assert_true(state->bindings[0].configured);
	assert_true(state->bindings[0].split);
	assert_int_equal(state->n_versions, 2);
	assert_int_equal(state->versions[0].serial, 0x7ffffffffffffffe);
	assert_false(state->versions[0].loaded);
	version_expect(&state->versions[1]);
	assert_int_equal(state->n_scopes, 2);
	assert_int_equal(state->scopes[0].cgroup_id, UINT64_MAX - 1);
	assert_false(state->scopes[0].attached);
	assert_string_equal(state->scopes[1].cgroup, "/a/b");
	assert_true(state->scopes[1].attached);
	assert_int_equal(state->scopes[1].since_s, 5);
}

static void reads_what_it_writes(void **state)
{
	_cleanup_state_ struct state read = {0};
	_cleanup_buf_ struct buf text = {0};
	struct state written;

	(void)state;
	state_fill(&written);
	assert_int_equal(state_format(&written, &text), 0);
	assert_int_equal(state_parse(text.data, text.len, &read, NULL), 0);
	expect_filled(&read);
}

/* Wherever it is cut off, or a byte of it is another, it is read whole or not at all. */
static void takes_no_part(void **state)
{
	_cleanup_buf_ struct buf text = {0};
	struct state written;

	(void)state;
	state_fill(&written);
	assert_int_equal(state_format(&written, &text), 0);
	for (size_t i = 0; i < text.len; i++) {
		_cleanup_state_ struct state read = {0};
		char kept = text.data[i];

		assert_int_equal(state_parse(text.data, i, &read, NULL), -EINVAL);
		text.data[i] = (char)(kept ^ 1);
		(void)state_parse(text.data, text.len, &read, NULL);
		text.data[i] = kept;
	}
}

static void expect_damaged(const char *text, const char *error)
{
	_cleanup_free_ char *message = NULL;
	struct state read;

	assert_int_equal(state_parse(text, strlen(text), &read, &message), -EINVAL);
	if (!strstr(message, error))
		fail_msg("%s: \"%s\" instead of \"%s\"", text, message, error);
}

static void refuses_what_does_not_fit(void **state)
{
	_cleanup_state_ struct state read = {0};
	static const char good[] = STATE(
		BINDING, VERSION_WITH(LOADED("0")),
		"{\"cgroup_id\":1,\"cgroup\":\"/a\",\"attached\":{\"binding\":0,\"since\":1}}");

	(void)state;
	assert_int_equal(state_parse(good, strlen(good), &read, NULL), 0);
	expect_damaged("", "end of file");
	expect_damaged("[]", "object");
	expect_damaged("{}", "version");
	expect_damaged("{\"version\":2}", "another version");
	expect_damaged("{\"version\":1,\"version\":1}", "duplicate");
	expect_damaged("{\"version\":1,\"boot\":\"\",\"bindings\":[],\"versions\":[],\"scopes\":[],"
		       "\"grants\":null,\"more\":[]}", "unpacked");
	expect_damaged(STATE("{}", "", ""), "policy");
	expect_damaged(STATE(BINDING, VERSION_WITH(LOADED("1")), ""), "not there");
	expect_damaged(STATE(BINDING, VERSION_WITH(LOADED("-1")), ""), "not there");
	expect_damaged(STATE("", VERSION_WITH("7"), ""), "object");
	expect_damaged(STATE("", "", "{\"cgroup_id\":1,\"cgroup\":\"a\",\"attached\":null}"),
		       "path of a cgroup");
	expect_damaged(STATE("", "",
			     "{\"cgroup_id\":1,\"cgroup\":\"/a\",\"attached\":"
			     "{\"binding\":0,\"since\":1}}"),
		       "not there");
	expect_damaged(
		STATE("{\"policy\":\"web\",\"set\":[],\"labels\":{},\"without\":[],"
		      "\"mode\":\"policy\",\"configured\":false,\"unknown\":false,\"split\":false}",
		      "", ""),
		"not an object");
	expect_damaged(
		STATE("{\"policy\":\"web\",\"set\":{},\"labels\":{},\"without\":[\"network\"],"
		      "\"mode\":\"policy\",\"configured\":false,\"unknown\":false,\"split\":false}",
		      "", ""),
		"cannot be given up");
	expect_damaged(
		STATE("{\"policy\":\"web\",\"set\":{},\"labels\":{},\"without\":[],"
		      "\"mode\":\"off\",\"configured\":false,\"unknown\":false,\"split\":false}",
		      "", ""),
		"mode");
}

static void keeps_the_file_whole(void **state)
{
	char folder[] = "/tmp/weir-state-XXXXXX", path[64], other[80];
	_cleanup_buf_ struct buf text = {0}, nonsense = {0};
	_cleanup_free_ char *error = NULL;
	struct state written, read;
	struct stat status;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/state.json", folder);
	snprintf(other, sizeof(other), "%s.new", path);
	assert_int_equal(state_read(path, &read, &error), -ENOENT);
	state_fill(&written);
	assert_int_equal(state_format(&written, &text), 0);
	assert_int_equal(state_write(path, &text), 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	/* what cannot be written leaves what there was */
	assert_int_equal(mkdir(other, 0700), 0);
	buf_add_string(&nonsense, "nonsense");
	assert_true(state_write(path, &nonsense) < 0);
	assert_int_equal(rmdir(other), 0);
	assert_int_equal(state_read(path, &read, &error), 0);
	expect_filled(&read);
	state_done(&read);
	/* others could have written it */
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(state_read(path, &read, &error), -EINVAL);
	assert_non_null(strstr(error, "alone"));
	unlink(path);
	assert_int_equal(symlink("/dev/zero", path), 0);
	free(error);
	error = NULL;
	assert_int_equal(state_read(path, &read, &error), -EINVAL);
	unlink(path);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(takes_no_part),
		cmocka_unit_test(refuses_what_does_not_fit),
		cmocka_unit_test(keeps_the_file_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
