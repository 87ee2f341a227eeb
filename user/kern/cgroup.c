// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * cgroup v2 folders: finding the hierarchy, making and entering one. Ending
 * what is in one and removing it is in cgroup_end.c.
 */
#include "kern/cgroup.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define CGROUP_MODE 0755

/* What name_to_handle_at gives for kernfs: the id, eight bytes (fs/kernfs/mount.c). */
#define HANDLE_TYPE_KERNFS 0xfe

union kernfs_handle {
	struct file_handle head;
	char bytes[sizeof(struct file_handle) + sizeof(uint64_t)];
};

/* mountinfo writes blank, tab, newline and backslash as \ooo (proc(5)). */
static void octal_unescape(char *text)
{
	char *to = text;

	for (const char *at = text; *at; to++) {
		if (at[0] == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] >= '0' &&
		    at[2] <= '7' && at[3] >= '0' && at[3] <= '7') {
			*to = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
			at += 4;
		} else {
			*to = *at++;
		}
	}
	*to = '\0';
}

/*
 * "ID PARENT MAJ:MIN ROOT POINT OPTIONS [TAG…] - TYPE SOURCE SUPER": the mount
 * point of a cgroup2 whole (ROOT is "/"), NULL for any other line.
 */
static char *cgroup2_point(char *line)
{
	char *field[6], *type, *save = NULL;

	type = strstr(line, " - ");
	if (!type || strncmp(type + 3, "cgroup2 ", 8) != 0)
		return NULL;
	*type = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(field); i++) {
		field[i] = strtok_r(i ? NULL : line, " ", &save);
		if (!field[i])
			return NULL;
	}
	if (strcmp(field[3], "/") != 0)
		return NULL;
	octal_unescape(field[4]);
	return field[4];
}

int cgroup_mount_path(char *ret, size_t size)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	size_t cap = 0;

	if (!file)
		return -errno;
	while (getline(&line, &cap, file) > 0) {
		const char *point = cgroup2_point(line);

		if (!point)
			continue;
		if (strlen(point) >= size)
			return -ENAMETOOLONG;
		strcpy(ret, point);
		return 0;
	}
	return ferror(file) ? -EIO : -ENOENT;
}

int cgroup_root_open(void)
{
	char mount[PATH_MAX];
	int r, fd;

	r = cgroup_mount_path(mount, sizeof(mount));
	if (r < 0)
		return r;
	fd = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The path of a process, from the line of the unified hierarchy, "0::PATH". */
static int process_path(const char *proc, char ret[PATH_MAX])
{
	_cleanup_fclose_ FILE *file = fopen(proc, "re");
	_cleanup_free_ char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	if (!file)
		return -errno;
	while ((len = getline(&line, &cap, file)) > 0) {
		if (strncmp(line, "0::/", 4) != 0)
			continue;
		if (line[len - 1] == '\n')
			line[--len] = '\0';
		if (len - 3 >= PATH_MAX)
			return -ENAMETOOLONG;
		strcpy(ret, line + 3);
		return 0;
	}
	return ferror(file) ? -EIO : -ENOENT;
}

int cgroup_of_process(pid_t pid, char **ret)
{
	char proc[64], path[PATH_MAX];
	char *copy;
	int r;

	snprintf(proc, sizeof(proc), "/proc/%d/cgroup", (int)pid);
	r = process_path(proc, path);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

bool cgroup_path_inside(const char *path, const char *folder)
{
	size_t len = strcmp(folder, "/") == 0 ? 0 : strlen(folder);

	return strncmp(path, folder, len) == 0 && (path[len] == '/' || !path[len]);
}

static int folder_id(int fd, uint64_t *ret)
{
	union kernfs_handle handle = {.head.handle_bytes = sizeof(*ret)};
	int mount_id;

	if (name_to_handle_at(fd, "", &handle.head, &mount_id, AT_EMPTY_PATH) < 0)
		return -errno;
	if (handle.head.handle_bytes != sizeof(*ret))
		return -EPROTO;
	memcpy(ret, handle.bytes + offsetof(struct file_handle, f_handle), sizeof(*ret));
	return 0;
}

static unsigned int path_level(const char *path)
{
	unsigned int level = 0;

	for (const char *at = path; *at; at++)
		if (*at == '/' && at[1])
			level++;
	return level;
}

int cgroup_open_at(int root, const char *path, struct cgroup *ret)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *copy = NULL;
	uint64_t id = 0;
	int r;

	if (path[0] != '/')
		return -EINVAL;
	/* "/..": above the root of the cgroup namespace, where nothing can be named */
	if (strncmp(path, "/..", 3) == 0)
		return -EXDEV;
	fd = openat(root, path[1] ? path + 1 : ".",
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = folder_id(fd, &id);
	if (r < 0)
		return r;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	*ret = (struct cgroup){
		.path = TAKE_PTR(copy), .fd = TAKE_FD(fd), .id = id, .level = path_level(path),
	};
	return 0;
}

int cgroup_open(const char *path, struct cgroup *ret)
{
	_cleanup_close_ int root = cgroup_root_open();

	return root < 0 ? root : cgroup_open_at(root, path, ret);
}

int cgroup_create(const char *name, struct cgroup *ret)
{
	_cleanup_close_ int root = -1;
	_cleanup_free_ char *path = NULL;
	char own[PATH_MAX];
	int r;

	if (!*name || strchr(name, '/'))
		return -EINVAL;
	root = cgroup_root_open();
	if (root < 0)
		return root;
	r = process_path("/proc/self/cgroup", own);
	if (r < 0)
		return r;
	if (asprintf(&path, "%s/%s", own[1] ? own : "", name) < 0)
		return -ENOMEM;
	if (mkdirat(root, path + 1, CGROUP_MODE) < 0)
		return -errno;
	r = cgroup_open(path, ret);
	if (r < 0)
		unlinkat(root, path + 1, AT_REMOVEDIR);
	return r;
}

int cgroup_path_of(uint64_t id, char **ret)
{
	union kernfs_handle handle = {
		.head.handle_bytes = sizeof(id), .head.handle_type = HANDLE_TYPE_KERNFS,
	};
	char mount[PATH_MAX], link[64], target[PATH_MAX];
	_cleanup_close_ int root = -1, fd = -1;
	struct stat st, named;
	size_t skip;
	ssize_t len;
	char *path;
	int r;

	r = cgroup_mount_path(mount, sizeof(mount));
	if (r < 0)
		return r;
	root = cgroup_root_open();
	if (root < 0)
		return root;
	memcpy(handle.bytes + offsetof(struct file_handle, f_handle), &id, sizeof(id));
	fd = open_by_handle_at(root, &handle.head, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, target, sizeof(target) - 1);
	if (len < 0)
		return -errno;
	target[len] = '\0';
	/* removed since: the name says "(deleted)", or belongs to another folder by now */
	if (fstat(fd, &st) < 0 || stat(target, &named) < 0 || st.st_ino != named.st_ino)
		return -ESTALE;
	skip = strcmp(mount, "/") == 0 ? 0 : strlen(mount);
	if (strncmp(target, mount, skip) != 0)
		return -ESTALE;
	path = strdup(target[skip] ? target + skip : "/");
	if (!path)
		return -ENOMEM;
	*ret = path;
	return 0;
}

int cgroup_enter(const struct cgroup *cgroup)
{
	_cleanup_close_ int fd = openat(cgroup->fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, "0", 1) == 1 ? 0 : -errno;
}

void cgroup_done(struct cgroup *cgroup)
{
	/* a zeroed struct holds nothing, and not standard input */
	if (cgroup->path)
		fd_close(cgroup->fd);
	free(cgroup->path);
	*cgroup = (struct cgroup){.fd = -1};
}
