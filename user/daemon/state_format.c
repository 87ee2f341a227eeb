// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The daemon's state as text; see state.h. */
#include <errno.h>
#include <string.h>

#include "daemon/ctl.h"
#include "daemon/state.h"
#include "daemon/state_parts.h"

static const char *const modes[] = {
	[CONFIG_MODE_POLICY] = "policy",
	[CONFIG_MODE_ENFORCE] = "enforce",
	[CONFIG_MODE_AUDIT] = "audit",
};

const char *state_mode_name(enum config_mode mode)
{
	return modes[mode];
}

int state_mode_parse(const char *name, enum config_mode *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (strcmp(name, modes[i]) == 0) {
			*ret = (enum config_mode)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* What found no memory is not in it: then there is none at all. */
static json_t *whole(json_t *list, size_t n)
{
	size_t has = json_is_array(list) ? json_array_size(list) : json_object_size(list);

	if (has == n)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *pairs_json(const struct policy_pair *pairs, size_t n)
{
	json_t *object = json_object();

	for (size_t i = 0; i < n; i++)
		json_object_set_new(object, pairs[i].key, ctl_text(pairs[i].value));
	return whole(object, n);
}

static json_t *identity_json(const struct event_pair *pairs, size_t n)
{
	json_t *object = json_object();

	for (size_t i = 0; i < n; i++)
		json_object_set_new(object, pairs[i].key, ctl_text(pairs[i].value));
	return whole(object, n);
}

static json_t *names_json(const char *const *names, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, ctl_text(names[i]));
	return whole(list, n);
}

static json_t *rules_json(const struct event_rules *rules)
{
	return json_pack("{s:o, s:o}", "allow", names_json(rules->allow, rules->n_allow), "deny",
			 names_json(rules->deny, rules->n_deny));
}

static json_t *sections_json(unsigned int without)
{
	json_t *list = json_array();

	for (int section = 0; section < POLICY_SECTION_COUNT; section++)
		if (without & 1u << section)
			json_array_append_new(list, json_string(policy_section_name(section)));
	return list;
}

static json_t *binding_json(const struct state_binding *binding)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:s, s:b, s:b, s:b}", "policy", binding->policy,
			 "set", pairs_json(binding->set, binding->n_set), "labels",
			 pairs_json(binding->labels, binding->n_labels), "without",
			 sections_json(binding->without), "mode", state_mode_name(binding->mode),
			 "configured", binding->configured, "unknown", binding->unknown, "split",
			 binding->split);
}

static json_t *loaded_json(const struct state_version *version)
{
	if (!version->loaded)
		return json_null();
	return json_pack("{s:I, s:o, s:b, s:b, s:I, s:o}", "binding", (json_int_t)version->binding,
			 "file", ctl_text(version->path), "audit", version->audit, "expired",
			 version->expired, "time",
			 (json_int_t)version->loaded_s, "parameters",
			 pairs_json(version->parameters, version->n_parameters));
}

static json_t *grants_json(const struct event_policy *policy)
{
	json_t *list = json_array();

	for (size_t i = 0; i < policy->n_grants; i++)
		json_array_append_new(list, json_pack("{s:I, s:s}", "slot",
						      (json_int_t)policy->grants[i].slot, "name",
						      policy->grants[i].name));
	return whole(list, policy->n_grants);
}

static json_t *version_json(const struct state_version *version)
{
	const struct event_version *shown = &version->shown;
	const struct event_policy *policy = &shown->policy;

	return json_pack("{s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "serial",
			 (json_int_t)version->serial, "name", policy->name, "digest",
			 policy->digest, "network", rules_json(&policy->network), "listen",
			 rules_json(&policy->listen), "unix", rules_json(&policy->unix_sockets),
			 "files", rules_json(&policy->files), "grants", grants_json(policy),
			 "identity", identity_json(shown->identity, shown->n_identity), "without",
			 names_json(shown->without, shown->n_without), "loaded",
			 loaded_json(version));
}

static json_t *scope_json(const struct state_scope *scope)
{
	json_t *attached = scope->attached ?
				   json_pack("{s:I, s:I}", "binding", (json_int_t)scope->binding,
					     "since", (json_int_t)scope->since_s) :
				   json_null();

	return json_pack("{s:I, s:o, s:o}", "cgroup_id", (json_int_t)scope->cgroup_id, "cgroup",
			 ctl_text(scope->cgroup), "attached", attached);
}

static int list_add(json_t *root, const char *name, json_t *list, size_t n)
{
	/* what found no memory is not in its list */
	int r = json_array_size(list) == n ? 0 : -ENOMEM;

	if (json_object_set_new(root, name, list) < 0)
		r = -ENOMEM;
	return r;
}

static int root_fill(const struct state *state, json_t *root)
{
	json_t *bindings = json_array(), *versions = json_array(), *scopes = json_array();
	int r, error;

	for (size_t i = 0; i < state->n_bindings; i++)
		json_array_append_new(bindings, binding_json(&state->bindings[i]));
	for (size_t i = 0; i < state->n_versions; i++)
		json_array_append_new(versions, version_json(&state->versions[i]));
	for (size_t i = 0; i < state->n_scopes; i++)
		json_array_append_new(scopes, scope_json(&state->scopes[i]));
	r = list_add(root, "bindings", bindings, state->n_bindings);
	error = list_add(root, "versions", versions, state->n_versions);
	r = r < 0 ? r : error;
	error = list_add(root, "scopes", scopes, state->n_scopes);
	r = r < 0 ? r : error;
	error = json_object_set(root, "grants", state->grants) < 0 ? -ENOMEM : 0;
	return r < 0 ? r : error;
}

static int text_add(const char *data, size_t len, void *context)
{
	struct buf *out = context;

	buf_add(out, data, len);
	return out->error ? -1 : 0;
}

int state_format(const struct state *state, struct buf *out)
{
	json_t *root = json_pack("{s:i, s:s}", "version", STATE_VERSION, "boot", state->boot);
	int r = root ? root_fill(state, root) : -ENOMEM;

	if (r >= 0 && json_dump_callback(root, text_add, out, JSON_COMPACT) < 0)
		r = -ENOMEM;
	json_decref(root);
	return r;
}
