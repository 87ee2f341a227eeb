// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Included policies: found, read once, before the file that includes them; see reader.h. */
#include <errno.h>
#include <string.h>

#include "policy/reader.h"
#include "policy/value.h"

static bool source_same(const struct source *a, const struct source *b)
{
	return a->ino && a->dev == b->dev && a->ino == b->ino;
}

/* "a.yaml includes b.yaml includes a.yaml", from the file that closes the circle. */
static void chain_format(const struct reader_file *file, const struct source *end, struct buf *ret)
{
	if (file->parent && !source_same(file->source, end))
		chain_format(file->parent, end, ret);
	buf_printf(ret, "%s includes ", file->source->name);
}

static void cycle_report(struct reader *reader, const struct place *at, const struct source *again)
{
	_cleanup_buf_ struct buf chain = {0};
	const char *text;

	chain_format(reader->file, again, &chain);
	buf_add_string(&chain, again->name);
	text = buf_string(&chain);
	if (!text) {
		reader->report->error = -ENOMEM;
		return;
	}
	report_add(reader->report, at, "policies include each other in a circle");
	report_hint(reader->report, "%s", text);
}

/* Loads DIR/NAME.yaml, where dir has dir_len bytes. Returns what source_load does. */
static int candidate_load(struct reader *reader, const char *dir, size_t dir_len, const char *name,
			  struct source *ret)
{
	size_t len = dir_len + strlen(name) + sizeof("/.yaml");
	char *path = arena_array(reader->arena, len, 1);

	if (!path)
		return -ENOMEM;
	snprintf(path, len, "%.*s%s%s.yaml", (int)dir_len, dir,
		 dir_len && dir[dir_len - 1] != '/' ? "/" : "", name);
	ret->name = path;
	return source_load(ret, path, reader->arena);
}

/* Beside the including file, then in the folders; the first that exists. */
static int include_load(struct reader *reader, const char *name, struct source *ret)
{
	const char *beside = reader->file->source->name, *slash = strrchr(beside, '/');
	const struct policy_options *options = reader->options;
	int err = -ENOENT;
	size_t i;

	if (reader->file->source->ino)
		err = candidate_load(reader, beside, slash ? (size_t)(slash + 1 - beside) : 0, name,
				     ret);
	for (i = 0; err == -ENOENT && options && i < options->n_folders; i++)
		err = candidate_load(reader, options->folders[i], strlen(options->folders[i]), name,
				     ret);
	return err;
}

static void include_missing(struct reader *reader, const struct yaml *value, const char *name)
{
	_cleanup_buf_ struct buf where = {0};
	const char *text;
	size_t i;

	if (reader->file->source->ino)
		buf_add_string(&where, "beside this file");
	for (i = 0; reader->options && i < reader->options->n_folders; i++)
		buf_printf(&where, "%s%s", where.len ? ", " : "", reader->options->folders[i]);
	text = buf_string(&where);
	report_add(reader->report, &value->place, "there is no policy %s.yaml to include", name);
	if (text && *text)
		report_hint(reader->report, "looked for it: %s", text);
}

/* Whether the source was met before; a circle is reported. */
static bool source_known(struct reader *reader, const struct place *at, const struct source *source)
{
	const struct reader_file *file;
	const struct source *other;

	for (file = reader->file; file; file = file->parent) {
		if (source_same(source, file->source)) {
			cycle_report(reader, at, source);
			return true;
		}
	}
	for (other = reader->policy->sources; other; other = other->next) {
		if (source_same(source, other))
			return true;
	}
	return false;
}

static void include_read(struct reader *reader, const struct yaml *value)
{
	struct source *source = reader_array(reader, 1, sizeof(*source)), *last;
	int err;

	if (!source || !field_is(reader, value, YAML_STRING, "the name of a policy, as base-linux"))
		return;
	if (!name_ok(value->text)) {
		report_add(reader->report, &value->place, "\"%s\" is not the name of a policy",
			   value->text);
		report_hint(
			reader->report,
			"a name as base-linux, looked up as base-linux.yaml beside this file and in the policy folders");
		return;
	}
	err = include_load(reader, value->text, source);
	if (err == -ENOMEM)
		reader->report->error = err;
	else if (err == -ENOENT)
		include_missing(reader, value, value->text);
	else if (err < 0)
		report_add(reader->report, &value->place, "%s cannot be read: %s", source->name,
			   strerror(-err));
	if (err < 0 || source_known(reader, &value->place, source))
		return;
	for (last = reader->policy->sources; last->next; last = last->next)
		;
	source->index = last->index + 1;
	if (source->index == POLICY_FILES_MAX) {
		report_add(reader->report, &value->place,
			   "a policy may be made of %d files, this is one more", POLICY_FILES_MAX);
		return;
	}
	last->next = source;
	file_read_into(reader, source, true);
}

void includes_read(struct reader *reader, const struct yaml *value)
{
	const struct yaml *item;

	if (!field_is(reader, value, YAML_LIST, "a list of names, as [base-linux]"))
		return;
	for (item = value->first; item; item = item->next)
		include_read(reader, item);
}
