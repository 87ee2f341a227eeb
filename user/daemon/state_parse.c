// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The daemon's state read back; see state.h. The text is root's and was written by
 * weir, and is read as if it were not: what does not fit is refused as a whole.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/enforce.h"
#include "daemon/state.h"
#include "daemon/state_parts.h"

struct parse {
	struct state *state;
	json_error_t error;
};

static int fail(struct parse *parse, const char *what)
{
	snprintf(parse->error.text, sizeof(parse->error.text), "%s", what);
	return -EINVAL;
}

static int array_alloc(struct parse *parse, size_t n, size_t size, void *ret)
{
	void *list = arena_array(&parse->state->arena, n + 1, size);

	memcpy(ret, &list, sizeof(list));
	return list ? 0 : -ENOMEM;
}

/* An object of strings. */
static int pairs_parse(struct parse *parse, json_t *object, struct policy_pair **ret, size_t *ret_n)
{
	const char *key;
	json_t *value;
	size_t n = 0;
	int r = array_alloc(parse, json_object_size(object), sizeof(**ret), ret);

	if (r < 0)
		return r;
	json_object_foreach(object, key, value) {
		if (!json_is_string(value))
			return fail(parse, "a value is no text");
		(*ret)[n++] = (struct policy_pair){(char *)key, (char *)json_string_value(value)};
	}
	*ret_n = n;
	return json_is_object(object) ? 0 : fail(parse, "not an object of texts");
}

static int identity_parse(struct parse *parse, json_t *object, struct event_version *ret)
{
	struct policy_pair *pairs;
	struct event_pair *identity;
	size_t n;
	int r = pairs_parse(parse, object, &pairs, &n);

	if (r >= 0)
		r = array_alloc(parse, n, sizeof(*identity), &identity);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		identity[i] = (struct event_pair){pairs[i].key, pairs[i].value};
	ret->identity = identity;
	ret->n_identity = n;
	return 0;
}

static int names_parse(struct parse *parse, json_t *list, const char *const **ret, size_t *ret_n)
{
	const char **names;
	json_t *name;
	size_t i;
	int r = array_alloc(parse, json_array_size(list), sizeof(*names), &names);

	if (r < 0)
		return r;
	if (!json_is_array(list))
		return fail(parse, "not a list of texts");
	json_array_foreach(list, i, name) {
		names[i] = json_string_value(name);
		if (!names[i])
			return fail(parse, "a name is no text");
	}
	*ret = names;
	*ret_n = json_array_size(list);
	return 0;
}

static int rules_parse(struct parse *parse, json_t *object, struct event_rules *ret)
{
	json_t *allow, *deny;
	int r;

	if (json_unpack_ex(object, &parse->error, JSON_STRICT, "{s:o, s:o}", "allow", &allow,
			   "deny", &deny) < 0)
		return -EINVAL;
	r = names_parse(parse, allow, &ret->allow, &ret->n_allow);
	return r < 0 ? r : names_parse(parse, deny, &ret->deny, &ret->n_deny);
}

static int without_parse(struct parse *parse, json_t *list, unsigned int *ret)
{
	const char *const *names;
	enum policy_section section;
	size_t n;
	int r = names_parse(parse, list, &names, &n);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (enforce_section_parse(names[i], &section) < 0)
			return fail(parse, "a section that cannot be given up");
		*ret |= ENFORCE_BIT(section);
	}
	return 0;
}

static int binding_parse(struct parse *parse, json_t *json, void *item)
{
	struct state_binding *binding = item;
	json_t *set, *labels, *without;
	int configured, unknown, split, r;
	const char *mode;

	if (json_unpack_ex(json, &parse->error, JSON_STRICT,
			   "{s:s, s:o, s:o, s:o, s:s, s:b, s:b, s:b}", "policy", &binding->policy,
			   "set", &set, "labels", &labels, "without", &without, "mode", &mode,
			   "configured", &configured, "unknown", &unknown, "split", &split) < 0)
		return -EINVAL;
	binding->configured = configured;
	binding->unknown = unknown;
	binding->split = split;
	r = state_mode_parse(mode, &binding->mode);
	if (r < 0)
		return fail(parse, "a mode that is none");
	r = pairs_parse(parse, set, &binding->set, &binding->n_set);
	if (r >= 0)
		r = pairs_parse(parse, labels, &binding->labels, &binding->n_labels);
	return r < 0 ? r : without_parse(parse, without, &binding->without);
}

static int index_check(struct parse *parse, json_int_t index, size_t *ret)
{
	if (index < 0 || (size_t)index >= parse->state->n_bindings)
		return fail(parse, "a binding that is not there");
	*ret = (size_t)index;
	return 0;
}

static int loaded_parse(struct parse *parse, json_t *json, struct state_version *version)
{
	json_int_t binding, time;
	json_t *parameters;
	int audit, expired, r;

	if (json_is_null(json))
		return 0;
	if (json_unpack_ex(json, &parse->error, JSON_STRICT, "{s:I, s:s, s:b, s:b, s:I, s:o}",
			   "binding", &binding, "file", &version->path, "audit", &audit, "expired",
			   &expired, "time",
			   &time, "parameters", &parameters) < 0)
		return -EINVAL;
	version->loaded = true;
	version->audit = audit;
	version->expired = expired;
	version->loaded_s = time;
	r = index_check(parse, binding, &version->binding);
	return r < 0 ? r : pairs_parse(parse, parameters, &version->parameters,
				       &version->n_parameters);
}

/* What records call the rules of grants. */
static int grants_parse(struct parse *parse, json_t *list, struct event_policy *ret)
{
	struct event_grant *grants;
	json_t *json;
	size_t i;
	int r;

	if (!json_is_array(list))
		return fail(parse, "not a list");
	r = array_alloc(parse, json_array_size(list), sizeof(*grants), &grants);
	if (r < 0)
		return r;
	json_array_foreach(list, i, json) {
		json_int_t slot;

		if (json_unpack_ex(json, &parse->error, JSON_STRICT, "{s:I, s:s}", "slot", &slot,
				   "name", &grants[i].name) < 0)
			return -EINVAL;
		if (slot < 0 || slot >= WEIR_GRANTS_MAX)
			return fail(parse, "a slot that is not there");
		grants[i].slot = (uint32_t)slot;
	}
	ret->grants = grants;
	ret->n_grants = json_array_size(list);
	return 0;
}

static int version_parse(struct parse *parse, json_t *json, void *item)
{
	json_t *network, *listen, *unix_sockets, *files, *grants, *identity, *without, *loaded;
	struct state_version *version = item;
	struct event_version *shown = &version->shown;
	json_int_t serial;
	int r;

	if (json_unpack_ex(json, &parse->error, JSON_STRICT,
			   "{s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "serial",
			   &serial, "name", &shown->policy.name, "digest", &shown->policy.digest,
			   "network", &network, "listen", &listen, "unix", &unix_sockets, "files",
			   &files, "grants", &grants, "identity", &identity, "without", &without,
			   "loaded", &loaded) < 0)
		return -EINVAL;
	version->serial = (uint64_t)serial;
	r = rules_parse(parse, network, &shown->policy.network);
	if (r >= 0)
		r = rules_parse(parse, listen, &shown->policy.listen);
	if (r >= 0)
		r = rules_parse(parse, unix_sockets, &shown->policy.unix_sockets);
	if (r >= 0)
		r = rules_parse(parse, files, &shown->policy.files);
	if (r >= 0)
		r = grants_parse(parse, grants, &shown->policy);
	if (r >= 0)
		r = identity_parse(parse, identity, shown);
	if (r >= 0)
		r = names_parse(parse, without, &shown->without, &shown->n_without);
	return r < 0 ? r : loaded_parse(parse, loaded, version);
}

static int scope_parse(struct parse *parse, json_t *json, void *item)
{
	struct state_scope *scope = item;
	json_int_t id, binding, since;
	json_t *attached;

	if (json_unpack_ex(json, &parse->error, JSON_STRICT, "{s:I, s:s, s:o}", "cgroup_id", &id,
			   "cgroup", &scope->cgroup, "attached", &attached) < 0)
		return -EINVAL;
	scope->cgroup_id = (uint64_t)id;
	if (*scope->cgroup != '/')
		return fail(parse, "a path of a cgroup that is none");
	if (json_is_null(attached))
		return 0;
	if (json_unpack_ex(attached, &parse->error, JSON_STRICT, "{s:I, s:I}", "binding", &binding,
			   "since", &since) < 0)
		return -EINVAL;
	scope->attached = true;
	scope->since_s = since;
	return index_check(parse, binding, &scope->binding);
}

typedef int (*item_fn)(struct parse *parse, json_t *json, void *item);

static int list_parse(struct parse *parse, json_t *list, size_t size, item_fn item, void *ret,
		      size_t *ret_n)
{
	char *items;
	json_t *json;
	size_t i;
	int r;

	if (!json_is_array(list))
		return fail(parse, "not a list");
	r = array_alloc(parse, json_array_size(list), size, &items);
	json_array_foreach(list, i, json) {
		if (r >= 0)
			r = item(parse, json, items + i * size);
	}
	memcpy(ret, &items, sizeof(items));
	*ret_n = json_array_size(list);
	return r;
}

static int root_parse(struct parse *parse)
{
	struct state *state = parse->state;
	json_t *bindings, *versions, *scopes;
	const char *boot;
	int version, r;

	if (json_unpack_ex(state->root, &parse->error, 0, "{s:i}", "version", &version) < 0)
		return -EINVAL;
	if (version != STATE_VERSION)
		return fail(parse, "it is of another version of weir");
	if (json_unpack_ex(state->root, &parse->error, JSON_STRICT,
			   "{s:i, s:s, s:o, s:o, s:o, s:o}", "version", &version, "boot", &boot,
			   "bindings", &bindings, "versions", &versions, "scopes", &scopes,
			   "grants", &state->grants) < 0)
		return -EINVAL;
	snprintf(state->boot, sizeof(state->boot), "%s", boot);
	r = list_parse(parse, bindings, sizeof(*state->bindings), binding_parse, &state->bindings,
		       &state->n_bindings);
	if (r >= 0)
		r = list_parse(parse, versions, sizeof(*state->versions), version_parse,
			       &state->versions, &state->n_versions);
	return r < 0 ? r : list_parse(parse, scopes, sizeof(*state->scopes), scope_parse,
				      &state->scopes, &state->n_scopes);
}

int state_parse(const char *text, size_t len, struct state *ret, char **ret_error)
{
	_cleanup_state_ struct state state = {0};
	struct parse parse = {.state = &state};
	int r;

	state.root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &parse.error);
	r = state.root ? root_parse(&parse) : -EINVAL;
	if (r == -EINVAL && ret_error && !(*ret_error = strdup(parse.error.text)))
		return -ENOMEM;
	if (r < 0)
		return r;
	*ret = state;
	state = (struct state){0};
	return 0;
}

void state_done(struct state *state)
{
	arena_done(&state->arena);
	json_decref(state->root);
	*state = (struct state){0};
}
