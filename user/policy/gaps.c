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

int gaps_find(const struct policy *policy, struct policy_compiled *ret)
{
	struct gaps gaps = {.compiled = ret};
	int err = 0;

	/* what an unrestricted section lists besides, from includes, decides nothing */
	if (!policy->unrestricted[POLICY_SECTION_NETWORK])
		err = net_gaps(&gaps, &policy->net_allow);
	if (!err && !policy->unrestricted[POLICY_SECTION_NETWORK])
		err = net_gaps(&gaps, &policy->net_deny);
	return err;
}
