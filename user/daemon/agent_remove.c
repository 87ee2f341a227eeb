// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Taking away what is left in the kernel; see agent_remove.h. */
#include "daemon/agent_remove.h"

#include <string.h>

#include "base/log.h"
#include "daemon/agent_keep.h"
#include "daemon/agent_scopes.h"
#include "daemon/agent_start.h"
#include "kern/others.h"

#define WHY "everything was taken away (weir daemon --remove)"

static int users_say(const struct other_set *set)
{
	for (size_t i = 0; i < set->n_users; i++) {
		if (set->users[i])
			log_error("process %d is a weir that lives; end it first",
				  (int)set->users[i]);
		else
			log_error("a weir lives whose process cannot be told; end it first");
	}
	if (set->used && !set->n_users)
		log_error("a weir uses %s at this moment; try again", set->name);
	return set->used || set->n_users ? -EBUSY : 0;
}

static int sets_find(struct other_sets *ret)
{
	int r = others_find(ret);

	if (r < 0)
		log_error("cannot look at what is pinned: %s", strerror(-r));
	return r;
}

/* Of what the maps hold of other builds and of runs, no more is known than the cgroup. */
static void detach_post(struct agent *agent, uint64_t cgroup_id)
{
	const struct event_version unknown = {
		.policy = {.name = VERSION_UNKNOWN, .digest = VERSION_UNKNOWN_DIGEST},
	};
	struct event_self self = {.type = EVENT_SELF_SCOPE_DETACH, .cgroup_id = cgroup_id,
				  .message = WHY};
	_cleanup_free_ char *path = NULL;

	/* 0 is no version's serial; the second time it is there already */
	journal_version_take(&agent->journal, UINT64_MAX, &unknown);
	if (cgroup_path_of(cgroup_id, &path) == 0)
		journal_scope_add(&agent->journal, cgroup_id, path);
	agent_post(agent, &self, UINT64_MAX);
	log_notice("%s is free now", path ? path : "a cgroup that is gone");
}

/* Behind the scopes of the daemon, which have been lifted. */
static int set_remove(struct agent *agent, const struct other_set *set)
{
	int r = other_remove(set);

	if (r < 0) {
		log_error("cannot take away %s: %s", set->name, strerror(-r));
		return r;
	}
	for (size_t i = 0; i < set->n_cgroups; i++)
		if (!set->own || !scope_find(agent, set->cgroups[i]))
			detach_post(agent, set->cgroups[i]);
	return 0;
}

/* What this build's runs have left goes with their set, once this process has left it. */
static int own_lift(struct agent *agent)
{
	_cleanup_free_ struct kern_orphan *orphans = NULL;
	size_t n = 0;
	int r = 0;

	while (agent->scopes && r >= 0) {
		_cleanup_free_ char *path = strdup(agent->scopes->path);

		r = scope_lift(agent, agent->scopes, WHY);
		if (r >= 0)
			log_notice("%s is free now", path ? path : "a cgroup");
	}
	if (r >= 0)
		r = kern_orphans(agent->kern, &orphans, &n);
	for (size_t i = 0; i < n && r >= 0; i++) {
		r = kern_scope_detach(agent->kern, orphans[i].scope);
		if (r >= 0)
			detach_post(agent, orphans[i].cgroup_id);
	}
	if (r < 0)
		log_error("cannot free what is confined: %s", strerror(-r));
	else
		kern_orphans_end(agent->kern);
	return r;
}

static int all_remove(struct agent *agent, const struct other_sets *sets)
{
	int r = own_lift(agent);

	for (size_t i = 0; i < sets->n && r >= 0; i++)
		if (!sets->list[i].own)
			r = set_remove(agent, &sets->list[i]);
	return r;
}

int agent_remove(const char *config)
{
	_cleanup_others_ struct other_sets sets = {0};
	struct agent agent = {.lock_fd = -1};
	int r = sets_find(&sets);

	for (size_t i = 0; i < sets.n; i++)
		r = users_say(&sets.list[i]) < 0 ? -EBUSY : r;
	if (r < 0)
		return r;
	if (!sets.n) {
		keep_forget();
		log_notice("nothing is in force");
		return 0;
	}
	r = agent_open_remove(&agent, config);
	if (r >= 0)
		r = all_remove(&agent, &sets);
	agent_close(&agent);
	return r;
}

int others_refuse(void)
{
	_cleanup_others_ struct other_sets sets = {0};
	int r = sets_find(&sets);

	for (size_t i = 0; i < sets.n && r >= 0; i++) {
		const struct other_set *set = &sets.list[i];

		if (set->own || !set->n_cgroups)
			continue;
		log_error("%zu cgroups are confined by another version of weir, whose tables "
			  "this one cannot take over (%s); end its runs, or free them with "
			  "\"weir daemon --remove\" of either version",
			  set->n_cgroups, set->name);
		return -ENOTSUP;
	}
	return r;
}

/* How many cgroups would be free without it. */
static size_t cgroups_missed(const struct agent *agent, const struct other_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n_cgroups; i++)
		n += !scope_find(agent, set->cgroups[i]);
	return n;
}

static void other_replaced(const struct agent *agent, const struct other_set *set)
{
	size_t missed = cgroups_missed(agent, set);
	int r;

	if (missed) {
		log_warning("%zu cgroups that were made while this daemon started stay confined "
			    "by another version of weir (%s), until \"weir daemon --remove\" "
			    "of either version",
			    missed, set->name);
		return;
	}
	/* a run of that version lives, which takes it away when it ends */
	if (set->used)
		return;
	r = other_remove(set);
	if (r < 0 && r != -EBUSY)
		log_warning("cannot take away %s, of another version of weir: %s", set->name,
			    strerror(-r));
	else if (r >= 0 && set->daemons)
		log_warning("a daemon of another version has left %s; if records waited in it, "
			    "they are lost", set->name);
}

void others_replace(const struct agent *agent)
{
	_cleanup_others_ struct other_sets sets = {0};

	if (!agent->armed || sets_find(&sets) < 0)
		return;
	for (size_t i = 0; i < sets.n; i++)
		if (!sets.list[i].own)
			other_replaced(agent, &sets.list[i]);
}
