// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Scopes: which cgroup is under which instance, and the launcher that is not yet. */
#include <errno.h>

#include "kern/set.h"

#define EPOCH_BITS 20
#define SLOT_BITS 12

_Static_assert(1 << SLOT_BITS == WEIR_SCOPES_MAX, "a handle has room for every slot");

static int slot_free(const struct kern *kern, uint64_t cgroup_id, uint32_t *ret)
{
	uint32_t slot, found = 0;

	for (slot = WEIR_SCOPES_MAX - 1; slot > 0; slot--) {
		if (!kern->scopes[slot].handle)
			found = slot;
		else if (kern->scopes[slot].cgroup_id == cgroup_id)
			return -EEXIST;
	}
	if (!found)
		return -ENOSPC;
	*ret = found;
	return 0;
}

static unsigned int level_lowest(uint32_t levels)
{
	return (unsigned int)__builtin_ctz(levels);
}

/*
 * Tells the kernel side of the one scope there is, if it is one alone: tasks
 * outside of it are told without a look-up. Level 0 sends every task to the
 * look-up, so it stands while the other words change.
 */
static void only_scope_tell(struct kern *kern)
{
	uint32_t levels = kern->config->levels, slot, count = 0;
	weir_scope_t scope = 0;
	uint64_t cgroup_id = 0;

	__atomic_store_n(&kern->config->only_level, 0, __ATOMIC_SEQ_CST);
	for (slot = 1; slot < WEIR_SCOPES_MAX; slot++) {
		if (!kern->scopes[slot].handle)
			continue;
		cgroup_id = kern->scopes[slot].cgroup_id;
		scope = kern->scopes[slot].handle;
		count++;
	}
	if (count != 1 || __builtin_popcount(levels) != 1)
		return;
	__atomic_store_n(&kern->config->only_cgroup, cgroup_id, __ATOMIC_SEQ_CST);
	__atomic_store_n(&kern->config->only_scope, scope, __ATOMIC_SEQ_CST);
	__atomic_store_n(&kern->config->only_level, level_lowest(levels), __ATOMIC_SEQ_CST);
}

/* What tasks have worked out is stale from here on. */
static void generation_raise(struct kern *kern)
{
	only_scope_tell(kern);
	__atomic_fetch_add(&kern->config->generation, 1, __ATOMIC_SEQ_CST);
}

static int scope_attach(struct kern *kern, uint64_t cgroup_id, unsigned int level,
			uint32_t instance, weir_scope_t *ret_scope)
{
	weir_scope_t handle;
	uint32_t slot;
	int err;

	err = slot_free(kern, cgroup_id, &slot);
	if (err < 0)
		return err;
	kern->config->epoch = (kern->config->epoch + 1) & ((1u << EPOCH_BITS) - 1);
	if (!kern->config->epoch)
		kern->config->epoch = 1;
	handle = kern->config->epoch << SLOT_BITS | slot;
	kern->scopes[slot].cgroup_id = cgroup_id;
	kern->scopes[slot].instance = instance;
	__atomic_store_n(&kern->scopes[slot].handle, handle, __ATOMIC_SEQ_CST);
	err = bpf_map__update_elem(kern->skel->maps.weir_cgroups, &cgroup_id, sizeof(cgroup_id),
				   &handle, sizeof(handle), BPF_NOEXIST);
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

void kern_scope_occupied(struct kern *kern)
{
	__atomic_store_n(&kern->config->before, 1, __ATOMIC_SEQ_CST);
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

int kern_launcher_arm(struct kern *kern)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err;

	if (!kern->options.lsm)
		return 0;
	err = bpf_prog_test_run_opts(program_call_fd(kern, kern->skel->progs.weir_arm), &opts);
	if (err < 0)
		return -errno;
	return opts.retval ? -ENOSPC : 0;	/* the map of marks is full */
}
