// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Processes as /proc shows them; see procfs.h. */
#include "event/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "base/text_file.h"

struct stat_fields {
	char comm[16];	/* as struct process_found has it */
	uint32_t ppid;
	uint64_t start_ns;
};

/* Names of kernel threads can be longer than a record's: those are left unknown. */
static void comm_parse(const char *from, const char *to, struct stat_fields *ret)
{
	size_t len = (size_t)(to - from);

	memset(ret->comm, 0, sizeof(ret->comm));
	if (len < sizeof(ret->comm))
		memcpy(ret->comm, from, len);
}

/*
 * proc_pid_stat(5): the name in parentheses may itself hold any character, so
 * fields are counted from the last ')'. Field 4 is the parent, 22 the start in
 * clock ticks since boot, which user space always sees as 1/100 s.
 */
static int stat_parse(char *text, struct stat_fields *ret)
{
	char *name = strchr(text, '('), *at = strrchr(text, ')'), *end;
	unsigned long long ppid = 0, ticks = 0;
	int field;

	if (!name || !at || at < name || at[1] != ' ')
		return -EBADMSG;
	comm_parse(name + 1, at, ret);
	at += 2;
	for (field = 3; field < 22; field++) {
		if (field == 4)
			ppid = strtoull(at, NULL, 10);
		at = strchr(at, ' ');
		if (!at)
			return -EBADMSG;
		at++;
	}
	ticks = strtoull(at, &end, 10);
	if (end == at || ppid > UINT32_MAX)
		return -EBADMSG;
	ret->ppid = (uint32_t)ppid;
	ret->start_ns = ticks * PROCESS_TICK_NS;
	return 0;
}

static int stat_read(int process_fd, struct stat_fields *ret)
{
	_cleanup_close_ int fd = openat(process_fd, "stat", O_RDONLY | O_CLOEXEC);
	char text[2048];
	int r;

	if (fd < 0)
		return -errno;
	r = text_file_read(fd, text, sizeof(text));
	return r < 0 ? r : stat_parse(text, ret);
}

/* The folder stays that of this very process: it never leads to a later one with its pid. */
static int process_open(const struct procfs *procfs, uint32_t pid)
{
	char name[12];
	int fd;

	snprintf(name, sizeof(name), "%u", pid);
	fd = openat(procfs->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* While a process still has the parent it had, the parent's pid was not given to another. */
static int parent_read(const struct procfs *procfs, int process_fd, uint32_t ppid,
		       uint64_t *ret_start_ns)
{
	_cleanup_close_ int fd = process_open(procfs, ppid);
	struct stat_fields parent, again;

	if (fd < 0 || stat_read(fd, &parent) < 0 || stat_read(process_fd, &again) < 0 ||
	    again.ppid != ppid)
		return -ESRCH;
	*ret_start_ns = parent.start_ns;
	return 0;
}

static size_t exe_read(int process_fd, char *ret, size_t size)
{
	ssize_t len = readlinkat(process_fd, "exe", ret, size);

	/* a name that fills the buffer may have been cut: then it is not known */
	return len < 0 || (size_t)len == size ? 0 : (size_t)len;
}

int procfs_look_up(void *context, uint32_t pid, uint64_t start_ns, struct process_found *ret)
{
	const struct procfs *procfs = context;
	_cleanup_close_ int fd = process_open(procfs, pid);
	struct stat_fields fields;
	uint64_t parent_start_ns = 0;

	if (fd < 0 || stat_read(fd, &fields) < 0 ||
	    fields.start_ns / PROCESS_TICK_NS != start_ns / PROCESS_TICK_NS)
		return -ESRCH;
	if (fields.ppid && parent_read(procfs, fd, fields.ppid, &parent_start_ns) < 0)
		fields.ppid = 0;
	memcpy(ret->comm, fields.comm, sizeof(ret->comm));
	ret->ppid = fields.ppid;
	ret->parent_start_ns = parent_start_ns;
	ret->exe_len = exe_read(fd, ret->exe, sizeof(ret->exe));
	return 0;
}

int procfs_open(const char *path, struct procfs *ret)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	ret->fd = fd;
	return 0;
}

void procfs_done(struct procfs *procfs)
{
	procfs->fd = fd_close(procfs->fd);
}
