// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A directory goes to and fro between names that are allowed and not, by
 * rename and by mount, while threads keep opening what lies in it: once a
 * change is complete, the name it has now decides.
 */
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOP "/scratch/weir-rename"
#define RENAMES 600
#define MOUNTS 100
#define THREADS 2

static const char policy[] =
	"version: 1\nname: rename\nnetwork: unrestricted\nguard: unrestricted\nfiles:\n  allow:\n"
	"    - name: open\n      paths: [\"" TOP "/allowed/**\"]\n      access: [read]\n"
	"  deny:\n    - name: exact\n      paths: [\"" TOP "/allowed/e/sub/f\"]\n";

static const char *const paths[] = {
	TOP "/allowed/d/sub/f",
	TOP "/denied/d/sub/f",
	TOP "/allowed/e/sub/f",
};

static int open_error(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static atomic_bool stop;

/* Keeps the kernel's memory of these directories full; what it sees is a race's. */
static void *churn(void *context)
{
	unsigned long *odd = context;
	unsigned int i;
	int err;

	for (i = 0; !stop; i++) {
		err = open_error(paths[i % 3]);
		if (err && err != ENOENT && err != EACCES && err != ESTALE)
			++*odd;
	}
	return NULL;
}

/* Answers the number of a path with the error of opening it. */
static int workload(int fd, void *context)
{
	unsigned long odd[THREADS] = {0};
	pthread_t threads[THREADS];
	int i, err;
	char which;

	(void)context;
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, churn, &odd[i]) != 0)
			return 1;
	for (;;) {
		pipe_read(fd, &which, 1);
		if (which == 's')
			break;
		err = open_error(paths[which - '0']);
		pipe_write(fd, &err, sizeof(err));
	}
	stop = true;
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return odd[0] || odd[1] ? 2 : 0;
}

static int ask(const struct rig_child *child, int which)
{
	char byte = (char)('0' + which);
	int err;

	pipe_write(child->fd, &byte, 1);
	pipe_read(child->fd, &err, sizeof(err));
	return err;
}

static void dir_make(const char *path)
{
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		fatal("cannot make %s: %s", path, strerror(errno));
}

static void move(const char *old, const char *new)
{
	if (rename(old, new) < 0)
		fatal("cannot rename %s: %s", old, strerror(errno));
}

static void step_check(const struct rig_child *child, int which, int wanted, const char *step,
		       int i)
{
	int err = ask(child, which);

	check(err == wanted, "%s, round %d: %s gave %s", step, i, paths[which], strerror(err));
}

static void renames(const struct rig_child *child)
{
	int i;

	for (i = 0; i < RENAMES; i++) {
		move(TOP "/allowed/d", TOP "/denied/d");
		step_check(child, 1, EACCES, "out", i);
		move(TOP "/denied/d", TOP "/allowed/d");
		step_check(child, 0, 0, "in", i);
		if (i % 4)
			continue;
		move(TOP "/allowed/d", TOP "/allowed/e");
		step_check(child, 2, EACCES, "beside", i);
		move(TOP "/allowed/e", TOP "/allowed/d");
		step_check(child, 0, 0, "back", i);
		/* a directory further up */
		move(TOP "/allowed", TOP "/elsewhere");
		move(TOP "/denied", TOP "/allowed");
		move(TOP "/elsewhere", TOP "/denied");
		step_check(child, 1, EACCES, "above", i);
		move(TOP "/denied", TOP "/elsewhere");
		move(TOP "/allowed", TOP "/denied");
		move(TOP "/elsewhere", TOP "/allowed");
	}
}

static void mounts(const struct rig_child *child)
{
	int i;

	dir_make(TOP "/denied/d");
	for (i = 0; i < MOUNTS; i++) {
		if (mount(TOP "/allowed/d", TOP "/denied/d", NULL, MS_BIND, NULL) < 0)
			fatal("cannot mount: %s", strerror(errno));
		step_check(child, 1, EACCES, "mounted", i);
		step_check(child, 0, 0, "source", i);
		if (umount2(TOP "/denied/d", MNT_DETACH) < 0)
			fatal("cannot unmount: %s", strerror(errno));
		step_check(child, 1, ENOENT, "unmounted", i);
	}
}

int main(void)
{
	const struct kern_options options = {.files = true, .lsm = true};
	struct rig_child child;
	struct rig rig;
	uint64_t serial;
	int fd;

	rig_open(&options, &rig);
	dir_make(TOP);
	dir_make(TOP "/allowed");
	dir_make(TOP "/denied");
	dir_make(TOP "/allowed/d");
	dir_make(TOP "/allowed/d/sub");
	fd = open(paths[0], O_CREAT | O_RDWR, 0644);
	if (fd < 0)
		fatal("cannot make %s", paths[0]);
	close(fd);
	rig_point(&rig, rig_load(&rig, policy, &serial));
	child = rig_child_start(&rig, workload, NULL);
	renames(&child);
	mounts(&child);
	pipe_write(child.fd, "s", 1);
	check(rig_child_end(&child) == 0, "an open failed with an error that is not the policy's");
	rig_close(&rig);
	return checks_end();
}
