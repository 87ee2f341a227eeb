// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Keeps from libfyaml 0.7.12 what costs it far more memory or time than the
 * text is worth. None of it occurs in a policy that means anything.
 */
#include "policy/skim.h"

#include <string.h>

#include "policy/yaml.h"

#define DIRECTIVE_MAX 128	/* bytes of a line that starts with '%': time by its square */
#define DIRECTIVES_MAX 8	/* lines that start with '%': 400 bytes each */
#define ESCAPES_MAX 65536	/* escapes in quotes: 50 bytes and more each, never freed in '' */

/* Where the text stands for somebody who only skims it. */
struct skim {
	const struct source *source;
	struct report *report;
	unsigned int depth;	/* brackets that are open */
	size_t escapes;
	char quote;		/* 0: outside */
};

static bool refuse(const struct skim *skim, size_t at, const char *what, unsigned int limit,
		   const char *hint)
{
	struct place place = {.source = skim->source, .offset = (uint32_t)at, .width = 1};

	report_add(skim->report, &place, "%s %u", what, limit);
	report_hint(skim->report, "%s", hint);
	return false;
}

/* May a quote or bracket at this place start something? Elsewhere it is a letter. */
static bool at_start(const struct source *source, size_t at)
{
	return at == 0 || strchr(" \t\r\n[]{},:\"'", source->text[at - 1]);
}

static bool character_skim(struct skim *skim, size_t at)
{
	const char c = skim->source->text[at];

	if (c == '[' || c == '{') {
		if (at_start(skim->source, at) && ++skim->depth > YAML_DEPTH_MAX)
			return refuse(skim, at, "lists and maps inside each other, deeper than",
				      YAML_DEPTH_MAX, "no value of a policy needs more than a few");
	} else if ((c == ']' || c == '}') && skim->depth) {
		skim->depth--;
	} else if ((c == '"' || c == '\'') && at_start(skim->source, at)) {
		skim->quote = c;
	}
	return true;
}

/* Inside quotes. Gives the bytes to go on. */
static size_t quoted_skim(struct skim *skim, size_t at)
{
	const char *text = skim->source->text + at;

	if (skim->quote == '"' && *text == '\\') {
		skim->escapes++;
		return 2;
	}
	if (skim->quote == '\'' && text[0] == '\'' && text[1] == '\'') {
		skim->escapes++;
		return 2;
	}
	if (*text == skim->quote)
		skim->quote = 0;
	return 1;
}

static bool directives_check(struct skim *skim)
{
	const struct source *source = skim->source;
	size_t i, end, n = 0;

	for (i = 0; i < source->n_lines; i++) {
		if (source->text[source->lines[i]] != '%')
			continue;
		if (++n > DIRECTIVES_MAX)
			return refuse(skim, source->lines[i], "directives, more than",
				      DIRECTIVES_MAX, "leave them out");
		end = i + 1 < source->n_lines ? source->lines[i + 1] : source->len;
		if (end - source->lines[i] > DIRECTIVE_MAX)
			return refuse(skim, source->lines[i], "a directive longer than",
				      DIRECTIVE_MAX,
				      "leave it out; a value that starts with '%' is quoted");
	}
	return true;
}

bool skim_check(const struct source *source, struct report *report)
{
	struct skim skim = {.source = source, .report = report};
	size_t at = 0;

	if (!directives_check(&skim))
		return false;
	while (at < source->len) {
		if (skim.quote) {
			at += quoted_skim(&skim, at);
		} else if (source->text[at] == '#' && at_start(source, at)) {
			at += strcspn(source->text + at, "\n");
		} else {
			if (!character_skim(&skim, at))
				return false;
			at++;
		}
		if (skim.escapes > ESCAPES_MAX)
			return refuse(&skim, at - 2, "escaped characters in quotes, more than",
				      ESCAPES_MAX, "write characters as they are");
	}
	return true;
}
