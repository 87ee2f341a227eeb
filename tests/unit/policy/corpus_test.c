// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Every file in tests/policies: those in bad/ fail with exactly the text in
 * their .expect file, those in good/ and the allowlists read and compile.
 * NAME.set holds parameters, one NAME=VALUE a line. With WEIR_UPDATE=1 in the
 * environment the .expect files are written instead; review what changes.
 */
#include "../test.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "policy/compile.h"

#define BAD_MIN 60

static const char *const folders[] = {"tests/policies/parts"};

static void file_load(const char *path, struct buf *ret)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char chunk[4096];
	size_t n;

	while (file && (n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		buf_add(ret, chunk, n);
}

/* "dir/name.yaml" to "dir/name" and another ending */
static void path_with(const char *path, const char *ending, char *ret, size_t size)
{
	snprintf(ret, size, "%.*s%s", (int)(strlen(path) - strlen(".yaml")), path, ending);
}

/* Reads and compiles; 0 or -EINVAL with the errors. */
static int policy_try(const char *path, struct policy_errors *errors)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = NULL;
	_cleanup_policy_ struct policy *policy = NULL;
	_cleanup_buf_ struct buf text = {0};
	struct policy_pair set[4];
	struct policy_options options = {
		.set = set, .folders = folders, .n_folders = ARRAY_SIZE(folders)};
	char set_path[512], *line, *at;
	int err;

	path_with(path, ".set", set_path, sizeof(set_path));
	file_load(set_path, &text);
	assert_non_null(buf_string(&text));
	for (line = strtok_r(text.data, "\n", &at); line; line = strtok_r(NULL, "\n", &at)) {
		set[options.n_set].key = strsep(&line, "=");
		set[options.n_set++].value = line;
	}
	err = policy_read(path, &options, errors, &policy);
	if (!err)
		err = policy_compile(policy, errors, &compiled);
	if (!err)
		assert_int_equal(strncmp(compiled->digest, "sha256:", 7), 0);
	return err;
}

static void expect_write(const char *path, const char *text)
{
	_cleanup_fclose_ FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

static unsigned int bad_check(const char *path)
{
	_cleanup_buf_ struct buf expected = {0};
	struct policy_errors errors = {0};
	char expect_path[512];
	unsigned int failed = 0;
	const char *text;

	path_with(path, ".expect", expect_path, sizeof(expect_path));
	assert_int_equal(policy_try(path, &errors), -EINVAL);
	assert_true(errors.count > 0);
	text = buf_string(&errors.text);
	if (getenv("WEIR_UPDATE"))
		expect_write(expect_path, text);
	file_load(expect_path, &expected);
	if (strcmp(buf_string(&expected), text) != 0) {
		print_error("%s: expected\n%s\nbut the errors are\n%s\n", path, expected.data,
			    text);
		failed = 1;
	}
	policy_errors_done(&errors);
	return failed;
}

static void bad_policies_say_why(void **state)
{
	unsigned int failed = 0;
	glob_t files;
	size_t i;

	(void)state;
	assert_int_equal(glob("tests/policies/bad/*.yaml", 0, NULL, &files), 0);
	assert_true(files.gl_pathc >= BAD_MIN);
	for (i = 0; i < files.gl_pathc; i++)
		failed += bad_check(files.gl_pathv[i]);
	globfree(&files);
	assert_int_equal(failed, 0);
}

static void good_check(const char *pattern)
{
	glob_t files;
	size_t i;

	assert_int_equal(glob(pattern, 0, NULL, &files), 0);
	for (i = 0; i < files.gl_pathc; i++) {
		struct policy_errors errors = {0};

		if (policy_try(files.gl_pathv[i], &errors) < 0)
			fail_msg("%s", buf_string(&errors.text));
		policy_errors_done(&errors);
	}
	globfree(&files);
}

static void good_policies_compile(void **state)
{
	(void)state;
	good_check("tests/policies/good/*.yaml");
}

/* What ships is enforceable whole by this version. */
static void allowlists_have_no_gaps(void **state)
{
	glob_t files;
	size_t i;

	(void)state;
	good_check("allowlists/*.yaml");
	assert_int_equal(glob("allowlists/*.yaml", 0, NULL, &files), 0);
	for (i = 0; i < files.gl_pathc; i++) {
		_cleanup_policy_compiled_ struct policy_compiled *compiled = NULL;
		_cleanup_policy_ struct policy *policy = NULL;
		struct policy_errors errors = {0};

		assert_int_equal(policy_read(files.gl_pathv[i], NULL, &errors, &policy), 0);
		assert_int_equal(policy_compile(policy, &errors, &compiled), 0);
		assert_int_equal(compiled->n_gaps, 0);
	}
	globfree(&files);
}

/* The example of the reference, its first block of YAML. */
static void documented_example_reads(void **state)
{
	static const char *const shipped[] = {"allowlists"};
	struct policy_options options = {.folders = shipped, .n_folders = 1};
	_cleanup_policy_ struct policy *policy = NULL;
	_cleanup_buf_ struct buf text = {0};
	struct policy_errors errors = {0};
	const char *start, *end;

	(void)state;
	file_load("docs/policy.md", &text);
	start = strstr(buf_string(&text), "```yaml\n");
	assert_non_null(start);
	start += strlen("```yaml\n");
	end = strstr(start, "```");
	assert_non_null(end);
	if (policy_read_text("docs/policy.md", start, (size_t)(end - start), &options, &errors,
			     &policy) < 0)
		fail_msg("%s", buf_string(&errors.text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_policies_say_why),
		cmocka_unit_test(good_policies_compile),
		cmocka_unit_test(allowlists_have_no_gaps),
		cmocka_unit_test(documented_example_reads),
	};

	return RUN_TESTS(tests);
}
