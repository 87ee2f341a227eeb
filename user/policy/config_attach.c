// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The list `attach` of a configuration; see config.h. */
#include <string.h>

#include "policy/config_parts.h"
#include "policy/value.h"

/* One entry while it is read. */
struct entry {
	struct config_attach *attach;
	const struct yaml *where;	/* cgroup or match; NULL: neither came yet */
};

/* Splits at the last '/'. */
static void where_set(struct reader *reader, struct entry *entry, const struct yaml *node,
		      const char *path)
{
	const char *slash = strrchr(path, '/');

	if (entry->where) {
		report_add(reader->report, &node->place, "an entry has \"cgroup\" or \"match\"");
		report_hint(reader->report, "write two entries");
		return;
	}
	entry->where = node;
	entry->attach->folder = arena_copy(reader->arena, path, (size_t)(slash - path));
	entry->attach->name = slash + 1;
	if (!entry->attach->folder)
		reader->report->error = -ENOMEM;
}

/* No "//", "/./" or "/../": each cgroup has one name. */
static bool path_plain(const char *path)
{
	while (*path) {
		size_t len = strcspn(path + 1, "/");

		if (!len || strncmp(path, "/.", len + 1) == 0 ||
		    (len == 2 && strncmp(path, "/..", 3) == 0))
			return false;
		path += len + 1;
	}
	return true;
}

static const char *cgroup_path(struct reader *reader, const struct yaml *node, const char *hint)
{
	const char *path = config_path(reader, node, hint);

	if (!path || path_plain(path))
		return path;
	report_add(reader->report, &node->place, "\"%s\" is no path of a cgroup", path);
	report_hint(reader->report, "%s", hint);
	return NULL;
}

static void cgroup_read(struct reader *reader, const struct yaml *node, void *target)
{
	const char *path = cgroup_path(
		reader, node, "a path below the hierarchy's root, as /system.slice/a.service");

	if (!path)
		return;
	/* to the kernel side this is a whole folder */
	if (strcmp(strrchr(path, '/'), "/*") == 0) {
		report_add(reader->report, &node->place, "\"%s\" is not the path of one cgroup",
			   path);
		report_hint(reader->report, "for each cgroup in that folder write \"match\"");
		return;
	}
	where_set(reader, target, node, path);
}

static void match_read(struct reader *reader, const struct yaml *node, void *target)
{
	static const char hint[] = "only \"*\" as the last component is known, as /agents.slice/*";
	const char *path = cgroup_path(reader, node, hint);
	struct entry *entry = target;

	if (!path)
		return;
	if (strcmp(strrchr(path, '/'), "/*") != 0 || strcspn(path, "*?[\\") != strlen(path) - 1) {
		report_add(reader->report, &node->place, "\"%s\" cannot be matched", path);
		report_hint(reader->report, "%s", hint);
		return;
	}
	where_set(reader, entry, node, path);
	entry->attach->name = NULL;
}

static void policy_name_read(struct reader *reader, const struct yaml *node, void *target)
{
	struct entry *entry = target;

	if (!field_is(reader, node, YAML_STRING, "the name of a policy, as coding-agent"))
		return;
	entry->attach->policy = node->text;
	if (name_ok(node->text))
		return;
	report_add(reader->report, &node->place, "\"%s\" cannot name a policy", node->text);
	report_hint(reader->report, "a to z, 0 to 9 and '-', not '-' first, at most 63 characters");
}

static void pairs_read(struct reader *reader, const struct yaml *node, const char *hint,
		       struct policy_pair **ret, size_t *ret_n)
{
	const struct yaml *item;

	if (!field_is(reader, node, YAML_MAP, hint))
		return;
	*ret = reader_array(reader, yaml_count(node) + 1, sizeof(**ret));
	for (item = node->first; item && *ret; item = item->next) {
		if (!item->key->len)
			report_add(reader->report, &item->key->place, "this key is empty");
		else if (item->kind == YAML_INT || field_is(reader, item, YAML_STRING, hint))
			(*ret)[(*ret_n)++] = (struct policy_pair){(char *)item->key->text,
								  (char *)item->text};
	}
}

static void set_read(struct reader *reader, const struct yaml *node, void *target)
{
	struct entry *entry = target;

	pairs_read(reader, node, "PARAMETER: VALUE pairs, as workspace: /srv/app",
		   &entry->attach->set, &entry->attach->n_set);
}

static void labels_read(struct reader *reader, const struct yaml *node, void *target)
{
	struct entry *entry = target;

	pairs_read(reader, node, "KEY: TEXT pairs, as team: payments", &entry->attach->labels,
		   &entry->attach->n_labels);
}

static void mode_read(struct reader *reader, const struct yaml *node, void *target)
{
	static const char *const names[] = {"enforce", "audit"};
	struct entry *entry = target;
	int choice = field_choice(reader, node, names, ARRAY_SIZE(names));

	if (choice >= 0)
		entry->attach->mode = choice ? CONFIG_MODE_AUDIT : CONFIG_MODE_ENFORCE;
}

static void without_read(struct reader *reader, const struct yaml *node, void *target)
{
	static const enum policy_section sections[] = {
		POLICY_SECTION_FILES, POLICY_SECTION_GUARD, POLICY_SECTION_UNIX,
		POLICY_SECTION_LISTEN,
	};
	const char *names[ARRAY_SIZE(sections)];
	struct entry *entry = target;
	const struct yaml *item;

	if (!field_is_list(reader, node, "sections that are given up, as [guard]"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		names[i] = policy_section_name(sections[i]);
	for (item = node->first; item; item = item->next) {
		int choice = field_choice(reader, item, names, ARRAY_SIZE(names));

		if (choice >= 0)
			entry->attach->without |= 1u << sections[choice];
	}
}

static const struct field entry_fields[] = {
	{"cgroup", cgroup_read, false},	    {"match", match_read, false},
	{"policy", policy_name_read, true}, {"set", set_read, false},
	{"labels", labels_read, false},	    {"mode", mode_read, false},
	{"without", without_read, false},
};

static void place_keep(struct reader *reader, const struct yaml *node, struct config_attach *attach)
{
	_cleanup_buf_ struct buf text = {0};

	place_format(&node->place, &text);
	attach->place = text.error ? NULL : arena_copy(reader->arena, text.data, text.len);
	if (!attach->place)
		reader->report->error = -ENOMEM;
}

/* The first entry that names a cgroup decides: is there nothing left for the later one? */
static bool covers(const struct config_attach *first, const struct config_attach *later)
{
	if (!first->folder || !later->folder || strcmp(first->folder, later->folder) != 0)
		return false;
	return !first->name || (later->name && strcmp(first->name, later->name) == 0);
}

static void entry_read(struct reader *reader, const struct yaml *node, struct config *config)
{
	struct entry entry = {.attach = &config->attach[config->n_attach]};

	if (!field_is(reader, node, YAML_MAP, "{cgroup: PATH, policy: NAME}"))
		return;
	fields_read(reader, node, "an entry of attach", entry_fields, ARRAY_SIZE(entry_fields),
		    &entry);
	place_keep(reader, node, entry.attach);
	if (!entry.where && !reader->report->n) {
		report_add(reader->report, &node->place, "an entry needs \"cgroup\" or \"match\"");
		report_hint(reader->report, "add \"cgroup: /PATH\" or \"match: /FOLDER/*\"");
	}
	for (size_t i = 0; entry.where && i < config->n_attach; i++)
		if (covers(&config->attach[i], entry.attach)) {
			report_add(reader->report, &entry.where->place,
				   "this cgroup stands in an entry above already");
			report_hint(reader->report, "put what is meant for one cgroup alone first");
			break;
		}
	config->n_attach++;
}

void config_attach_read(struct reader *reader, const struct yaml *node, void *target)
{
	struct config *config = target;
	const struct yaml *item;

	if (!field_is(reader, node, YAML_LIST, "a list of {cgroup: PATH, policy: NAME}"))
		return;
	config->attach = reader_array(reader, yaml_count(node) + 1, sizeof(*config->attach));
	for (item = node->first; item && config->attach; item = item->next)
		entry_read(reader, item, config);
}
