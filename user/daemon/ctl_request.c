// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Requests of the control socket; see ctl.h. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#include "base/escape.h"
#include "daemon/ctl_parts.h"
#include "daemon/enforce.h"
#include "weir/ctl.h"

#define FOR(command) (1u << (command))

static const char *const commands[] = {
	[CTL_STATUS] = "status",
	[CTL_ATTACH] = "attach",
	[CTL_DETACH] = "detach",
	[CTL_RELOAD] = "reload",
	[CTL_GRANT] = "grant",
};
_Static_assert(ARRAY_SIZE(commands) == CTL_COMMAND_COUNT, "every command has its word");

int fail(char **ret_error, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_buf_ struct buf out = {0};
	va_list args;
	int r;

	va_start(args, format);
	r = vasprintf(&text, format, args);
	va_end(args);
	if (r < 0) {
		text = NULL;
		return -ENOMEM;
	}
	escape_add(&out, text, strlen(text));
	if (!buf_string(&out))
		return -ENOMEM;
	*ret_error = TAKE_PTR(out.data);
	return -EINVAL;
}

int text_take(struct reading *reading, const char *key, const json_t *value, char **ret)
{
	if (!json_is_string(value) || !json_string_length(value))
		return fail(reading->ret_error, "\"%s\" must be text, and not empty", key);
	*ret = strdup(json_string_value(value));
	return *ret ? 0 : -ENOMEM;
}

static int target_take(struct reading *reading, enum ctl_target target)
{
	if (reading->request->target != CTL_TARGET_NONE)
		return fail(reading->ret_error,
			    "one of \"cgroup\", \"pid\" and \"unit\" is wanted, not two");
	reading->request->target = target;
	return 0;
}

static int cgroup_take(struct reading *reading, const char *key, const json_t *value)
{
	int r = target_take(reading, CTL_TARGET_CGROUP);

	return r < 0 ? r : text_take(reading, key, value, &reading->request->place);
}

static int unit_take(struct reading *reading, const char *key, const json_t *value)
{
	int r = target_take(reading, CTL_TARGET_UNIT);

	return r < 0 ? r : text_take(reading, key, value, &reading->request->place);
}

static int pid_take(struct reading *reading, const char *key, const json_t *value)
{
	json_int_t pid = json_integer_value(value);
	int r = target_take(reading, CTL_TARGET_PID);

	if (r < 0)
		return r;
	if (!json_is_integer(value) || pid < 1 || pid > INT_MAX)
		return fail(reading->ret_error, "\"%s\" must be the number of a process", key);
	reading->request->pid = (pid_t)pid;
	return 0;
}

static int policy_take(struct reading *reading, const char *key, const json_t *value)
{
	return text_take(reading, key, value, &reading->request->policy);
}

static int pairs_take(struct reading *reading, const char *key, const json_t *value,
		      struct policy_pair **ret, size_t *ret_n)
{
	const char *name;
	json_t *item;
	int r;

	if (!json_is_object(value))
		return fail(reading->ret_error, "\"%s\" must be an object of texts", key);
	*ret = calloc(json_object_size(value) + 1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	json_object_foreach((json_t *)value, name, item) {
		struct policy_pair *pair = &(*ret)[*ret_n];

		if (!*name || !json_is_string(item))
			return fail(reading->ret_error, "\"%s\" must be an object of texts", key);
		pair->key = strdup(name);
		pair->value = strdup(json_string_value(item));
		(*ret_n)++;
		r = pair->key && pair->value ? 0 : -ENOMEM;
		if (r < 0)
			return r;
	}
	return 0;
}

static int set_take(struct reading *reading, const char *key, const json_t *value)
{
	return pairs_take(reading, key, value, &reading->request->set, &reading->request->n_set);
}

static int labels_take(struct reading *reading, const char *key, const json_t *value)
{
	return pairs_take(reading, key, value, &reading->request->labels,
			  &reading->request->n_labels);
}

static int without_take(struct reading *reading, const char *key, const json_t *value)
{
	enum policy_section section;
	const json_t *item;
	size_t i;

	if (!json_is_array(value))
		return fail(reading->ret_error, "\"%s\" must be a list of sections", key);
	json_array_foreach(value, i, item) {
		const char *name = json_string_value(item);

		if (!name || enforce_section_parse(name, &section) < 0)
			return fail(reading->ret_error,
				    "\"%s\" takes files, guard, unix and listen", key);
		reading->request->without |= ENFORCE_BIT(section);
	}
	return 0;
}

static int names_take(struct reading *reading, const char *key, const json_t *value)
{
	struct ctl_request *request = reading->request;
	const json_t *item;
	size_t i;
	int r;

	if (!json_is_array(value))
		return fail(reading->ret_error, "\"%s\" must be a list of names", key);
	request->names = calloc(json_array_size(value) + 1, sizeof(*request->names));
	if (!request->names)
		return -ENOMEM;
	json_array_foreach(value, i, item) {
		r = text_take(reading, key, item, &request->names[i]);
		if (r < 0)
			return r;
		request->n_names++;
	}
	return 0;
}

static int bool_take(struct reading *reading, const char *key, const json_t *value, bool *ret)
{
	if (!json_is_boolean(value))
		return fail(reading->ret_error, "\"%s\" must be true or false", key);
	*ret = json_is_true(value);
	return 0;
}

static int dry_run_take(struct reading *reading, const char *key, const json_t *value)
{
	return bool_take(reading, key, value, &reading->request->dry_run);
}

static int at_exec_take(struct reading *reading, const char *key, const json_t *value)
{
	return bool_take(reading, key, value, &reading->request->at_exec);
}

/* What a request may hold besides "v" and "command", and for which commands. */
static const struct member {
	const char *name;
	unsigned int commands;
	int (*take)(struct reading *reading, const char *key, const json_t *value);
} members[] = {
	{"cgroup", FOR(CTL_ATTACH) | FOR(CTL_DETACH) | FOR(CTL_GRANT), cgroup_take},
	{"unit", FOR(CTL_ATTACH) | FOR(CTL_DETACH), unit_take},
	{"pid", FOR(CTL_ATTACH), pid_take},
	{"policy", FOR(CTL_ATTACH) | FOR(CTL_GRANT), policy_take},
	{"set", FOR(CTL_ATTACH), set_take},
	{"labels", FOR(CTL_ATTACH), labels_take},
	{"without", FOR(CTL_ATTACH), without_take},
	{"at_exec", FOR(CTL_ATTACH), at_exec_take},
	{"names", FOR(CTL_RELOAD), names_take},
	{"dry_run", FOR(CTL_RELOAD), dry_run_take},
	{"allow", FOR(CTL_GRANT), grant_allow_take},
	{"for", FOR(CTL_GRANT), grant_for_take},
	{"once", FOR(CTL_GRANT), grant_once_take},
	{"revoke", FOR(CTL_GRANT), grant_revoke_take},
};

static int member_take(struct reading *reading, const char *key, const json_t *value)
{
	enum ctl_command command = reading->request->command;

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (strcmp(key, members[i].name) == 0 && members[i].commands & FOR(command))
			return members[i].take(reading, key, value);
	return fail(reading->ret_error, "\"%s\" has no \"%s\"", commands[command], key);
}

static int command_take(struct reading *reading, const json_t *root)
{
	const json_t *version = json_object_get(root, "v");
	const json_t *command = json_object_get(root, "command");
	const char *word = json_string_value(command);

	if (!json_is_integer(version))
		return fail(reading->ret_error, "\"v\", the version of the protocol, is missing");
	if (json_integer_value(version) != WEIR_CTL_VERSION)
		return fail(reading->ret_error,
			    "the daemon speaks version %d of the protocol, not %lld",
			    WEIR_CTL_VERSION, (long long)json_integer_value(version));
	if (!word)
		return fail(reading->ret_error, "\"command\" is missing");
	for (int i = 0; i < CTL_COMMAND_COUNT; i++) {
		if (strcmp(word, commands[i]) == 0) {
			reading->request->command = (enum ctl_command)i;
			return 0;
		}
	}
	return fail(reading->ret_error, "there is no command \"%s\"", word);
}

static int whole_check(struct reading *reading)
{
	const struct ctl_request *request = reading->request;
	bool placed = request->command == CTL_ATTACH || request->command == CTL_DETACH;

	if (placed && request->target == CTL_TARGET_NONE)
		return fail(reading->ret_error, "what to %s is missing: \"cgroup\"%s or \"unit\"",
			    commands[request->command],
			    request->command == CTL_ATTACH ? ", \"pid\"" : "");
	if (request->command == CTL_ATTACH && !request->policy)
		return fail(reading->ret_error, "\"policy\" is missing");
	if (request->at_exec && request->target != CTL_TARGET_PID)
		return fail(reading->ret_error, "\"at_exec\" goes with \"pid\"");
	return request->command == CTL_GRANT ? grant_check(reading) : 0;
}

static int root_take(struct reading *reading, json_t *root)
{
	const char *key;
	json_t *value;
	int r;

	if (!json_is_object(root))
		return fail(reading->ret_error, "a request is an object");
	r = command_take(reading, root);
	if (r < 0)
		return r;
	json_object_foreach(root, key, value) {
		if (strcmp(key, "v") != 0 && strcmp(key, "command") != 0)
			r = member_take(reading, key, value);
		if (r < 0)
			return r;
	}
	return whole_check(reading);
}

int ctl_request_parse(const char *text, size_t len, struct ctl_request *ret, char **ret_error)
{
	_cleanup_ctl_request_ struct ctl_request request = {0};
	struct reading reading = {.request = &request, .ret_error = ret_error};
	json_error_t error;
	json_t *root;
	int r;

	if (len > WEIR_CTL_REQUEST_MAX)
		return fail(reading.ret_error, "a request has at most %d bytes",
			    WEIR_CTL_REQUEST_MAX);
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		return fail(reading.ret_error, "this is not JSON: %s", error.text);
	r = root_take(&reading, root);
	json_decref(root);
	if (r < 0)
		return r;
	*ret = request;
	request = (struct ctl_request){0};
	return 0;
}

static json_t *pairs_json(const struct policy_pair *pairs, size_t n)
{
	json_t *object = json_object();

	for (size_t i = 0; i < n; i++) {
		if (json_object_set_new(object, pairs[i].key, json_string(pairs[i].value)) < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *names_json(const struct ctl_request *request)
{
	json_t *list = json_array();

	for (size_t i = 0; i < request->n_names; i++) {
		if (json_array_append_new(list, json_string(request->names[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *target_json(const struct ctl_request *request)
{
	switch (request->target) {
	case CTL_TARGET_PID:
		return json_pack("{s:i}", "pid", (int)request->pid);
	case CTL_TARGET_UNIT:
		return json_pack("{s:s}", "unit", request->place);
	case CTL_TARGET_CGROUP:
		return json_pack("{s:s}", "cgroup", request->place);
	default:
		return json_object();
	}
}

/* Everything that goes with the command. NULL: no memory, or not UTF-8. */
static json_t *request_json(const struct ctl_request *request)
{
	json_t *target = target_json(request), *rest = NULL;

	if (request->command == CTL_ATTACH)
		rest = json_pack("{s:s, s:o, s:o, s:o, s:b}", "policy", request->policy, "set",
				 pairs_json(request->set, request->n_set), "labels",
				 pairs_json(request->labels, request->n_labels), "without",
				 ctl_without_json(request->without), "at_exec",
				 request->at_exec);
	else if (request->command == CTL_RELOAD)
		rest = json_pack("{s:o, s:b}", "names", names_json(request), "dry_run",
				 request->dry_run);
	else if (request->command == CTL_GRANT)
		rest = grant_request_json(request);
	else
		rest = json_object();
	if (!target || !rest || json_object_update(rest, target) < 0) {
		json_decref(rest);
		rest = NULL;
	}
	json_decref(target);
	return rest;
}

int line_add(json_t *object, struct buf *out)
{
	_cleanup_free_ char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	if (!text)
		return -ENOMEM;
	buf_add_string(out, text);
	buf_add_char(out, '\n');
	return out->error;
}

int ctl_request_format(const struct ctl_request *request, struct buf *out)
{
	json_t *object = request_json(request);

	if (!object)
		return -EILSEQ;
	json_object_set_new(object, "v", json_integer(WEIR_CTL_VERSION));
	json_object_set_new(object, "command", json_string(commands[request->command]));
	return line_add(object, out);
}

void ctl_request_done(struct ctl_request *request)
{
	policy_pairs_free(request->set, request->n_set);
	policy_pairs_free(request->labels, request->n_labels);
	for (size_t i = 0; i < request->n_names; i++)
		free(request->names[i]);
	free(request->names);
	for (size_t i = 0; i < request->n_allow; i++)
		free(request->allow[i].text);
	free(request->allow);
	free(request->place);
	free(request->policy);
	*request = (struct ctl_request){0};
}
