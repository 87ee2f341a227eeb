/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What this kernel and this version can enforce together, for `weir doctor`. */
#ifndef WEIR_DAEMON_SURVEY_H
#define WEIR_DAEMON_SURVEY_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/leftover.h"
#include "kern/kern.h"

enum survey_state {
	SURVEY_YES,		/* there, or enforced */
	SURVEY_PARTLY,		/* enforced, with what is missing in the text */
	SURVEY_NOT_YET,		/* by this version of weir */
	SURVEY_CANNOT,		/* by this kernel or in this place; the text has the remedy */
	SURVEY_STATE_COUNT,
};

/* "yes", "partly", "not yet", "cannot" */
const char *survey_state_name(enum survey_state state);

struct survey_item {
	const char *name;
	enum survey_state state;
	char *text;
};

#define SURVEY_ITEMS_MAX 16

struct survey {
	struct kern_features kernel;
	struct survey_item items[SURVEY_ITEMS_MAX];
	size_t n_items;
	struct leftovers leftovers;
	bool ok;		/* everything this version implements can be enforced */
};

/* Returns 0 and *ret (survey_done), or -ENOMEM. */
int survey_take(struct survey *ret);
void survey_done(struct survey *survey);
#define _cleanup_survey_ _cleanup_(survey_done)

#endif
