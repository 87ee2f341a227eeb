// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Scopes: which cgroup is under which instance. */
#include <errno.h>

#include "kern/cgroup.h"
#include "kern/set.h"

/* A free slot, taken from the kernel side too, which may want one at any time. */
static int slot_take(struct kern *kern, uint64_t cgroup_id, uint32_t *ret)
{
	uint32_t slot, nobody;

	for (slot = 1; slot < WEIR_SCOPES_MAX; slot++)
		if (scope_filled(&kern->scopes[slot]) && kern->scopes[slot].cgroup_id == cgroup_id)
			return -EEXIST;
	for (slot = 1; slot < WEIR_SCOPES_MAX; slot++) {
		nobody = 0;
		if (__atomic_compare_exchange_n(&kern->scopes[slot].handle, &nobody, slot, false,
						__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
			*ret = slot;
			return 0;
		}
	}
	return -ENOSPC;
}

bool kern_scope_room(const struct kern *kern)
{
	for (uint32_t slot = 1; slot < WEIR_SCOPES_MAX; slot++)
		if (!__atomic_load_n(&kern->scopes[slot].handle, __ATOMIC_SEQ_CST))
			return true;
	return false;
}

static unsigned int level_lowest(uint32_t levels)
{
	return (unsigned int)__builtin_ctz(levels);
}

/* struct weir_config: only_level, and the count of what selectors have found beside it. */
union only_word {
	struct {
		uint32_t level;
		uint32_t selected;
	};
	uint64_t word;
};

/* Unless a selector has found a cgroup since, and has set the level to 0. */
static bool only_level_set(struct kern *kern, union only_word *was, uint32_t level)
{
	uint64_t *word = (uint64_t *)(void *)&kern->config->only_level;
	const union only_word new = {.level = level, .selected = was->selected};

	return __atomic_compare_exchange_n(word, &was->word, new.word, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

static union only_word only_level_clear(struct kern *kern)
{
	union only_word word = {.level = kern->config->only_level,
				.selected = kern->config->selected};

	while (!only_level_set(kern, &word, 0))
		;
	word.level = 0;
	return word;
}

/*
 * Tells the kernel side of the one scope there is, if it is one alone: tasks
 * outside of it are told without a look-up. Level 0 sends every task to the
 * look-up, so it stands while the other words change. The kernel side sets it too,
 * whenever a selector finds a cgroup: what was counted before then is not told.
 */
static void only_scope_tell(struct kern *kern)
{
	uint32_t levels = kern->config->levels, slot, count = 0;
	union only_word word = only_level_clear(kern);
	weir_scope_t scope = 0;
	uint64_t cgroup_id = 0;

	for (slot = 1; slot < WEIR_SCOPES_MAX; slot++) {
		if (!kern->scopes[slot].handle)
			continue;
		cgroup_id = kern->scopes[slot].cgroup_id;
		scope = kern->scopes[slot].handle;
		count++;
	}
	if (count != 1 || __builtin_popcount(levels) != 1 || kern->config->unknown)
		return;
	__atomic_store_n(&kern->config->only_cgroup, cgroup_id, __ATOMIC_SEQ_CST);
	__atomic_store_n(&kern->config->only_scope, scope, __ATOMIC_SEQ_CST);
	only_level_set(kern, &word, level_lowest(levels));
}

/* What tasks have worked out is stale from here on. */
static void generation_raise(struct kern *kern)
{
	only_scope_tell(kern);
	__atomic_fetch_add(&kern->config->generation, 1, __ATOMIC_SEQ_CST);
}

/*
 * What is behind a scope that was lifted when its daemon was killed in the middle of that.
 * Where everything is denied stays so until there is a scope.
 */
static void cgroups_mend(struct kern *kern)
{
	int fd = bpf_map__fd(kern->skel->maps.weir_cgroups);
	uint64_t key, next, *last = NULL;
	weir_scope_t handle;
	bool more = bpf_map_get_next_key(fd, last, &key) == 0;

	while (more) {
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (bpf_map_lookup_elem(fd, &key, &handle) == 0 && handle != WEIR_SCOPE_UNKNOWN &&
		    kern->scopes[WEIR_SCOPE_SLOT(handle)].handle != handle)
			bpf_map_delete_elem(fd, &key);
		key = next;
	}
}

/* Below the root; 0: the cgroup is gone. */
static unsigned int level_of(uint64_t cgroup_id)
{
	_cleanup_free_ char *path = NULL;
	unsigned int level = 0;

	if (cgroup_path_of(cgroup_id, &path) < 0)
		return 0;
	for (const char *at = path; *at; at++)
		level += *at == '/' && at[1];
	return level;
}

/* Ends what scope_attach() may have begun: a scope has its place first, and is in force last. */
static int scope_mend(struct kern *kern, const struct weir_scope *scope)
{
	unsigned int level = level_of(scope->cgroup_id);
	int err;

	err = bpf_map__update_elem(kern->skel->maps.weir_cgroups, &scope->cgroup_id,
				   sizeof(scope->cgroup_id), &scope->handle, sizeof(scope->handle),
				   BPF_ANY);
	if (err >= 0 && level && level <= WEIR_CGROUP_DEPTH_MAX)
		__atomic_fetch_or(&kern->config->levels, (uint32_t)(1ull << level),
				  __ATOMIC_SEQ_CST);
	return err;
}

/*
 * Slots that were taken by who was killed before it filled them. The kernel side may be
 * about to fill one, too: it has once all that it was doing has ended.
 */
static int slots_mend(struct kern *kern)
{
	bool taken[WEIR_SCOPES_MAX];
	int err;

	for (uint32_t slot = 1; slot < WEIR_SCOPES_MAX; slot++)
		taken[slot] = kern->scopes[slot].handle && !scope_filled(&kern->scopes[slot]);
	err = decisions_wait(kern);
	if (err < 0)
		return err;
	for (uint32_t slot = 1; slot < WEIR_SCOPES_MAX; slot++) {
		uint32_t bare = slot;

		if (taken[slot])
			__atomic_compare_exchange_n(&kern->scopes[slot].handle, &bare, 0, false,
						    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	}
	return 0;
}

int scopes_mend(struct kern *kern)
{
	int err = slots_mend(kern);

	cgroups_mend(kern);
	for (uint32_t slot = 1; slot < WEIR_SCOPES_MAX && err >= 0; slot++)
		if (scope_filled(&kern->scopes[slot]))
			err = scope_mend(kern, &kern->scopes[slot]);
	generation_raise(kern);
	return err;
}

/* In place of WEIR_SCOPE_UNKNOWN, if it is that: the cgroup is confined all the time. */
static int cgroup_put(struct kern *kern, uint64_t cgroup_id, weir_scope_t handle)
{
	const struct bpf_map *map = kern->skel->maps.weir_cgroups;
	weir_scope_t there = 0;
	bool unknown;

	unknown = bpf_map__lookup_elem(map, &cgroup_id, sizeof(cgroup_id), &there, sizeof(there),
				       0) == 0 && there == WEIR_SCOPE_UNKNOWN;
	return bpf_map__update_elem(map, &cgroup_id, sizeof(cgroup_id), &handle, sizeof(handle),
				    unknown ? BPF_EXIST : BPF_NOEXIST);
}

static int scope_attach(struct kern *kern, uint64_t cgroup_id, unsigned int level,
			uint32_t instance, weir_scope_t *ret_scope)
{
	weir_scope_t handle;
	uint32_t slot;
	int err;

	err = slot_take(kern, cgroup_id, &slot);
	if (err < 0)
		return err;
	handle = WEIR_SCOPE_HANDLE(slot, __atomic_fetch_add(&kern->config->epoch, 1,
							    __ATOMIC_SEQ_CST));
	kern->scopes[slot].cgroup_id = cgroup_id;
	kern->scopes[slot].instance = instance;
	kern->scopes[slot].level = level;
	__atomic_store_n(&kern->scopes[slot].handle, handle, __ATOMIC_SEQ_CST);
	err = cgroup_put(kern, cgroup_id, handle);
	if (err < 0) {
		__atomic_store_n(&kern->scopes[slot].handle, 0, __ATOMIC_SEQ_CST);
		return err;
	}
	__atomic_fetch_or(&kern->config->levels, (uint32_t)(1ull << level), __ATOMIC_SEQ_CST);
	generation_raise(kern);
	*ret_scope = handle;
	return 0;
}

int kern_scope_attach(struct kern *kern, uint64_t cgroup_id, unsigned int level,
		      uint32_t instance, weir_scope_t *ret_scope)
{
	int err;

	if (!level || level > WEIR_CGROUP_DEPTH_MAX)
		return -E2BIG;
	err = set_lock(kern);
	if (err < 0)
		return err;
	err = scope_attach(kern, cgroup_id, level, instance, ret_scope);
	set_unlock(kern);
	return err;
}

static struct weir_scope *scope_of(struct kern *kern, weir_scope_t handle)
{
	struct weir_scope *scope = &kern->scopes[WEIR_SCOPE_SLOT(handle)];

	return handle && scope->handle == handle ? scope : NULL;
}

int kern_scope_point(struct kern *kern, weir_scope_t handle, uint32_t instance)
{
	struct weir_scope *scope = scope_of(kern, handle);

	if (!scope)
		return -ENOENT;
	__atomic_store_n(&scope->instance, instance, __ATOMIC_SEQ_CST);
	return 0;
}

/* levels keeps its bit: a look-up more, until the programs are unloaded. */
int scope_detach(struct kern *kern, weir_scope_t handle)
{
	struct weir_scope *scope = scope_of(kern, handle);
	uint64_t cgroup_id;

	if (!scope)
		return -ENOENT;
	cgroup_id = scope->cgroup_id;
	__atomic_store_n(&scope->handle, 0, __ATOMIC_SEQ_CST);
	generation_raise(kern);
	selected_forget(kern, cgroup_id);
	return bpf_map__delete_elem(kern->skel->maps.weir_cgroups, &cgroup_id, sizeof(cgroup_id),
				    0);
}

int kern_scope_detach(struct kern *kern, weir_scope_t handle)
{
	int err = set_lock(kern);

	if (err < 0)
		return err;
	err = scope_detach(kern, handle);
	set_unlock(kern);
	return err;
}
