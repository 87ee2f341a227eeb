// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Cgroups come and go; see agent_look.h. */
#include "daemon/agent_look.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "daemon/agent_grant.h"
#include "daemon/agent_passed.h"
#include "daemon/agent_scopes.h"
#include "daemon/agent_select.h"
#include "daemon/agent_takeover.h"
#include "daemon/leftover.h"
#include "daemon/watch.h"
#include "kern/select.h"

#define LOOK_EVERY_MS 1000
#define SWEEP_EVERY_MS 60000

/* There is none: otherwise it is not known whether there is. */
static bool is_none(int error)
{
	return error == -ENOENT || error == -ENODEV || error == -ENOTDIR;
}

/*
 * Everything is denied in it, which was told, and there is no scope for it. There may be
 * thousands of them: looking at one costs no record, no line and nothing written down.
 */
static bool waits_for_room(const struct agent *agent, uint64_t cgroup_id)
{
	return !kern_scope_room(agent->kern) && kern_cgroup_unknown(agent->kern, cgroup_id);
}

/* Returns whether it could be told what is there. */
static bool cgroup_take(struct agent *agent, struct binding *binding, const char *path)
{
	_cleanup_cgroup_ struct cgroup cgroup = {.fd = -1};
	_cleanup_buf_ struct buf text = {0};
	int r = cgroup_open_at(agent->root_fd, path, &cgroup);

	if (r < 0)
		return is_none(r);
	/* asked first: who is met is not forgotten */
	if (passed_over(agent, cgroup.id) || scope_find(agent, cgroup.id) ||
	    waits_for_room(agent, cgroup.id) || select_adopted(agent, &cgroup))
		return true;
	if (scope_confine(agent, &cgroup, binding, &text) == CTL_DONE) {
		passed_done(agent, cgroup.id);
		scope_log(path, "is under policy", binding->version->name);
	} else {
		passed_failed(agent, &cgroup, binding, &text);
	}
	return true;
}

/* Each cgroup below the entry's folder. */
static bool folder_take(struct agent *agent, struct binding *binding)
{
	const char *folder = binding->entry->folder;
	_cleanup_cgroup_ struct cgroup cgroup = {.fd = -1};
	int r = cgroup_open_at(agent->root_fd, *folder ? folder : "/", &cgroup), fd;
	struct dirent *entry;
	char path[PATH_MAX];
	bool whole = true;
	DIR *dir;

	if (r < 0)
		return is_none(r);
	fd = openat(cgroup.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		fd_close(fd);
		return false;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		/* its id is its inode's number: see kernfs_ino() */
		if (passed_over(agent, entry->d_ino) || scope_find(agent, entry->d_ino) ||
		    waits_for_room(agent, entry->d_ino))
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) <
		    (int)sizeof(path))
			whole = cgroup_take(agent, binding, path) && whole;
	}
	closedir(dir);
	return whole;
}

static bool entry_take(struct agent *agent, struct binding *binding)
{
	const struct config_attach *entry = binding->entry;
	char path[PATH_MAX];

	if (!entry->name)
		return folder_take(agent, binding);
	return snprintf(path, sizeof(path), "%s/%s", entry->folder, entry->name) >=
		       (int)sizeof(path) ||
	       cgroup_take(agent, binding, path);
}

bool cgroup_is_gone(const struct agent *agent, const struct scope *scope, bool *whole)
{
	_cleanup_cgroup_ struct cgroup cgroup = {.fd = -1};
	int r = cgroup_open_at(agent->root_fd, scope->path, &cgroup);

	if (r >= 0)
		return cgroup.id != scope->cgroup_id;
	*whole = *whole && is_none(r);
	return is_none(r);
}

/* Tasks that were moved out of it before it ended stay confined for as long as they live. */
static void gone_lift(struct agent *agent)
{
	bool marked[WEIR_SCOPES_MAX];
	struct scope *scope, *next;

	if (kern_marked(agent->kern, marked) < 0)
		return;
	for (scope = agent->scopes; scope; scope = next) {
		next = scope->next;
		if (!scope->gone || marked[WEIR_SCOPE_SLOT(scope->handle)])
			continue;
		scope_log(scope->path, "has ended", NULL);
		scope_lift(agent, scope, "the cgroup has ended");
	}
}

static void scopes_look(struct agent *agent)
{
	uint32_t removed = kern_cgroups_removed(agent->kern);
	bool gone = false, whole = true;

	for (struct scope *scope = agent->scopes; scope; scope = scope->next) {
		if (!scope->gone && (!scope->looked_at || removed != agent->removed))
			scope->gone = cgroup_is_gone(agent, scope, &whole);
		scope->looked_at = whole;
		gone = gone || scope->gone;
	}
	if (whole)
		agent->removed = removed;
	if (gone)
		gone_lift(agent);
}

/* What weirs leave that are killed while the daemon runs. */
static void leftovers_look(struct agent *agent)
{
	_cleanup_leftovers_ struct leftovers leftovers = {0};
	uint64_t now = uv_now(&agent->loop);

	if (now < agent->sweep_ms)
		return;
	agent->sweep_ms = now + SWEEP_EVERY_MS;
	leftovers_find(agent->kern, true, &leftovers);
}

static void watches_renew(struct agent *agent)
{
	watch_begin(agent->watches);
	for (const struct binding *binding = agent->bindings; binding; binding = binding->next)
		if (binding->entry)
			watch_want(agent->watches, binding->entry->folder,
				   strlen(binding->entry->folder));
	for (const struct scope *scope = agent->scopes; scope; scope = scope->next)
		watch_want(agent->watches, scope->path,
			   (size_t)(strrchr(scope->path, '/') - scope->path));
	watch_end(agent->watches);
}

void look_around(struct agent *agent)
{
	bool whole = true;

	if (!agent->armed)
		select_arm(agent);
	select_adopt(agent);
	takeover_settle(agent);
	scopes_look(agent);
	leftovers_look(agent);
	versions_sweep(agent);
	for (struct binding *binding = agent->bindings; binding; binding = binding->next)
		if (binding->entry && !binding->split)
			whole = entry_take(agent, binding) && whole;
	if (whole)
		passed_forget(agent);
	watches_renew(agent);
}

static void timer_came(uv_timer_t *timer)
{
	look_around(timer->data);
	grants_due(timer->data);
}

/* Once for all that happens until the loop comes round. */
static void look_soon(void *context)
{
	struct agent *agent = context;

	uv_update_time(&agent->loop);
	if (!uv_is_active((uv_handle_t *)&agent->soon_timer))
		uv_timer_start(&agent->soon_timer, timer_came, 0, 0);
}

int look_start(struct agent *agent)
{
	int r;

	uv_timer_init(&agent->loop, &agent->look_timer);
	uv_timer_init(&agent->loop, &agent->soon_timer);
	agent->look_timer.data = agent->soon_timer.data = agent;
	agent->sweep_ms = uv_now(&agent->loop) + SWEEP_EVERY_MS;
	r = watch_new(&agent->loop, agent->root_fd, look_soon, agent, &agent->watches);

	if (r < 0)
		return r;
	r = uv_timer_start(&agent->look_timer, timer_came, LOOK_EVERY_MS, LOOK_EVERY_MS);
	look_around(agent);
	return r;
}

void look_stop(struct agent *agent)
{
	if (!agent->look_timer.loop)
		return;
	watch_free(TAKE_PTR(agent->watches));
	uv_close((uv_handle_t *)&agent->look_timer, NULL);
	uv_close((uv_handle_t *)&agent->soon_timer, NULL);
	passed_free(agent);
}
