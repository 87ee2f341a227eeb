// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What can be told only of the whole policy, its includes read; see reader.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/reader.h"

/* A rule of any list, as far as its name goes. */
struct named {
	const char *name;
	struct place place;
};

struct named_list {
	struct named *list;
	size_t n;
};

/* Rules whose name could not be read were reported for that. */
static void named_add(struct named_list *names, const char *name, const struct place *place)
{
	if (name)
		names->list[names->n++] = (struct named){name, *place};
}

static int named_compare(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order)
		return order;
	if (x->place.source->index != y->place.source->index)
		return x->place.source->index < y->place.source->index ? -1 : 1;
	return x->place.offset < y->place.offset ? -1 : 1;
}

static void named_report(struct reader *reader, const struct named *first,
			 const struct named *again, const char *list)
{
	/* an included rule stands before: the one to change is where both are visible */
	const struct named *at = first->place.source->index == 0 && again->place.source->index ?
					 first :
					 again;
	const struct named *other = at == first ? again : first;
	_cleanup_buf_ struct buf where = {0};

	place_format(&other->place, &where);
	report_add(reader->report, &at->place, "%s has a rule \"%s\" already", list, at->name);
	if (buf_string(&where))
		report_hint(
			reader->report,
			"the other one: %s; rule names are unique within their list, included rules counted",
			where.data);
}

static void names_check(struct reader *reader, struct named_list *names, const char *list)
{
	size_t i;

	if (names->n > 1)
		qsort(names->list, names->n, sizeof(*names->list), named_compare);
	for (i = 1; i < names->n; i++) {
		if (strcmp(names->list[i - 1].name, names->list[i].name) == 0)
			named_report(reader, &names->list[i - 1], &names->list[i], list);
	}
	names->n = 0;
}

static void net_names_check(struct reader *reader, const struct net_rules *rules,
			    struct named_list *names, const char *list)
{
	size_t i;

	for (i = 0; i < rules->n; i++)
		named_add(names, rules->list[i].name, &rules->list[i].place);
	names_check(reader, names, list);
}

static void file_names_check(struct reader *reader, const struct file_rules *rules,
			     struct named_list *names, const char *list)
{
	size_t i;

	for (i = 0; i < rules->n; i++)
		named_add(names, rules->list[i].name, &rules->list[i].place);
	names_check(reader, names, list);
}

static void unix_names_check(struct reader *reader, const struct unix_rules *rules,
			     struct named_list *names)
{
	size_t i;

	for (i = 0; i < rules->n; i++)
		named_add(names, rules->list[i].name, &rules->list[i].place);
	names_check(reader, names, "network.unix");
}

static void all_names_check(struct reader *reader)
{
	const struct policy *policy = reader->policy;
	size_t n = policy->net_allow.n + policy->net_deny.n + policy->listen.n +
		   policy->unix_allow.n + policy->file_allow.n + policy->file_deny.n;
	_cleanup_free_ struct named *list = calloc(n + 1, sizeof(*list));
	struct named_list names = {.list = list};

	if (!list) {
		reader->report->error = -ENOMEM;
		return;
	}
	net_names_check(reader, &policy->net_allow, &names, "network.allow");
	net_names_check(reader, &policy->net_deny, &names, "network.deny");
	net_names_check(reader, &policy->listen, &names, "network.listen");
	unix_names_check(reader, &policy->unix_allow, &names);
	file_names_check(reader, &policy->file_allow, &names, "files.allow");
	file_names_check(reader, &policy->file_deny, &names, "files.deny");
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
