// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Errors of a policy while it is read; see report.h. */
#include "policy/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct report_entry {
	struct place place;
	char *message;
	char *hint;	/* NULL: none */
	size_t order;	/* keeps errors of one place as they were found */
};

void policy_errors_done(struct policy_errors *errors)
{
	buf_done(&errors->text);
	errors->count = 0;
}

static struct report_entry *entry_add(struct report *report)
{
	struct report_entry *entries;
	size_t cap = report->cap ? report->cap * 2 : 16;

	if (report->n == report->cap) {
		entries = realloc(report->entries, cap * sizeof(*entries));
		if (!entries)
			return NULL;
		report->entries = entries;
		report->cap = cap;
	}
	report->entries[report->n] = (struct report_entry){.order = report->n};
	return &report->entries[report->n++];
}

void report_add(struct report *report, const struct place *place, const char *format, ...)
{
	struct report_entry *entry;
	va_list args;

	if (report->n == REPORT_SHOWN_MAX) {
		report->more++;
		return;
	}
	entry = entry_add(report);
	if (!entry) {
		report->error = -ENOMEM;
		return;
	}
	entry->place = *place;
	va_start(args, format);
	if (vasprintf(&entry->message, format, args) < 0) {
		entry->message = NULL;
		report->error = -ENOMEM;
	}
	va_end(args);
}

void report_hint(struct report *report, const char *format, ...)
{
	struct report_entry *entry;
	va_list args;

	if (report->error || report->more || !report->n)
		return;
	entry = &report->entries[report->n - 1];
	free(entry->hint);
	va_start(args, format);
	if (vasprintf(&entry->hint, format, args) < 0) {
		entry->hint = NULL;
		report->error = -ENOMEM;
	}
	va_end(args);
}

size_t report_count(const struct report *report)
{
	return report->n + report->more;
}

static int entry_compare(const void *a, const void *b)
{
	const struct report_entry *x = a, *y = b;

	if (x->place.source->index != y->place.source->index)
		return x->place.source->index < y->place.source->index ? -1 : 1;
	if (x->place.offset != y->place.offset)
		return x->place.offset < y->place.offset ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void entry_format(const struct report_entry *entry, struct buf *ret)
{
	place_format(&entry->place, ret);
	buf_add_string(ret, ": error: ");
	text_show(entry->message, strlen(entry->message), ret);
	buf_add_char(ret, '\n');
	place_show(&entry->place, ret);
	if (entry->hint) {
		buf_add_string(ret, "      = ");
		text_show(entry->hint, strlen(entry->hint), ret);
		buf_add_char(ret, '\n');
	}
}

int report_flush(struct report *report, struct policy_errors *errors)
{
	size_t count = report_count(report), i;
	int error = report->error;

	if (!error && report->n) {
		qsort(report->entries, report->n, sizeof(*report->entries), entry_compare);
		for (i = 0; i < report->n; i++)
			entry_format(&report->entries[i], &errors->text);
		if (report->more)
			buf_printf(&errors->text, "and %zu more errors\n", report->more);
		errors->count += count;
		error = errors->text.error;
	}
	report_done(report);
	if (error)
		return error;
	return count ? -EINVAL : 0;
}

void report_done(struct report *report)
{
	size_t i;

	for (i = 0; i < report->n; i++) {
		free(report->entries[i].message);
		free(report->entries[i].hint);
	}
	free(report->entries);
	*report = (struct report){0};
}
