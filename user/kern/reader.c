// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Who reads records, and what readers leave behind; see reader.h. */
#include "kern/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "kern/set.h"

#define RING_ALLOW_BYTES (4u << 20)
#define RING_DENY_BYTES (1u << 20)

static void reader_path(const struct kern *kern, uint32_t reader, char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%s/" SET_READERS "/%u", kern->folder, reader);
}

/* Locked for as long as this process lives. */
static int reader_lock(struct kern *kern, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	kern->reader_fd = TAKE_FD(fd);
	return 0;
}

/* Returns 0, -EEXIST: taken, or another errno. */
static int reader_claim(struct kern *kern, uint32_t reader)
{
	char path[PATH_MAX];

	reader_path(kern, reader, path);
	if (mkdir(path, 0700) < 0)
		return -errno;
	return reader_lock(kern, path);
}

/* The number that is the daemon's: new, or a dead one's. -EWOULDBLOCK: it lives. */
static int reader_take(struct kern *kern)
{
	char path[PATH_MAX];
	int r = reader_claim(kern, WEIR_READER_DAEMON);

	kern->taken = r == -EEXIST;
	if (kern->taken) {
		reader_path(kern, WEIR_READER_DAEMON, path);
		r = reader_lock(kern, path);
	}
	if (r >= 0)
		kern->reader = WEIR_READER_DAEMON;
	return r;
}

static int reader_find(struct kern *kern)
{
	uint32_t reader;
	int r = 0;

	if (kern->options.daemon)
		return reader_take(kern);
	for (reader = 1; reader < WEIR_READER_DAEMON; reader++) {
		r = reader_claim(kern, reader);
		if (r >= 0)
			kern->reader = reader;
		if (r != -EEXIST)
			return r;
	}
	return -EUSERS;
}

static int ring_make(struct kern *kern, struct bpf_map *rings, uint32_t bytes, int *ret_fd)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "weir_ring", 0, 0, bytes, NULL);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return bpf_map__update_elem(rings, &kern->reader, sizeof(kern->reader), &fd, sizeof(fd), 0);
}

/* The ring that a dead daemon's records wait in; a new one if it had come to none yet. */
static int ring_take(struct kern *kern, struct bpf_map *rings, uint32_t bytes, int *ret_fd)
{
	uint32_t id;
	int r = -ENOENT;

	if (kern->taken)
		r = bpf_map__lookup_elem(rings, &kern->reader, sizeof(kern->reader), &id,
					 sizeof(id), 0);
	if (r == -ENOENT)
		return ring_make(kern, rings, bytes, ret_fd);
	if (r < 0)
		return r;
	*ret_fd = bpf_map_get_fd_by_id(id);
	return *ret_fd < 0 ? -errno : 0;
}

/* What another reader of this number did not get is not this one's loss. */
static int losses_clear(struct kern *kern)
{
	int cpus = libbpf_num_possible_cpus(), r = 0;
	_cleanup_free_ uint64_t *zeros = cpus > 0 ? calloc((size_t)cpus, sizeof(*zeros)) : NULL;

	if (!zeros)
		return cpus < 0 ? cpus : -ENOMEM;
	for (uint32_t type = 0; r >= 0 && type < WEIR_EVENT_COUNT; type++) {
		uint32_t key = WEIR_LOST_KEY(kern->reader, type);

		r = bpf_map__update_elem(kern->skel->maps.weir_lost, &key, sizeof(key), zeros,
					 (size_t)cpus * sizeof(*zeros), 0);
	}
	return r;
}

int reader_make(struct kern *kern)
{
	const uint32_t allow = kern->options.ring_allow_bytes;
	const uint32_t deny = kern->options.ring_deny_bytes;
	int r = reader_find(kern);

	if (r >= 0)
		r = ring_take(kern, kern->skel->maps.weir_rings_deny,
			      deny ? deny : RING_DENY_BYTES, &kern->ring_deny_fd);
	if (r >= 0)
		r = ring_take(kern, kern->skel->maps.weir_rings_allow,
			      allow ? allow : RING_ALLOW_BYTES, &kern->ring_allow_fd);
	/* what was lost while nobody read is for the one who takes over to report */
	if (r >= 0 && kern->taken)
		return scopes_mend(kern);
	if (r < 0)
		return r;
	r = losses_clear(kern);
	/* those of nobody are everybody's, from here on */
	return r >= 0 ? kern_losses(kern, kern->lost_before) : r;
}

bool kern_taken(const struct kern *kern)
{
	return kern->taken;
}

static int map_id(int fd, uint32_t *ret)
{
	struct bpf_map_info info = {0};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return -errno;
	*ret = info.id;
	return 0;
}

int kern_rings(const struct kern *kern, struct kern_rings *ret)
{
	int r = map_id(kern->ring_deny_fd, &ret->deny);

	return r < 0 ? r : map_id(kern->ring_allow_fd, &ret->allow);
}

static uint32_t scope_reader(const struct kern *kern, uint32_t slot)
{
	uint32_t instance = kern->scopes[slot].instance;

	return instance < WEIR_INSTANCES_MAX ? WEIR_READER(kern->instances[instance].serial) : 0;
}

void reader_free(struct kern *kern, uint32_t reader)
{
	char path[PATH_MAX];

	/* first what makes new scopes */
	selectors_drop(kern, reader);
	for (uint32_t slot = 1; slot < WEIR_SCOPES_MAX; slot++)
		if (scope_filled(&kern->scopes[slot]) && scope_reader(kern, slot) == reader)
			scope_detach(kern, kern->scopes[slot].handle);
	for (uint32_t index = 1; index < WEIR_INSTANCES_MAX; index++)
		if (kern->instances[index].serial &&
		    WEIR_READER(kern->instances[index].serial) == reader)
			instance_drop(kern, index);
	grants_drop(kern, reader);
	bpf_map__delete_elem(kern->skel->maps.weir_rings_deny, &reader, sizeof(reader), 0);
	bpf_map__delete_elem(kern->skel->maps.weir_rings_allow, &reader, sizeof(reader), 0);
	reader_path(kern, reader, path);
	rmdir(path);
}

bool reader_dead(const struct kern *kern, uint32_t reader)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];

	if (!reader || reader == kern->reader)
		return false;
	reader_path(kern, reader, path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

int kern_orphans(struct kern *kern, struct kern_orphan **ret, size_t *ret_n)
{
	struct kern_orphan *orphans = calloc(WEIR_SCOPES_MAX, sizeof(*orphans));
	size_t n = 0;
	int r;

	if (!orphans)
		return -ENOMEM;
	r = set_lock(kern);
	if (r < 0) {
		free(orphans);
		return r;
	}
	for (uint32_t slot = 1; slot < WEIR_SCOPES_MAX; slot++) {
		const struct weir_scope *scope = &kern->scopes[slot];
		uint32_t reader = scope_filled(scope) ? scope_reader(kern, slot) : 0;

		if (reader_dead(kern, reader))
			orphans[n++] = (struct kern_orphan){scope->handle, scope->cgroup_id,
							    reader == WEIR_READER_DAEMON};
	}
	set_unlock(kern);
	*ret = orphans;
	*ret_n = n;
	return 0;
}

static bool reader_confines(const struct kern *kern, uint32_t reader)
{
	for (uint32_t slot = 1; slot < WEIR_SCOPES_MAX; slot++)
		if (scope_filled(&kern->scopes[slot]) && scope_reader(kern, slot) == reader)
			return true;
	return selectors_of(kern, reader);
}

void kern_orphans_end(struct kern *kern)
{
	if (set_lock(kern) < 0)
		return;
	for (uint32_t reader = 1; reader < WEIR_READER_DAEMON; reader++)
		if (!reader_confines(kern, reader) && reader_dead(kern, reader))
			reader_free(kern, reader);
	set_unlock(kern);
}

int kern_scopes(struct kern *kern, struct kern_scope **ret, size_t *ret_n)
{
	struct kern_scope *scopes = calloc(WEIR_SCOPES_MAX, sizeof(*scopes));
	size_t n = 0;

	if (!scopes)
		return -ENOMEM;
	for (uint32_t slot = 1; slot < WEIR_SCOPES_MAX; slot++) {
		const struct weir_scope *scope = &kern->scopes[slot];

		if (!scope_filled(scope) || scope_reader(kern, slot) != kern->reader)
			continue;
		scopes[n++] = (struct kern_scope){scope->handle, scope->cgroup_id, scope->instance,
						  kern->instances[scope->instance].serial};
	}
	*ret = scopes;
	*ret_n = n;
	return 0;
}

void kern_instances_tidy(struct kern *kern, const uint64_t known[WEIR_INSTANCES_MAX / 64])
{
	if (set_lock(kern) < 0)
		return;
	for (uint32_t index = 1; index < WEIR_INSTANCES_MAX; index++)
		if (kern->instances[index].serial &&
		    WEIR_READER(kern->instances[index].serial) == kern->reader &&
		    !(known[index / 64] >> index % 64 & 1))
			/* refused where one is under it, or will be */
			instance_drop(kern, index);
	set_unlock(kern);
}
