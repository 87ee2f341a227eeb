// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a policy decides, rule by rule; see explain.h. */
#include "policy/explain.h"

#include <string.h>

#include "policy/pattern.h"
#include "policy/tree.h"

static const struct weir_addr any4 = {.bytes = {[10] = 0xff, [11] = 0xff}}, any6;

static bool addr_is(const struct weir_addr *addr, const struct weir_addr *other)
{
	return memcmp(addr, other, sizeof(*addr)) == 0;
}

/* 0.0.0.0 and :: as destinations are this host (ip(7)). */
static struct prefix destination(const struct weir_addr *addr)
{
	static const struct weir_addr this4 = {.bytes = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1}};
	static const struct weir_addr this6 = {.bytes = {[15] = 1}};

	if (addr_is(addr, &any4))
		return (struct prefix){this4, 128};
	return (struct prefix){addr_is(addr, &any6) ? this6 : *addr, 128};
}

/* Listening there is listening at every address of the family. */
static struct prefix local(const struct weir_addr *addr)
{
	if (addr_is(addr, &any4))
		return (struct prefix){any4, 96};
	return (struct prefix){*addr, addr_is(addr, &any6) ? 0 : 128};
}

/* A prefix written as IPv6 never covers IPv4, however short it is. */
static bool prefix_covers(const struct prefix *prefix, const struct prefix *asked)
{
	unsigned int bit;

	if (prefix->len > asked->len || (prefix->len < 96 && addr_is_v4(&asked->addr)))
		return false;
	for (bit = 0; bit < prefix->len; bit++) {
		if ((prefix->addr.bytes[bit / 8] ^ asked->addr.bytes[bit / 8]) & (0x80 >> bit % 8))
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
			    const struct prefix *asked, uint16_t port)
{
	size_t i;

	if (!(rule->protos & 1u << proto) || !ports_cover(rule, proto, port))
		return false;
	for (i = 0; i < rule->n_prefixes; i++) {
		if (prefix_covers(&rule->prefixes[i], asked))
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

static enum weir_verdict denial(const struct policy *policy)
{
	return policy->audit_mode ? WEIR_VERDICT_WOULD_DENY : WEIR_VERDICT_DENY;
}

static void by_rule(const struct policy *policy, bool deny, size_t index,
		    const struct rule_head *head, struct explanation *ret)
{
	*ret = (struct explanation){
		.verdict = deny ? denial(policy) : WEIR_VERDICT_ALLOW,
		.reason = WEIR_REASON_RULE,
		.rule = (weir_rule_t)((deny ? WEIR_RULE_DENY : 0) | (index + 1)),
		.name = head->name,
		.place = head->place,
	};
}

/* What holds where no rule decides. */
static void by_section(const struct policy *policy, enum policy_section section,
		       struct explanation *ret)
{
	bool open = policy->unrestricted[section];

	*ret = (struct explanation){
		.verdict = open ? WEIR_VERDICT_ALLOW : denial(policy),
		.reason = open ? WEIR_REASON_UNRESTRICTED : WEIR_REASON_NO_RULE,
	};
}

/* Does a rule of the list decide? Then *ret says so. */
static bool net_rules_decide(const struct policy *policy, const struct net_rules *rules, bool deny,
			     enum weir_proto proto, const struct prefix *asked, uint16_t port,
			     struct explanation *ret)
{
	size_t i;

	for (i = 0; i < rules->n; i++) {
		if (!net_rule_covers(&rules->list[i], proto, asked, port))
			continue;
		by_rule(policy, deny, i, &rules->list[i].head, ret);
		return true;
	}
	return false;
}

void policy_explain_flow(const struct policy *policy, enum weir_proto proto,
			 const struct weir_addr *addr, uint16_t port, struct explanation *ret)
{
	struct prefix to = destination(addr);

	by_section(policy, POLICY_SECTION_NETWORK, ret);
	if (ret->reason == WEIR_REASON_UNRESTRICTED)
		return;
	if (!net_rules_decide(policy, &policy->net_deny, true, proto, &to, port, ret))
		net_rules_decide(policy, &policy->net_allow, false, proto, &to, port, ret);
}

void policy_explain_listen(const struct policy *policy, enum weir_proto proto,
			   const struct weir_addr *addr, uint16_t port, struct explanation *ret)
{
	struct prefix at = local(addr);

	by_section(policy, POLICY_SECTION_LISTEN, ret);
	if (ret->reason != WEIR_REASON_UNRESTRICTED)
		net_rules_decide(policy, &policy->listen, false, proto, &at, port, ret);
}

void policy_explain_path(const struct policy *policy, const char *path, size_t len,
			 enum weir_access access, struct explanation *ret)
{
	const struct file_rules *lists[] = {&policy->file_deny, &policy->file_allow};
	size_t i, j;

	by_section(policy, POLICY_SECTION_FILES, ret);
	if (ret->reason == WEIR_REASON_UNRESTRICTED)
		return;
	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		for (j = 0; j < lists[i]->n; j++) {
			const struct file_rule *rule = &lists[i]->list[j];

			if (!file_rule_covers(rule, path, len, access))
				continue;
			by_rule(policy, i == 0, j, &rule->head, ret);
			return;
		}
	}
}

void policy_explain_unix(const struct policy *policy, const char *name, size_t len,
			 struct explanation *ret)
{
	const struct unix_rules *rules = &policy->unix_allow;
	size_t i;

	by_section(policy, POLICY_SECTION_UNIX, ret);
	if (ret->reason == WEIR_REASON_UNRESTRICTED)
		return;
	/* which the kernel side could not tell from the same without it */
	if (name[0] == '@' && !name[len - 1])
		return;
	for (i = 0; i < rules->n; i++) {
		if (!any_matches(rules->list[i].paths, rules->list[i].n_paths, name, len))
			continue;
		by_rule(policy, false, i, &rules->list[i].head, ret);
		return;
	}
}
