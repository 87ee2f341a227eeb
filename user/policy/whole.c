// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What can be told only of the whole policy, its includes read; see reader.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/reader.h"

static int head_compare(const void *a, const void *b)
{
	const struct rule_head *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order)
		return order;
	if (x->place.source->index != y->place.source->index)
		return x->place.source->index < y->place.source->index ? -1 : 1;
	return x->place.offset < y->place.offset ? -1 : 1;
}

static void twice_report(struct reader *reader, const struct rule_head *first,
			 const struct rule_head *again, const char *list)
{
	/* an included rule stands before: the one to change is where both are visible */
	const struct rule_head *at =
		first->place.source->index == 0 && again->place.source->index ? first : again;
	const struct rule_head *other = at == first ? again : first;
	_cleanup_buf_ struct buf where = {0};

	place_format(&other->place, &where);
	report_add(reader->report, &at->place, "%s has a rule \"%s\" already", list, at->name);
	if (buf_string(&where))
		report_hint(
			reader->report,
			"the other one: %s; rule names are unique within their list, included rules counted",
			where.data);
}

/* names has room for the whole list, which is called `title`. */
static void names_check(struct reader *reader, struct rule_head *names,
			const struct rule_list *list, const char *title)
{
	size_t n = 0, i;

	for (i = 0; i < list->n; i++) {
		const struct rule_head *head = rule_head_at(list, i);

		/* where the name could not be read, that was reported */
		if (head->name)
			names[n++] = *head;
	}
	if (n > 1)
		qsort(names, n, sizeof(*names), head_compare);
	for (i = 1; i < n; i++) {
		if (strcmp(names[i - 1].name, names[i].name) == 0)
			twice_report(reader, &names[i - 1], &names[i], title);
	}
}

static void all_names_check(struct reader *reader)
{
	const struct policy *policy = reader->policy;
	const struct {
		struct rule_list list;
		const char *title;
	} lists[] = {
		{RULE_LIST(policy->net_allow), "network.allow"},
		{RULE_LIST(policy->net_deny), "network.deny"},
		{RULE_LIST(policy->listen), "network.listen"},
		{RULE_LIST(policy->unix_allow), "network.unix"},
		{RULE_LIST(policy->file_allow), "files.allow"},
		{RULE_LIST(policy->file_deny), "files.deny"},
	};
	_cleanup_free_ struct rule_head *names = NULL;
	size_t most = 1, i;

	for (i = 0; i < ARRAY_SIZE(lists); i++)
		most = lists[i].list.n > most ? lists[i].list.n : most;
	names = calloc(most, sizeof(*names));
	if (!names) {
		reader->report->error = -ENOMEM;
		return;
	}
	for (i = 0; i < ARRAY_SIZE(lists); i++)
		names_check(reader, names, &lists[i].list, lists[i].title);
}

/* `unrestricted` where it would open more, or drop more, than its file shows. */
static void unrestricted_check(struct reader *reader)
{
	const struct policy *policy = reader->policy;
	const size_t denied[POLICY_SECTION_COUNT] = {
		[POLICY_SECTION_NETWORK] = policy->net_deny.n,
		[POLICY_SECTION_FILES] = policy->file_deny.n,
	};
	unsigned int i;

	for (i = 0; i < POLICY_SECTION_COUNT; i++) {
		const struct place *open = &reader->open_by_include[i];
		const char *name = policy_section_name(i);

		if (open->source && !policy->unrestricted[i]) {
			report_add(reader->report, open, "an included policy cannot open %s", name);
			report_hint(
				reader->report,
				"only rules are taken from it; %s itself must say \"%s: unrestricted\"",
				policy->sources->name, name);
		}
		if (policy->unrestricted[i] && denied[i]) {
			report_add(reader->report, &policy->section_place[i],
				   "%s is unrestricted, but included rules deny", name);
			report_hint(reader->report,
				    "list what is allowed, or leave the include out");
		}
	}
}

static void hosts_check(struct reader *reader, const struct net_rules *rules)
{
	size_t i;

	for (i = 0; i < rules->n; i++) {
		if (!rules->list[i].n_hosts)
			continue;
		report_add(reader->report, &rules->list[i].hosts_place,
			   "hosts need the key \"dns\" in network");
		report_hint(
			reader->report,
			"add \"dns: {}\" for the system's resolvers, or \"dns: {upstream: [ADDRESS]}\"");
		return;
	}
}

void whole_check(struct reader *reader)
{
	all_names_check(reader);
	unrestricted_check(reader);
	if (!reader->policy->dns_present && !reader->policy->unrestricted[POLICY_SECTION_NETWORK]) {
		hosts_check(reader, &reader->policy->net_allow);
		hosts_check(reader, &reader->policy->net_deny);
	}
}
