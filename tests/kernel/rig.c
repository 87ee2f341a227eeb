// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* See rig.h. */
#include "rig.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned int passed, failed;
_Thread_local uint64_t random_seed = 0x2545f4914f6cdd1d;

unsigned int random_below(unsigned int n)
{
	random_seed ^= random_seed >> 12;
	random_seed ^= random_seed << 25;
	random_seed ^= random_seed >> 27;
	return (unsigned int)((random_seed * 0x2545f4914f6cdd1du >> 33) % n);
}

unsigned int rig_shares(void)
{
	const char *text = getenv("WEIR_SHARE");
	unsigned int number = 0, of = 1;

	if (text && (sscanf(text, "%u/%u", &number, &of) != 2 || number >= of))
		fatal("WEIR_SHARE: %s", text);
	random_seed += number * 0x9e3779b97f4a7c15u;
	return of;
}

void fatal(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	exit(2);
}

void check(bool ok, const char *format, ...)
{
	va_list args;

	if (ok) {
		passed++;
		return;
	}
	failed++;
	if (failed > 20)
		return;
	fputs("FAILED: ", stdout);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

int checks_end(void)
{
	printf("%u passed, %u failed, 0 skipped\n", passed, failed);
	return failed || !passed;
}

void rig_open(const struct kern_options *options, struct rig *ret)
{
	_cleanup_free_ char *name = NULL;
	char *message = NULL;

	*ret = (struct rig){0};
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (kern_open(options, &ret->kern, &message) < 0)
		fatal("cannot load: %s", message);
	if (asprintf(&name, "weir-kernel-test-%d", getpid()) < 0 ||
	    cgroup_create(name, &ret->cgroup) < 0)
		fatal("cannot make a cgroup");
}

void rig_point(struct rig *rig, uint32_t instance)
{
	int err = rig->scope ? kern_scope_point(rig->kern, rig->scope, instance) :
			       kern_scope_attach(rig->kern, rig->cgroup.id, rig->cgroup.level,
						 instance, &rig->scope);

	if (err < 0)
		fatal("cannot point at instance %u: %s", instance, strerror(-err));
}

void rig_close(struct rig *rig)
{
	if (rig->scope && kern_scope_detach(rig->kern, rig->scope) < 0)
		fatal("cannot detach the scope");
	/* a child that was waited for may still be about to leave */
	if (cgroup_kill(&rig->cgroup) < 0 || cgroup_remove(&rig->cgroup) < 0)
		fatal("cannot remove the cgroup");
	cgroup_done(&rig->cgroup);
	kern_close(rig->kern);
}

void rig_policy(const char *text, struct policy **ret_policy, struct policy_compiled **ret)
{
	const struct policy_options options = {0};
	_cleanup_(policy_errors_done) struct policy_errors errors = {0};
	_cleanup_policy_ struct policy *policy = NULL;

	if (policy_read_text("test", text, strlen(text), &options, &errors, &policy) < 0 ||
	    policy_compile(policy, &errors, ret) < 0)
		fatal("%s\n%s", buf_string(&errors.text), text);
	if (ret_policy)
		*ret_policy = TAKE_PTR(policy);
}

uint32_t rig_load(struct rig *rig, const char *text, uint64_t *ret_serial)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = NULL;
	uint32_t instance;
	int err;

	rig_policy(text, NULL, &compiled);
	err = kern_instance_load(rig->kern, compiled, 0, &instance, ret_serial);
	if (err < 0)
		fatal("cannot load a policy: %s", strerror(-err));
	return instance;
}

struct rig_child rig_child_start(const struct rig *rig, rig_child_fn fn, void *context)
{
	struct rig_child child;
	int fds[2];

	fflush(stdout);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		fatal("cannot make a socket pair");
	child.pid = fork();
	if (child.pid < 0)
		fatal("cannot fork");
	if (child.pid == 0) {
		close(fds[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);	/* when the test ends by fatal() */
		_exit(cgroup_enter(&rig->cgroup) < 0 ? 99 : fn(fds[1], context));
	}
	close(fds[1]);
	child.fd = fds[0];
	return child;
}

int rig_child_end(struct rig_child *child)
{
	int status;

	close(child->fd);
	while (waitpid(child->pid, &status, 0) < 0)
		if (errno != EINTR)
			fatal("cannot wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void pipe_read(int fd, void *data, size_t size)
{
	char *at = data;

	while (size) {
		ssize_t n = read(fd, at, size);

		if (n <= 0)
			fatal("the other side has ended");
		at += n;
		size -= (size_t)n;
	}
}

void pipe_write(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size) {
		ssize_t n = write(fd, at, size);

		if (n <= 0)
			fatal("the other side has ended");
		at += n;
		size -= (size_t)n;
	}
}

/* Maps go some time after the last reference to them: when no program can see them any more. */
bool rig_maps_settle(unsigned int wanted)
{
	int i;

	for (i = 0; i < 6000 && rig_maps() > wanted; i++)
		poll(NULL, 0, 10);
	return rig_maps() <= wanted;
}

unsigned int rig_maps(void)
{
	unsigned int count = 0;
	uint32_t id = 0;

	while (bpf_map_get_next_id(id, &id) == 0)
		count++;
	return count;
}
