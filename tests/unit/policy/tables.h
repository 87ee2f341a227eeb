/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads and compiles policies for tests, and looks up their tables. */
#ifndef WEIR_TESTS_POLICY_TABLES_H
#define WEIR_TESTS_POLICY_TABLES_H

#include "../test.h"

#include <string.h>

#include "lookup.h"
#include "policy/compile.h"
#include "policy/policy.h"

/* Reads a policy that must be right. */
static inline struct policy *policy_must_read(const char *text)
{
	struct policy_errors errors = {0};
	struct policy *policy = NULL;

	if (policy_read_text("test.yaml", text, strlen(text), NULL, &errors, &policy) < 0)
		fail_msg("%s\n%s", buf_string(&errors.text), text);
	assert_int_equal(errors.count, 0);
	policy_errors_done(&errors);
	return policy;
}

static inline struct policy_compiled *policy_must_compile(const struct policy *policy)
{
	struct policy_compiled *compiled = NULL;
	struct policy_errors errors = {0};

	if (policy_compile(policy, &errors, &compiled) < 0)
		fail_msg("%s", buf_string(&errors.text));
	policy_errors_done(&errors);
	return compiled;
}

static inline struct policy_compiled *compiled_of(const char *text)
{
	_cleanup_policy_ struct policy *policy = policy_must_read(text);

	return policy_must_compile(policy);
}

#endif
