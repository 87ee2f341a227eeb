// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rules by number; see context.h. */
#include "event/context.h"

/* Where the number counts; NULL: no rule decides this. */
static const struct event_rules *rules_of(const struct weir_event_head *head,
					  const struct event_policy *policy)
{
	bool deny = head->rule & WEIR_RULE_DENY;

	switch (head->type) {
	case WEIR_EVENT_CONNECT:
	case WEIR_EVENT_SEND:
	case WEIR_EVENT_FLOW:
		/* what began from outside was let in by a rule of network.listen */
		return head->inbound && !deny ? &policy->listen : &policy->network;
	case WEIR_EVENT_LISTEN:
	case WEIR_EVENT_ACCEPT:
		/* network.listen has no deny list: a peer is refused by network.deny */
		return deny ? &policy->network : &policy->listen;
	case WEIR_EVENT_UNIX:
		return &policy->unix_sockets;
	case WEIR_EVENT_SOCKET:
		return NULL;
	default:
		return &policy->files;
	}
}

static const char *grant_name(weir_rule_t rule, const struct event_policy *policy)
{
	for (size_t i = 0; i < policy->n_grants; i++)
		if (policy->grants[i].slot == WEIR_GRANT_SLOT(rule))
			return policy->grants[i].name;
	return NULL;
}

const char *event_rule_name(const struct event *event, const struct event_policy *policy)
{
	bool deny = event->head.rule & WEIR_RULE_DENY;
	size_t number = event->head.rule & ~WEIR_RULE_DENY;
	const struct event_rules *rules;

	if (number == 0 || !policy)
		return NULL;
	if (!deny && number & WEIR_RULE_GRANT)
		return grant_name(event->head.rule, policy);
	rules = rules_of(&event->head, policy);
	if (!rules || number > (deny ? rules->n_deny : rules->n_allow))
		return NULL;
	return (deny ? rules->deny : rules->allow)[number - 1];
}
