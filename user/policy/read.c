// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads a policy file into a tree: the top level of the grammar; see policy.h and reader.h. */
#include <errno.h>
#include <string.h>

#include "policy/reader.h"
#include "policy/value.h"

const char *policy_section_name(enum policy_section section)
{
	static const char *const names[] = {
		[POLICY_SECTION_NETWORK] = "network", [POLICY_SECTION_LISTEN] = "listen",
		[POLICY_SECTION_UNIX] = "unix",	      [POLICY_SECTION_FILES] = "files",
		[POLICY_SECTION_GUARD] = "guard",
	};

	_Static_assert(ARRAY_SIZE(names) == POLICY_SECTION_COUNT, "a name for every section");
	return names[section];
}

static void version_read(struct reader *reader, const struct yaml *value, void *target)
{
	(void)target;
	if (!field_is(reader, value, YAML_INT, "version: 1") || strcmp(value->text, "1") == 0)
		return;
	report_add(reader->report, &value->place, "version %s of the policy language is not known",
		   value->text);
	report_hint(reader->report, "version: 1");
}

static void name_read(struct reader *reader, const struct yaml *value, void *target)
{
	(void)target;
	reader->head->name_place = value->place;
	if (!field_is(reader, value, YAML_STRING, "the policy's name, as coding-agent"))
		return;
	reader->head->name = value->text;
	if (name_ok(value->text))
		return;
	report_add(reader->report, &value->place, "\"%s\" cannot name a policy", value->text);
	report_hint(reader->report, "a to z, 0 to 9 and '-', not '-' first, at most 63 characters");
}

static void description_read(struct reader *reader, const struct yaml *value, void *target)
{
	(void)target;
	reader->head->description = field_text(reader, value, false, "one line for people");
}

static void expires_read(struct reader *reader, const struct yaml *value, void *target)
{
	const char *text = field_text(reader, value, false,
				      "a time in UTC, as 2026-12-31T00:00:00Z");

	(void)target;
	if (!text || time_parse(text, &reader->head->expires_s) == 0)
		return;
	report_add(reader->report, &value->place, "\"%s\" is not a time in UTC", text);
	report_hint(reader->report,
		    "RFC 3339 with a Z at the end and whole seconds, as 2026-12-31T00:00:00Z");
}

static void mode_read(struct reader *reader, const struct yaml *value, void *target)
{
	static const char *const names[] = {"enforce", "audit"};

	(void)target;
	reader->head->audit_mode = field_choice(reader, value, names, ARRAY_SIZE(names)) == 1;
}

static void identity_read(struct reader *reader, const struct yaml *value, void *target)
{
	struct policy *head = reader->head;
	const struct yaml *entry;
	const char *text;

	(void)target;
	if (!field_is(reader, value, YAML_MAP, "KEY: TEXT pairs, as owner: platform-team"))
		return;
	head->identity = reader_array(reader, yaml_count(value), sizeof(*head->identity));
	for (entry = value->first; entry && head->identity; entry = entry->next) {
		text = field_text(reader, entry, false, "identity values are text");
		if (!text)
			continue;
		if (!entry->key->len) {
			report_add(reader->report, &entry->key->place, "an identity key is empty");
			continue;
		}
		head->identity[head->n_identity++] = (struct policy_pair){
			.key = (char *)entry->key->text,
			.value = (char *)text,
		};
	}
}

static void record_read(struct reader *reader, const struct yaml *value, void *target)
{
	static const char *const names[] = {"network", "execute", "files"};
	static const unsigned int bits[] = {
		WEIR_INSTANCE_RECORD_NETWORK,
		WEIR_INSTANCE_RECORD_EXECUTE,
		WEIR_INSTANCE_RECORD_FILES,
	};
	const struct yaml *item;
	int choice;

	(void)target;
	if (!field_is(reader, value, YAML_LIST, "a list, as [network, execute]"))
		return;
	reader->head->record = 0;
	for (item = value->first; item; item = item->next) {
		choice = field_choice(reader, item, names, ARRAY_SIZE(names));
		if (choice >= 0)
			reader->head->record |= bits[choice];
	}
}

static void when_full_read(struct reader *reader, const struct yaml *value, void *target)
{
	static const char *const names[] = {"deny", "count"};

	(void)target;
	reader->head->when_full_deny = field_choice(reader, value, names, ARRAY_SIZE(names)) != 1;
}

static const struct field audit_fields[] = {
	{"record", record_read, false},
	{"when_full", when_full_read, false},
};

static void audit_read(struct reader *reader, const struct yaml *value, void *target)
{
	if (field_is(reader, value, YAML_MAP, "record and when_full"))
		fields_read(reader, value, "the section audit", audit_fields,
			    ARRAY_SIZE(audit_fields), target);
}

/* parameters and include are read before all else, wherever they stand */
static const struct field policy_fields[] = {
	{"version", version_read, true},
	{"name", name_read, true},
	{"description", description_read, false},
	{"include", NULL, false},
	{"parameters", NULL, false},
	{"expires", expires_read, false},
	{"mode", mode_read, false},
	{"identity", identity_read, false},
	{"network", network_read, false},
	{"files", files_read, false},
	{"guard", guard_read, false},
	{"audit", audit_read, false},
};

static const struct yaml *value_find(const struct yaml *map, const char *key)
{
	const struct yaml *value;

	for (value = map->first; value && strcmp(value->key->text, key) != 0; value = value->next)
		;
	return value;
}

static void head_init(struct policy *head)
{
	head->record = WEIR_INSTANCE_RECORD_NETWORK | WEIR_INSTANCE_RECORD_EXECUTE;
	head->when_full_deny = true;
}

static void parameters_keep(struct reader *reader, const struct params *params)
{
	struct policy *policy = reader->policy;
	size_t i;

	policy->parameters = reader_array(reader, params->n + 1, sizeof(*policy->parameters));
	for (i = 0; i < params->n && policy->parameters; i++) {
		if (!params->list[i].value)
			continue;
		policy->parameters[policy->n_parameters++] = (struct policy_pair){
			.key = (char *)params->list[i].name,
			.value = (char *)params->list[i].value,
		};
	}
}

/* The map at the top, or NULL with an error added. */
static const struct yaml *root_read(struct reader *reader, const struct source *source)
{
	struct place start = {.source = source, .width = 1};
	struct yaml *root = NULL;
	size_t before = report_count(reader->report);

	if (yaml_parse(source, reader->arena, reader->report, &root) < 0) {
		reader->report->error = -ENOMEM;
		return NULL;
	}
	if (root && root->kind == YAML_MAP)
		return root;
	if (report_count(reader->report) > before)
		return NULL;
	if (root && root->kind != YAML_NULL)
		report_add(reader->report, &root->place, "a policy is a map of keys, this is %s",
			   yaml_kind_name(root->kind));
	else
		report_add(reader->report, &start, "the file is empty");
	report_hint(reader->report, "a policy starts with \"version: 1\" and \"name: NAME\"");
	return NULL;
}

void file_read_into(struct reader *reader, const struct source *source, bool included)
{
	struct reader_file file = {.source = source, .parent = reader->file};
	const struct params *params = reader->params, *outer = reader->outer;
	struct policy *head = reader->head;
	const struct yaml *root = root_read(reader, source);
	struct params own = {0};

	if (!root)
		return;
	if (included) {
		reader->head = reader_array(reader, 1, sizeof(*head));
		if (!reader->outer)
			reader->outer = params;
	}
	if (reader->head) {
		head_init(reader->head);
		reader->file = &file;
		params_read(reader, value_find(root, "parameters"), &own);
		reader->params = &own;
		if (!included)
			parameters_keep(reader, &own);
		if (value_find(root, "include"))
			includes_read(reader, value_find(root, "include"));
		fields_read(reader, root, "a policy", policy_fields, ARRAY_SIZE(policy_fields),
			    NULL);
	}
	reader->file = file.parent;
	reader->params = params;
	reader->outer = outer;
	reader->head = head;
}

static struct policy *policy_new(const char *name)
{
	struct policy *policy = calloc(1, sizeof(*policy));
	struct source *source;

	if (!policy)
		return NULL;
	source = arena_alloc(&policy->arena, sizeof(*source));
	policy->sources = source;
	if (source)
		source->name = arena_copy(&policy->arena, name, strlen(name));
	if (!source || !source->name) {
		policy_free(policy);
		return NULL;
	}
	return policy;
}

/* Reads what is loaded into policy->sources; loaded is how that went. */
static int policy_finish(struct policy *policy, int loaded, const struct policy_options *options,
			 struct policy_errors *errors, struct policy **ret)
{
	_cleanup_report_ struct report report = {0};
	struct reader reader = {
		.policy = policy, .head = policy, .arena = &policy->arena, .report = &report,
		.options = options,
	};
	struct place place = {.source = policy->sources};
	int err;

	if (loaded == -ENOMEM)
		return -ENOMEM;
	if (loaded == -EFBIG) {
		report_add(&report, &place, "a policy file may hold 64 MiB, this one is larger");
	} else if (loaded < 0) {
		report_add(&report, &place, "this file cannot be read: %s", strerror(-loaded));
	} else {
		file_read_into(&reader, policy->sources, false);
		whole_check(&reader);
	}
	err = report_flush(&report, errors);
	if (!err)
		*ret = policy;
	return err;
}

int policy_read(const char *path, const struct policy_options *options,
		struct policy_errors *errors, struct policy **ret)
{
	_cleanup_policy_ struct policy *policy = policy_new(path);
	int loaded, err;

	if (!policy)
		return -ENOMEM;
	loaded = source_load(policy->sources, path, &policy->arena);
	err = policy_finish(policy, loaded, options, errors, ret);
	if (!err)
		TAKE_PTR(policy);
	return err;
}

int policy_read_text(const char *name, const char *text, size_t len,
		     const struct policy_options *options, struct policy_errors *errors,
		     struct policy **ret)
{
	_cleanup_policy_ struct policy *policy = policy_new(name);
	int loaded, err;

	if (!policy)
		return -ENOMEM;
	loaded = source_set(policy->sources, text, len, &policy->arena);
	err = policy_finish(policy, loaded, options, errors, ret);
	if (!err)
		TAKE_PTR(policy);
	return err;
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	arena_done(&policy->arena);
	free(policy);
}
