// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Selectors: a cgroup they name is under its policy before anybody can see it. The
 * kernel makes a cgroup's folder hidden, tells of it (cgroup_mkdir), and shows it
 * then (kernfs_activate(), in cgroup_mkdir() of kernel/cgroup/cgroup.c): so nobody
 * can have opened it, moved a task into it or begun one in it (CLONE_INTO_CGROUP).
 * All of this is under cgroup_mutex, so that one of these programs runs at a time.
 *
 * What cannot be put under its policy may do nothing (WEIR_SCOPE_UNKNOWN), until user
 * space has looked at it.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "maps.bpf.h"

#define TRACE_PATH_MAX 1024	/* TRACE_CGROUP_PATH_LEN: of the path that comes with it */

/* What one program works in; one runs at a time. User space has nothing to do with it. */
struct selecting {
	struct weir_selector_key key;
	struct weir_selected selected;
	char path[TRACE_PATH_MAX];
	char name[256];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct selecting);
} weir_selecting SEC(".maps");

/* Of the hierarchy that policies are about; those of version 1 have ids of their own. */
static __always_inline bool unified(const struct cgroup *cgroup)
{
	return cgroup->root == bpf_get_current_task_btf()->cgroups->dfl_cgrp->root;
}

static __always_inline void key_clear(struct selecting *at)
{
	__builtin_memset(&at->key, 0, sizeof(at->key));
}

/* The selector of exactly this path; one that does not fit has none. */
static __always_inline struct weir_selector *path_find(struct selecting *at, __u32 len)
{
	if (len > sizeof(at->key.path))
		return NULL;
	key_clear(at);
	if (bpf_probe_read_kernel(at->key.path, len, at->path) < 0)
		return NULL;
	return bpf_map_lookup_elem(&weir_selectors, &at->key);
}

/* That of each cgroup in its folder. len, name_len: with the zeros at their ends. */
static __always_inline struct weir_selector *folder_find(struct selecting *at, __u32 len,
							 __u32 name_len)
{
	__u32 folder = len - name_len;	/* with its '/' */

	if (len < name_len || folder > sizeof(at->key.path) - 2)
		return NULL;
	key_clear(at);
	if (bpf_probe_read_kernel(at->key.path, folder, at->path) < 0)
		return NULL;
	FORGET(folder);
	if (folder > sizeof(at->key.path) - 2)
		return NULL;
	at->key.path[folder] = '*';
	return bpf_map_lookup_elem(&weir_selectors, &at->key);
}

/* What selects a new cgroup, first by its own path. NULL: nothing. */
static __always_inline struct weir_selector *selector_find(struct selecting *at, const char *path,
							   const struct cgroup *cgroup)
{
	long len = bpf_probe_read_kernel_str(at->path, sizeof(at->path), path);
	long name_len = bpf_probe_read_kernel_str(at->name, sizeof(at->name), cgroup->kn->name);
	struct weir_selector *selector;

	/* a longer one was cut, and is in no folder that a selector can name */
	if (len <= 0 || len > WEIR_SELECTED_PATH_MAX || name_len <= 0)
		return NULL;
	selector = path_find(at, len);
	return selector ? selector : folder_find(at, len, name_len);
}

/* A free slot, which is taken at once: user space may want one at the same time. */
struct slot_search {
	__u32 from;
	__u32 found;	/* 0: none */
};

static long slot_step(__u32 index, struct slot_search *search)
{
	__u32 slot = WEIR_SCOPE_SLOT(search->from + index);
	struct weir_scope *scope = bpf_map_lookup_elem(&weir_scopes, &slot);

	if (!slot || !scope || scope->handle ||
	    __sync_val_compare_and_swap(&scope->handle, 0, slot) != 0)
		return 0;
	search->found = slot;
	return 1;
}

/* From where the last was found on. */
static __always_inline __u32 slot_take(void)
{
	struct slot_search search = {.from = weir_config.selected, .found = weir_config.zero};

	bpf_loop(WEIR_SCOPES_MAX, slot_step, &search, 0);
	return search.found;
}

/*
 * There is more than one scope from here on. One word, so that what user space counted
 * before this is not told any more: see only_scope_tell().
 */
static __always_inline void only_scope_forget(void)
{
	__u64 *word = (__u64 *)&weir_config.only_level;

	__sync_lock_test_and_set(word, (__u64)(weir_config.selected + 1) << 32);
}

/* User space finds it also without this. */
static __always_inline void selected_tell(struct selecting *at, __u64 id, weir_scope_t handle)
{
	__builtin_memset(&at->selected, 0, sizeof(at->selected));
	at->selected.scope = handle;
	bpf_probe_read_kernel_str(at->selected.path, sizeof(at->selected.path), at->path);
	bpf_map_update_elem(&weir_selected, &id, &at->selected, BPF_ANY);
}

/* Puts it under the instance. < 0: it is not. */
static __always_inline int scope_make(struct selecting *at, __u64 id, __u32 level,
				      __u32 instance)
{
	__u32 slot = slot_take();
	struct weir_scope *scope = bpf_map_lookup_elem(&weir_scopes, &slot);
	weir_scope_t handle;

	if (!slot || !scope)
		return -1;
	handle = WEIR_SCOPE_HANDLE(slot, __sync_fetch_and_add(&weir_config.epoch, 1));
	scope->cgroup_id = id;
	scope->instance = instance;
	scope->level = level;
	*(volatile __u32 *)&scope->handle = handle;
	/* there already: user space has met the slot, and mended what was none of its own */
	if (bpf_map_update_elem(&weir_cgroups, &id, &handle, BPF_ANY) < 0) {
		scope->handle = 0;
		return -1;
	}
	selected_tell(at, id, handle);
	return 0;
}

/* Its policy cannot be put in force: everything is denied in it. */
static __always_inline void unknown_make(__u64 id)
{
	weir_scope_t unknown = WEIR_SCOPE_UNKNOWN;

	if (bpf_map_update_elem(&weir_cgroups, &id, &unknown, BPF_NOEXIST) < 0)
		__sync_fetch_and_add(&weir_config.missed, 1);
	else
		__sync_fetch_and_add(&weir_config.unknown, 1);
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(weir_cgroup_made, struct cgroup *cgroup, const char *path)
{
	__u32 zero = 0, level = cgroup->level;
	struct selecting *at = bpf_map_lookup_elem(&weir_selecting, &zero);
	struct weir_selector *selector;
	__u64 id = cgroup->kn->id;
	__u32 instance;

	if (!at || !unified(cgroup) || level > WEIR_CGROUP_DEPTH_MAX)
		return 0;	/* so deep no selector reaches */
	selector = selector_find(at, path, cgroup);
	instance = selector ? selector->instance : 0;
	/*
	 * 0: it is for weir itself; there already: programs of two builds are asked in an upgrade
	 */
	if (!instance || bpf_map_lookup_elem(&weir_cgroups, &id))
		return 0;
	if (scope_make(at, id, level, instance) < 0)
		unknown_make(id);
	__sync_fetch_and_or(&weir_config.levels, 1u << level);
	only_scope_forget();
	return 0;
}

/* Nobody is left in it. What has a scope is user space's to end, for its tasks may live on. */
SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(weir_cgroup_gone, struct cgroup *cgroup, const char *path)
{
	__u64 id = cgroup->kn->id;
	weir_scope_t *handle = bpf_map_lookup_elem(&weir_cgroups, &id);

	if (!handle || !unified(cgroup))
		return 0;
	if (*handle == WEIR_SCOPE_UNKNOWN)
		bpf_map_delete_elem(&weir_cgroups, &id);
	else
		__sync_fetch_and_add(&weir_config.removed, 1);
	return 0;
}
