// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tasks, looked at one by one from the kernel side: whether a policy binds them,
 * marking those that have not acted since they came into a scope, and making those of a
 * process launchers.
 */
#include <errno.h>
#include <unistd.h>

#include "kern/state.h"

/* Of one process, with all its threads, or of all (0). A descriptor that runs it when read. */
static int visit_open(int program, pid_t pid)
{
	union bpf_iter_link_info info = {.task.pid = (uint32_t)pid};
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	_cleanup_close_ int link = -1;
	int fd;

	if (program < 0)
		return program;
	if (pid) {
		opts.iter_info = &info;
		opts.iter_info_len = sizeof(info);
	}
	link = bpf_link_create(program, 0, BPF_TRACE_ITER, &opts);
	if (link < 0)
		return -errno;
	fd = bpf_iter_create(link);
	return fd < 0 ? -errno : fd;
}

/* The bits of all words that the program has written. -ESRCH: none, for there are no tasks. */
static int visit_do(const struct kern *kern, const struct bpf_program *program, pid_t pid)
{
	_cleanup_close_ int fd = visit_open(program_call_fd(kern, program), pid);
	uint32_t words[1024], bits = 0;
	bool any = false;
	ssize_t len;

	if (fd < 0)
		return fd;
	/* each read has whole words: the kernel side hands over what fits of one task */
	while ((len = read(fd, words, sizeof(words))) != 0) {
		if (len < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		for (ssize_t i = 0; i < len / (ssize_t)sizeof(words[0]); i++)
			bits |= words[i];
		any = any || len > 0;
	}
	return any ? (int)bits : -ESRCH;
}

int kern_process_bound(struct kern *kern, pid_t pid)
{
	if (pid <= 0)
		return -ESRCH;
	return kern->options.lsm ? visit_do(kern, kern->skel->progs.weir_visit, pid) : 0;
}

int kern_process_arm(struct kern *kern, pid_t pid)
{
	int r;

	if (pid <= 0)
		return -ESRCH;
	if (!kern->options.lsm)
		return 0;
	r = visit_do(kern, kern->skel->progs.weir_arm_task, pid);
	if (r < 0)
		return r;
	return r & WEIR_ARM_BOUND ? -EBUSY : r & WEIR_ARM_FAILED ? -ENOSPC : 0;
}

int kern_scope_occupied(struct kern *kern)
{
	int r;

	__atomic_store_n(&kern->config->before, 1, __ATOMIC_SEQ_CST);
	r = kern->options.lsm ? visit_do(kern, kern->skel->progs.weir_visit, 0) : 0;
	return r < 0 ? r : 0;
}
