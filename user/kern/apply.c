// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A compiled policy becomes an instance: fresh inner maps, filled, then put in
 * place. Nothing decides by it until a scope points at it, and it goes only
 * after every decision under it has ended.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "kern/set.h"

#define NS_PER_S 1000000000ull

/* The tables of an instance. */
enum table { NETS, PORTSETS, SEGMENTS, EDGES, NODES, GLOBS, ROWS, TABLES };

static struct bpf_map *outer(const struct kern *kern, enum table table)
{
	struct bpf_map *const maps[TABLES] = {
		[NETS] = kern->skel->maps.weir_nets,
		[PORTSETS] = kern->skel->maps.weir_portsets,
		[SEGMENTS] = kern->skel->maps.weir_segments,
		[EDGES] = kern->skel->maps.weir_edges,
		[NODES] = kern->skel->maps.weir_nodes,
		[GLOBS] = kern->skel->maps.weir_globs,
		[ROWS] = kern->skel->maps.weir_rows,
	};

	return maps[table];
}

/* What goes into one table. keys NULL: an array, its indices are the keys. */
struct filling {
	enum bpf_map_type type;
	uint32_t flags;
	const char *name;
	const void *keys;
	const void *values;
	uint32_t key_size;
	uint32_t value_size;
	size_t count;
};

static int map_fill(int fd, const struct filling *filling)
{
	_cleanup_free_ uint32_t *indices = NULL;
	uint32_t count = (uint32_t)filling->count, i;
	const void *keys = filling->keys;
	LIBBPF_OPTS(bpf_map_batch_opts, opts);

	if (!count)
		return 0;
	if (!keys) {
		keys = indices = calloc(count, sizeof(*indices));
		if (!indices)
			return -ENOMEM;
		for (i = 0; i < count; i++)
			indices[i] = i;
	}
	if (bpf_map_update_batch(fd, keys, filling->values, &count, &opts) < 0)
		return -errno;
	return count == filling->count ? 0 : -EIO;
}

/* A new inner map with its contents. Returns its descriptor or negative errno. */
static int table_make(const struct filling *filling)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = filling->flags);
	_cleanup_close_ int fd = -1;
	int err;

	fd = bpf_map_create(filling->type, filling->name, filling->key_size, filling->value_size,
			    filling->count ? (uint32_t)filling->count : 1, &opts);
	if (fd < 0)
		return -errno;
	err = map_fill(fd, filling);
	return err < 0 ? err : TAKE_FD(fd);
}

static void fillings_of(const struct policy_compiled *compiled, struct filling ret[TABLES])
{
	ret[NETS] = (struct filling){BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC, "weir_net",
				     compiled->net_keys, compiled->net_values,
				     sizeof(*compiled->net_keys), sizeof(*compiled->net_values),
				     compiled->n_nets};
	ret[PORTSETS] = (struct filling){BPF_MAP_TYPE_ARRAY, BPF_F_INNER_MAP, "weir_portset", NULL,
					 compiled->portsets, sizeof(uint32_t),
					 sizeof(*compiled->portsets), compiled->n_portsets};
	ret[SEGMENTS] = (struct filling){BPF_MAP_TYPE_ARRAY, BPF_F_INNER_MAP, "weir_segment", NULL,
					 compiled->segments, sizeof(uint32_t),
					 sizeof(*compiled->segments), compiled->n_segments};
	ret[EDGES] = (struct filling){BPF_MAP_TYPE_HASH, 0, "weir_edge", compiled->edge_keys,
				      compiled->edge_values, sizeof(*compiled->edge_keys),
				      sizeof(*compiled->edge_values), compiled->n_edges};
	ret[NODES] = (struct filling){BPF_MAP_TYPE_ARRAY, BPF_F_INNER_MAP, "weir_node", NULL,
				      compiled->nodes, sizeof(uint32_t), sizeof(*compiled->nodes),
				      compiled->n_nodes};
	ret[GLOBS] = (struct filling){BPF_MAP_TYPE_ARRAY, BPF_F_INNER_MAP, "weir_glob", NULL,
				      compiled->globs, sizeof(uint32_t), sizeof(*compiled->globs),
				      compiled->n_globs};
	ret[ROWS] = (struct filling){
		BPF_MAP_TYPE_ARRAY, BPF_F_INNER_MAP,	     "weir_row",      NULL, compiled->rows,
		sizeof(uint32_t),   sizeof(*compiled->rows), compiled->n_rows};
}

/* One table of an instance that is put in place, or taken away. */
struct task {
	struct kern *kern;
	const struct filling *filling;
	pthread_t thread;
	enum table table;
	uint32_t index;
	int error;
	bool started;
};

static void *table_put(void *context)
{
	struct task *task = context;
	_cleanup_close_ int fd = table_make(task->filling);

	task->error = fd < 0 ? fd :
			       bpf_map__update_elem(outer(task->kern, task->table), &task->index,
						    sizeof(task->index), &fd, sizeof(fd), 0);
	return NULL;
}

static void *table_drop(void *context)
{
	struct task *task = context;

	bpf_map__delete_elem(outer(task->kern, task->table), &task->index, sizeof(task->index), 0);
	return NULL;
}

/*
 * All at one time: for each table the kernel waits until programs that were running have
 * ended, and the largest takes as long to fill as all others. Without a thread it is done here.
 */
static int tables_each(struct kern *kern, void *(*fn)(void *context),
		       const struct filling fillings[TABLES], uint32_t index)
{
	struct task tasks[TABLES];
	int err = 0;

	for (int table = 0; table < TABLES; table++) {
		tasks[table] = (struct task){.kern = kern, .table = table, .index = index,
					     .filling = fillings ? &fillings[table] : NULL};
		tasks[table].started =
			pthread_create(&tasks[table].thread, NULL, fn, &tasks[table]) == 0;
		if (!tasks[table].started)
			fn(&tasks[table]);
	}
	for (int table = 0; table < TABLES; table++) {
		if (tasks[table].started)
			pthread_join(tasks[table].thread, NULL);
		err = err < 0 ? err : tasks[table].error;
	}
	return err;
}

/* Takes the tables of an index away; those that are not there are no error. */
static void tables_drop(struct kern *kern, uint32_t index)
{
	tables_each(kern, table_drop, NULL, index);
}

static int tables_put(struct kern *kern, const struct policy_compiled *compiled, uint32_t index)
{
	struct filling fillings[TABLES];
	int err;

	fillings_of(compiled, fillings);
	err = tables_each(kern, table_put, fillings, index);
	if (err < 0)
		tables_drop(kern, index);
	return err < 0 ? err : 0;
}

static int index_free(const struct kern *kern, uint32_t *ret)
{
	uint32_t index;

	for (index = 1; index < WEIR_INSTANCES_MAX; index++) {
		if (!kern->instances[index].serial) {
			*ret = index;
			return 0;
		}
	}
	return -ENOSPC;
}

/* The policy's end on the clock that neither steps nor stops in suspend. */
static uint64_t expires_boottime(uint64_t expires_s)
{
	struct timespec real, boot;
	int64_t left_ns, now_ns;

	if (!expires_s)
		return 0;
	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	now_ns = (int64_t)(boot.tv_sec * (int64_t)NS_PER_S + boot.tv_nsec);
	if (__builtin_mul_overflow((int64_t)expires_s - real.tv_sec, (int64_t)NS_PER_S, &left_ns) ||
	    __builtin_add_overflow(left_ns, now_ns - real.tv_nsec, &left_ns))
		return (int64_t)expires_s > real.tv_sec ? UINT64_MAX : 1;
	return left_ns > 0 ? (uint64_t)left_ns : 1;
}

/* What grants there are in it, and when the first of all this ends. */
static void grants_note(const struct policy_compiled *compiled, struct weir_instance *instance)
{
	instance->deadline_ns = instance->expires_ns;
	for (size_t i = 0; i < compiled->n_grants; i++) {
		const struct compiled_grant *grant = &compiled->grants[i];

		instance->grants[grant->slot / 64] |= 1ull << grant->slot % 64;
		if (!instance->deadline_ns || grant->expires_ns < instance->deadline_ns)
			instance->deadline_ns = grant->expires_ns;
	}
}

/* The lock keeps others from the same index; serials are never given twice. */
static int instance_load(struct kern *kern, const struct policy_compiled *compiled,
			 uint32_t extra_flags, uint32_t *ret_instance, uint64_t *ret_serial)
{
	struct weir_instance instance = {
		.serial = kern->config->serial * WEIR_READERS_MAX + kern->reader,
		.expires_ns = expires_boottime(compiled->expires_s),
		.flags = compiled->flags | extra_flags,
	};
	uint32_t index;
	int err;

	grants_note(compiled, &instance);
	err = index_free(kern, &index);
	if (err < 0)
		return err;
	err = tables_put(kern, compiled, index);
	if (err < 0)
		return err;
	kern->config->serial++;		/* before it is given, should this process be killed */
	err = bpf_map__update_elem(kern->skel->maps.weir_instances, &index, sizeof(index),
				   &instance, sizeof(instance), 0);
	if (err < 0) {
		tables_drop(kern, index);
		return err;
	}
	*ret_instance = index;
	*ret_serial = instance.serial;
	return 0;
}

int kern_instance_load(struct kern *kern, const struct policy_compiled *compiled,
		       uint32_t extra_flags, uint32_t *ret_instance, uint64_t *ret_serial)
{
	int err = set_lock(kern);

	if (err < 0)
		return err;
	err = instance_load(kern, compiled, extra_flags, ret_instance, ret_serial);
	set_unlock(kern);
	return err;
}

/*
 * Writing an array of maps from user space returns only when every program
 * that was running has ended (maybe_wait_bpf_programs, kernel/bpf/syscall.c).
 */
int decisions_wait(struct kern *kern)
{
	uint32_t zero = 0;

	return bpf_map__update_elem(kern->skel->maps.weir_nets, &zero, sizeof(zero),
				    &kern->idle_map_fd, sizeof(kern->idle_map_fd), 0);
}

int instance_drop(struct kern *kern, uint32_t index)
{
	const struct weir_instance empty = {0};
	int err, slot;

	if (!index || index >= WEIR_INSTANCES_MAX)
		return -EINVAL;
	for (slot = 1; slot < WEIR_SCOPES_MAX; slot++)
		if (scope_filled(&kern->scopes[slot]) && kern->scopes[slot].instance == index)
			return -EBUSY;
	if (selectors_use(kern, index))
		return -EBUSY;
	err = decisions_wait(kern);
	if (err < 0)
		return err;
	tables_drop(kern, index);
	return bpf_map__update_elem(kern->skel->maps.weir_instances, &index, sizeof(index), &empty,
				    sizeof(empty), 0);
}

int kern_instance_free(struct kern *kern, uint32_t index)
{
	int err = set_lock(kern);

	if (err < 0)
		return err;
	err = instance_drop(kern, index);
	set_unlock(kern);
	return err;
}

uint64_t kern_instance_expires(const struct kern *kern, uint32_t instance)
{
	return instance < WEIR_INSTANCES_MAX ? kern->instances[instance].expires_ns : 0;
}
