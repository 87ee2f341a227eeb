// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What has changed between two versions of a policy; see diff.h. */
#include "policy/diff.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "policy/outline.h"

#define SHOWN_MAX 12	/* pieces on a line */

/* Rules keep their place as a rule: looked for from where the last was found. */
static struct outline_part *part_find(const struct policy_outline *outline, const char *title,
				      size_t *from)
{
	for (size_t i = 0; i < outline->n; i++) {
		size_t at = (*from + i) % outline->n;

		if (strcmp(outline->parts[at].title, title) == 0) {
			*from = at + 1;
			return &outline->parts[at];
		}
	}
	return NULL;
}

/* Pieces of a line, of which only the first are shown. */
struct listing {
	struct buf *out;
	const char *before;	/* what stands in front of the first */
	size_t n;
};

static void piece_show(struct listing *listing, const char *piece)
{
	if (listing->n++ >= SHOWN_MAX)
		return;
	buf_add_string(listing->out, listing->n == 1 ? listing->before : ", ");
	escape_add(listing->out, piece, strlen(piece));
}

static void listing_end(struct listing *listing)
{
	if (listing->n > SHOWN_MAX)
		buf_printf(listing->out, " and %zu more", listing->n - SHOWN_MAX);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int prefix_text(struct policy_outline *outline, struct outline_part *part)
{
	const struct prefix *prefix = &part->prefixes[part->n - part->n_texts - 1];
	char text[PREFIX_STRLEN + sizeof("address ")] = "address ";

	prefix_format(prefix, text + strlen(text));
	part->pieces[part->n_texts] = arena_copy(&outline->arena, text, strlen(text));
	if (!part->pieces[part->n_texts])
		return -ENOMEM;
	part->n_texts++;
	return 0;
}

/* Only what is shown needs texts and an order. Without memory some are missing: out->error. */
static void pieces_make(struct policy_outline *outline, struct outline_part *part, struct buf *out)
{
	if (!part->pieces)
		return;
	while (part->n_texts < part->n && !out->error)
		out->error = prefix_text(outline, part);
	qsort(part->pieces, part->n_texts, sizeof(*part->pieces), by_text);
}

static void part_show(const char *what, const struct outline_part *part, struct buf *out)
{
	struct listing listing = {.out = out, .before = ": "};

	buf_printf(out, "%s ", what);
	escape_add(out, part->title, strlen(part->title));
	for (size_t i = 0; part->pieces && i < part->n_texts; i++)
		piece_show(&listing, part->pieces[i]);
	listing_end(&listing);
	if (!part->pieces)
		buf_printf(out, ": %zu entries", part->n);
	buf_add_char(out, '\n');
}

/* Pieces of one that the other has not; both are sorted. */
static void pieces_missing(const struct outline_part *of, const struct outline_part *from,
			   struct listing *listing)
{
	size_t k = 0;

	for (size_t i = 0; i < of->n_texts; i++) {
		while (k < from->n_texts && strcmp(from->pieces[k], of->pieces[i]) < 0)
			k++;
		if (k == from->n_texts || strcmp(from->pieces[k], of->pieces[i]) != 0)
			piece_show(listing, of->pieces[i]);
	}
	listing_end(listing);
}

static void change_show(const struct outline_part *before, const struct outline_part *after,
			struct buf *out)
{
	struct listing more = {.out = out, .before = ": now also "};
	struct listing less = {.out = out, .before = ": no longer "};

	buf_add_string(out, "changed ");
	escape_add(out, after->title, strlen(after->title));
	if (!before->pieces || !after->pieces) {
		buf_printf(out, ": %zu entries, before %zu\n", after->n, before->n);
		return;
	}
	pieces_missing(after, before, &more);
	if (more.n)
		less.before = "; no longer ";
	pieces_missing(before, after, &less);
	buf_add_char(out, '\n');
}

size_t policy_diff(struct policy_outline *before, struct policy_outline *after, struct buf *out)
{
	size_t lines = 0, from = 0;

	for (size_t i = 0; i < after->n; i++) {
		struct outline_part *now = &after->parts[i];
		struct outline_part *was = part_find(before, now->title, &from);

		if (was && was->n == now->n && was->sum == now->sum)
			continue;
		pieces_make(after, now, out);
		if (was)
			pieces_make(before, was, out);
		if (was)
			change_show(was, now, out);
		else
			part_show("added", now, out);
		lines++;
	}
	from = 0;
	for (size_t i = 0; i < before->n; i++) {
		if (part_find(after, before->parts[i].title, &from))
			continue;
		pieces_make(before, &before->parts[i], out);
		part_show("removed", &before->parts[i], out);
		lines++;
	}
	return lines;
}
