// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Policy files of any content: reading ends in a policy or in errors, what
 * reads compiles or passes a limit, and tables and rules agree. Includes find
 * no folder to look in.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile.h"
#include "policy/explain.h"
#include "policy/notes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 leaks the buffer of a long single-quoted scalar; the rest must be clean. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml.so";
}

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* What the kernel side relies on. */
static void tables_check(const struct policy_compiled *compiled)
{
	size_t i, j, k;

	for (i = 0; i < compiled->n_nets; i++)
		require(compiled->net_values[i] < compiled->n_portsets &&
			compiled->net_keys[i].prefixlen <= 128);
	for (i = 0; i < compiled->n_portsets; i++) {
		for (j = 0; j < WEIR_PROTO_COUNT; j++) {
			uint32_t first = compiled->portsets[i].proto[j].first;
			uint32_t count = compiled->portsets[i].proto[j].count;

			if (!count) {
				require((first & ~(uint32_t)WEIR_RULE_DENY) <= WEIR_RULES_MAX + 1);
				continue;
			}
			require(count > 1 && first + count <= compiled->n_segments);
			require(compiled->segments[first + count - 1].last_port == UINT16_MAX);
			for (k = 1; k < count; k++)
				require(compiled->segments[first + k - 1].last_port <
					compiled->segments[first + k].last_port);
		}
	}
	require(compiled->n_nodes > WEIR_NODE_ROOT && compiled->n_edges == compiled->n_nodes - 2);
	for (i = 0; i < compiled->n_edges; i++)
		require(compiled->edge_keys[i].node < compiled->n_nodes &&
			compiled->edge_values[i] < compiled->n_nodes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct weir_addr addr = {.bytes = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1}};
	_cleanup_policy_compiled_ struct policy_compiled *compiled = NULL;
	_cleanup_policy_ struct policy *policy = NULL;
	_cleanup_buf_ struct buf notes = {0};
	struct policy_errors errors = {0};
	struct explanation explanation;
	int err;

	err = policy_read_text("fuzz.yaml", (const char *)data, size, NULL, &errors, &policy);
	require(err == 0 || err == -EINVAL);
	require((err == 0) == (errors.count == 0));
	require((err == 0) == (errors.text.len == 0));
	if (!err)
		err = policy_compile(policy, &errors, &compiled);
	if (!err) {
		tables_check(compiled);
		policy_explain_flow(policy, WEIR_PROTO_TCP, &addr, 443, &explanation);
		policy_explain_path(policy, "/usr/lib/a", 10, WEIR_ACCESS_READ, &explanation);
		policy_notes(policy, &notes);
	}
	policy_errors_done(&errors);
	return 0;
}
