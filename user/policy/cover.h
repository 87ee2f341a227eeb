/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which rules decide where a set of patterns ends. */
#ifndef WEIR_POLICY_COVER_H
#define WEIR_POLICY_COVER_H

#include "policy/numbers.h"
#include "policy/positions.h"

/* By access: the first rule that denies, else the first that allows. */
struct ruling {
	weir_rule_t rule[WEIR_ACCESS_COUNT];
};

struct cover_count {
	uint32_t paths;		/* patterns of this rule that end there */
	uint32_t except;
};

/* Zero but for the pointers; cover_done() frees. */
struct cover {
	const struct positions *positions;
	const struct file_rules *rules[LIST_COUNT];
	struct cover_count *counts[LIST_COUNT];	/* by rule; all zero between calls */
	struct intern keys;			/* sets of positions that have marks */
	struct ruling *rulings;			/* by set */
	size_t cap;
	struct numbers marked;
};

/* Makes room for the rules that there are; 0 or -ENOMEM. */
int cover_start(struct cover *cover);

/* What is decided at a set of positions. 0 or -ENOMEM. */
int cover_rule(struct cover *cover, const uint32_t *positions, size_t n, struct ruling *ret);

/* WEIR_ACCESS_BIT()s of what rules of the policy allow, and of what those of grants do. */
unsigned int rules_allow(const weir_rule_t rules[WEIR_ACCESS_COUNT]);
unsigned int rules_grant(const weir_rule_t rules[WEIR_ACCESS_COUNT]);

void cover_done(struct cover *cover);

#endif
