// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Selectors, and the scopes that they make; see select.h. */
#include "kern/select.h"

#include <errno.h>
#include <string.h>

#include "kern/reader.h"
#include "kern/set.h"

static int selectors_fd(const struct kern *kern)
{
	return bpf_map__fd(kern->skel->maps.weir_selectors);
}

static uint32_t instance_reader(const struct kern *kern, uint32_t instance)
{
	return instance < WEIR_INSTANCES_MAX ? WEIR_READER(kern->instances[instance].serial) : 0;
}

/* Whose it is. What leaves cgroups alone is the daemon's, as selectors are. */
static uint32_t selector_reader(const struct kern *kern, const struct weir_selector *selector)
{
	return selector->instance ? instance_reader(kern, selector->instance) :
				    WEIR_READER_DAEMON;
}

/* What is done with each selector. true: it is to go. */
typedef bool (*selector_fn)(struct kern *kern, const struct weir_selector_key *key,
			    const struct weir_selector *selector, void *context);

/* The next key is asked for before one goes, or the walk would begin again. */
static void selectors_walk(struct kern *kern, selector_fn look, void *context)
{
	struct weir_selector_key key, next;
	struct weir_selector selector;
	int fd = selectors_fd(kern);
	bool more = bpf_map_get_next_key(fd, NULL, &next) == 0;

	while (more) {
		key = next;
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (bpf_map_lookup_elem(fd, &key, &selector) == 0 &&
		    look(kern, &key, &selector, context))
			bpf_map_delete_elem(fd, &key);
	}
}

static bool path_depth_ok(const char *path)
{
	unsigned int depth = 0;

	for (; *path; path++)
		depth += *path == '/';
	return depth <= WEIR_CGROUP_DEPTH_MAX;
}

int kern_selector_arm(struct kern *kern, const char *path, uint32_t instance)
{
	struct weir_selector selector = {.instance = instance};
	struct weir_selector_key key = {0};

	/* any number that is not given twice */
	if (!kern->selector_owner)
		kern->selector_owner =
			__atomic_add_fetch(&kern->config->epoch, 1, __ATOMIC_SEQ_CST);
	selector.owner = kern->selector_owner;

	if (strlen(path) >= sizeof(key.path) || !path_depth_ok(path))
		return -ENAMETOOLONG;
	memcpy(key.path, path, strlen(path));
	return bpf_map_update_elem(selectors_fd(kern), &key, &selector, BPF_ANY) < 0 ? -errno : 0;
}

struct renewal {
	uint32_t from, to;
	int error;		/* the first one */
};

static bool selector_renew(struct kern *kern, const struct weir_selector_key *key,
			   const struct weir_selector *selector, void *context)
{
	struct renewal *renewal = context;
	const struct weir_selector renewed = {.instance = renewal->to, .owner = selector->owner};

	/* no memory for the other one, say: it stays as it was, and so does its instance */
	if (selector->instance == renewal->from &&
	    bpf_map_update_elem(selectors_fd(kern), key, &renewed, BPF_EXIST) < 0 &&
	    renewal->error == 0)
		renewal->error = -errno;
	return false;
}

int kern_selectors_switch(struct kern *kern, uint32_t from, uint32_t to)
{
	struct renewal renewal = {.from = from, .to = to};
	int r;

	selectors_walk(kern, selector_renew, &renewal);
	/* a cgroup that is being made may have seen the selector as it was */
	r = decisions_wait(kern);
	for (uint32_t slot = 1; slot < WEIR_SCOPES_MAX; slot++)
		if (scope_filled(&kern->scopes[slot]) && kern->scopes[slot].instance == from)
			__atomic_store_n(&kern->scopes[slot].instance, to, __ATOMIC_SEQ_CST);
	return renewal.error < 0 ? renewal.error : r;
}

static bool selector_is_of(struct kern *kern, const struct weir_selector_key *key,
			   const struct weir_selector *selector, void *context)
{
	const uint32_t *reader = context;

	(void)key;
	return selector_reader(kern, selector) == *reader;
}

void selectors_drop(struct kern *kern, uint32_t reader)
{
	if (!selectors_of(kern, reader))
		return;
	selectors_walk(kern, selector_is_of, &reader);
	decisions_wait(kern);
}

static bool selector_is_other(struct kern *kern, const struct weir_selector_key *key,
			      const struct weir_selector *selector, void *context)
{
	(void)key;
	(void)context;
	return selector->owner != kern->selector_owner;
}

bool kern_selectors_armed(const struct kern *kern)
{
	return selectors_of(kern, kern->reader);
}

void kern_selectors_disarm(struct kern *kern)
{
	selectors_drop(kern, kern->reader);
}

void kern_selectors_disarm_others(struct kern *kern)
{
	selectors_walk(kern, selector_is_other, NULL);
	decisions_wait(kern);
}

struct use {
	uint32_t instance;
	bool found;
};

static bool selector_use(struct kern *kern, const struct weir_selector_key *key,
			 const struct weir_selector *selector, void *context)
{
	struct use *use = context;

	(void)kern;
	(void)key;
	use->found = use->found || selector->instance == use->instance;
	return false;
}

bool selectors_use(struct kern *kern, uint32_t instance)
{
	struct use use = {.instance = instance};

	selectors_walk(kern, selector_use, &use);
	return use.found;
}

bool selectors_of(const struct kern *kern, uint32_t reader)
{
	struct weir_selector_key key, *last = NULL;
	struct weir_selector selector;
	int fd = selectors_fd(kern);

	while (bpf_map_get_next_key(fd, last, &key) == 0) {
		if (bpf_map_lookup_elem(fd, &key, &selector) == 0 &&
		    (!reader || selector_reader(kern, &selector) == reader))
			return true;
		last = &key;
	}
	return false;
}

int kern_scope_find(struct kern *kern, uint64_t cgroup_id, struct kern_selected *ret)
{
	const struct weir_scope *scope;
	weir_scope_t handle;

	if (bpf_map__lookup_elem(kern->skel->maps.weir_cgroups, &cgroup_id, sizeof(cgroup_id),
				 &handle, sizeof(handle), 0) < 0)
		return -ENOENT;
	scope = &kern->scopes[WEIR_SCOPE_SLOT(handle)];
	if (scope->handle != handle)
		return -ENOENT;
	*ret = (struct kern_selected){
		.cgroup_id = cgroup_id, .scope = handle, .instance = scope->instance,
		.own = instance_reader(kern, scope->instance) == kern->reader,
	};
	return 0;
}

int kern_selected_path(const struct kern *kern, uint64_t cgroup_id,
		       char ret[WEIR_SELECTED_PATH_MAX])
{
	struct weir_selected selected;

	if (bpf_map_lookup_elem(bpf_map__fd(kern->skel->maps.weir_selected), &cgroup_id,
				&selected) < 0)
		return -ENOENT;
	selected.path[sizeof(selected.path) - 1] = '\0';
	strcpy(ret, selected.path);
	return 0;
}

int kern_selected_next(struct kern *kern, uint64_t after, struct kern_selected *ret)
{
	int fd = bpf_map__fd(kern->skel->maps.weir_selected);
	uint64_t id;

	while (bpf_map_get_next_key(fd, after ? &after : NULL, &id) == 0) {
		if (kern_scope_find(kern, id, ret) == 0 &&
		    kern_selected_path(kern, id, ret->path) == 0)
			return 0;
		after = id;
	}
	return -ENOENT;
}

bool kern_cgroup_unknown(const struct kern *kern, uint64_t cgroup_id)
{
	weir_scope_t handle;

	return bpf_map_lookup_elem(bpf_map__fd(kern->skel->maps.weir_cgroups), &cgroup_id,
				   &handle) == 0 && handle == WEIR_SCOPE_UNKNOWN;
}

void kern_unknown_keep(struct kern *kern, bool (*wanted)(void *context, uint64_t cgroup_id),
		       void *context)
{
	int fd = bpf_map__fd(kern->skel->maps.weir_cgroups);
	bool more;
	uint64_t id, next;

	for (more = bpf_map_get_next_key(fd, NULL, &next) == 0; more;) {
		id = next;
		more = bpf_map_get_next_key(fd, &id, &next) == 0;
		if (kern_cgroup_unknown(kern, id) && !wanted(context, id))
			bpf_map_delete_elem(fd, &id);
	}
}

int kern_unknown_end(struct kern *kern, uint64_t cgroup_id)
{
	int err = set_lock(kern);

	if (err < 0)
		return err;
	err = kern_cgroup_unknown(kern, cgroup_id) ?
		      bpf_map__delete_elem(kern->skel->maps.weir_cgroups, &cgroup_id,
					   sizeof(cgroup_id), 0) :
		      -ENOENT;
	set_unlock(kern);
	return err;
}

void selected_forget(struct kern *kern, uint64_t cgroup_id)
{
	bpf_map_delete_elem(bpf_map__fd(kern->skel->maps.weir_selected), &cgroup_id);
}

void kern_selected_take(struct kern *kern, uint64_t cgroup_id)
{
	selected_forget(kern, cgroup_id);
}

void kern_selectors_failed(const struct kern *kern, uint32_t *ret_unknown, uint32_t *ret_missed)
{
	*ret_unknown = __atomic_exchange_n(&kern->config->unknown, 0, __ATOMIC_SEQ_CST);
	*ret_missed = __atomic_exchange_n(&kern->config->missed, 0, __ATOMIC_SEQ_CST);
}

uint32_t kern_cgroups_removed(const struct kern *kern)
{
	return __atomic_load_n(&kern->config->removed, __ATOMIC_SEQ_CST);
}
