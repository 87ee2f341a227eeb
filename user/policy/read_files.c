// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The sections `files` and `guard`, and network.unix; see reader.h. */
#include <string.h>

#include "base/guard.h"
#include "policy/reader.h"

#define RULE_FORM "- name: NAME, paths, except, access"
#define UNIX_FORM "- name: NAME, paths"
#define PATH_FORM "patterns: /etc/hosts, \"/usr/**\", \"**/*.pem\""

static const char *const access_names[] = {
	[WEIR_ACCESS_READ] = "read",	   [WEIR_ACCESS_WRITE] = "write",
	[WEIR_ACCESS_CREATE] = "create",   [WEIR_ACCESS_DELETE] = "delete",
	[WEIR_ACCESS_EXECUTE] = "execute",
};
_Static_assert(ARRAY_SIZE(access_names) == WEIR_ACCESS_COUNT, "a name for every access");

const char *policy_access_name(enum weir_access access)
{
	return access_names[access];
}

static void pattern_read(struct reader *reader, const struct yaml *value, bool abstract,
			 struct pattern *list, size_t *n)
{
	const char *text = field_pattern_text(reader, value, PATH_FORM), *problem;
	struct pattern pattern = {.place = value->place};
	bool nomem;

	if (!text)
		return;
	problem = pattern_parse(text, abstract, reader->arena, &pattern, &nomem);
	if (nomem) {
		reader->report->error = -ENOMEM;
	} else if (problem) {
		report_add(reader->report, &value->place, "\"%.80s%s\": %s", text,
			   strlen(text) > 80 ? "..." : "", problem);
		report_hint(reader->report, abstract ? PATH_FORM ", or \"@name\"" : PATH_FORM);
	} else {
		list[(*n)++] = pattern;
	}
}

void patterns_read(struct reader *reader, const struct yaml *value, bool abstract,
		   struct pattern **ret, size_t *ret_n)
{
	const struct yaml *item;
	struct pattern *list;

	if (!field_is_list(reader, value, PATH_FORM))
		return;
	list = reader_array(reader, yaml_count(value), sizeof(*list));
	for (item = value->first; item && list; item = item->next)
		pattern_read(reader, item, abstract, list, ret_n);
	*ret = list;
}

static void paths_read(struct reader *reader, const struct yaml *value, void *target)
{
	struct file_rule *rule = target;

	patterns_read(reader, value, false, &rule->paths, &rule->n_paths);
}

static void except_read(struct reader *reader, const struct yaml *value, void *target)
{
	struct file_rule *rule = target;

	patterns_read(reader, value, false, &rule->except, &rule->n_except);
}

static void access_read(struct reader *reader, const struct yaml *value, void *target)
{
	struct file_rule *rule = target;
	const struct yaml *item;
	int choice;

	if (!field_is_list(
		    reader, value,
		    "read, write, create, delete, execute; for all of them leave \"access:\" out"))
		return;
	rule->access = 0;
	for (item = value->first; item; item = item->next) {
		choice = field_choice(reader, item, access_names, ARRAY_SIZE(access_names));
		if (choice >= 0)
			rule->access |= WEIR_ACCESS_BIT(choice);
	}
}

static const struct field rule_fields[] = {
	{"name", rule_name_read, true},
	{"paths", paths_read, true},
	{"except", except_read, false},
	{"access", access_read, false},
};

static void rules_read(struct reader *reader, const struct yaml *value, struct file_rules *rules)
{
	const struct yaml *item;
	struct file_rule *list;

	if (!field_is(reader, value, YAML_LIST, "a list of rules, " RULE_FORM))
		return;
	for (item = value->first; item; item = item->next) {
		if (!field_is(reader, item, YAML_MAP, RULE_FORM))
			continue;
		list = reader_grow(reader, rules->list, rules->n, &rules->cap, sizeof(*list));
		if (!list)
			return;
		rules->list = list;
		list[rules->n] = (struct file_rule){
			.head.place = item->place,
			.access = (1u << WEIR_ACCESS_COUNT) - 1,
		};
		fields_read(reader, item, "a file rule", rule_fields, ARRAY_SIZE(rule_fields),
			    &list[rules->n++]);
	}
}

static void allow_read(struct reader *reader, const struct yaml *value, void *target)
{
	(void)target;
	rules_read(reader, value, &reader->policy->file_allow);
}

static void deny_read(struct reader *reader, const struct yaml *value, void *target)
{
	(void)target;
	rules_read(reader, value, &reader->policy->file_deny);
}

static const struct field files_fields[] = {
	{"allow", allow_read, false},
	{"deny", deny_read, false},
};

void files_read(struct reader *reader, const struct yaml *value, void *target)
{
	bool open = field_is_unrestricted(value);

	section_enter(reader, POLICY_SECTION_FILES, value, open);
	if (!open && field_is(reader, value, YAML_MAP, "allow and deny, or the word unrestricted"))
		fields_read(reader, value, "the section files", files_fields,
			    ARRAY_SIZE(files_fields), target);
}

static void guard_allow_read(struct reader *reader, const struct yaml *value, void *target)
{
	const struct yaml *item;
	int choice;

	(void)target;
	if (!field_is(reader, value, YAML_LIST, "a list, as [ptrace, signals]"))
		return;
	for (item = value->first; item; item = item->next) {
		choice = field_choice(reader, item, guard_words, WEIR_GUARD_COUNT);
		if (choice >= 0)
			reader->policy->guard_allow[choice] = true;
	}
}

static const struct field guard_fields[] = {
	{"allow", guard_allow_read, false},
};

void guard_read(struct reader *reader, const struct yaml *value, void *target)
{
	bool open = field_is_unrestricted(value);

	section_enter(reader, POLICY_SECTION_GUARD, value, open);
	if (!open && field_is(reader, value, YAML_MAP, "allow, or the word unrestricted"))
		fields_read(reader, value, "the section guard", guard_fields,
			    ARRAY_SIZE(guard_fields), target);
}

static void unix_paths_read(struct reader *reader, const struct yaml *value, void *target)
{
	struct unix_rule *rule = target;

	patterns_read(reader, value, true, &rule->paths, &rule->n_paths);
}

static const struct field unix_fields[] = {
	{"name", rule_name_read, true},
	{"paths", unix_paths_read, true},
};

void unix_rules_read(struct reader *reader, const struct yaml *value, void *target)
{
	struct unix_rules *rules = &reader->policy->unix_allow;
	bool open = field_is_unrestricted(value);
	const struct yaml *item;
	struct unix_rule *list;

	(void)target;
	section_enter(reader, POLICY_SECTION_UNIX, value, open);
	if (open || !field_is(reader, value, YAML_LIST,
			      "a list of rules, " UNIX_FORM ", or the word unrestricted"))
		return;
	for (item = value->first; item; item = item->next) {
		if (!field_is(reader, item, YAML_MAP, UNIX_FORM))
			continue;
		list = reader_grow(reader, rules->list, rules->n, &rules->cap, sizeof(*list));
		if (!list)
			return;
		rules->list = list;
		list[rules->n] = (struct unix_rule){.head.place = item->place};
		fields_read(reader, item, "a unix rule", unix_fields, ARRAY_SIZE(unix_fields),
			    &list[rules->n++]);
	}
}
