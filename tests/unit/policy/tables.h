/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Looks up a compiled policy's tables the way the kernel side does, and reads
 * policies for tests.
 */
#ifndef WEIR_TESTS_POLICY_TABLES_H
#define WEIR_TESTS_POLICY_TABLES_H

#include "../test.h"

#include <string.h>

#include "policy/compile.h"
#include "policy/policy.h"

/* Longest prefix match, by trying every key. */
static inline weir_rule_t tables_flow(const struct policy_compiled *compiled, enum weir_proto proto,
				      const struct weir_addr *addr, uint16_t port)
{
	const struct weir_segment *segments;
	const struct weir_portset *set;
	size_t best = compiled->n_nets, i;
	unsigned int bit;
	uint32_t at;

	for (i = 0; i < compiled->n_nets; i++) {
		const struct weir_net_key *key = &compiled->net_keys[i];

		for (bit = 0; bit < key->prefixlen; bit++) {
			if ((key->addr.bytes[bit / 8] ^ addr->bytes[bit / 8]) & (0x80 >> bit % 8))
				break;
		}
		if (bit == key->prefixlen && (best == compiled->n_nets ||
					      key->prefixlen > compiled->net_keys[best].prefixlen))
			best = i;
	}
	if (best == compiled->n_nets)
		return WEIR_RULE_NONE;
	assert_true(compiled->net_values[best] < compiled->n_portsets);
	set = &compiled->portsets[compiled->net_values[best]];
	segments = &compiled->segments[set->proto[proto].first];
	for (at = 0; at < set->proto[proto].count; at++) {
		const struct weir_segment *segment = &segments[at];

		if (port <= segment->last_port)
			return segment->rule;
	}
	fail_msg("the segments end before port %u", port);
	return WEIR_RULE_NONE;
}

/* Follows one chunk; 0: the path leaves the trie. */
static inline uint32_t tables_step(const struct policy_compiled *compiled,
				   const struct weir_edge_key *key)
{
	size_t i;

	for (i = 0; i < compiled->n_edges; i++) {
		if (memcmp(&compiled->edge_keys[i], key, sizeof(*key)) == 0)
			return compiled->edge_values[i];
	}
	return 0;
}

static inline weir_rule_t tables_path(const struct policy_compiled *compiled, const char *path,
				      enum weir_access access)
{
	uint32_t node = WEIR_NODE_ROOT, next;
	size_t len, at, n;

	if (strcmp(path, "/") == 0)
		return compiled->nodes[node].self[access];
	for (; *path; path += len) {
		len = strcspn(++path, "/");
		for (at = 0; at <= len; at += WEIR_CHUNK) {
			struct weir_edge_key key = {.node = node};

			n = len - at < WEIR_CHUNK ? len - at : WEIR_CHUNK;
			memcpy(key.chunk, path + at, n);
			next = tables_step(compiled, &key);
			if (!next)
				return compiled->nodes[node].below[access];
			assert_true(next < compiled->n_nodes);
			node = next;
		}
	}
	return compiled->nodes[node].self[access];
}

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

#endif
