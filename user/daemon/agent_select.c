// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Selectors of the configuration; see agent_select.h. */
#include "daemon/agent_select.h"

#include <limits.h>
#include <string.h>

#include "base/log.h"
#include "daemon/agent_keep.h"
#include "daemon/agent_scopes.h"
#include "kern/select.h"

bool select_covers(const struct config_attach *entry, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	size_t len = (size_t)(name - 1 - path);

	return strlen(entry->folder) == len && memcmp(entry->folder, path, len) == 0 &&
	       (!entry->name || strcmp(entry->name, name) == 0);
}

struct binding *select_binding(const struct agent *agent, const char *path)
{
	struct binding *binding = agent->bindings;

	while (binding && !(binding->entry && !binding->split &&
			    select_covers(binding->entry, path)))
		binding = binding->next;
	return binding;
}

/* Of entries for one cgroup the first counts, as for those that are there already. */
static bool entry_covered(const struct agent *agent, const struct config_attach *entry)
{
	for (const struct binding *binding = agent->bindings; binding; binding = binding->next) {
		const struct config_attach *other = binding->entry;

		if (other == entry)
			return false;
		if (other && entry->name && !other->name &&
		    strcmp(other->folder, entry->folder) == 0)
			return true;
	}
	return false;
}

/* Once: it is tried again and again. */
static void arm_say(const struct agent *agent, const char *what, const char *rest, int error)
{
	if (!agent->arm_error)
		log_warning("%s: %s%s%s", what, rest, error ? ": " : "",
			    error ? strerror(-error) : "");
}

/*
 * One is the daemon's own, or lies above it. Made anew it is for the next daemon, which could
 * not begin under a policy.
 */
static int own_spare(struct agent *agent, const char *own)
{
	_cleanup_free_ char *path = strdup(own);
	int r = path ? 0 : -ENOMEM;
	char *end;

	for (; r >= 0 && (end = strrchr(path, '/')) && end[1]; *end = '\0') {
		if (!select_binding(agent, path))
			continue;
		arm_say(agent, path, "the daemon is in it, and it stays free, also if it is made "
				     "anew", 0);
		r = kern_selector_arm(agent->kern, path, 0);
		/* it is none for entries either */
		r = r == -ENAMETOOLONG ? 0 : r;
	}
	return r;
}

static int entry_arm(struct agent *agent, const struct binding *binding, const char *own)
{
	const struct config_attach *entry = binding->entry;
	char path[PATH_MAX];
	int r;

	if (entry_covered(agent, entry))
		return 0;
	r = snprintf(path, sizeof(path), "%s/%s", entry->folder, entry->name ? entry->name : "*");
	if (entry->name && cgroup_path_inside(own, path))
		return 0;
	r = r < (int)sizeof(path) ?
		    kern_selector_arm(agent->kern, path, binding->version->instance) :
		    -ENAMETOOLONG;
	if (r < 0)
		arm_say(agent, entry->place, "a cgroup that is made later cannot be confined from "
			"its beginning; it is when the daemon has seen it", r);
	/* which it never will be */
	return r == -ENAMETOOLONG ? 0 : r;
}

/* All that can be; the first error. */
static int entries_arm(struct agent *agent, const char *own)
{
	int r = 0, one;

	for (const struct binding *binding = agent->bindings; binding; binding = binding->next) {
		one = binding->entry && !binding->split ? entry_arm(agent, binding, own) : 0;
		r = r < 0 ? r : one;
	}
	return r;
}

/* Without room for what is to be left alone, those that are there already are renewed. */
static int paths_arm(struct agent *agent, const char *own)
{
	int r = own_spare(agent, own), one = 0;

	if (r >= 0 || r == -E2BIG)
		one = entries_arm(agent, own);
	return r < 0 ? r : one;
}

static int all_arm(struct agent *agent)
{
	_cleanup_free_ char *own = NULL;
	int r = cgroup_of_process(getpid(), &own);

	if (r >= 0)
		r = paths_arm(agent, own);
	if (r != -E2BIG)
		return r;
	/* no room for both: of those before only what is not wanted any more is left by now */
	kern_selectors_disarm_others(agent->kern);
	return paths_arm(agent, own);
}

/*
 * What cannot be told stays as it is, and what is not found too: it may be about to appear.
 * Those of removed cgroups the kernel side takes out.
 */
static bool unknown_wanted(void *context, uint64_t cgroup_id)
{
	_cleanup_free_ char *path = NULL;

	return cgroup_path_of(cgroup_id, &path) < 0 || select_binding(context, path);
}

/* Until it is written down what they stand for, those of a daemon before stay. */
void select_arm(struct agent *agent)
{
	int r;

	if (keep_save(agent, NULL) < 0)
		return;
	r = all_arm(agent);
	if (r < 0 && r != agent->arm_error)
		log_error("the configuration's selectors are not all in the kernel, which is tried "
			  "again: %s", strerror(-r));
	agent->arm_error = r;
	/* nor does one go before the one that is to take its place is there */
	if (r < 0)
		return;
	/* of a daemon that was killed; there is one at a time */
	kern_selectors_disarm_others(agent->kern);
	kern_unknown_keep(agent->kern, unknown_wanted, agent);
	agent->armed = true;
}

void select_switch(struct agent *agent, const struct binding *binding, const struct version *before)
{
	int r;

	/* cgroups that have grants of their own are theirs alone */
	if (!binding->entry || binding->split)
		return;
	r = kern_selectors_switch(agent->kern, before->instance, binding->version->instance);
	if (r >= 0)
		return;
	log_error("%s: cgroups that are made later may be under the policy as it was, until the "
		  "daemon has seen them: %s", binding->entry->place, strerror(-r));
	/* by the next look around */
	agent->armed = false;
}

int select_lift(struct agent *agent, const struct cgroup *cgroup, const char *message)
{
	const struct binding *binding = select_binding(agent, cgroup->path);
	struct event_self self = {.type = EVENT_SELF_SCOPE_DETACH, .cgroup_id = cgroup->id,
				  .message = message};
	int r = kern_unknown_end(agent->kern, cgroup->id);

	if (r < 0)
		return r;
	scope_log(cgroup->path, "is free now; everything was denied in it", NULL);
	/* the record says which policy it was to have */
	if (!binding || journal_scope_add(&agent->journal, cgroup->id, cgroup->path) < 0)
		return 0;
	agent_post(agent, &self, binding->version->serial);
	journal_scope_retire(&agent->journal, cgroup->id);
	return 0;
}

static struct binding *binding_of(const struct agent *agent, uint32_t instance)
{
	struct binding *binding = agent->bindings;

	while (binding && !(binding->version && binding->version->instance == instance))
		binding = binding->next;
	return binding;
}

/*
 * One that a selector has put under a version which was replaced, for the selector could not
 * be: it belongs under the one in force.
 */
static struct binding *binding_renewed(struct agent *agent, const struct kern_selected *selected,
				       const char *path)
{
	struct binding *binding = select_binding(agent, path);

	/* unsettled: there may be those of a daemon before, which are asked for again */
	if (!binding || !selected->own || agent->unsettled ||
	    kern_scope_point(agent->kern, selected->scope, binding->version->instance) < 0)
		return NULL;
	return binding;
}

static bool adopt(struct agent *agent, const struct kern_selected *selected, const char *path)
{
	struct scope scope = {
		.path = (char *)path,
		.cgroup_id = selected->cgroup_id,
		.handle = selected->scope,
		.binding = binding_of(agent, selected->instance),
	};

	if (scope_find(agent, selected->cgroup_id))
		return true;
	if (!scope.binding)
		scope.binding = binding_renewed(agent, selected, path);
	/* of a weir that was killed, or no memory: it is asked for again */
	if (!scope.binding || scope_adopt(agent, &scope) < 0)
		return false;
	scope_log(path, "since it was made is under policy", scope.binding->version->name);
	return true;
}

static void failures_say(struct agent *agent)
{
	uint32_t unknown, missed;

	kern_selectors_failed(agent->kern, &unknown, &missed);
	if (unknown)
		log_error("%u new cgroups could not be put under their policy, for there are too "
			  "many scopes (WEIR_SCOPES_MAX): everything is denied in them until there "
			  "is room", unknown);
	if (missed)
		log_error("%u new cgroups are not confined: there are too many "
			  "(WEIR_CGROUPS_MAX)", missed);
}

/* More of them than there are scopes wait for the next time. */
void select_adopt(struct agent *agent)
{
	struct kern_selected selected;
	uint64_t after = 0, last = 0;
	size_t before = agent->n_scopes;

	for (int i = 0; i < WEIR_SCOPES_MAX; i++) {
		if (kern_selected_next(agent->kern, after, &selected) < 0)
			break;
		after = selected.cgroup_id;
		if (!adopt(agent, &selected, selected.path))
			continue;
		/* the one before: the walk goes on from this one */
		if (last)
			kern_selected_take(agent->kern, last);
		last = after;
	}
	if (last)
		kern_selected_take(agent->kern, last);
	if (agent->n_scopes > before)
		scopes_tell(agent);
	failures_say(agent);
}

bool select_adopted(struct agent *agent, const struct cgroup *cgroup)
{
	struct kern_selected selected;

	if (kern_scope_find(agent->kern, cgroup->id, &selected) < 0 ||
	    !adopt(agent, &selected, cgroup->path))
		return false;
	kern_selected_take(agent->kern, cgroup->id);
	scopes_tell(agent);
	return true;
}
