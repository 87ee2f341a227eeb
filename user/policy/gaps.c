// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a policy asks for and this version of weir cannot enforce: valid, so
 * that check accepts it, and refused where it would have to be enforced.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/compile_parts.h"

struct gaps {
	struct policy_compiled *compiled;
	size_t cap;
};

__attribute__((format(printf, 4, 5))) static int gap_add(struct gaps *gaps,
							 enum policy_section section,
							 const struct place *place,
							 const char *format, ...)
{
	struct policy_compiled *compiled = gaps->compiled;
	const size_t n = compiled->n_gaps;
	_cleanup_buf_ struct buf text = {0};
	_cleanup_free_ char *what = NULL;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&what, format, args);
	va_end(args);
	if (len < 0) {
		what = NULL;
		return -ENOMEM;
	}
	if (array_reserve(&compiled->gaps, n, &gaps->cap, sizeof(*compiled->gaps)) < 0)
		return -ENOMEM;
	place_format(place, &text);
	buf_add_string(&text, ": ");
	text_show(what, (size_t)len, &text);
	if (!buf_string(&text))
		return -ENOMEM;
	compiled->gaps[n] = (struct compiled_gap){
		.section = section,
		.text = TAKE_PTR(text.data),
	};
	compiled->n_gaps++;
	return 0;
}

static int net_gaps(struct gaps *gaps, const struct net_rules *rules)
{
	size_t i;
	int err = 0;

	for (i = 0; i < rules->n && !err; i++) {
		const struct net_rule *rule = &rules->list[i];

		if (rule->n_hosts)
			err = gap_add(
				gaps, POLICY_SECTION_NETWORK, &rule->hosts_place,
				"rule \"%s\" names hosts (%s), which are not enforced yet; list addresses instead",
				rule->head.name, rule->hosts[0]);
	}
	return err;
}

bool pattern_is_compiled(const struct pattern *pattern)
{
	return (pattern->kind == PATTERN_LITERAL || pattern->kind == PATTERN_SUBTREE) &&
	       !pattern_is_proc_self(pattern);
}

/* The first pattern of a rule that is not enforced stands for all of them. */
static int pattern_gap(struct gaps *gaps, enum policy_section section, const char *rule,
		       const struct pattern *patterns, size_t n)
{
	const char *kind = "patterns with wildcards", *instead = "paths or \"/dir/**\"";
	const struct pattern *first = NULL;
	size_t count = 0, i;

	for (i = 0; i < n; i++) {
		if (pattern_is_compiled(&patterns[i]))
			continue;
		count++;
		first = first ? first : &patterns[i];
	}
	if (!first)
		return 0;
	if (pattern_is_proc_self(first)) {
		kind = "patterns of /proc/self";
	} else if (pattern_is_abstract(first)) {
		kind = "abstract names with wildcards";
		instead = "whole names";
	}
	return gap_add(
		gaps, section, &first->place,
		"rule \"%s\" has the pattern \"%.200s\"%s; %s are not enforced yet; write %s instead",
		rule, first->text, count > 1 ? " and more like it" : "", kind, instead);
}

static int unix_gaps(struct gaps *gaps, const struct unix_rules *rules)
{
	size_t i;
	int err = 0;

	for (i = 0; i < rules->n && !err; i++)
		err = pattern_gap(gaps, POLICY_SECTION_UNIX, rules->list[i].head.name,
				  rules->list[i].paths, rules->list[i].n_paths);
	return err;
}

static int file_gaps(struct gaps *gaps, const struct file_rules *rules)
{
	size_t i;
	int err = 0;

	for (i = 0; i < rules->n && !err; i++) {
		const struct file_rule *rule = &rules->list[i];

		err = pattern_gap(gaps, POLICY_SECTION_FILES, rule->head.name, rule->paths,
				  rule->n_paths);
		if (!err)
			err = pattern_gap(gaps, POLICY_SECTION_FILES, rule->head.name,
					  rule->except, rule->n_except);
	}
	return err;
}

int gaps_find(const struct policy *policy, struct policy_compiled *ret)
{
	struct gaps gaps = {.compiled = ret};
	int err = 0;

	/* what an unrestricted section lists besides, from includes, decides nothing */
	if (!policy->unrestricted[POLICY_SECTION_NETWORK])
		err = net_gaps(&gaps, &policy->net_allow);
	if (!err && !policy->unrestricted[POLICY_SECTION_NETWORK])
		err = net_gaps(&gaps, &policy->net_deny);
	if (!err && !policy->unrestricted[POLICY_SECTION_UNIX])
		err = unix_gaps(&gaps, &policy->unix_allow);
	if (!err && !policy->unrestricted[POLICY_SECTION_FILES])
		err = file_gaps(&gaps, &policy->file_allow);
	if (!err && !policy->unrestricted[POLICY_SECTION_FILES])
		err = file_gaps(&gaps, &policy->file_deny);
	return err;
}
