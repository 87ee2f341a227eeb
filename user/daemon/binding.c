// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Policies as they are attached, and their versions; see binding.h. */
#include "daemon/binding.h"

#include <malloc.h>
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "daemon/agent_scopes.h"
#include "daemon/enforce.h"
#include "daemon/grant.h"
#include "daemon/load.h"
#include "daemon/state.h"

static int pairs_copy(const struct policy_pair *from, size_t n, struct policy_pair **ret,
		      size_t *ret_n)
{
	*ret = calloc(n + 1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	for (*ret_n = 0; *ret_n < n; (*ret_n)++) {
		struct policy_pair *pair = &(*ret)[*ret_n];

		pair->key = strdup(from[*ret_n].key);
		pair->value = strdup(from[*ret_n].value);
		if (!pair->key || !pair->value) {
			free(pair->key);
			free(pair->value);
			return -ENOMEM;
		}
	}
	return 0;
}

static struct binding *binding_new(const char *policy, const struct policy_pair *set, size_t n_set,
				   const struct policy_pair *labels, size_t n_labels)
{
	struct binding *binding = calloc(1, sizeof(*binding));

	if (!binding)
		return NULL;
	binding->policy = strdup(policy);
	if (binding->policy && pairs_copy(set, n_set, &binding->set, &binding->n_set) == 0 &&
	    pairs_copy(labels, n_labels, &binding->labels, &binding->n_labels) == 0)
		return binding;
	binding_free(binding);
	return NULL;
}

struct binding *binding_for_request(const struct ctl_request *request)
{
	struct binding *binding = binding_new(request->policy, request->set, request->n_set,
					      request->labels, request->n_labels);

	if (binding)
		binding->without = request->without;
	return binding;
}

struct binding *binding_for_entry(const struct config_attach *entry)
{
	struct binding *binding = binding_new(entry->policy, entry->set, entry->n_set,
					      entry->labels, entry->n_labels);

	if (!binding)
		return NULL;
	binding->without = entry->without;
	binding->mode = entry->mode;
	binding->entry = entry;
	binding->configured = true;
	return binding;
}

struct binding *binding_for_one(const struct binding *shared)
{
	struct binding *binding = binding_new(shared->policy, shared->set, shared->n_set,
					      shared->labels, shared->n_labels);

	if (!binding)
		return NULL;
	binding->without = shared->without;
	binding->mode = shared->mode;
	binding->entry = shared->entry;
	binding->configured = shared->configured;
	binding->split = true;
	return binding;
}

struct binding *binding_for_state(const struct state_binding *from)
{
	struct binding *binding = binding_new(from->policy, from->set, from->n_set, from->labels,
					      from->n_labels);

	if (!binding)
		return NULL;
	binding->without = from->without;
	binding->mode = from->mode;
	binding->unknown = from->unknown;
	binding->split = from->split;
	binding->configured = from->configured;
	return binding;
}

struct state_binding binding_state(const struct binding *binding)
{
	return (struct state_binding){
		.policy = binding->policy, .set = binding->set, .n_set = binding->n_set,
		.labels = binding->labels, .n_labels = binding->n_labels,
		.without = binding->without, .mode = binding->mode,
		.configured = binding->configured, .unknown = binding->unknown,
		.split = binding->split,
	};
}

static bool pairs_same(const struct policy_pair *a, size_t n_a, const struct policy_pair *b,
		       size_t n_b)
{
	if (n_a != n_b)
		return false;
	for (size_t i = 0; i < n_a; i++)
		if (strcmp(a[i].key, b[i].key) != 0 || strcmp(a[i].value, b[i].value) != 0)
			return false;
	return true;
}

bool binding_alike(const struct state_binding *a, const struct state_binding *b)
{
	return strcmp(a->policy, b->policy) == 0 && a->without == b->without &&
	       a->mode == b->mode && a->unknown == b->unknown &&
	       pairs_same(a->set, a->n_set, b->set, b->n_set) &&
	       pairs_same(a->labels, a->n_labels, b->labels, b->n_labels);
}

bool binding_same(const struct binding *a, const struct binding *b)
{
	const struct state_binding x = binding_state(a), y = binding_state(b);

	return binding_alike(&x, &y);
}

void binding_free(struct binding *binding)
{
	if (!binding)
		return;
	free(binding->policy);
	policy_pairs_free(binding->set, binding->n_set);
	policy_pairs_free(binding->labels, binding->n_labels);
	free(binding);
}

void version_forget(struct version *version)
{
	if (!version)
		return;
	policy_compiled_free(version->compiled);
	policy_outline_free(version->outline);
	policy_pairs_free(version->parameters, version->n_parameters);
	free(version->path);
	free(version->name);
	free(version->digest);
	free(version);
}
DEFINE_CLEANUP(struct version, version_forget);

static void name_say(struct buf *text, const char *before, const char *name, const char *after)
{
	buf_add_string(text, before);
	escape_word_add(text, name, strlen(name));
	buf_printf(text, "%s\n", after);
}

static void slot_note(struct version *version, uint32_t slot)
{
	version->grants[slot / 64] |= 1ull << slot % 64;
}

/* Takes what stays of a compiled policy when its tables are in the kernel. */
static int version_describe(struct version *version, enum config_mode mode)
{
	struct policy_compiled *compiled = version->compiled;

	if (mode == CONFIG_MODE_AUDIT)
		compiled->flags |= WEIR_INSTANCE_AUDIT;
	if (mode == CONFIG_MODE_ENFORCE)
		compiled->flags &= ~(uint32_t)WEIR_INSTANCE_AUDIT;
	version->audit = compiled->flags & WEIR_INSTANCE_AUDIT;
	memcpy(version->unrestricted, compiled->unrestricted, sizeof(version->unrestricted));
	for (size_t i = 0; i < compiled->n_grants; i++)
		slot_note(version, compiled->grants[i].slot);
	version->name = strdup(compiled->name);
	version->digest = strdup(compiled->digest);
	if (!version->name || !version->digest)
		return -ENOMEM;
	return pairs_copy(compiled->parameters, compiled->n_parameters, &version->parameters,
			  &version->n_parameters);
}

static enum ctl_outcome version_check(const struct agent *agent, const struct binding *binding,
				      const struct version *version, struct buf *text)
{
	size_t before = text->len;

	if (journal_labels_check(version->compiled, binding->labels, binding->n_labels) < 0) {
		buf_add_string(text, "a label has a key that the policy's identity has already\n");
		return CTL_REFUSED;
	}
	if (!enforce_check(version->compiled, &agent->kernel, binding->without, text)) {
		name_say(text, "", version->path, ": this policy cannot be enforced here");
		return CTL_UNENFORCEABLE;
	}
	enforce_pending(version->compiled, &agent->kernel, binding->without, text);
	if (text->len > before)
		buf_add_string(text, ": not denied yet by this version\n");
	return CTL_DONE;
}

/* A name, and no file of the caller's choice: the daemon may read more than who asks. */
static bool name_plain(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/') && !strstr(name, ".yaml");
}

enum ctl_outcome version_read(const struct agent *agent, const struct binding *binding,
			      struct buf *text, struct version **ret)
{
	const struct load_folders folders = {agent->config->policies, agent->config->n_policies};
	_cleanup_(cleanup_version_forget) struct version *version = calloc(1, sizeof(*version));
	_cleanup_free_ struct policy_grant *grants = NULL;
	size_t n_grants = 0;
	enum ctl_outcome outcome;
	int r = -ENOENT;

	if (!version)
		r = -ENOMEM;
	else if (name_plain(binding->policy))
		r = load_find(&folders, binding->policy, &version->path);
	if (r == -ENOENT)
		name_say(text, "there is no policy ", binding->policy,
			 " in the daemon's folders of policies");
	if (r >= 0)
		r = grants_for(agent, binding, &grants, &n_grants);
	if (r >= 0)
		r = load_file(&folders, version->path, binding->set, binding->n_set, grants,
			      n_grants, text, &version->compiled, &version->outline);
	if (r >= 0)
		r = version_describe(version, binding->mode);
	if (r == -ENOMEM)
		buf_printf(text, "%s\n", strerror(ENOMEM));
	if (r < 0)
		return CTL_REFUSED;
	outcome = version_check(agent, binding, version, text);
	if (outcome == CTL_DONE)
		*ret = TAKE_PTR(version);
	return outcome;
}

struct version *version_for_state(const struct kern_scope *scope, const struct state_version *from)
{
	static const struct state_version unknown = {
		.path = "",
		.shown.policy = {.name = VERSION_UNKNOWN, .digest = VERSION_UNKNOWN_DIGEST},
	};
	_cleanup_(cleanup_version_forget) struct version *version = calloc(1, sizeof(*version));

	if (!from)
		from = &unknown;
	if (!version)
		return NULL;
	version->path = strdup(from->path);
	version->name = strdup(from->shown.policy.name);
	version->digest = strdup(from->shown.policy.digest);
	version->audit = from->audit;
	version->expired = from->expired;
	version->loaded_s = from->loaded_s;
	for (size_t i = 0; i < from->shown.policy.n_grants; i++)
		slot_note(version, from->shown.policy.grants[i].slot);
	version->instance = scope->instance;
	version->serial = scope->serial;
	if (!version->path || !version->name || !version->digest ||
	    pairs_copy(from->parameters, from->n_parameters, &version->parameters,
		       &version->n_parameters) < 0)
		return NULL;
	return TAKE_PTR(version);
}

void version_learn(struct version *version, struct version *from)
{
	version->outline = TAKE_PTR(from->outline);
	memcpy(version->unrestricted, from->unrestricted, sizeof(version->unrestricted));
}

int version_load(struct agent *agent, const struct binding *binding, struct version *version)
{
	int r;

	r = kern_instance_load(agent->kern, version->compiled, enforce_flags(binding->without),
			       &version->instance, &version->serial);
	if (r < 0)
		return r;
	r = journal_version_add(&agent->journal, version->serial, version->compiled,
				binding->labels, binding->n_labels, binding->without);
	if (r < 0) {
		kern_instance_free(agent->kern, version->instance);
		version->instance = 0;
		return r;
	}
	version->expires_ns = kern_instance_expires(agent->kern, version->instance);
	version->loaded_s = time(NULL);
	policy_compiled_free(TAKE_PTR(version->compiled));
	malloc_trim(0);
	return 0;
}

struct event_pair *version_parameters(const struct version *version)
{
	struct event_pair *pairs = calloc(version->n_parameters + 1, sizeof(*pairs));

	for (size_t i = 0; pairs && i < version->n_parameters; i++)
		pairs[i] = (struct event_pair){version->parameters[i].key,
					       version->parameters[i].value};
	return pairs;
}

void version_record(struct agent *agent, const struct version *version)
{
	_cleanup_free_ struct event_pair *parameters = version_parameters(version);
	struct event_self self = {
		.type = EVENT_SELF_POLICY_LOAD,
		.mode = version->audit ? "audit" : "enforce",
		.file = version->path,
		.parameters = parameters,
		.n_parameters = parameters ? version->n_parameters : 0,
	};

	agent_post(agent, &self, version->serial);
}

/* Out of the kernel, and out of what records need. 0, or negative errno: it is still there. */
static int version_unload(struct agent *agent, struct version *version)
{
	int r = version->instance ? kern_instance_free(agent->kern, version->instance) : 0;

	if (r >= 0 && version->instance)
		journal_version_retire(&agent->journal, version->serial);
	return r;
}

void version_drop(struct agent *agent, struct version *version)
{
	if (!version)
		return;
	if (version_unload(agent, version) < 0) {
		version->next = agent->leaving;
		agent->leaving = version;
		return;
	}
	version_forget(version);
}

void versions_sweep(struct agent *agent)
{
	struct version *version = TAKE_PTR(agent->leaving), *next;

	for (; version; version = next) {
		next = version->next;
		version_drop(agent, version);
	}
}
