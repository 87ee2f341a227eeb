// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Entering, pinning and leaving the shared set; see set.h. */
#include "kern/set.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "abi_id.h"
#include "build_id.h"
#include "kern/upgrade.h"

#define FOLDER_MODE 0700
#define LOCK_STEP_MS 5
#define MAPS "maps"

const char set_build[] = WEIR_BUILD_ID;

static const char *const folders[] = {MAPS, SET_LINKS, SET_CALLS, SET_NEXT, SET_READERS};

const char *set_path(const struct kern *kern, const char *kind, const char *name,
		     char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%s/%s%s%s", kern->folder, kind, *kind ? "/" : "", name);
	return ret;
}

static int lock_once(int fd, int operation)
{
	int r;

	do
		r = flock(fd, operation);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

/* flock(2) knows no time limit. Who holds it longer than a moment loads programs. */
int set_lock(const struct kern *kern)
{
	const struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000};
	unsigned int waited_ms = 0;
	int r;

	if (!kern->options.lock_wait_ms)
		return lock_once(kern->lock_fd, LOCK_EX);
	while ((r = lock_once(kern->lock_fd, LOCK_EX | LOCK_NB)) == -EWOULDBLOCK) {
		if (waited_ms >= kern->options.lock_wait_ms)
			return -EBUSY;
		nanosleep(&step, NULL);
		waited_ms += LOCK_STEP_MS;
	}
	return r;
}

void kern_patience(struct kern *kern, unsigned int lock_wait_ms)
{
	kern->options.lock_wait_ms = lock_wait_ms;
}

void set_unlock(const struct kern *kern)
{
	flock(kern->lock_fd, LOCK_UN);
}

static int folder_open(const char *path, bool make)
{
	int fd;

	if (make && mkdir(path, FOLDER_MODE) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Its entries are pins or empty folders. */
int set_folder_clear(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		r = errno == ENOENT ? 0 : -errno;
		fd_close(fd);
		return r;
	}
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, entry->d_name, entry->d_type == DT_DIR ? AT_REMOVEDIR : 0) < 0)
			r = -errno;
	}
	closedir(dir);
	return unlinkat(parent, name, AT_REMOVEDIR) < 0 && r == 0 ? -errno : r;
}

/* First what makes it whole, so that a set that is half gone is taken for none. */
int set_clear(struct kern *kern)
{
	int r = unlinkat(kern->folder_fd, SET_CONFIG, 0) < 0 && errno != ENOENT ? -errno : 0;

	if (r >= 0 && unlinkat(kern->folder_fd, SET_BUILD, 0) < 0 && errno != ENOENT)
		r = -errno;
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(folders); i++)
		r = set_folder_clear(kern->folder_fd, folders[i]);
	return r;
}

/* The folders of a new one, in place of what is left of one that was not whole. */
static int set_make(struct kern *kern)
{
	char path[PATH_MAX];
	int r = set_clear(kern);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (mkdir(set_path(kern, "", folders[i], path), FOLDER_MODE) < 0)
			return -errno;
	return 0;
}

/* Maps of one build alone, such as its strings, are not shared. */
static bool map_shared(const struct kern *kern, const struct bpf_map *map)
{
	return !bpf_map__is_internal(map) || map == kern->skel->maps.bss;
}

static const char *map_path(const struct kern *kern, const struct bpf_map *map,
			    char path[PATH_MAX])
{
	return map == kern->skel->maps.bss ? set_path(kern, "", SET_CONFIG, path) :
					     set_path(kern, MAPS, bpf_map__name(map), path);
}

static int map_take(struct kern *kern, struct bpf_map *map)
{
	char path[PATH_MAX];
	_cleanup_close_ int fd = bpf_obj_get(map_path(kern, map, path));

	return fd < 0 ? -errno : bpf_map__reuse_fd(map, fd);
}

/* What the set has is not loaded again, unless it is to be replaced. */
static int programs_take(struct kern *kern)
{
	const struct bpf_object_skeleton *skeleton = kern->skel->skeleton;
	char path[PATH_MAX];

	for (int i = 0; i < skeleton->prog_cnt; i++) {
		struct bpf_program *program = *skeleton->progs[i].prog;
		const char *name = skeleton->progs[i].name;

		if (kern->upgrade && bpf_program__autoload(program))
			continue;
		if (program_by_hand(program)) {
			kern->calls[i] = bpf_obj_get(set_path(kern, SET_CALLS, name, path));
			if (kern->calls[i] < 0 && errno != ENOENT)
				return -errno;
			if (kern->calls[i] < 0)
				continue;
		} else if (access(set_path(kern, SET_LINKS, name, path), F_OK) < 0) {
			continue;
		}
		bpf_program__set_autoload(program, false);
	}
	return 0;
}

static int set_take(struct kern *kern)
{
	struct bpf_map *map;
	int r = 0;

	bpf_object__for_each_map(map, kern->skel->obj) {
		if (map_shared(kern, map))
			r = map_take(kern, map);
		if (r < 0)
			return r;
	}
	kern->upgrade = kern->options.upgrade && upgrade_wanted(kern);
	return programs_take(kern);
}

/* The folders, and the locks. */
static int folders_enter(struct kern *kern, bool look)
{
	kern->lock_fd = folder_open(SET_FOLDER, !look);
	if (kern->lock_fd < 0)
		return kern->lock_fd;
	kern->folder = strdup(SET_FOLDER "/" WEIR_ABI_ID);
	if (!kern->folder)
		return -ENOMEM;
	if (set_lock(kern) < 0)
		return -errno;
	kern->folder_fd = folder_open(kern->folder, !look);
	if (kern->folder_fd < 0)
		return kern->folder_fd;
	return flock(kern->folder_fd, LOCK_SH) < 0 ? -errno : 0;
}

int set_enter(struct kern *kern, bool look, bool *ret_there, char **ret_message)
{
	char path[PATH_MAX];
	int r;

	r = look ? 0 : bpffs_ensure();
	if (r < 0)
		return kern_fail(
			ret_message, r,
			"cannot mount a bpffs at /sys/fs/bpf: %s; without it enforcement "
			"would end with weir itself. Mount it: mount -t bpf bpf /sys/fs/bpf",
			strerror(-r));
	r = folders_enter(kern, look);
	if (r < 0)
		return kern_fail(ret_message, r, "cannot enter %s: %s", SET_FOLDER, strerror(-r));
	*ret_there = access(set_path(kern, "", SET_CONFIG, path), F_OK) == 0;
	if (look && !*ret_there)
		return -ENOENT;
	r = *ret_there ? set_take(kern) : set_make(kern);
	return r < 0 ? kern_fail(ret_message, r,
				 "cannot use what is pinned in %s: %s; when nothing confined runs "
				 "any more, remove that folder",
				 kern->folder, strerror(-r)) :
		       0;
}

static int pin(int fd, const char *path, char **ret_message)
{
	if (bpf_obj_pin(fd, path) < 0)
		return kern_fail(ret_message, -errno, "cannot pin %s: %s", path, strerror(errno));
	return 0;
}

int set_pin_maps(struct kern *kern, char **ret_message)
{
	char path[PATH_MAX];
	struct bpf_map *map;
	int r = 0;

	bpf_object__for_each_map(map, kern->skel->obj) {
		if (map_shared(kern, map) && map != kern->skel->maps.bss)
			r = pin(bpf_map__fd(map), map_path(kern, map, path), ret_message);
		if (r < 0)
			return r;
	}
	return 0;
}

int set_pin_link(struct kern *kern, const char *name, struct bpf_link *link, char **ret_message)
{
	char path[PATH_MAX];

	return pin(bpf_link__fd(link), set_path(kern, SET_LINKS, name, path), ret_message);
}

int set_link_open(const struct kern *kern, const char *name)
{
	char path[PATH_MAX];
	int fd = bpf_obj_get(set_path(kern, SET_LINKS, name, path));

	return fd < 0 ? -errno : fd;
}

int set_pin_program(struct kern *kern, const char *name, int fd, char **ret_message)
{
	char path[PATH_MAX];

	return pin(fd, set_path(kern, SET_CALLS, name, path), ret_message);
}

int set_complete(struct kern *kern, char **ret_message)
{
	char path[PATH_MAX];
	int r = upgrade_mark(kern, set_build);

	if (r < 0)
		return kern_fail(ret_message, r, "cannot write in %s: %s", kern->folder,
				 strerror(-r));
	return pin(bpf_map__fd(kern->skel->maps.bss), set_path(kern, "", SET_CONFIG, path),
		   ret_message);
}

static bool confines(const struct kern *kern)
{
	for (uint32_t slot = 1; slot < WEIR_SCOPES_MAX; slot++)
		if (scope_filled(&kern->scopes[slot]))
			return true;
	return selectors_of(kern, 0);
}

/* The next daemon takes over what a dead one has left, were it records alone. */
static bool awaits_daemon(const struct kern *kern)
{
	char name[32];

	snprintf(name, sizeof(name), SET_READERS "/%d", WEIR_READER_DAEMON);
	return faccessat(kern->folder_fd, name, F_OK, 0) == 0;
}

void set_leave(struct kern *kern)
{
	if (confines(kern) || awaits_daemon(kern) || flock(kern->folder_fd, LOCK_EX | LOCK_NB) < 0)
		return;
	if (set_clear(kern) == 0)
		rmdir(kern->folder);
}
