// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From a policy tree to arrays of abi.h keys and values; see compile.h. */
#include "policy/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile_parts.h"

int array_reserve(void *list, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap ? *cap * 2 : 64;
	void *grown;

	if (n < *cap)
		return 0;
	grown = reallocarray(*(void **)list, more, size);
	if (!grown)
		return -ENOMEM;
	*(void **)list = grown;
	*cap = more;
	return 0;
}

void limit_report(struct report *report, const struct place *place, const char *what, size_t asked,
		  size_t limit)
{
	report_add(report, place, "%s: %zu asked for, the limit is %zu", what, asked, limit);
	report_hint(report, "merge what can be merged, or split the policy");
}

/* Places of rules count from the file; a limit belongs to the whole policy, so to its name. */
static void limits_check(const struct policy *policy, struct report *report)
{
	const struct file_rules *files[] = {&policy->file_allow, &policy->file_deny};
	const struct net_rules *nets[] = {&policy->net_allow, &policy->net_deny, &policy->listen};
	size_t rules = policy->unix_allow.n, addresses = 0, patterns = 0, i, j;

	for (i = 0; i < policy->unix_allow.n; i++)
		patterns += policy->unix_allow.list[i].n_paths;

	for (i = 0; i < ARRAY_SIZE(nets); i++) {
		rules += nets[i]->n;
		for (j = 0; j < nets[i]->n; j++)
			addresses += nets[i]->list[j].n_prefixes;
	}
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		rules += files[i]->n;
		for (j = 0; j < files[i]->n; j++)
			patterns += files[i]->list[j].n_paths + files[i]->list[j].n_except;
	}
	if (rules > POLICY_RULES_MAX)
		limit_report(report, &policy->name_place, "rules of a policy", rules,
			     POLICY_RULES_MAX);
	if (addresses > POLICY_ADDRESSES_MAX)
		limit_report(report, &policy->name_place, "addresses of a policy", addresses,
			     POLICY_ADDRESSES_MAX);
	if (patterns > POLICY_PATTERNS_MAX)
		limit_report(report, &policy->name_place, "path patterns of a policy", patterns,
			     POLICY_PATTERNS_MAX);
}

/* Is icmp allowed to anywhere? A rule that lists ports is not for it. */
static bool icmp_allowed(const struct policy *policy)
{
	size_t i;

	for (i = 0; i < policy->net_allow.n; i++) {
		const struct net_rule *rule = &policy->net_allow.list[i];

		if (rule->protos & POLICY_PROTO_ICMP && !rule->n_ports)
			return true;
	}
	return policy->unrestricted[POLICY_SECTION_NETWORK];
}

static bool guard_allows(const struct policy *policy, size_t guard)
{
	return policy->unrestricted[POLICY_SECTION_GUARD] || policy->guard_allow[guard];
}

static uint32_t flags_make(const struct policy *policy)
{
	const bool *unrestricted = policy->unrestricted;
	const struct {
		bool set;
		enum weir_instance_flag flag;
	} flags[] = {
		{policy->audit_mode, WEIR_INSTANCE_AUDIT},
		{policy->when_full_deny, WEIR_INSTANCE_WHEN_FULL_DENY},
		{unrestricted[POLICY_SECTION_NETWORK], WEIR_INSTANCE_NETWORK_UNRESTRICTED},
		{unrestricted[POLICY_SECTION_LISTEN], WEIR_INSTANCE_LISTEN_UNRESTRICTED},
		{unrestricted[POLICY_SECTION_UNIX], WEIR_INSTANCE_UNIX_UNRESTRICTED},
		{unrestricted[POLICY_SECTION_FILES], WEIR_INSTANCE_FILES_UNRESTRICTED},
		{icmp_allowed(policy), WEIR_INSTANCE_ICMP},
		{unrestricted[POLICY_SECTION_GUARD], WEIR_INSTANCE_GUARD_OPEN},
	};
	uint32_t ret = policy->record;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		ret |= flags[i].set ? flags[i].flag : 0;
	for (i = 0; i < WEIR_GUARD_COUNT; i++)
		ret |= guard_allows(policy, i) ? WEIR_GUARD_BIT(i) : 0;
	return ret;
}

static int rule_name(const char *name, const struct place *place, struct compiled_rule *ret)
{
	ret->name = strdup(name);
	ret->file = strdup(place->source->name);
	source_position(place->source, place->offset, &ret->line, &ret->column);
	return ret->name && ret->file ? 0 : -ENOMEM;
}

static int names_copy(const struct rule_list *list, struct compiled_rule **ret, size_t *ret_n)
{
	size_t i;

	*ret = calloc(list->n + 1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	*ret_n = list->n;
	for (i = 0; i < list->n; i++) {
		const struct rule_head *head = rule_head_at(list, i);

		if (rule_name(head->name, &head->place, &(*ret)[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int all_names_copy(const struct policy *policy, struct policy_compiled *ret)
{
	const struct {
		struct rule_list list;
		struct compiled_rule **names;
		size_t *n;
	} lists[] = {
		{RULE_LIST(policy->net_allow), &ret->network.allow, &ret->network.n_allow},
		{RULE_LIST(policy->net_deny), &ret->network.deny, &ret->network.n_deny},
		{RULE_LIST(policy->listen), &ret->listen.allow, &ret->listen.n_allow},
		{RULE_LIST(policy->unix_allow), &ret->unix_sockets.allow,
		 &ret->unix_sockets.n_allow},
		{RULE_LIST(policy->file_allow), &ret->files.allow, &ret->files.n_allow},
		{RULE_LIST(policy->file_deny), &ret->files.deny, &ret->files.n_deny},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		if (names_copy(&lists[i].list, lists[i].names, lists[i].n) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int pairs_copy(const struct policy_pair *pairs, size_t n, struct policy_pair **ret)
{
	size_t i;

	*ret = calloc(n + 1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		(*ret)[i].key = strdup(pairs[i].key);
		(*ret)[i].value = strdup(pairs[i].value);
		if (!(*ret)[i].key || !(*ret)[i].value)
			return -ENOMEM;
	}
	return 0;
}

static int grants_copy(const struct policy *policy, struct policy_compiled *ret)
{
	ret->grants = calloc(policy->n_grants + 1, sizeof(*ret->grants));
	if (!ret->grants)
		return -ENOMEM;
	for (ret->n_grants = 0; ret->n_grants < policy->n_grants; ret->n_grants++) {
		const struct granted *from = &policy->grants[ret->n_grants];
		struct compiled_grant *grant = &ret->grants[ret->n_grants];

		grant->slot = from->slot;
		grant->expires_ns = from->expires_ns;
		grant->name = strdup(from->name);
		if (!grant->name)
			return -ENOMEM;
	}
	return 0;
}

static int head_copy(const struct policy *policy, struct policy_compiled *ret)
{
	ret->name = strdup(policy->name);
	if (policy->description)
		ret->description = strdup(policy->description);
	if (!ret->name || (policy->description && !ret->description))
		return -ENOMEM;
	ret->flags = flags_make(policy);
	ret->expires_s = policy->expires_s;
	memcpy(ret->present, policy->present, sizeof(ret->present));
	memcpy(ret->unrestricted, policy->unrestricted, sizeof(ret->unrestricted));
	ret->n_identity = policy->n_identity;
	ret->n_parameters = policy->n_parameters;
	if (pairs_copy(policy->identity, policy->n_identity, &ret->identity) < 0 ||
	    pairs_copy(policy->parameters, policy->n_parameters, &ret->parameters) < 0 ||
	    all_names_copy(policy, ret) < 0 || grants_copy(policy, ret) < 0)
		return -ENOMEM;
	return 0;
}

int policy_compile(const struct policy *policy, struct policy_errors *errors,
		   struct policy_compiled **ret)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = calloc(1, sizeof(*compiled));
	_cleanup_report_ struct report report = {0};
	int err;

	if (!compiled)
		return -ENOMEM;
	limits_check(policy, &report);
	if (report_count(&report))
		return report_flush(&report, errors);
	err = head_copy(policy, compiled);
	if (!err)
		err = net_compile(policy, &report, compiled);
	if (!err)
		err = paths_compile(policy, &report, compiled);
	if (!err)
		err = gaps_find(policy, compiled);
	if (!err)
		err = report_flush(&report, errors);
	if (err)
		return err;
	digest_make(policy, compiled);
	*ret = TAKE_PTR(compiled);
	return 0;
}

void policy_pairs_free(struct policy_pair *pairs, size_t n)
{
	size_t i;

	for (i = 0; pairs && i < n; i++) {
		free(pairs[i].key);
		free(pairs[i].value);
	}
	free(pairs);
}

static void names_free(struct compiled_rule *rules, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(rules[i].name);
		free(rules[i].file);
	}
	free(rules);
}

static void rules_free(struct compiled_rules *rules)
{
	names_free(rules->allow, rules->n_allow);
	names_free(rules->deny, rules->n_deny);
}

void policy_compiled_free(struct policy_compiled *compiled)
{
	size_t i;

	if (!compiled)
		return;
	free(compiled->name);
	free(compiled->description);
	policy_pairs_free(compiled->identity, compiled->n_identity);
	policy_pairs_free(compiled->parameters, compiled->n_parameters);
	free(compiled->nets);
	free(compiled->portsets);
	free(compiled->segments);
	free(compiled->edge_keys);
	free(compiled->edge_values);
	free(compiled->nodes);
	free(compiled->globs);
	free(compiled->rows);
	rules_free(&compiled->network);
	rules_free(&compiled->listen);
	rules_free(&compiled->unix_sockets);
	rules_free(&compiled->files);
	for (i = 0; i < compiled->n_grants; i++)
		free(compiled->grants[i].name);
	free(compiled->grants);
	for (i = 0; i < compiled->n_gaps; i++)
		free(compiled->gaps[i].text);
	free(compiled->gaps);
	free(compiled);
}
