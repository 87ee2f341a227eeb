// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reading: what the corpus cannot hold, as includes in folders, parameters
 * given, large and hostile input.
 */
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/explain.h"
#include "policy/notes.h"
#include "policy/tree.h"
#include "tables.h"

#define HEAD "version: 1\nname: test\n"

/* A folder that is gone after the test. */
struct folder {
	char path[64];
};

static int folder_make(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	strcpy(folder->path, "/tmp/weir-policy-XXXXXX");
	*state = folder;
	return mkdtemp(folder->path) ? 0 : -1;
}

static int folder_remove(void **state)
{
	struct folder *folder = *state;
	char command[128];
	int status;

	snprintf(command, sizeof(command), "rm -rf '%s'", folder->path);
	status = system(command);
	free(folder);
	return status;
}

static const char *file_put(const struct folder *folder, const char *name, const char *text)
{
	static char path[4][256];
	static unsigned int turn;
	char *ret = path[turn++ % 4];
	_cleanup_fclose_ FILE *file = NULL;

	snprintf(ret, sizeof(path[0]), "%s/%s", folder->path, name);
	file = fopen(ret, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	return ret;
}

static struct policy *read_must(const char *path, const struct policy_options *options)
{
	struct policy_errors errors = {0};
	struct policy *policy = NULL;

	if (policy_read(path, options, &errors, &policy) < 0)
		fail_msg("%s", buf_string(&errors.text));
	policy_errors_done(&errors);
	return policy;
}

/* Must fail with count errors, and their text must have these words. */
static void text_must_fail(const char *text, size_t len, size_t count, const char *words)
{
	struct policy_errors errors = {0};
	struct policy *policy = NULL;

	assert_int_equal(policy_read_text("test.yaml", text, len, NULL, &errors, &policy), -EINVAL);
	assert_null(policy);
	if (errors.count != count || !strstr(buf_string(&errors.text), words))
		fail_msg("%zu errors\n%.2000s", errors.count, errors.text.data);
	policy_errors_done(&errors);
}

static enum weir_verdict open_verdict(const struct policy *policy, const char *path,
				      enum weir_access access)
{
	struct explanation explanation;

	policy_explain_path(policy, path, strlen(path), access, &explanation);
	return explanation.verdict;
}

static void includes_come_beside_then_from_folders(void **state)
{
	const struct folder *folder = *state;
	const char *folders[2];
	struct policy_options options = {.folders = folders, .n_folders = 2};
	char one[128], two[128];
	struct policy *policy;

	snprintf(one, sizeof(one), "%s/one", folder->path);
	snprintf(two, sizeof(two), "%s/two", folder->path);
	assert_int_equal(mkdir(one, 0700) | mkdir(two, 0700), 0);
	folders[0] = one;
	folders[1] = two;
	file_put(folder, "one/base.yaml",
		 "version: 1\nname: base\nfiles: {allow: [{name: one, paths: [/one]}]}\n");
	file_put(folder, "two/base.yaml",
		 "version: 1\nname: base\nfiles: {allow: [{name: two, paths: [/two]}]}\n");
	file_put(folder, "two/more.yaml",
		 "version: 1\nname: more\ninclude: [base]\nfiles: {allow: [{name: more, paths: [/more]}]}\n");
	policy = read_must(file_put(folder, "main.yaml", HEAD "include: [base, more]\n"), &options);
	/* more.yaml finds its base beside itself */
	assert_int_equal(policy->file_allow.n, 3);
	assert_string_equal(policy->file_allow.list[0].head.name, "one");
	assert_string_equal(policy->file_allow.list[1].head.name, "two");
	assert_string_equal(policy->file_allow.list[2].head.name, "more");
	policy_free(policy);

	file_put(folder, "base.yaml",
		 "version: 1\nname: base\nfiles: {allow: [{name: beside, paths: [/beside]}]}\n");
	policy = read_must(file_put(folder, "main.yaml", HEAD "include: [base]\n"), &options);
	assert_int_equal(policy->file_allow.n, 1);
	assert_string_equal(policy->file_allow.list[0].head.name, "beside");
	policy_free(policy);
}

static void includes_bring_rules_only(void **state)
{
	const char *folders[] = {"tests/policies/parts"};
	struct policy_options options = {.folders = folders, .n_folders = 1};
	struct policy *policy = read_must("tests/policies/good/include-diamond.yaml", &options);

	(void)state;
	assert_string_equal(policy->name, "test");
	assert_false(policy->audit_mode);
	assert_int_equal(policy->n_identity, 0);
	assert_int_equal(policy->n_parameters, 0);
	/* shared once, depth first, in front of what includes it */
	assert_int_equal(policy->file_allow.n, 3);
	assert_string_equal(policy->file_allow.list[0].head.name, "shared-files");
	assert_string_equal(policy->file_allow.list[1].head.name, "left");
	assert_string_equal(policy->file_allow.list[2].head.name, "right");
	assert_int_equal(policy->net_allow.n, 1);
	assert_true(policy->present[POLICY_SECTION_NETWORK]);
	assert_int_equal(open_verdict(policy, "/srv/x", WEIR_ACCESS_READ), WEIR_VERDICT_ALLOW);
	assert_int_equal(open_verdict(policy, "/srv/secret", WEIR_ACCESS_READ), WEIR_VERDICT_DENY);
	policy_free(policy);
}

static void parameters_of_includes_take_the_outer_value(void **state)
{
	struct policy_pair set = {(char *)"root", (char *)"/other"};
	const char *folders[] = {"tests/policies/parts"};
	struct policy_options options = {
		.folders = folders,
		.n_folders = 1,
		.set = &set,
		.n_set = 1,
	};
	struct policy *policy = read_must("tests/policies/good/include-parameter.yaml", &options);

	(void)state;
	assert_int_equal(open_verdict(policy, "/other/x", WEIR_ACCESS_WRITE), WEIR_VERDICT_ALLOW);
	assert_int_equal(open_verdict(policy, "/data/x", WEIR_ACCESS_READ), WEIR_VERDICT_DENY);
	assert_int_equal(open_verdict(policy, "/srv/x", WEIR_ACCESS_READ), WEIR_VERDICT_DENY);
	policy_free(policy);
}

static void parameters_are_literal(void **state)
{
	struct policy_pair set[] = {{(char *)"n", (char *)"loopback"},
				    {(char *)"w", (char *)"/a*/**"}};
	struct policy_options options = {.set = set, .n_set = 2};
	struct policy *policy = read_must("tests/policies/good/parameters.yaml", &options);

	(void)state;
	assert_string_equal(policy->identity[0].value, "/a*/** $w ${w}");
	assert_int_equal(policy->net_allow.list[0].n_prefixes, 2);
	assert_int_equal(policy->net_allow.list[0].ports[0].first, 8080);
	assert_int_equal(open_verdict(policy, "/a*/**/x", WEIR_ACCESS_READ), WEIR_VERDICT_ALLOW);
	assert_int_equal(open_verdict(policy, "/ab/x", WEIR_ACCESS_READ), WEIR_VERDICT_DENY);
	policy_free(policy);
}

static void file_that_cannot_be_read_is_an_error(void **state)
{
	const struct folder *folder = *state;
	static const char *const names[] = {"absent.yaml", "", "loop.yaml"};
	char path[256];
	size_t i;

	snprintf(path, sizeof(path), "%s/loop.yaml", folder->path);
	assert_int_equal(symlink("loop.yaml", path), 0);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct policy_errors errors = {0};
		struct policy *policy = NULL;

		snprintf(path, sizeof(path), "%s/%s", folder->path, names[i]);
		assert_int_equal(policy_read(path, NULL, &errors, &policy), -EINVAL);
		assert_int_equal(errors.count, 1);
		assert_non_null(
			strstr(buf_string(&errors.text), ": error: this file cannot be read: "));
		assert_int_equal(strncmp(errors.text.data, path, strlen(path)), 0);
		policy_errors_done(&errors);
	}
}

static void large_and_hostile_input_is_refused(void **state)
{
	size_t size = 10 * 1024 * 1024, i;
	char *text = malloc(size);
	static const char *const pieces[] = {"[",    "{",    "- ",  "? ",    "a: ",  "\"", "'",
					     "&a ",  "!",    "|\n", "#",     "%",    "\t", "---\n",
					     ",",    "]",    "*",   ": ",    "\xff", "0",  "\n",
					     "{a: ", "[a, ", "%\n", "\"\\n", "''"};

	(void)state;
	for (i = 0; i < ARRAY_SIZE(pieces); i++) {
		struct policy_errors errors = {0};
		struct policy *policy = NULL;
		size_t len = strlen(pieces[i]), at;

		for (at = 0; at + len <= size; at += len)
			memcpy(text + at, pieces[i], len);
		assert_int_equal(policy_read_text("test.yaml", text, at, NULL, &errors, &policy),
				 -EINVAL);
		assert_true(errors.count > 0 && errors.text.len < 4 * 1024 * 1024);
		policy_errors_done(&errors);
	}
	free(text);
}

static void many_errors_are_counted(void **state)
{
	_cleanup_buf_ struct buf text = {0};
	size_t i;

	(void)state;
	buf_add_string(&text, HEAD
		       "network:\n  allow:\n  - name: a\n    addresses: [loopback]\n    ports:\n");
	for (i = 0; i < 12000; i++)
		buf_add_string(&text, "    - 0\n");
	text_must_fail(buf_string(&text), text.len, 12000, "and 2000 more errors");
}

static void file_too_large_is_told(void **state)
{
	size_t size = 64 * 1024 * 1024 + 1;
	char *text = malloc(size);

	(void)state;
	memset(text, '#', size);
	text_must_fail(text, size, 1, "64 MiB");
	free(text);
}

/* Nothing of the YAML library's own messages may reach the terminal. */
static void standard_error_stays_silent(void **state)
{
	const struct folder *folder = *state;
	char path[128];
	struct stat stat;
	int saved, fd;

	snprintf(path, sizeof(path), "%s/stderr", folder->path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	fflush(stderr);
	saved = dup(STDERR_FILENO);
	assert_true(fd >= 0 && saved >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	text_must_fail("a: [b", 5, 1, "not valid YAML");
	text_must_fail("a: b\n\tc: d\n", 11, 1, "not valid YAML");
	text_must_fail("a: 'b", 5, 1, "not valid YAML");
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	assert_int_equal(fstat(fd, &stat), 0);
	assert_int_equal(stat.st_size, 0);
	close(fd);
}

static void links_in_patterns_are_noted(void **state)
{
	const struct folder *folder = *state;
	_cleanup_buf_ struct buf text = {0}, notes = {0};
	char path[256], target[256];
	struct policy *policy;

	snprintf(target, sizeof(target), "%s/real", folder->path);
	snprintf(path, sizeof(path), "%s/link", folder->path);
	assert_int_equal(mkdir(target, 0700) | symlink("real", path), 0);
	buf_printf(&text,
		   HEAD
		   "files:\n  allow:\n    - {name: a, paths: [\"%s/link/**\", \"%s/link/x\", \"%s/lin\", \"%s/link2\"]}\n"
		   "    - {name: b, paths: [\"%s/link/*/y\"]}\n",
		   folder->path, folder->path, folder->path, folder->path, folder->path);
	policy = policy_must_read(buf_string(&text));
	policy_notes(policy, &notes);
	policy_free(policy);
	buf_reset(&text);
	buf_printf(&text,
		   "%s is a link to real; what lies behind it is matched under its real name only, \"%s/**\"\n",
		   path, target);
	assert_non_null(strstr(buf_string(&notes), buf_string(&text)));
	/* once for each rule */
	assert_non_null(strstr(notes.data, "note: rule \"b\""));
	assert_ptr_equal(strstr(notes.data, "note: rule \"a\""), strstr(notes.data, "note: "));
	assert_null(strstr(strstr(notes.data, "note: rule \"a\"") + 1, "note: rule \"a\""));
}

/* A policy for several systems lists both names: nothing to say while they do the same. */
static void links_whose_real_names_are_covered_are_not_noted(void **state)
{
	static const struct {
		const char *rules;
		bool noted;
	} cases[] = {
		{"files: {allow: [{name: a, paths: [\"${d}/real/**\", \"${d}/link/**\"]}]}", false},
		{"files: {allow: [{name: a, paths: [\"${d}/real/x\", \"${d}/link/x\"]}]}", false},
		{"files: {allow: [{name: a, paths: [\"${d}/real/x\", \"${d}/link/**\"]}]}", true},
		{"files: {allow: [{name: a, paths: [\"${d}/link/**\"]},"
		 " {name: b, paths: [\"${d}/real/**\"], access: [read]}]}",
		 true},
		{"files: {allow: [{name: a, paths: [\"${d}/real/**\"]}],"
		 " deny: [{name: d, paths: [\"${d}/link/**\"]}]}",
		 true},
		{"files: {allow: [{name: a, paths: [\"${d}/other\"]}],"
		 " deny: [{name: d, paths: [\"${d}/link/**\"]}]}",
		 false},
		{"network: {unix: [{name: u, paths: [\"${d}/link/socket\"]}]}", true},
		{"network: {unix: [{name: u, paths: [\"${d}/link/**\", \"@${d}/link/**\"]}]}",
		 true},
		{"network: {unix: [{name: u, paths: [\"${d}/link/socket\", \"${d}/real/**\"]}]}",
		 false},
		{"network: {unix: [{name: u, paths: [\"@${d}/link/socket\"]}]}", false},
		/* the rules of the other section say nothing here */
		{"network: {unix: [{name: u, paths: [\"${d}/link/socket\"]}]}\n"
		 "files: {allow: [{name: a, paths: [\"${d}/real/**\"]}]}",
		 true},
	};
	const struct folder *folder = *state;
	char path[256], target[256];

	snprintf(target, sizeof(target), "%s/real", folder->path);
	snprintf(path, sizeof(path), "%s/link", folder->path);
	assert_int_equal(mkdir(target, 0700) | symlink("real", path), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf text = {0}, notes = {0};
		struct policy *policy;

		buf_printf(&text, HEAD "parameters: {d: {default: %s}}\n%s\n", folder->path,
			   cases[i].rules);
		policy = policy_must_read(buf_string(&text));
		policy_notes(policy, &notes);
		policy_free(policy);
		if ((notes.len > 0) != cases[i].noted)
			fail_msg("%s: \"%s\"", cases[i].rules, buf_string(&notes));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(includes_come_beside_then_from_folders, folder_make,
						folder_remove),
		cmocka_unit_test(includes_bring_rules_only),
		cmocka_unit_test(parameters_of_includes_take_the_outer_value),
		cmocka_unit_test(parameters_are_literal),
		cmocka_unit_test_setup_teardown(file_that_cannot_be_read_is_an_error, folder_make,
						folder_remove),
		cmocka_unit_test(large_and_hostile_input_is_refused),
		cmocka_unit_test(many_errors_are_counted),
		cmocka_unit_test(file_too_large_is_told),
		cmocka_unit_test_setup_teardown(standard_error_stays_silent, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(links_whose_real_names_are_covered_are_not_noted,
						folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(links_in_patterns_are_noted, folder_make,
						folder_remove),
	};

	return RUN_TESTS(tests);
}
