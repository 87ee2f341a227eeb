// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Sets of any ABI; see others.h. */
#include "kern/others.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "abi_id.h"
#include "kern/set.h"

#define SET_PREFIX "abi-"

pid_t lock_holder(int fd)
{
	_cleanup_fclose_ FILE *locks = fopen("/proc/locks", "re");
	unsigned int dev_major, dev_minor;
	unsigned long long inode;
	struct stat status;
	char line[256];
	int pid;

	if (!locks || fstat(fd, &status) < 0)
		return 0;
	/* "1: FLOCK  ADVISORY  WRITE 517 00:1a:1288 0 EOF"; who waits has "->" */
	while (fgets(line, sizeof(line), locks))
		if (sscanf(line, "%*d: FLOCK %*s %*s %d %x:%x:%llu", &pid, &dev_major, &dev_minor,
			   &inode) == 4 &&
		    inode == status.st_ino && makedev(dev_major, dev_minor) == status.st_dev)
			return pid;
	return 0;
}

/* Opens a folder in another. */
static int folder_at(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static DIR *folder_list(int parent, const char *name)
{
	int fd = folder_at(parent, name);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		fd_close(fd);
	return dir;
}

static int user_add(struct other_set *set, pid_t pid)
{
	pid_t *users = reallocarray(set->users, set->n_users + 1, sizeof(*users));

	if (!users)
		return -ENOMEM;
	set->users = users;
	users[set->n_users++] = pid;
	return 0;
}

/* Each reader that lives holds its folder. */
static int users_find(int folder, struct other_set *set)
{
	DIR *dir = folder_list(folder, SET_READERS);
	struct dirent *entry;
	int r = 0;

	while (dir && r >= 0 && (entry = readdir(dir))) {
		_cleanup_close_ int fd = -1;

		if (entry->d_name[0] == '.')
			continue;
		fd = folder_at(dirfd(dir), entry->d_name);
		if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0)
			r = user_add(set, lock_holder(fd));
		set->daemons |= atoi(entry->d_name) == WEIR_READER_DAEMON;
	}
	if (dir)
		closedir(dir);
	return r;
}

static int cgroups_find(struct other_set *set)
{
	_cleanup_close_ int fd = -1;
	uint64_t key, *last = NULL;
	struct bpf_map_info info = {0};
	__u32 len = sizeof(info);
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/maps/weir_cgroups", SET_FOLDER, set->name);
	fd = bpf_obj_get(path);
	/* not whole: programs come last, and it confines nothing */
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0 || info.key_size != sizeof(key))
		return -EINVAL;
	while (bpf_map_get_next_key(fd, last, &key) == 0) {
		uint64_t *list = reallocarray(set->cgroups, set->n_cgroups + 1, sizeof(*list));

		if (!list)
			return -ENOMEM;
		set->cgroups = list;
		list[set->n_cgroups++] = key;
		last = &key;
	}
	return 0;
}

static int set_look(int parent, const char *name, struct other_set *ret)
{
	_cleanup_close_ int fd = folder_at(parent, name);
	int r;

	if (fd < 0)
		return fd;
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	ret->own = strcmp(name, WEIR_ABI_ID) == 0;
	ret->used = flock(fd, LOCK_EX | LOCK_NB) < 0;
	r = users_find(fd, ret);
	return r < 0 ? r : cgroups_find(ret);
}

int others_find(struct other_sets *ret)
{
	_cleanup_others_ struct other_sets sets = {0};
	int r = 0, fd = folder_at(AT_FDCWD, SET_FOLDER);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		fd_close(fd);
		return fd == -ENOENT ? 0 : fd;
	}
	/* who enters or leaves waits: the locks that are tried here mean something to it */
	if (flock(fd, LOCK_EX) < 0)
		r = -errno;
	while (r >= 0 && (entry = readdir(dir))) {
		struct other_set *list;

		if (strncmp(entry->d_name, SET_PREFIX, strlen(SET_PREFIX)) != 0)
			continue;
		list = reallocarray(sets.list, sets.n + 1, sizeof(*list));
		if (!list) {
			r = -ENOMEM;
			break;
		}
		sets.list = list;
		list[sets.n] = (struct other_set){0};
		r = set_look(fd, entry->d_name, &list[sets.n++]);
	}
	closedir(dir);
	if (r < 0)
		return r;
	*ret = sets;
	sets = (struct other_sets){0};
	return 0;
}

void others_done(struct other_sets *sets)
{
	for (size_t i = 0; i < sets->n; i++) {
		free(sets->list[i].users);
		free(sets->list[i].cgroups);
	}
	free(sets->list);
	*sets = (struct other_sets){0};
}

/* Pins and folders, depth first. */
static int tree_remove(int parent, const char *name)
{
	DIR *dir = folder_list(parent, name);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (entry->d_type == DT_DIR)
			r = tree_remove(dirfd(dir), entry->d_name);
		else if (unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			r = -errno;
		if (r < 0)
			break;
	}
	closedir(dir);
	return r < 0 || unlinkat(parent, name, AT_REMOVEDIR) == 0 ? r : -errno;
}

int other_remove(const struct other_set *set)
{
	_cleanup_close_ int parent = folder_at(AT_FDCWD, SET_FOLDER), fd = -1;

	if (parent < 0)
		return parent;
	/* who enters or leaves holds the folder above */
	if (flock(parent, LOCK_EX) < 0)
		return -errno;
	fd = folder_at(parent, set->name);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	/* what makes it whole goes first, so that it is taken for none from here on */
	if (unlinkat(fd, SET_CONFIG, 0) < 0 && errno != ENOENT)
		return -errno;
	return tree_remove(parent, set->name);
}
