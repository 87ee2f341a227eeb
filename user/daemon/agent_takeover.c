// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Taking over what a daemon before has left in force; see agent_takeover.h. */
#include "daemon/agent_takeover.h"

#include <string.h>

#include "base/log.h"
#include "daemon/agent_control.h"
#include "daemon/agent_grant.h"
#include "daemon/agent_keep.h"
#include "daemon/agent_look.h"
#include "daemon/agent_scopes.h"
#include "daemon/agent_select.h"
#include "kern/select.h"

/* Nothing that was written down is worth more than that what is confined stays so. */
static int state_open(struct state *ret)
{
	_cleanup_free_ char *error = NULL;
	char boot[STATE_BOOT_LEN + 1];
	int r = state_read(KEEP_STATE, ret, &error);

	if (r == -ENOMEM)
		return r;
	if (r == -EINVAL)
		log_error("%s is damaged: %s; what is confined stays confined, and is listed as "
			  "far as it is known", KEEP_STATE, error ? error : "?");
	if (r < 0)
		return 0;
	/* serials and cgroup ids of another boot mean something else */
	if (state_boot(boot) < 0 || strcmp(boot, ret->boot) != 0)
		state_done(ret);
	return 0;
}

static const struct state_version *version_of(const struct state *state, uint64_t serial)
{
	for (size_t i = 0; i < state->n_versions; i++)
		if (state->versions[i].serial == serial)
			return &state->versions[i];
	return NULL;
}

static const struct state_scope *scope_of(const struct state *state, uint64_t cgroup_id)
{
	for (size_t i = 0; i < state->n_scopes; i++)
		if (state->scopes[i].cgroup_id == cgroup_id)
			return &state->scopes[i];
	return NULL;
}

/* For the records that wait. */
static int names_take(struct agent *agent, const struct state *state)
{
	int r = 0;

	for (size_t i = 0; i < state->n_versions && r >= 0; i++)
		r = journal_version_take(&agent->journal, state->versions[i].serial,
					 &state->versions[i].shown);
	for (size_t i = 0; i < state->n_scopes && r >= 0; i++)
		r = journal_scope_add(&agent->journal, state->scopes[i].cgroup_id,
				      state->scopes[i].cgroup);
	return r;
}

static struct binding *binding_unknown(struct agent *agent, uint64_t serial)
{
	static const struct state_binding unknown = {.policy = VERSION_UNKNOWN, .unknown = true};
	struct binding *binding;

	for (binding = agent->bindings; binding; binding = binding->next)
		if (binding->unknown && binding->version->serial == serial)
			return binding;
	binding = binding_for_state(&unknown);
	if (binding)
		binding_add(agent, binding);
	return binding;
}

/* What a scope in the kernel was attached as, as far as it was written down. */
static struct binding *binding_of(struct agent *agent, struct takeover *takeover,
				  const struct kern_scope *scope)
{
	const struct state_version *version = version_of(&takeover->state, scope->serial);
	const struct state_scope *noted = scope_of(&takeover->state, scope->cgroup_id);
	size_t index;

	if (!version || !version->loaded)
		return binding_unknown(agent, scope->serial);
	/* the kernel is right, unless one scope was about to be set apart from others like it */
	index = version->binding;
	if (noted && noted->attached &&
	    binding_alike(&takeover->state.bindings[noted->binding],
			  &takeover->state.bindings[index]))
		index = noted->binding;
	if (takeover->bindings[index])
		return takeover->bindings[index];
	takeover->bindings[index] = binding_for_state(&takeover->state.bindings[index]);
	if (takeover->bindings[index])
		binding_add(agent, takeover->bindings[index]);
	return takeover->bindings[index];
}

/* The daemon may have ended while it switched scopes: the newest version is the binding's. */
static int version_adopt(struct agent *agent, const struct takeover *takeover,
			 const struct kern_scope *scope, struct binding *binding)
{
	const struct state_version *from = version_of(&takeover->state, scope->serial);
	const struct event_version unknown = {
		.policy = {.name = VERSION_UNKNOWN, .digest = VERSION_UNKNOWN_DIGEST},
	};
	struct version *version;

	if (binding->version && binding->version->serial >= scope->serial)
		return 0;
	version = version_for_state(scope, from && from->loaded ? from : NULL);
	if (!version)
		return -ENOMEM;
	version->expires_ns = kern_instance_expires(agent->kern, version->instance);
	version_forget(binding->version);
	binding->version = version;
	return from ? 0 : journal_version_take(&agent->journal, scope->serial, &unknown);
}

static int adopt_one(struct agent *agent, struct takeover *takeover, const struct kern_scope *in)
{
	const struct state_scope *noted = scope_of(&takeover->state, in->cgroup_id);
	_cleanup_free_ char *path = NULL;
	char selected[WEIR_SELECTED_PATH_MAX];
	struct scope scope = {.cgroup_id = in->cgroup_id, .handle = in->scope};
	bool whole = true;	/* if not, it is asked again */
	int r;

	if (scope_find(agent, in->cgroup_id))
		return 0;
	scope.binding = binding_of(agent, takeover, in);
	if (!scope.binding)
		return -ENOMEM;
	r = version_adopt(agent, takeover, in, scope.binding);
	if (r < 0)
		return r;
	r = cgroup_path_of(in->cgroup_id, &path);
	if (r < 0 && r != -ESTALE)
		return r;
	if (kern_selected_path(agent->kern, in->cgroup_id, selected) < 0)
		strcpy(selected, "/?");
	if (!path && !(path = strdup(noted ? noted->cgroup : selected)))
		return -ENOMEM;
	scope.path = path;
	/*
	 * By its id one that is about to appear is as little found as one that has ended, and
	 * must not be freed. Looking for its path waits for who makes it.
	 */
	scope.gone = r == -ESTALE && cgroup_is_gone(agent, &scope, &whole);
	/* one that a selector has made with nobody there is news */
	scope.told = noted && noted->attached;
	if (scope.told)
		scope.since_s = noted->since_s;
	return scope_adopt(agent, &scope);
}

/* Scopes that were not switched yet; then versions nobody is under any more can go. */
static void versions_settle(struct agent *agent)
{
	uint64_t known[WEIR_INSTANCES_MAX / 64] = {0};

	for (const struct scope *scope = agent->scopes; scope; scope = scope->next)
		kern_scope_point(agent->kern, scope->handle, scope->binding->version->instance);
	for (const struct binding *binding = agent->bindings; binding; binding = binding->next)
		if (binding->version)
			known[binding->version->instance / 64] |=
				1ull << binding->version->instance % 64;
	kern_instances_tidy(agent->kern, known);
}

/* What records may name that are not made any more. */
static void names_settle(struct agent *agent, const struct state *state)
{
	for (size_t i = 0; i < state->n_versions; i++) {
		const struct binding *binding = agent->bindings;

		while (binding && !(binding->version &&
				    binding->version->serial == state->versions[i].serial))
			binding = binding->next;
		if (!binding)
			journal_version_retire(&agent->journal, state->versions[i].serial);
	}
	for (size_t i = 0; i < state->n_scopes; i++)
		if (!scope_find(agent, state->scopes[i].cgroup_id))
			journal_scope_retire(&agent->journal, state->scopes[i].cgroup_id);
}

/* Those in the kernel that are not known yet. */
static int scopes_adopt(struct agent *agent, struct takeover *takeover)
{
	_cleanup_free_ struct kern_scope *scopes = NULL;
	size_t n = 0;
	int r = kern_scopes(agent->kern, &scopes, &n);

	for (size_t i = 0; i < n && r >= 0; i++)
		r = adopt_one(agent, takeover, &scopes[i]);
	if (r >= 0)
		versions_settle(agent);
	return r;
}

/* Was it made for an entry like this one? */
static bool entry_like(const struct binding *found, const struct binding *fresh)
{
	return found && !found->entry && found->configured && binding_same(found, fresh);
}

/* Cgroups of an entry that had grants of their own: they are found by where they are. */
static void splits_recognise(struct agent *agent, const struct binding *fresh)
{
	for (const struct scope *scope = agent->scopes; scope; scope = scope->next)
		if (scope->binding->split && entry_like(scope->binding, fresh) &&
		    select_covers(fresh->entry, scope->path))
			scope->binding->entry = fresh->entry;
}

/* An entry of the configuration that is in force as it is: what was found takes its place. */
static void entry_recognise(struct agent *agent, const struct takeover *takeover,
			    struct binding **at)
{
	struct binding *fresh = *at;

	splits_recognise(agent, fresh);
	for (size_t i = 0; i < takeover->state.n_bindings; i++) {
		struct binding *found = takeover->bindings[i], **from = &agent->bindings;

		if (!entry_like(found, fresh) || found->split)
			continue;
		while (*from != found)
			from = &(*from)->next;
		*from = found->next;
		found->entry = fresh->entry;
		found->next = fresh->next;
		*at = found;
		binding_free(fresh);
		return;
	}
}

static int grants_take(struct agent *agent, const json_t *grants)
{
	int r = grants ? grants_from_json(agent, grants) : 0;

	if (r != -EBADMSG)
		return r;
	log_error("%s is damaged: its grants cannot be read, and end", KEEP_STATE);
	return 0;
}

static int failed(int error)
{
	log_error("cannot take over what the daemon before has left: %s", strerror(-error));
	return error;
}

int takeover_begin(struct agent *agent, struct takeover *ret)
{
	int r;

	if (!kern_taken(agent->kern)) {
		agent->adopted = true;
		return 0;
	}
	r = state_open(&ret->state);
	ret->bindings = r < 0 ? NULL : calloc(ret->state.n_bindings + 1, sizeof(*ret->bindings));
	if (!ret->bindings)
		r = -ENOMEM;
	if (r >= 0)
		r = grants_take(agent, ret->state.grants);
	if (r >= 0)
		r = names_take(agent, &ret->state);
	if (r >= 0)
		r = scopes_adopt(agent, ret);
	if (r >= 0)
		grants_adopt(agent);
	/* the daemon may have ended before it had been with all that runs there */
	if (r >= 0 && agent->scopes)
		r = kern_scope_occupied(agent->kern);
	/* nobody has done that while no daemon was there: see seed_renew() */
	kern_reseed(agent->kern);
	if (r < 0)
		return failed(r);
	agent->adopted = true;
	for (struct binding **at = &agent->bindings; *at; at = &(*at)->next)
		if ((*at)->entry && !(*at)->version)
			entry_recognise(agent, ret, at);
	log_notice("took over from a daemon before; %zu cgroups stay confined", agent->n_scopes);
	return 0;
}

/* As the configuration is now, unless a command has attached it. */
static void scope_settle(struct agent *agent, struct scope *scope)
{
	struct binding *wanted = select_binding(agent, scope->path);
	bool configured = scope->binding->configured;

	if (wanted == scope->binding || (!configured && !scope->binding->unknown))
		return;
	if (wanted && scope->binding->split && scope->binding->entry == wanted->entry)
		return;
	if (wanted) {
		log_notice("%s is under policy %s now", scope->path, wanted->version->name);
		scope_move(agent, scope, wanted);
	} else if (configured) {
		log_notice("%s is not configured any more, and free now", scope->path);
		scope_lift(agent, scope, "the configuration does not ask for it any more");
	} else {
		log_warning("%s is confined, and it is not known by which policy; \"weir detach\" "
			    "frees it", scope->path);
	}
}

static void policies_renew(struct agent *agent)
{
	const struct ctl_request request = {.command = CTL_RELOAD};
	struct answer answer = {0};

	control_reload(agent, &request, &answer);
	if (answer.outcome != CTL_DONE) {
		log_error("policies cannot be used; those in force stay");
		log_lines(&answer.text);
	}
	json_decref(answer.result);
	buf_done(&answer.text);
}

void takeover_settle(struct agent *agent)
{
	struct scope *scope, *next;

	/* what scopes are moved to is written down first; on failure they stay as they are */
	if (!agent->unsettled || !agent->armed || keep_save(agent, NULL) < 0)
		return;
	agent->unsettled = false;
	for (scope = agent->scopes; scope; scope = next) {
		next = scope->next;
		scope_settle(agent, scope);
	}
	policies_renew(agent);
}

int takeover_finish(struct agent *agent, struct takeover *takeover)
{
	int r;

	if (!kern_taken(agent->kern))
		return 0;
	r = scopes_adopt(agent, takeover);
	if (r < 0)
		return failed(r);
	scopes_tell(agent);
	agent->unsettled = true;
	takeover_settle(agent);
	names_settle(agent, &takeover->state);
	return 0;
}

void takeover_done(struct takeover *takeover)
{
	free(takeover->bindings);
	state_done(&takeover->state);
}
