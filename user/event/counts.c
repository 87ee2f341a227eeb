// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Records counted; see counts.h. */
#include "event/counts.h"

#include <stdbool.h>
#include <string.h>

/* Where a policy is, or would be. */
static size_t place_of(const struct event_counts *counts, const char *policy, bool *ret_there)
{
	size_t low = 0, high = counts->n;

	*ret_there = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(counts->list[middle].policy, policy);

		if (order < 0)
			low = middle + 1;
		else
			high = middle;
		*ret_there |= !order;
	}
	return low;
}

int event_counts_add(struct event_counts *counts, const char *policy)
{
	_cleanup_free_ char *name = NULL;
	struct event_count *list;
	size_t place;
	bool there;

	place = place_of(counts, policy, &there);
	if (there)
		return 0;
	name = strdup(policy);
	list = name ? reallocarray(counts->list, counts->n + 1, sizeof(*list)) : NULL;
	if (!list)
		return -ENOMEM;
	counts->list = list;
	memmove(&list[place + 1], &list[place], (counts->n - place) * sizeof(*list));
	list[place] = (struct event_count){.policy = TAKE_PTR(name)};
	counts->n++;
	return 0;
}

void event_counts_record(struct event_counts *counts, const char *policy,
			 const struct weir_event_head *head)
{
	bool there;
	size_t place = place_of(counts, policy ? policy : "", &there);

	if (!there)
		place = place_of(counts, "", &there);
	if (there)
		counts->list[place].records[head->type][head->verdict]++;
}

int event_counts_copy(const struct event_counts *counts, struct event_counts *ret)
{
	_cleanup_event_counts_ struct event_counts copy = {0};

	copy.list = calloc(counts->n + 1, sizeof(*copy.list));
	if (!copy.list)
		return -ENOMEM;
	for (; copy.n < counts->n; copy.n++) {
		copy.list[copy.n] = counts->list[copy.n];
		copy.list[copy.n].policy = strdup(counts->list[copy.n].policy);
		if (!copy.list[copy.n].policy)
			return -ENOMEM;
	}
	*ret = copy;
	copy = (struct event_counts){0};
	return 0;
}

void event_counts_done(struct event_counts *counts)
{
	for (size_t i = 0; i < counts->n; i++)
		free(counts->list[i].policy);
	free(counts->list);
	*counts = (struct event_counts){0};
}
