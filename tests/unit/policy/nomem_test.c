// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Memory that runs out while a policy is compiled, at each allocation in turn:
 * -ENOMEM, and nothing is left behind. The allocator is wrapped when this is
 * linked (scripts/make/tests.mk).
 */
#include "../test.h"

#include <errno.h>
#include <stdlib.h>

#include "tables.h"

/* Allocations until one fails; 0: it did; -1: none does. */
static long left = -1;

static bool fails(void)
{
	return left > 0 && --left == 0;
}

#define WRAP(type, name, parameters, ...)                                                          \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		return fails() ? NULL : __real_##name(__VA_ARGS__);                                \
	}

WRAP(void *, malloc, (size_t size), size)
WRAP(void *, calloc, (size_t n, size_t size), n, size)
WRAP(void *, realloc, (void *old, size_t size), old, size)
WRAP(void *, reallocarray, (void *old, size_t n, size_t size), old, n, size)
WRAP(char *, strdup, (const char *text), text)
WRAP(char *, strndup, (const char *text, size_t len), text, len)

/* Every table, and every way to put a pattern into them. */
static const char everything[] =
	"version: 1\n"
	"name: everything\n"
	"description: text\n"
	"identity: {a: b}\n"
	"parameters: {p: {default: x}}\n"
	"network:\n"
	"  allow: [{name: a, addresses: [192.0.2.1, \"2001:db8::/32\"], ports: [\"1-9\"]}]\n"
	"  deny: [{name: a, addresses: [192.0.2.0/24], protocol: icmp},\n"
	"         {name: b, hosts: [example.com]}]\n"
	"  listen: [{name: a, addresses: [loopback]}]\n"
	"  dns: {}\n"
	"  unix: [{name: a, paths: ['@dbus-*', '@a/**/b', /run/x, '@name']}]\n"
	"files:\n"
	"  allow:\n"
	"    - name: a\n"
	"      paths: ['/a/*x', '/b/**c**/d', '/c/**', /proc/self/x, '/proc/thread-self/*',\n"
	"              /a/a-name-that-takes-more-than-one-piece-of-the-tables]\n"
	"      except: ['/?/*']\n"
	"  deny: [{name: b, paths: ['**/.env', '**/*.pem']}]\n";

static void memory_may_run_out_anywhere(void **state)
{
	_cleanup_policy_ struct policy *policy = policy_must_read(everything);
	bool failed = true;
	long n;

	(void)state;
	for (n = 1; failed; n++) {
		_cleanup_policy_compiled_ struct policy_compiled *compiled = NULL;
		struct policy_errors errors = {0};
		int err;

		left = n;
		err = policy_compile(policy, &errors, &compiled);
		failed = left == 0;
		left = -1;
		if (err != (failed ? -ENOMEM : 0) || !compiled != failed)
			fail_msg("allocation %ld fails: %d", n, err);
		policy_errors_done(&errors);
	}
	/* so many that the policy is what it says */
	assert_true(n > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return RUN_TESTS(tests);
}
