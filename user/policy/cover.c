// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which rules decide; see cover.h. */
#include "policy/cover.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/compile_parts.h"

int cover_start(struct cover *cover)
{
	size_t i;

	for (i = 0; i < LIST_COUNT; i++) {
		cover->counts[i] = calloc(cover->rules[i]->n + 1, sizeof(*cover->counts[i]));
		if (!cover->counts[i])
			return -ENOMEM;
	}
	return 0;
}

static const struct mark *mark_first(const struct cover *cover, uint32_t position)
{
	uint32_t at = cover->positions->list[position].marks;

	return at ? &cover->positions->marks[at - 1] : NULL;
}

static const struct mark *mark_next(const struct cover *cover, const struct mark *mark)
{
	return mark->next ? &cover->positions->marks[mark->next - 1] : NULL;
}

static void rule_apply(const struct cover *cover, const struct mark *mark, struct ruling *ruling)
{
	const struct cover_count *count = &cover->counts[mark->list][mark->rule];
	unsigned int access = cover->rules[mark->list]->list[mark->rule].access, i;
	weir_rule_t rule = (weir_rule_t)(mark->rule + 1);
	bool deny = mark->list == LIST_FILES_DENY;

	if (!count->paths || count->except)
		return;
	if (deny)
		rule |= WEIR_RULE_DENY;
	for (i = 0; i < WEIR_ACCESS_COUNT; i++) {
		weir_rule_t *first = &ruling->rule[i];
		bool denied = *first & WEIR_RULE_DENY;

		if (access & WEIR_ACCESS_BIT(i) &&
		    (!*first || (deny && !denied) || (deny == denied && rule < *first)))
			*first = rule;
	}
}

/* From positions in their lists, which say what comes first, to what the tables name. */
static void ruling_name(const struct cover *cover, enum list allow, struct ruling *ruling)
{
	const struct file_rules *rules = cover->rules[allow];
	size_t i;

	for (i = 0; i < WEIR_ACCESS_COUNT; i++) {
		weir_rule_t *rule = &ruling->rule[i];

		if (*rule && !(*rule & WEIR_RULE_DENY))
			*rule = rule_number(&rules->list[*rule - 1].head, *rule - 1u);
	}
}

/* No position is of both files and unix sockets. */
static void ruling_make(struct cover *cover, struct ruling *ret)
{
	const struct numbers *marked = &cover->marked;
	enum list allow = LIST_FILES_ALLOW;
	const struct mark *mark;
	size_t i;

	*ret = (struct ruling){0};
	for (i = 0; i < marked->n; i++) {
		for (mark = mark_first(cover, marked->list[i]); mark;
		     mark = mark_next(cover, mark)) {
			struct cover_count *count = &cover->counts[mark->list][mark->rule];

			count->paths += !mark->except;
			count->except += mark->except;
			if (mark->list == LIST_UNIX)
				allow = LIST_UNIX;
		}
	}
	for (i = 0; i < marked->n; i++)
		for (mark = mark_first(cover, marked->list[i]); mark; mark = mark_next(cover, mark))
			rule_apply(cover, mark, ret);
	for (i = 0; i < marked->n; i++)
		for (mark = mark_first(cover, marked->list[i]); mark; mark = mark_next(cover, mark))
			cover->counts[mark->list][mark->rule] = (struct cover_count){0};
	ruling_name(cover, allow, ret);
}

int cover_rule(struct cover *cover, const uint32_t *positions, size_t n, struct ruling *ret)
{
	uint32_t number;
	size_t i;
	int added;

	cover->marked.n = 0;
	for (i = 0; i < n; i++)
		if (cover->positions->list[positions[i]].marks &&
		    numbers_add(&cover->marked, positions[i]) < 0)
			return -ENOMEM;
	if (!cover->marked.n) {
		*ret = (struct ruling){0};
		return 0;
	}
	added = intern_add(&cover->keys, cover->marked.list,
			   cover->marked.n * sizeof(*cover->marked.list), &number);
	if (added < 0 ||
	    (added && array_reserve(&cover->rulings, number, &cover->cap,
				    sizeof(*cover->rulings)) < 0))
		return -ENOMEM;
	if (added)
		ruling_make(cover, &cover->rulings[number]);
	*ret = cover->rulings[number];
	return 0;
}

unsigned int rules_allow(const weir_rule_t rules[WEIR_ACCESS_COUNT])
{
	unsigned int allowed = 0, i;

	for (i = 0; i < WEIR_ACCESS_COUNT; i++)
		if (rules[i] && !(rules[i] & (WEIR_RULE_DENY | WEIR_RULE_GRANT)))
			allowed |= WEIR_ACCESS_BIT(i);
	return allowed;
}

unsigned int rules_grant(const weir_rule_t rules[WEIR_ACCESS_COUNT])
{
	unsigned int granted = 0, i;

	for (i = 0; i < WEIR_ACCESS_COUNT; i++)
		if (rules[i] & WEIR_RULE_GRANT && !(rules[i] & WEIR_RULE_DENY))
			granted |= WEIR_ACCESS_BIT(i);
	return granted;
}

void cover_done(struct cover *cover)
{
	size_t i;

	for (i = 0; i < LIST_COUNT; i++)
		free(cover->counts[i]);
	free(cover->rulings);
	intern_done(&cover->keys);
	numbers_done(&cover->marked);
}
