// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Other processes: looking into them, signalling them, changing their limits
 * and their scheduling. Inside the scope that is free. See guard.bpf.h.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "guard.bpf.h"

#define PTRACE_MODE_NOAUDIT 4u	/* linux/ptrace.h */
#define SIGKILL 9

#define PTRACE WEIR_GUARD_BIT(WEIR_GUARD_PTRACE)
#define SIGNALS WEIR_GUARD_BIT(WEIR_GUARD_SIGNALS)

/* ptrace, process_vm_*, /proc/PID/mem, environ and more, pidfd_getfd, kcmp */
SEC("lsm/ptrace_access_check")
int BPF_PROG(weir_guard_ptrace, struct task_struct *child, unsigned int mode)
{
	struct guard_ask ask = {
		.type = WEIR_EVENT_GUARD_PTRACE,
		.ask = WEIR_ASK_PTRACE,
		.opens = PTRACE,
		.number = mode,
		.quiet = mode & PTRACE_MODE_NOAUDIT,
	};

	return guard_task(child, &ask);
}

/* Who is traced by a process outside does what that wants. */
SEC("lsm/ptrace_traceme")
int BPF_PROG(weir_guard_traceme, struct task_struct *parent)
{
	struct guard_ask ask = {
		.type = WEIR_EVENT_GUARD_PTRACE,
		.ask = WEIR_ASK_TRACEME,
		.opens = PTRACE,
	};

	return guard_task(parent, &ask);
}

/*
 * cred: the kernel sends it, with the rights of who once asked for it. Newer verifiers
 * take it for never NULL, unless they see a number.
 */
SEC("lsm/task_kill")
int BPF_PROG(weir_guard_signal, struct task_struct *task, struct kernel_siginfo *info, int sig,
	     const struct cred *cred)
{
	struct guard_ask ask = {
		.type = WEIR_EVENT_GUARD_SIGNAL,
		.ask = WEIR_ASK_SIGNAL,
		.opens = SIGNALS,
		.number = sig,
	};
	volatile __u64 cells[2] = {0};

	return number_of(cells, cred) ? 0 : guard_task(task, &ask);
}

static __always_inline int signals_ask(struct task_struct *task, __u8 ask, __u32 number)
{
	struct guard_ask asked = {
		.type = WEIR_EVENT_GUARD_SIGNAL,
		.ask = ask,
		.opens = SIGNALS,
		.number = number,
	};

	return guard_task(task, &asked);
}

SEC("lsm/task_setrlimit")
int BPF_PROG(weir_guard_limit, struct task_struct *task, unsigned int resource)
{
	return signals_ask(task, WEIR_ASK_LIMIT, resource);
}

SEC("lsm/task_setscheduler")
int BPF_PROG(weir_guard_scheduler, struct task_struct *task)
{
	return signals_ask(task, WEIR_ASK_SCHEDULING, 0);
}

SEC("lsm/task_setnice")
int BPF_PROG(weir_guard_nice, struct task_struct *task)
{
	return signals_ask(task, WEIR_ASK_SCHEDULING, 0);
}

SEC("lsm/task_setioprio")
int BPF_PROG(weir_guard_ioprio, struct task_struct *task)
{
	return signals_ask(task, WEIR_ASK_SCHEDULING, 0);
}

/*
 * Who has a file send signals (F_SETOWN): remembered, because whoever makes it
 * send one later is somebody else. The hook cannot refuse: who finds no room is
 * killed.
 */
SEC("lsm/file_set_fowner")
int BPF_PROG(weir_guard_file_owner, struct file *file)
{
	volatile __u64 cells[2] = {0};
	struct weir_file_owner owner = {0};
	struct weir_bound bound = {0};
	__u64 key = number_of(cells, file);

	if (!scope_resolve(&bound, false)) {
		bpf_map_delete_elem(&weir_file_owners, &key);
		return 0;
	}
	__builtin_memcpy(owner.scopes, bound.scopes, sizeof(owner.scopes));
	ACTOR_CURRENT(&owner.actor);
	if (bpf_map_update_elem(&weir_file_owners, &key, &owner, BPF_ANY)) {
		lost_count(WEIR_EVENT_GUARD_SIGNAL);
		bpf_send_signal(SIGKILL);
	}
	return 0;
}

/* The file that a signal comes from. */
static __always_inline __u64 owned_file(__u64 fown)
{
	struct fown_struct *owner = (void *)fown;

	if (bpf_core_field_exists(owner->file))
		return (__u64)BPF_CORE_READ(owner, file);
	return fown - bpf_core_field_offset(struct file___holds_owner, f_owner);
}

/* Judged and recorded is who asked for it, not who happens to run. */
SEC("lsm/file_send_sigiotask")
int BPF_PROG(weir_guard_sigio, struct task_struct *task, struct fown_struct *fown, int sig)
{
	volatile __u64 cells[2] = {0};
	__u64 key = owned_file(number_of(cells, fown));
	struct weir_file_owner *owner = bpf_map_lookup_elem(&weir_file_owners, &key);
	struct guard_ask ask = {
		.type = WEIR_EVENT_GUARD_SIGNAL,
		.ask = WEIR_ASK_SIGNAL,
		.opens = SIGNALS,
		.number = sig,
	};

	if (!owner || owner->actor.pid == (__u32)task->tgid)
		return 0;
	return weir_guard_owned(owner, &ask, number_of(cells, task)) ? -EPERM : 0;
}
