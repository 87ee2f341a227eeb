// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Watched folders; see watch.h. */
#include "daemon/watch.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "kern/cgroup.h"

struct folder {
	uv_fs_event_t event;
	struct folder *next;
	struct watch *watch;
	char *path;
	uint64_t cgroup_id;
	bool wanted;
};

struct watch {
	uv_loop_t *loop;
	void (*changed)(void *context);
	void *context;
	struct folder *folders;
	int root_fd;
	char mount[PATH_MAX];
};

int watch_new(uv_loop_t *loop, int root_fd, void (*changed)(void *context), void *context,
	      struct watch **ret)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	int r = watch ? cgroup_mount_path(watch->mount, sizeof(watch->mount)) : -ENOMEM;

	if (r < 0) {
		free(watch);
		return r;
	}
	watch->loop = loop;
	watch->root_fd = root_fd;
	watch->changed = changed;
	watch->context = context;
	*ret = watch;
	return 0;
}

static void folder_closed(uv_handle_t *handle)
{
	struct folder *folder = handle->data;

	free(folder->path);
	free(folder);
}

/* Whatever it is, even that the folder itself has gone, is found by looking. */
static void folder_changed(uv_fs_event_t *event, const char *name, int events, int status)
{
	const struct folder *folder = event->data;

	(void)name;
	(void)events;
	(void)status;
	folder->watch->changed(folder->watch->context);
}

void watch_begin(struct watch *watch)
{
	for (struct folder *folder = watch->folders; folder; folder = folder->next)
		folder->wanted = false;
}

/* 0: there is none. */
static uint64_t folder_id(const struct watch *watch, const char *path)
{
	_cleanup_cgroup_ struct cgroup cgroup = {.fd = -1};

	return cgroup_open_at(watch->root_fd, *path ? path : "/", &cgroup) == 0 ? cgroup.id : 0;
}

static struct folder *folder_find(const struct watch *watch, const char *path, size_t len)
{
	struct folder *folder;

	for (folder = watch->folders; folder; folder = folder->next)
		if (strncmp(folder->path, path, len) == 0 && !folder->path[len])
			break;
	return folder;
}

/* What is there by now came unseen. */
static int folder_start(struct folder *folder)
{
	struct watch *watch = folder->watch;
	char whole[2 * PATH_MAX];
	int r;

	folder->cgroup_id = folder_id(watch, folder->path);
	snprintf(whole, sizeof(whole), "%s%s", watch->mount, folder->path);
	r = folder->cgroup_id ? uv_fs_event_start(&folder->event, folder_changed, whole, 0) :
				-ENOENT;
	if (r < 0) {
		uv_close((uv_handle_t *)&folder->event, folder_closed);
		return r;
	}
	folder->next = watch->folders;
	watch->folders = folder;
	watch->changed(watch->context);
	return 0;
}

/* 0, -ENOENT: it is not there, or another errno. */
static int folder_want(struct watch *watch, const char *path, size_t len)
{
	struct folder *folder = folder_find(watch, path, len);

	if (folder) {
		folder->wanted = true;
		return 0;
	}
	folder = calloc(1, sizeof(*folder));
	if (!folder)
		return -ENOMEM;
	folder->path = strndup(path, len);
	folder->watch = watch;
	folder->wanted = true;
	if (!folder->path || uv_fs_event_init(watch->loop, &folder->event) < 0) {
		free(folder->path);
		free(folder);
		return -ENOMEM;
	}
	folder->event.data = folder;
	return folder_start(folder);
}

void watch_want(struct watch *watch, const char *path, size_t len)
{
	/* of one that is not there, the nearest above it */
	while (folder_want(watch, path, len) == -ENOENT && len)
		while (len && path[--len] != '/')
			;
}

void watch_end(struct watch *watch)
{
	struct folder **at = &watch->folders, *folder;

	while ((folder = *at)) {
		/* of one that was removed, and perhaps made again, the watch has ended by itself */
		if (folder->wanted && folder_id(watch, folder->path) == folder->cgroup_id) {
			at = &folder->next;
			continue;
		}
		*at = folder->next;
		uv_close((uv_handle_t *)&folder->event, folder_closed);
	}
}

void watch_free(struct watch *watch)
{
	struct folder *folder, *next;

	if (!watch)
		return;
	for (folder = watch->folders; folder; folder = next) {
		next = folder->next;
		uv_close((uv_handle_t *)&folder->event, folder_closed);
	}
	free(watch);
}
