// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a policy decides, rule by rule; see explain.h. */
#include "policy/explain.h"

#include <string.h>

#include "policy/pattern.h"
#include "policy/tree.h"

/* 0.0.0.0 and :: as destinations are this host (ip(7)). */
static struct weir_addr destination(const struct weir_addr *addr)
{
	static const struct weir_addr any4 = {.bytes = {[10] = 0xff, [11] = 0xff}}, any6;
	static const struct weir_addr this4 = {.bytes = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1}};
	static const struct weir_addr this6 = {.bytes = {[15] = 1}};

	if (memcmp(addr, &any4, sizeof(any4)) == 0)
		return this4;
	return memcmp(addr, &any6, sizeof(any6)) == 0 ? this6 : *addr;
}

/* A prefix written as IPv6 never covers IPv4, however short it is. */
static bool prefix_covers(const struct prefix *prefix, const struct weir_addr *addr)
{
	unsigned int bit;

	if (prefix->len < 96 && addr_is_v4(addr))
		return false;
	for (bit = 0; bit < prefix->len; bit++) {
		if ((prefix->addr.bytes[bit / 8] ^ addr->bytes[bit / 8]) & (0x80 >> bit % 8))
			return false;
	}
	return true;
}

static bool ports_cover(const struct net_rule *rule, enum weir_proto proto, uint16_t port)
{
	size_t i;

	if (!rule->n_ports)
		return true;
	/* a rule with ports speaks of protocols that have them */
	if (proto != WEIR_PROTO_TCP && proto != WEIR_PROTO_UDP)
		return false;
	for (i = 0; i < rule->n_ports; i++) {
		if (port >= rule->ports[i].first && port <= rule->ports[i].last)
			return true;
	}
	return false;
}

static bool net_rule_covers(const struct net_rule *rule, enum weir_proto proto,
			    const struct weir_addr *addr, uint16_t port)
{
	size_t i;

	if (!(rule->protos & 1u << proto) || !ports_cover(rule, proto, port))
		return false;
	for (i = 0; i < rule->n_prefixes; i++) {
		if (prefix_covers(&rule->prefixes[i], addr))
			return true;
	}
	return false;
}

static bool any_matches(const struct pattern *patterns, size_t n, const char *path, size_t len)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (pattern_matches(&patterns[i], path, len))
			return true;
	}
	return false;
}

static bool file_rule_covers(const struct file_rule *rule, const char *path, size_t len,
			     enum weir_access access)
{
	return rule->access & WEIR_ACCESS_BIT(access) &&
	       any_matches(rule->paths, rule->n_paths, path, len) &&
	       !any_matches(rule->except, rule->n_except, path, len);
}

static void denied(const struct policy *policy, struct explanation *ret)
{
	ret->verdict = policy->audit_mode ? WEIR_VERDICT_WOULD_DENY : WEIR_VERDICT_DENY;
}

static void by_rule(const struct policy *policy, bool deny, size_t index,
		    const struct rule_head *head, struct explanation *ret)
{
	ret->reason = WEIR_REASON_RULE;
	ret->rule = (weir_rule_t)((deny ? WEIR_RULE_DENY : 0) | (index + 1));
	ret->name = head->name;
	ret->place = head->place;
	if (deny)
		denied(policy, ret);
	else
		ret->verdict = WEIR_VERDICT_ALLOW;
}

void policy_explain_flow(const struct policy *policy, enum weir_proto proto,
			 const struct weir_addr *addr, uint16_t port, struct explanation *ret)
{
	const struct net_rules *lists[] = {&policy->net_deny, &policy->net_allow};
	struct weir_addr to = destination(addr);
	size_t i, j;

	*ret = (struct explanation){.verdict = WEIR_VERDICT_ALLOW,
				    .reason = WEIR_REASON_UNRESTRICTED};
	if (policy->unrestricted[POLICY_SECTION_NETWORK])
		return;
	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		for (j = 0; j < lists[i]->n; j++) {
			const struct net_rule *rule = &lists[i]->list[j];

			if (net_rule_covers(rule, proto, &to, port)) {
				by_rule(policy, i == 0, j, &rule->head, ret);
				return;
			}
		}
	}
	ret->reason = WEIR_REASON_NO_RULE;
	denied(policy, ret);
}

void policy_explain_path(const struct policy *policy, const char *path, size_t len,
			 enum weir_access access, struct explanation *ret)
{
	const struct file_rules *lists[] = {&policy->file_deny, &policy->file_allow};
	size_t i, j;

	*ret = (struct explanation){.verdict = WEIR_VERDICT_ALLOW,
				    .reason = WEIR_REASON_UNRESTRICTED};
	if (policy->unrestricted[POLICY_SECTION_FILES])
		return;
	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		for (j = 0; j < lists[i]->n; j++) {
			const struct file_rule *rule = &lists[i]->list[j];

			if (file_rule_covers(rule, path, len, access)) {
				by_rule(policy, i == 0, j, &rule->head, ret);
				return;
			}
		}
	}
	ret->reason = WEIR_REASON_NO_RULE;
	denied(policy, ret);
}
