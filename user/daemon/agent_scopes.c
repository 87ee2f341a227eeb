// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The daemon's scopes; see agent_scopes.h. */
#include "daemon/agent_scopes.h"

#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "base/log.h"
#include "daemon/agent_grant.h"
#include "daemon/agent_keep.h"

void agent_post(struct agent *agent, struct event_self *self, uint64_t serial)
{
	int r = journal_post(&agent->journal, self, serial);

	if (r < 0)
		log_error("a record %s could not be made: %s", event_self_type_name(self->type),
			  strerror(-r));
}

void scope_log(const char *path, const char *what, const char *name)
{
	_cleanup_buf_ struct buf text = {0};

	escape_word_add(&text, path, strlen(path));
	buf_printf(&text, " %s%s%s", what, name ? " " : "", name ? name : "");
	if (buf_string(&text))
		log_notice("%s", text.data);
}

/* Where the chain begins that a cgroup's scope is in: ids count up. */
static struct scope **chain_of(struct agent *agent, uint64_t cgroup_id)
{
	return &agent->scopes_by_id[cgroup_id % AGENT_SCOPES_HASH];
}

struct scope *scope_find(const struct agent *agent, uint64_t cgroup_id)
{
	struct scope *scope = agent->scopes_by_id[cgroup_id % AGENT_SCOPES_HASH];

	while (scope && scope->cgroup_id != cgroup_id)
		scope = scope->next_by_id;
	return scope;
}

/* How many scopes bind what lies in a cgroup. One that is gone has nothing below it. */
static unsigned int depth_of(const struct agent *agent, const char *path)
{
	unsigned int depth = 0;

	for (const struct scope *scope = agent->scopes; scope; scope = scope->next)
		depth += !scope->gone && cgroup_path_inside(path, scope->path);
	return depth;
}

/* More scopes inside each other than a task has room for, and it could do nothing at all. */
static bool nests_too_deep(const struct agent *agent, const char *path)
{
	if (depth_of(agent, path) + 1 > WEIR_NEST_MAX)
		return true;
	for (const struct scope *scope = agent->scopes; scope; scope = scope->next)
		if (!scope->gone && cgroup_path_inside(scope->path, path) &&
		    depth_of(agent, scope->path) + 1 > WEIR_NEST_MAX)
			return true;
	return false;
}

#define NO_ROOM "cannot be confined: there are too many scopes (WEIR_SCOPES_MAX)"

static bool holds_daemon(const char *path)
{
	_cleanup_free_ char *own = NULL;

	return cgroup_of_process(getpid(), &own) < 0 || cgroup_path_inside(own, path);
}

/* Why it cannot be a scope; NULL: it can. */
static const char *obstacle(struct agent *agent, const struct cgroup *cgroup)
{
	if (!cgroup->level)
		return "is the root, and everything is below it";
	if (cgroup->level > WEIR_CGROUP_DEPTH_MAX)
		return "lies too deep (WEIR_CGROUP_DEPTH_MAX)";
	if (scope_find(agent, cgroup->id))
		return "is under a policy already; \"weir detach\" it first";
	if (holds_daemon(cgroup->path))
		return "holds the daemon itself";
	if (nests_too_deep(agent, cgroup->path))
		return "would be a scope inside too many others (WEIR_NEST_MAX)";
	/* asked here, so that nothing is written down or recorded of what cannot be */
	if (!kern_scope_room(agent->kern))
		return NO_ROOM;
	return NULL;
}

static const char *attach_error(int error)
{
	switch (error) {
	case -EEXIST:
		return "is confined by another weir, running or killed (\"weir doctor\" tells)";
	case -EBUSY:
		return "cannot be confined now: another weir is starting; try again";
	case -ECANCELED:
		return "cannot be confined: a daemon after this one would not know of it";
	case -ENOSPC:
		return NO_ROOM;
	default:
		return strerror(-error);
	}
}

static void obstacle_say(const struct cgroup *cgroup, const char *what, struct buf *text)
{
	buf_add_string(text, "the cgroup ");
	escape_word_add(text, cgroup->path, strlen(cgroup->path));
	buf_printf(text, " %s\n", what);
}

int scope_check(struct agent *agent, const struct cgroup *cgroup, struct buf *text)
{
	const char *what = obstacle(agent, cgroup);

	if (!what)
		return 0;
	obstacle_say(cgroup, what, text);
	return -EBUSY;
}

static void attach_record(struct agent *agent, const struct scope *scope)
{
	const struct version *version = scope->binding->version;
	_cleanup_free_ struct event_pair *parameters = version_parameters(version);
	struct event_self self = {
		.type = EVENT_SELF_SCOPE_ATTACH,
		.cgroup_id = scope->cgroup_id,
		.mode = version->audit ? "audit" : "enforce",
		.parameters = parameters,
		.n_parameters = parameters ? version->n_parameters : 0,
	};

	agent_post(agent, &self, version->serial);
}

static void reset_failed(const char *path, int error)
{
	scope_log(path,
		  "has connections that are not allowed any more; they cannot be reset, and their "
		  "packets are dropped:",
		  strerror(-error));
}

static struct kern_confined confined_of(const struct scope *scope)
{
	return (struct kern_confined){scope->handle, scope->cgroup_id, scope->path};
}

void scope_connections_reset(struct agent *agent, const struct scope *scope)
{
	const struct kern_confined confined = confined_of(scope);
	int r = kern_connections_reset(agent->kern, &confined, 1);

	if (r < 0)
		reset_failed(scope->path, r);
}

void binding_connections_reset(struct agent *agent, const struct binding *binding)
{
	_cleanup_free_ struct kern_confined *list = calloc(binding->n_scopes + 1, sizeof(*list));
	const char *last = NULL;
	size_t n = 0;
	int r;

	for (const struct scope *scope = agent->scopes; list && scope; scope = scope->next) {
		if (scope->binding != binding || scope->gone)
			continue;
		list[n++] = confined_of(scope);
		last = scope->path;
	}
	r = list ? kern_connections_reset(agent->kern, list, n) : -ENOMEM;
	if (r < 0)
		reset_failed(last ? last : binding->policy, r);
}

static void scope_free(struct scope *scope)
{
	if (!scope)
		return;
	free(scope->path);
	free(scope);
}
DEFINE_CLEANUP(struct scope, scope_free);

static void detach_record(struct agent *agent, const struct scope *scope, const char *message)
{
	struct event_self self = {.type = EVENT_SELF_SCOPE_DETACH, .cgroup_id = scope->cgroup_id,
				  .message = message};

	agent_post(agent, &self, scope->binding->version->serial);
}

static struct scope *scope_new(const char *path, uint64_t cgroup_id, struct binding *binding)
{
	struct scope *scope = calloc(1, sizeof(*scope));

	if (!scope)
		return NULL;
	*scope = (struct scope){.path = strdup(path), .cgroup_id = cgroup_id,
				.binding = binding, .since_s = time(NULL)};
	if (scope->path)
		return scope;
	scope_free(scope);
	return NULL;
}

static void scope_link(struct agent *agent, struct scope *scope)
{
	struct scope **chain = chain_of(agent, scope->cgroup_id);

	scope->next_by_id = *chain;
	*chain = scope;
	scope->next = agent->scopes;
	agent->scopes = scope;
	agent->n_scopes++;
	scope->binding->n_scopes++;
}

static void scope_unlink(struct agent *agent, struct scope *scope)
{
	struct scope **at = &agent->scopes, **chain = chain_of(agent, scope->cgroup_id);

	while (*at != scope)
		at = &(*at)->next;
	*at = scope->next;
	while (*chain != scope)
		chain = &(*chain)->next_by_id;
	*chain = scope->next_by_id;
	agent->n_scopes--;
	scope->binding->n_scopes--;
	agent->changed = true;
}

/* In the kernel. What runs there must not get away before it has acted. */
static int scope_enforce(struct agent *agent, const struct cgroup *cgroup, struct scope *scope)
{
	int r;

	r = kern_scope_attach(agent->kern, cgroup->id, cgroup->level,
			      scope->binding->version->instance, &scope->handle);
	if (r < 0 || cgroup_populated(cgroup) == 0)
		return r;
	r = kern_scope_occupied(agent->kern);
	if (r < 0 && kern_scope_detach(agent->kern, scope->handle) < 0)
		log_error("cannot lift a policy that could not be put in force");
	return r;
}

/*
 * What is known of it and said of it first, so that no record of what it does
 * comes before, and that a daemon after this one knows of it.
 */
static int scope_begin(struct agent *agent, const struct cgroup *cgroup, struct scope *scope,
		       struct buf *text)
{
	int r = journal_scope_add(&agent->journal, cgroup->id, cgroup->path);

	if (r < 0)
		return r;
	scope->told = true;
	r = keep_save(agent, text);
	if (r < 0) {
		journal_scope_retire(&agent->journal, cgroup->id);
		return r;
	}
	attach_record(agent, scope);
	r = scope_enforce(agent, cgroup, scope);
	if (r < 0) {
		detach_record(agent, scope, attach_error(r));
		journal_scope_retire(&agent->journal, cgroup->id);
	}
	return r;
}

enum ctl_outcome scope_confine(struct agent *agent, const struct cgroup *cgroup,
			       struct binding *binding, struct buf *text)
{
	_cleanup_(cleanup_scope_free) struct scope *scope = NULL;
	int r;

	if (scope_check(agent, cgroup, text) < 0)
		return CTL_REFUSED;
	scope = scope_new(cgroup->path, cgroup->id, binding);
	r = scope ? 0 : -ENOMEM;
	if (r >= 0) {
		scope_link(agent, scope);
		r = scope_begin(agent, cgroup, scope, text);
		if (r < 0)
			scope_unlink(agent, scope);
	}
	if (r < 0) {
		obstacle_say(cgroup, attach_error(r), text);
		return CTL_REFUSED;
	}
	scope_connections_reset(agent, scope);
	TAKE_PTR(scope);
	return CTL_DONE;
}

int scope_lift(struct agent *agent, struct scope *scope, const char *message)
{
	struct binding *binding = scope->binding;
	int r;

	r = kern_scope_detach(agent->kern, scope->handle);
	/* -ENOENT: somebody has, and it binds nobody any more */
	if (r < 0 && r != -ENOENT) {
		scope_log(scope->path, "stays under its policy:", strerror(-r));
		return r;
	}
	grants_scope_ended(agent, scope);
	scope_unlink(agent, scope);
	detach_record(agent, scope, message);
	journal_scope_retire(&agent->journal, scope->cgroup_id);
	scope_free(scope);
	if (!binding->n_scopes && (!binding->entry || binding->split))
		binding_remove(agent, binding);
	return 0;
}

size_t binding_count(const struct agent *agent)
{
	size_t n = 0;

	for (const struct binding *binding = agent->bindings; binding; binding = binding->next)
		n++;
	return n;
}

void binding_add(struct agent *agent, struct binding *binding)
{
	struct binding **at = &agent->bindings;

	while (*at)
		at = &(*at)->next;
	*at = binding;
}

void binding_remove(struct agent *agent, struct binding *binding)
{
	struct binding **at = &agent->bindings;

	while (*at != binding)
		at = &(*at)->next;
	*at = binding->next;
	version_drop(agent, binding->version);
	binding_free(binding);
}

void scope_move(struct agent *agent, struct scope *scope, struct binding *binding)
{
	struct binding *before = scope->binding;

	grants_scope_ended(agent, scope);
	kern_scope_point(agent->kern, scope->handle, binding->version->instance);
	before->n_scopes--;
	scope->binding = binding;
	binding->n_scopes++;
	agent->changed = true;
	attach_record(agent, scope);
	scope_connections_reset(agent, scope);
	if (!before->n_scopes && (!before->entry || before->split))
		binding_remove(agent, before);
}

int scope_adopt(struct agent *agent, const struct scope *from)
{
	struct scope *scope = scope_new(from->path, from->cgroup_id, from->binding);
	int r = scope ? journal_scope_add(&agent->journal, from->cgroup_id, from->path) : -ENOMEM;

	if (r < 0) {
		scope_free(scope);
		return r;
	}
	scope->handle = from->handle;
	scope->gone = from->gone;
	scope->told = from->told;
	if (from->since_s)
		scope->since_s = from->since_s;
	scope_link(agent, scope);
	agent->changed = true;
	return 0;
}

void scopes_tell(struct agent *agent)
{
	bool any = false;

	for (struct scope *scope = agent->scopes; scope; scope = scope->next) {
		scope->due = !scope->told;
		scope->told = true;
		any = any || scope->due;
	}
	/* what a daemon after this one cannot know stays confined all the same */
	if (any)
		keep_save(agent, NULL);
	for (struct scope *scope = agent->scopes; scope; scope = scope->next)
		if (scope->due)
			attach_record(agent, scope);
}

void scopes_end(struct agent *agent, const char *message)
{
	if (!agent->kern)
		return;
	kern_patience(agent->kern, 0);
	/* what cannot be lifted stays confined */
	grants_end(agent, message);
	while (agent->scopes && scope_lift(agent, agent->scopes, message) == 0)
		;
	while (agent->scopes) {
		struct scope *scope = agent->scopes;

		scope_unlink(agent, scope);
		scope_free(scope);
	}
	while (agent->bindings)
		binding_remove(agent, agent->bindings);
	versions_sweep(agent);
	grants_free(agent);
}

void scopes_forget(struct agent *agent)
{
	struct binding *binding;
	struct scope *scope;

	while ((scope = agent->scopes)) {
		scope_unlink(agent, scope);
		scope_free(scope);
	}
	while ((binding = agent->bindings)) {
		agent->bindings = binding->next;
		version_forget(binding->version);
		binding_free(binding);
	}
	grants_forget(agent);
}
