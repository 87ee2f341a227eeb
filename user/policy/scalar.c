// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What bytes and plain scalars are; see scalar.h. */
#include "policy/scalar.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

static void byte_report(const struct source *source, size_t at, const char *what,
			struct report *report)
{
	struct place place = {.source = source, .offset = (uint32_t)at, .width = 1};

	report_add(report, &place, "%s (byte 0x%02x)", what, (unsigned char)source->text[at]);
	report_hint(
		report,
		"a policy is UTF-8 text; in double quotes, \\xNN and \\uNNNN write other characters");
}

/* Of printable ASCII, which most text is. */
static size_t plain_len(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] >= ' ' && text[n] <= '~')
		n++;
	return n;
}

bool source_check(const struct source *source, struct report *report)
{
	size_t at, step;
	uint32_t code;

	for (at = 0; at < source->len; at += step) {
		step = plain_len(source->text + at, source->len - at);
		if (step)
			continue;
		step = utf8_next(source->text + at, source->len - at, &code);
		if (!step) {
			byte_report(source, at, "this is not valid UTF-8", report);
			return false;
		}
		if (code == '\n' || code == '\t' ||
		    (code == '\r' && at + 1 < source->len && source->text[at + 1] == '\n'))
			continue;
		/* what YAML 1.2 does not call printable (5.1), and the other non-characters */
		if (code < 0x20 || (code >= 0x7f && code < 0xa0) || (code & 0xfffe) == 0xfffe) {
			byte_report(source, at, "a control character does not belong in a policy",
				    report);
			return false;
		}
		if (character_hidden(code)) {
			byte_report(
				source, at,
				"an invisible character, or one that sets the direction of text",
				report);
			return false;
		}
	}
	return true;
}

static bool is_one_of(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(text, words[i]) == 0)
			return true;
	return false;
}

static const char *digits_skip(const char *text, const char *digits)
{
	return text + strspn(text, digits);
}

static bool is_int(const char *text)
{
	static const char decimal[] = "0123456789", octal[] = "01234567",
			  hex[] = "0123456789abcdefABCDEF";

	if (text[0] == '0' && text[1] == 'o' && text[2])
		return !*digits_skip(text + 2, octal);
	if (text[0] == '0' && text[1] == 'x' && text[2])
		return !*digits_skip(text + 2, hex);
	if (*text == '-' || *text == '+')
		text++;
	return *text && !*digits_skip(text, decimal);
}

static bool is_float(const char *text)
{
	static const char *const nans[] = {".nan", ".NaN", ".NAN"};
	static const char *const infs[] = {".inf", ".Inf", ".INF"};
	static const char decimal[] = "0123456789";
	const char *at = text, *start;
	bool digits;

	if (*at == '.' && is_one_of(at, nans, ARRAY_SIZE(nans)))
		return true;
	if (*at == '-' || *at == '+')
		at++;
	if (*at == '.' && is_one_of(at, infs, ARRAY_SIZE(infs)))
		return true;
	start = at;
	at = digits_skip(at, decimal);
	digits = at > start;
	if (*at == '.') {
		start = ++at;
		at = digits_skip(at, decimal);
		digits = digits || at > start;
	}
	if (!digits)
		return false;
	if (*at == 'e' || *at == 'E') {
		at++;
		if (*at == '-' || *at == '+')
			at++;
		start = at;
		at = digits_skip(at, decimal);
		if (at == start)
			return false;
	}
	return !*at;
}

enum yaml_kind scalar_kind(const char *text)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
	static const char *const bools[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
	const bool digit = *text >= '0' && *text <= '9';

	/* none of the words begins with one, and addresses are many */
	if (!digit && is_one_of(text, nulls, ARRAY_SIZE(nulls)))
		return YAML_NULL;
	if (!digit && is_one_of(text, bools, ARRAY_SIZE(bools)))
		return YAML_BOOL;
	if (is_int(text))
		return YAML_INT;
	return is_float(text) ? YAML_FLOAT : YAML_STRING;
}

bool scalar_text_ok(const char *text, size_t len)
{
	size_t at, step;

	for (at = plain_len(text, len); at < len; at += step) {
		step = character_len(text + at, len - at);
		if (!step || !text[at])
			return false;
	}
	return true;
}
