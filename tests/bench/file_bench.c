// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What operations on files cost:
 * file_bench [-n COUNT] [-r ROUNDS] [spare SPARE] OPERATION PATH...
 * OPERATION and PATH may come many times, and name a figure each. SPARE is
 * what open_renamed renames.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

/* An exec takes as long as so many of the others. */
#define EXEC_WEIGHT 20

/* One operation, of the file that is measured. */
struct file {
	const char *path;
	char other[PATH_MAX];	/* beside it */
	char spare[2][PATH_MAX];	/* what is renamed before an open_renamed, and to what */
	int fd;
};

static int file_open(struct file *file, unsigned int number)
{
	int fd = open(file->path, O_RDONLY);

	(void)number;
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int file_stat(struct file *file, unsigned int number)
{
	struct stat st;

	(void)number;
	return stat(file->path, &st) < 0 ? -errno : 0;
}

static int file_read(struct file *file, unsigned int number)
{
	char byte;

	(void)number;
	return pread(file->fd, &byte, 1, 0) == 1 ? 0 : -errno;
}

static int file_write(struct file *file, unsigned int number)
{
	(void)number;
	return pwrite(file->fd, "x", 1, 0) == 1 ? 0 : -errno;
}

static int file_create(struct file *file, unsigned int number)
{
	int fd = open(file->other, O_CREAT | O_EXCL | O_WRONLY, 0600);

	(void)number;
	if (fd < 0)
		return -errno;
	close(fd);
	return unlink(file->other) < 0 ? -errno : 0;
}

/* There, and the next time back again. */
static int file_rename(struct file *file, unsigned int number)
{
	const char *names[] = {file->path, file->other};

	return rename(names[number & 1], names[!(number & 1)]) < 0 ? -errno : 0;
}

static int file_exec(struct file *file, unsigned int number)
{
	char *argv[] = {(char *)file->path, NULL};
	int status, err;
	pid_t pid;

	(void)number;
	err = posix_spawn(&pid, file->path, NULL, NULL, argv, NULL);
	if (err)
		return -err;
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return status ? -ECHILD : 0;
}

/* Makes stale what is remembered of directories. */
static int spare_rename(struct file *file, unsigned int number)
{
	return rename(file->spare[number & 1], file->spare[!(number & 1)]) < 0 ? -errno : 0;
}

struct operation {
	const char *name;
	int (*run)(struct file *file, unsigned int number);
	int (*before)(struct file *file, unsigned int number);	/* not timed */
	unsigned int weight;	/* as many of the others take as long */
};

static const struct operation operations[] = {
	{"open", file_open, NULL, 1},	  {"open_renamed", file_open, spare_rename, 1},
	{"stat", file_stat, NULL, 1},	  {"read", file_read, NULL, 1},
	{"write", file_write, NULL, 1},	  {"create", file_create, NULL, 1},
	{"rename", file_rename, NULL, 1}, {"exec", file_exec, NULL, EXEC_WEIGHT},
};

struct job {
	const struct operation *operation;
	struct file file;
};

static int64_t job_round(void *context, const struct measure *measure)
{
	const struct operation *operation = ((struct job *)context)->operation;
	struct file *file = &((struct job *)context)->file;
	int64_t took = 0, start = measure_now_ns(measure);
	int err = 0;

	for (unsigned int i = 0; i < measure->count && !err; i++) {
		if (operation->before) {
			err = operation->before(file, i);
			start = measure_now_ns(measure);
		}
		if (!err)
			err = operation->run(file, i);
		if (operation->before)
			took += measure_now_ns(measure) - start;
	}
	if (!operation->before)
		took = measure_now_ns(measure) - start;
	return err ? err : took;
}

static const struct operation *operation_find(const char *name)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		if (strcmp(operations[i].name, name) == 0)
			return &operations[i];
	fprintf(stderr, "no such operation: %s\n", name);
	exit(2);
}

static int job_run(struct measure measure, const char *name, const char *path, const char *spare)
{
	struct job job = {.operation = operation_find(name), .file = {.path = path}};
	struct file *file = &job.file;
	char title[PATH_MAX + 32];
	int err;

	snprintf(file->other, sizeof(file->other), "%s.new", path);
	snprintf(file->spare[0], sizeof(file->spare[0]), "%s", spare ? spare : path);
	snprintf(file->spare[1], sizeof(file->spare[1]), "%s.new", spare ? spare : path);
	snprintf(title, sizeof(title), "%s %s", name, path);
	/* an even number, after which what was renamed has its name again */
	measure.count = (measure.count / job.operation->weight + 1) & ~1u;
	file->fd = open(path, job.operation->run == file_write ? O_RDWR : O_RDONLY);
	err = file->fd < 0 ? -errno : measure_run(&measure, title, job_round, &job);
	if (err < 0)
		fprintf(stderr, "%s: %s\n", title, strerror(-err));
	if (file->fd >= 0)
		close(file->fd);
	return err;
}

int main(int argc, char **argv)
{
	struct measure measure = {.count = 1000, .rounds = 5};
	int i = measure_options(argc, argv, &measure);
	const char *spare = NULL;

	if (i + 1 < argc && strcmp(argv[i], "spare") == 0) {
		spare = argv[i + 1];
		i += 2;
	}
	if (i >= argc || (argc - i) % 2)
		return 2;
	for (; i < argc; i += 2)
		if (job_run(measure, argv[i], argv[i + 1], spare) < 0)
			return 1;
	return 0;
}
