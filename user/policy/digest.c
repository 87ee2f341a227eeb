// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The digest that names a compiled policy: SHA-256 over everything that
 * decides or is recorded, each piece behind its length. Tables, which may
 * have tens of megabytes, stand there by their BLAKE2b, which takes a
 * quarter of the time. Files and lines are no part of it. A change of the
 * serialisation changes its first line.
 */
#include <endian.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "policy/compile_parts.h"

#define DIGEST_DOMAIN "weir compiled policy 4\n"

struct digest {
	crypto_hash_sha256_state state;
};

static void bytes_add(struct digest *digest, const void *data, size_t len)
{
	crypto_hash_sha256_update(&digest->state, data, len);
}

static void number_add(struct digest *digest, uint64_t number)
{
	uint64_t le = htole64(number);

	bytes_add(digest, &le, sizeof(le));
}

static void table_add(struct digest *digest, const void *data, size_t n, size_t size)
{
	unsigned char hash[crypto_generichash_BYTES];

	number_add(digest, n);
	crypto_generichash(hash, sizeof(hash), data, n * size, NULL, 0);
	bytes_add(digest, hash, sizeof(hash));
}

/* NULL and "" differ. */
static void text_add(struct digest *digest, const char *text)
{
	number_add(digest, text ? strlen(text) + 1 : 0);
	if (text)
		bytes_add(digest, text, strlen(text));
}

static void pairs_add(struct digest *digest, const struct policy_pair *pairs, size_t n)
{
	size_t i;

	number_add(digest, n);
	for (i = 0; i < n; i++) {
		text_add(digest, pairs[i].key);
		text_add(digest, pairs[i].value);
	}
}

static void names_add(struct digest *digest, const struct compiled_rules *rules)
{
	size_t i;

	number_add(digest, rules->n_allow);
	for (i = 0; i < rules->n_allow; i++)
		text_add(digest, rules->allow[i].name);
	number_add(digest, rules->n_deny);
	for (i = 0; i < rules->n_deny; i++)
		text_add(digest, rules->deny[i].name);
}

/* Hosts are not in the tables, nor is what a rule says of them. */
static void net_rules_add(struct digest *digest, const struct net_rules *rules)
{
	size_t i, j;

	number_add(digest, rules->n);
	for (i = 0; i < rules->n; i++) {
		const struct net_rule *rule = &rules->list[i];

		number_add(digest, rule->n_hosts);
		for (j = 0; j < rule->n_hosts; j++)
			text_add(digest, rule->hosts[j]);
		if (!rule->n_hosts)
			continue;
		number_add(digest, rule->protos);
		number_add(digest, rule->n_ports);
		for (j = 0; j < rule->n_ports; j++)
			number_add(digest,
				   (uint64_t)rule->ports[j].first << 16 | rule->ports[j].last);
		number_add(digest, rule->n_prefixes);
		for (j = 0; j < rule->n_prefixes; j++) {
			bytes_add(digest, &rule->prefixes[j].addr, sizeof(rule->prefixes[j].addr));
			number_add(digest, rule->prefixes[j].len);
		}
	}
}

/* What the policy says beyond the tables. */
static void tree_add(struct digest *digest, const struct policy *policy)
{
	size_t i;

	net_rules_add(digest, &policy->net_allow);
	net_rules_add(digest, &policy->net_deny);
	number_add(digest, policy->tls_off);
	number_add(digest, policy->dns_present);
	number_add(digest, policy->allow_rebinding);
	number_add(digest, policy->n_upstreams);
	for (i = 0; i < policy->n_upstreams; i++) {
		bytes_add(digest, &policy->upstreams[i].addr, sizeof(policy->upstreams[i].addr));
		number_add(digest, policy->upstreams[i].port);
	}
	for (i = 0; i < policy->n_dns_types; i++)
		text_add(digest, policy->dns_types[i]);
	text_add(digest, NULL);
}

static void compiled_add(struct digest *digest, const struct policy_compiled *compiled)
{
	unsigned int i;

	text_add(digest, compiled->name);
	pairs_add(digest, compiled->identity, compiled->n_identity);
	pairs_add(digest, compiled->parameters, compiled->n_parameters);
	number_add(digest, compiled->flags);
	number_add(digest, compiled->expires_s);
	for (i = 0; i < POLICY_SECTION_COUNT; i++)
		number_add(digest, (uint64_t)compiled->present[i] << 1 | compiled->unrestricted[i]);
	table_add(digest, compiled->nets, compiled->n_nets, sizeof(*compiled->nets));
	number_add(digest, (uint64_t)compiled->any_v4 << 32 | compiled->any_v6);
	table_add(digest, compiled->portsets, compiled->n_portsets, sizeof(*compiled->portsets));
	table_add(digest, compiled->segments, compiled->n_segments, sizeof(*compiled->segments));
	table_add(digest, compiled->edge_keys, compiled->n_edges, sizeof(*compiled->edge_keys));
	table_add(digest, compiled->edge_values, compiled->n_edges, sizeof(*compiled->edge_values));
	table_add(digest, compiled->nodes, compiled->n_nodes, sizeof(*compiled->nodes));
	table_add(digest, compiled->globs, compiled->n_globs, sizeof(*compiled->globs));
	table_add(digest, compiled->rows, compiled->n_rows, sizeof(*compiled->rows));
	names_add(digest, &compiled->network);
	names_add(digest, &compiled->listen);
	names_add(digest, &compiled->unix_sockets);
	names_add(digest, &compiled->files);
}

void digest_make(const struct policy *policy, struct policy_compiled *ret)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	struct digest digest;

	crypto_hash_sha256_init(&digest.state);
	bytes_add(&digest, DIGEST_DOMAIN, sizeof(DIGEST_DOMAIN) - 1);
	compiled_add(&digest, ret);
	tree_add(&digest, policy);
	crypto_hash_sha256_final(&digest.state, hash);
	strcpy(ret->digest, "sha256:");
	sodium_bin2hex(ret->digest + 7, sizeof(ret->digest) - 7, hash, sizeof(hash));
}
