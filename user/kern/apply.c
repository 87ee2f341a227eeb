// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A compiled policy becomes an instance: fresh inner maps, filled, then put in
 * place. Nothing decides by it until a scope points at it, and it goes only
 * after every decision under it has ended.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "kern/set.h"

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

/* What goes into one table. An array has no keys: its indices are. */
struct filling {
	enum bpf_map_type type;
	const char *name;
	const void *keys;
	const void *values;
	uint32_t key_size;
	uint32_t value_size;
	size_t count;
};

static int hash_fill(int fd, const struct filling *filling)
{
	uint32_t count = (uint32_t)filling->count;
	LIBBPF_OPTS(bpf_map_batch_opts, opts);

	if (!count)
		return 0;
	if (bpf_map_update_batch(fd, filling->keys, filling->values, &count, &opts) < 0)
		return -errno;
	return count == filling->count ? 0 : -EIO;
}

/* Elements begin at multiples of 8 bytes (array_map_alloc, kernel/bpf/arraymap.c). */
static int array_fill(int fd, const struct filling *filling)
{
	const size_t stride = (filling->value_size + 7) & ~(size_t)7;
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t size = (stride * filling->count + page - 1) & ~(page - 1);
	unsigned char *to;

	if (!filling->count)
		return 0;
	to = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (to == MAP_FAILED)
		return -errno;
	for (size_t i = 0; i < filling->count; i++)
		memcpy(to + i * stride,
		       (const unsigned char *)filling->values + i * filling->value_size,
		       filling->value_size);
	munmap(to, size);
	return 0;
}

/* A new inner map with its contents. Returns its descriptor or negative errno. */
static int table_make(const struct filling *filling)
{
	const bool hash = filling->type == BPF_MAP_TYPE_HASH;
	LIBBPF_OPTS(bpf_map_create_opts, opts,
		    .map_flags = hash ? 0 : BPF_F_INNER_MAP | BPF_F_MMAPABLE);
	_cleanup_close_ int fd = -1;
	int err;

	fd = bpf_map_create(filling->type, filling->name, filling->key_size, filling->value_size,
			    filling->count ? (uint32_t)filling->count : 1, &opts);
	if (fd < 0)
		return -errno;
	err = hash ? hash_fill(fd, filling) : array_fill(fd, filling);
	return err < 0 ? err : TAKE_FD(fd);
}

#define ARRAY_FILLING(map_name, list, n) \
	(struct filling) \
	{ \
		.type = BPF_MAP_TYPE_ARRAY, .name = map_name, .values = list, \
		.key_size = sizeof(uint32_t), .value_size = sizeof(*(list)), .count = n \
	}

static void fillings_of(const struct policy_compiled *compiled, struct filling ret[TABLES])
{
	ret[NETS] = ARRAY_FILLING("weir_net", compiled->nets, compiled->n_nets);
	ret[PORTSETS] = ARRAY_FILLING("weir_portset", compiled->portsets, compiled->n_portsets);
	ret[SEGMENTS] = ARRAY_FILLING("weir_segment", compiled->segments, compiled->n_segments);
	ret[EDGES] = (struct filling){.type = BPF_MAP_TYPE_HASH,
				      .name = "weir_edge",
				      .keys = compiled->edge_keys,
				      .values = compiled->edge_values,
				      .key_size = sizeof(*compiled->edge_keys),
				      .value_size = sizeof(*compiled->edge_values),
				      .count = compiled->n_edges};
	ret[NODES] = ARRAY_FILLING("weir_node", compiled->nodes, compiled->n_nodes);
	ret[GLOBS] = ARRAY_FILLING("weir_glob", compiled->globs, compiled->n_globs);
	ret[ROWS] = ARRAY_FILLING("weir_row", compiled->rows, compiled->n_rows);
}

/* One table of an instance that is put in place, or taken away. */
struct work {
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
	struct work *work = context;
	_cleanup_close_ int fd = table_make(work->filling);

	work->error = fd < 0 ? fd :
			       bpf_map__update_elem(outer(work->kern, work->table), &work->index,
						    sizeof(work->index), &fd, sizeof(fd), 0);
	return NULL;
}

static void *table_drop(void *context)
{
	struct work *work = context;

	bpf_map__delete_elem(outer(work->kern, work->table), &work->index, sizeof(work->index), 0);
	return NULL;
}

/*
 * All at one time: for each table the kernel waits until programs that were running have
 * ended, and the largest takes as long to fill as all others. Without a thread it is done here.
 */
static int tables_each(struct kern *kern, void *(*fn)(void *context),
		       const struct filling fillings[TABLES], uint32_t index)
{
	struct work works[TABLES];
	int err = 0;

	for (int table = 0; table < TABLES; table++) {
		works[table] = (struct work){.kern = kern, .table = table, .index = index,
					     .filling = fillings ? &fillings[table] : NULL};
		works[table].started =
			pthread_create(&works[table].thread, NULL, fn, &works[table]) == 0;
		if (!works[table].started)
			fn(&works[table]);
	}
	for (int table = 0; table < TABLES; table++) {
		if (works[table].started)
			pthread_join(works[table].thread, NULL);
		err = err < 0 ? err : works[table].error;
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
	/* in this order: what comes between the two makes it end earlier, not later */
	uint64_t boot_ns = clock_ns(CLOCK_BOOTTIME), end_ns;
	uint64_t real_ns = clock_ns(CLOCK_REALTIME);

	if (!expires_s)
		return 0;
	if (__builtin_mul_overflow(expires_s, NS_PER_S, &end_ns) ||
	    __builtin_add_overflow(end_ns, boot_ns, &end_ns))
		return UINT64_MAX;
	return end_ns > real_ns ? end_ns - real_ns : 1;
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

static uint32_t step_of(size_t n_nets)
{
	return n_nets ? 1u << (31 - __builtin_clz((uint32_t)n_nets)) : 0;
}

/* The lock keeps others from the same index; serials are never given twice. */
static int instance_load(struct kern *kern, const struct policy_compiled *compiled,
			 uint32_t extra_flags, uint32_t *ret_instance, uint64_t *ret_serial)
{
	struct weir_instance instance = {
		.serial = kern->config->serial * WEIR_READERS_MAX + kern->reader,
		.expires_ns = expires_boottime(compiled->expires_s),
		.flags = compiled->flags | extra_flags,
		.nets_step = step_of(compiled->n_nets),
		.any_v4 = compiled->any_v4,
		.any_v6 = compiled->any_v6,
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

int idle_map_make(struct kern *kern)
{
	const struct filling idle = ARRAY_FILLING("weir_idle", (const struct weir_net *)NULL, 0);

	kern->idle_map_fd = table_make(&idle);
	return kern->idle_map_fd < 0 ? kern->idle_map_fd : 0;
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
