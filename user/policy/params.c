// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Parameters of one file; see params.h. */
#include "policy/params.h"

#include <errno.h>
#include <string.h>

#include "policy/reader.h"
#include "policy/scalar.h"
#include "policy/value.h"

/* One entry of `parameters` while it is read. */
struct declaration {
	const struct yaml *default_value;
};

static const struct param *param_find(const struct params *params, const char *name, size_t len)
{
	size_t i;

	for (i = 0; params && i < params->n; i++) {
		if (strncmp(params->list[i].name, name, len) == 0 && !params->list[i].name[len])
			return &params->list[i];
	}
	return NULL;
}

static void default_read(struct reader *reader, const struct yaml *value, void *target)
{
	struct declaration *declaration = target;

	if (value->kind == YAML_STRING || value->kind == YAML_INT)
		declaration->default_value = value;
	else
		field_is(reader, value, YAML_STRING,
			 "the value used when none is given: text or a number");
	if (value->kind == YAML_STRING && strstr(value->text, "${")) {
		report_add(reader->report, &value->place,
			   "a default is taken as it is, without parameters");
		report_hint(reader->report, "write the value out");
	}
}

static void description_read(struct reader *reader, const struct yaml *value, void *target)
{
	(void)target;
	field_is(reader, value, YAML_STRING, "one line for people");
}

static const struct field declaration_fields[] = {
	{"default", default_read, false},
	{"description", description_read, false},
};

static const char *set_find(const struct policy_options *options, const char *name)
{
	const char *ret = NULL;
	size_t i;

	for (i = 0; options && i < options->n_set; i++) {
		if (strcmp(options->set[i].key, name) == 0)
			ret = options->set[i].value;
	}
	return ret;
}

/* The value in force: the outer policy's or the caller's, then the default. */
static const char *value_choose(struct reader *reader, const struct yaml *entry,
				const struct declaration *declaration)
{
	const struct param *outer = param_find(reader->outer, entry->key->text, entry->key->len);
	const char *given = reader->outer ? NULL : set_find(reader->options, entry->key->text);

	if (outer)
		return outer->value;
	if (given && !scalar_text_ok(given, strlen(given))) {
		report_add(reader->report, &entry->key->place,
			   "the value given for \"%s\" is not valid UTF-8", entry->key->text);
		return NULL;
	}
	if (given)
		return arena_copy(reader->arena, given, strlen(given));
	if (declaration->default_value)
		return declaration->default_value->text;
	report_add(reader->report, &entry->key->place, "the parameter \"%s\" has no value",
		   entry->key->text);
	if (reader->outer)
		report_hint(reader->report,
			    "declare it in the policy that is run, or give it a default here");
	else
		report_hint(reader->report, "give one (--set %s=VALUE), or a default here",
			    entry->key->text);
	return NULL;
}

static void param_read(struct reader *reader, const struct yaml *entry, struct params *ret)
{
	struct declaration declaration = {0};
	size_t before = report_count(reader->report);

	if (!parameter_name_ok(entry->key->text, entry->key->len)) {
		report_add(reader->report, &entry->key->place, "\"%s\" cannot name a parameter",
			   entry->key->text);
		report_hint(reader->report,
			    "a letter or '_', then letters, digits, '_' and '-', at most 63");
		return;
	}
	if (field_is(reader, entry, YAML_MAP, "{default: VALUE, description: TEXT}, both optional"))
		fields_read(reader, entry, "a parameter", declaration_fields,
			    ARRAY_SIZE(declaration_fields), &declaration);
	ret->list[ret->n].name = entry->key->text;
	if (report_count(reader->report) == before)
		ret->list[ret->n].value = value_choose(reader, entry, &declaration);
	ret->n++;
}

/* Values given for what is not declared. */
static void undeclared_check(struct reader *reader, const struct params *params)
{
	struct place place = {.source = reader->file->source, .width = 1};
	_cleanup_free_ const char **names = NULL;
	const char *key, *close;
	size_t i, j;

	if (!reader->options || !reader->options->n_set)
		return;
	names = calloc(params->n + 1, sizeof(*names));
	if (!names) {
		reader->report->error = -ENOMEM;
		return;
	}
	for (j = 0; j < params->n; j++)
		names[j] = params->list[j].name;
	for (i = 0; i < reader->options->n_set; i++) {
		key = reader->options->set[i].key;
		if (param_find(params, key, strlen(key)))
			continue;
		report_add(reader->report, &place,
			   "a value is given for \"%s\", which this policy does not declare", key);
		close = name_suggest(key, names, params->n);
		if (close)
			report_hint(reader->report, "did you mean \"%s\"?", close);
		else
			report_hint(reader->report,
				    "declare it under \"parameters:\", or leave out --set %s=…",
				    key);
	}
}

void params_read(struct reader *reader, const struct yaml *value, struct params *ret)
{
	const struct yaml *entry;

	if (value &&
	    field_is(reader, value, YAML_MAP, "NAME: {default: VALUE, description: TEXT}") &&
	    value->first) {
		ret->list = reader_array(reader, yaml_count(value), sizeof(*ret->list));
		for (entry = value->first; entry && ret->list; entry = entry->next)
			param_read(reader, entry, ret);
	}
	if (!reader->outer)
		undeclared_check(reader, ret);
}

static void value_add(struct buf *text, const char *value, bool pattern)
{
	for (; *value; value++) {
		if (pattern && strchr("*?[]\\", *value))
			buf_add_char(text, '\\');
		buf_add_char(text, *value);
	}
}

/* "${name}" at text: adds its value, gives the length. 0: an error was added. */
static size_t reference_expand(struct reader *reader, const struct yaml *value, const char *text,
			       bool pattern, struct buf *ret)
{
	size_t len = strcspn(text + 2, "}");
	const struct param *param;

	if (!text[2 + len] || !parameter_name_ok(text + 2, len)) {
		report_add(reader->report, &value->place,
			   "\"${\" that is no reference to a parameter");
		report_hint(reader->report, "write ${NAME}; \"$${\" stands for \"${\" itself");
		return 0;
	}
	param = param_find(reader->params, text + 2, len);
	if (!param) {
		report_add(reader->report, &value->place, "the parameter \"%.*s\" is not declared",
			   (int)len, text + 2);
		report_hint(reader->report, "declare it in this file under \"parameters:\"");
		return 0;
	}
	if (!param->value)
		return 0;
	value_add(ret, param->value, pattern);
	return len + 3;
}

const char *params_expand(struct reader *reader, const struct yaml *value, bool pattern)
{
	_cleanup_buf_ struct buf text = {0};
	const char *at = value->text;
	char *ret;
	size_t step;

	if (!strstr(at, "${"))
		return at;
	while (*at) {
		if (strncmp(at, "$${", 3) == 0) {
			buf_add_string(&text, "${");
			at += 3;
		} else if (strncmp(at, "${", 2) == 0) {
			step = reference_expand(reader, value, at, pattern, &text);
			if (!step)
				return NULL;
			at += step;
		} else {
			buf_add_char(&text, *at++);
		}
	}
	ret = text.error ? NULL : arena_copy(reader->arena, text.data, text.len);
	if (!ret)
		reader->report->error = -ENOMEM;
	return ret;
}
