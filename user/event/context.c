// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rules by number; see context.h. */
#include "event/context.h"

const char *event_rule_name(const struct event *event, const struct event_policy *policy)
{
	bool deny = event->head.rule & WEIR_RULE_DENY;
	size_t number = event->head.rule & ~WEIR_RULE_DENY;
	const struct event_rules *rules;

	if (number == 0 || !policy)
		return NULL;
	rules = event->has_flow ? &policy->network : &policy->files;
	if (number > (deny ? rules->n_deny : rules->n_allow))
		return NULL;
	return (deny ? rules->deny : rules->allow)[number - 1];
}
