// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Denials counted for the summary; see tally.h. */
#include "daemon/tally.h"

#include <string.h>

#include "base/log.h"

static struct tally_line *line_find(struct tally *tally, const char *text)
{
	for (size_t i = 0; i < tally->n_lines; i++)
		if (strcmp(tally->lines[i].text, text) == 0)
			return &tally->lines[i];
	return NULL;
}

void tally_add(struct tally *tally, const struct event *event, const struct event_context *context)
{
	struct tally_line *line;
	const char *text;

	tally->total++;
	buf_reset(&tally->text);
	/* the same done by another process of the same name is the same */
	event_summary_deed(&tally->text, event, context);
	text = buf_string(&tally->text);
	line = text ? line_find(tally, text) : NULL;
	if (line) {
		line->count++;
		return;
	}
	line = &tally->lines[tally->n_lines];
	if (!text || tally->n_lines == TALLY_LINES || !(line->text = strdup(text))) {
		tally->others++;
		return;
	}
	line->count = 1;
	tally->n_lines++;
}

static int by_count(const void *a, const void *b)
{
	const struct tally_line *one = a, *two = b;

	return (one->count < two->count) - (one->count > two->count);
}

void tally_print(struct tally *tally, size_t max)
{
	uint64_t told = 0;

	qsort(tally->lines, tally->n_lines, sizeof(tally->lines[0]), by_count);
	for (size_t i = 0; i < tally->n_lines && i < max; i++) {
		log_notice("  %llux %s", (unsigned long long)tally->lines[i].count,
			   tally->lines[i].text);
		told += tally->lines[i].count;
	}
	if (told < tally->total)
		log_notice("  %llux others", (unsigned long long)(tally->total - told));
}

void tally_done(struct tally *tally)
{
	for (size_t i = 0; i < tally->n_lines; i++)
		free(tally->lines[i].text);
	buf_done(&tally->text);
	*tally = (struct tally){0};
}
