// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which tasks a policy is still stuck to: those that were moved out of the
 * scope's cgroup live on when it is empty, and must not become free.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kern/state.h"

#define MARKS_NAME "weir_marks"
/* Removed with its task, which is why one that any hook sees has this program too. */
#define MARKS_PROGRAM "weir_task_free"
#define PROGRAM_MAPS_MAX 64

static int marks_count(int fd)
{
	uint64_t key, *last = NULL;
	struct weir_mark mark;
	int count = 0;

	while (bpf_map_get_next_key(fd, last, &key) == 0) {
		/* gone meanwhile: its task has ended */
		if (bpf_map_lookup_elem(fd, &key, &mark) == 0 &&
		    (mark.scopes[0] || mark.flags & WEIR_MARK_OVERFLOW))
			count++;
		last = &key;
	}
	return errno == ENOENT ? count : -errno;
}

int kern_marks(struct kern *kern)
{
	return kern->options.lsm ? marks_count(bpf_map__fd(kern->skel->maps.weir_marks)) : 0;
}

/* The map of marks among those a program uses. Returns a descriptor or negative errno. */
static int program_marks(uint32_t program_id)
{
	uint32_t ids[PROGRAM_MAPS_MAX];
	struct bpf_prog_info info = {.nr_map_ids = ARRAY_SIZE(ids), .map_ids = (uintptr_t)ids};
	_cleanup_close_ int program = bpf_prog_get_fd_by_id(program_id);
	uint32_t len = sizeof(info);

	if (program < 0 || bpf_obj_get_info_by_fd(program, &info, &len) < 0)
		return -errno;
	for (uint32_t i = 0; i < info.nr_map_ids && i < ARRAY_SIZE(ids); i++) {
		_cleanup_close_ int map = bpf_map_get_fd_by_id(ids[i]);
		struct bpf_map_info map_info = {0};

		len = sizeof(map_info);
		if (map >= 0 && bpf_obj_get_info_by_fd(map, &map_info, &len) == 0 &&
		    strcmp(map_info.name, MARKS_NAME) == 0)
			return TAKE_FD(map);
	}
	return -ENOENT;
}

int kern_marks_pinned(const char *dir)
{
	_cleanup_close_ int link = -1, map = -1;
	_cleanup_free_ char *path = NULL;
	struct bpf_link_info info = {0};
	uint32_t len = sizeof(info);

	if (asprintf(&path, "%s/" MARKS_PROGRAM, dir) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	link = bpf_obj_get(path);
	if (link < 0)
		return errno == ENOENT ? 0 : -errno;
	if (bpf_obj_get_info_by_fd(link, &info, &len) < 0)
		return -errno;
	map = program_marks(info.prog_id);
	return map < 0 ? map : marks_count(map);
}
