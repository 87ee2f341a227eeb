// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The daemon's state and position; see agent_keep.h. */
#include "daemon/agent_keep.h"

#include <string.h>

#include "audit/position.h"
#include "base/log.h"
#include "daemon/agent_scopes.h"
#include "daemon/grant.h"
#include "daemon/state.h"

#define KEEP_EVERY_MS 1000

/* A state in the making. Memory that cannot be had is told in the end. */
struct making {
	const struct agent *agent;
	struct state state;
	const struct binding **bindings;	/* as state.bindings */
	int error;
};

/* Room for one more at the end of a list. NULL: no memory. */
static void *list_grow(struct making *making, void *list, size_t n, size_t size)
{
	void *grown = reallocarray(list, n + 1, size);

	if (!grown)
		making->error = -ENOMEM;
	return grown;
}

static size_t binding_index(struct making *making, const struct binding *binding)
{
	size_t i = 0;

	while (i < making->state.n_bindings && making->bindings[i] != binding)
		i++;
	return i;
}

static void binding_put(struct making *making, const struct binding *binding)
{
	struct state *state = &making->state;
	size_t n = state->n_bindings;
	const struct binding **bindings;
	struct state_binding *list;

	if (binding_index(making, binding) < n)
		return;
	bindings = list_grow(making, making->bindings, n, sizeof(*bindings));
	making->bindings = bindings ? bindings : making->bindings;
	list = list_grow(making, state->bindings, n, sizeof(*list));
	state->bindings = list ? list : state->bindings;
	if (!bindings || !list)
		return;
	bindings[n] = binding;
	list[n] = binding_state(binding);
	state->n_bindings++;
}

/* In force, or about to be, under one of the bindings. */
static const struct version *version_find(const struct making *making, uint64_t serial,
					  size_t *ret_binding)
{
	for (size_t i = 0; i < making->state.n_bindings; i++) {
		const struct binding *binding = making->bindings[i];

		*ret_binding = i;
		if (binding->coming && binding->coming->serial == serial)
			return binding->coming;
		if (binding->version && binding->version->serial == serial)
			return binding->version;
	}
	return NULL;
}

static void version_put(void *context, uint64_t serial, const struct event_version *shown)
{
	struct making *making = context;
	struct state *state = &making->state;
	size_t binding = 0;
	const struct version *version = version_find(making, serial, &binding);
	struct state_version *list =
		list_grow(making, state->versions, state->n_versions, sizeof(*list));

	if (!list)
		return;
	state->versions = list;
	list[state->n_versions] = (struct state_version){.serial = serial, .shown = *shown};
	if (version) {
		list[state->n_versions].loaded = true;
		list[state->n_versions].binding = binding;
		list[state->n_versions].path = version->path;
		list[state->n_versions].audit = version->audit;
		list[state->n_versions].expired = version->expired;
		list[state->n_versions].loaded_s = version->loaded_s;
		list[state->n_versions].parameters = version->parameters;
		list[state->n_versions].n_parameters = version->n_parameters;
	}
	state->n_versions++;
}

static void scope_put(void *context, uint64_t cgroup_id, const char *cgroup)
{
	struct making *making = context;
	struct state *state = &making->state;
	const struct scope *scope = scope_find(making->agent, cgroup_id);
	struct state_scope *list =
		list_grow(making, state->scopes, state->n_scopes, sizeof(*list));

	if (!list)
		return;
	state->scopes = list;
	list[state->n_scopes] = (struct state_scope){.cgroup_id = cgroup_id, .cgroup = cgroup};
	if (scope && scope->told) {
		list[state->n_scopes].attached = true;
		list[state->n_scopes].binding = binding_index(making, scope->binding);
		list[state->n_scopes].since_s = scope->since_s;
	}
	state->n_scopes++;
}

/* The journal is held: what it knows is borrowed. */
static int state_make(struct making *making, const struct event_table *table, struct buf *out)
{
	const struct event_table_calls calls = {version_put, scope_put, making};

	for (const struct binding *binding = making->agent->bindings; binding;
	     binding = binding->next)
		binding_put(making, binding);
	for (const struct scope *scope = making->agent->scopes; scope; scope = scope->next)
		binding_put(making, scope->binding);
	event_table_each(table, &calls);
	making->state.grants = grants_to_json(making->agent);
	if (!making->state.grants)
		making->error = -ENOMEM;
	return making->error < 0 ? making->error : state_format(&making->state, out);
}

int keep_save(struct agent *agent, struct buf *text)
{
	struct making making = {.agent = agent};
	_cleanup_buf_ struct buf out = {0};
	int r = state_boot(making.state.boot);

	if (r >= 0) {
		r = state_make(&making, journal_hold(&agent->journal), &out);
		journal_release(&agent->journal);
	}
	if (r >= 0)
		r = state_write(KEEP_STATE, &out);
	free(making.bindings);
	free(making.state.bindings);
	free(making.state.versions);
	free(making.state.scopes);
	json_decref(making.state.grants);
	if (r >= 0) {
		agent->changed = false;
		return 0;
	}
	if (text)
		buf_printf(text, "cannot write %s: %s\n", KEEP_STATE, strerror(-r));
	else
		log_error("cannot write %s: %s", KEEP_STATE, strerror(-r));
	return -ECANCELED;
}

/* Of this boot and these rings, or it means nothing. */
static int position_key(struct agent *agent, uint64_t ret[2])
{
	char boot[STATE_BOOT_LEN + 1];
	struct kern_rings rings;
	int r = state_boot(boot);

	if (r >= 0)
		r = kern_rings(agent->kern, &rings);
	if (r < 0)
		return r;
	memcpy(&ret[0], boot, sizeof(ret[0]));
	ret[1] = (uint64_t)rings.deny << 32 | rings.allow;
	return 0;
}

int keep_open(struct agent *agent)
{
	uint64_t key[2], touched, now = journal_now();
	int r = position_key(agent, key);

	if (r >= 0)
		r = position_open(KEEP_POSITION, key, &agent->position);
	if (r < 0) {
		log_error("cannot open %s: %s", KEEP_POSITION, strerror(-r));
		return r;
	}
	touched = position_touched(agent->position);
	if (touched && touched < now)
		agent->away_ns = now - touched;
	return 0;
}

static void timer_came(uv_timer_t *timer)
{
	struct agent *agent = timer->data;

	if (!agent->changed)
		return;
	agent->changed = false;		/* one attempt: it does no harm to know too much */
	keep_save(agent, NULL);
}

int keep_start(struct agent *agent)
{
	uv_timer_init(&agent->loop, &agent->keep_timer);
	agent->keep_timer.data = agent;
	return uv_timer_start(&agent->keep_timer, timer_came, KEEP_EVERY_MS, KEEP_EVERY_MS);
}

void keep_forget(void)
{
	unlink(KEEP_STATE);
	unlink(KEEP_POSITION);
}
