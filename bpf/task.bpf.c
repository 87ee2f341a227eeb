// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The life of a task: marks are inherited at fork, armed at a launcher's exec,
 * and end with the task. Programs that start and processes that end are
 * recorded, also for the reader's books of who runs what.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "decide.bpf.h"
#include "path.bpf.h"
#include "record.bpf.h"

#define SIGKILL 9
#define CLONE_THREAD 0x10000	/* linux/sched.h */

/* A child that cannot be marked is not made. */
SEC("lsm/task_alloc")
int BPF_PROG(weir_task_alloc, struct task_struct *child, unsigned long flags)
{
	volatile __u64 cells[2] = {0};
	bool thread = flags & CLONE_THREAD;

	return weir_scope_inherit(number_of(cells, child), thread) < 0 ? -EAGAIN : 0;
}

SEC("lsm/task_free")
int BPF_PROG(weir_task_free, struct task_struct *task)
{
	volatile __u64 cells[2] = {0};

	return weir_scope_end(number_of(cells, task));
}

/*
 * The launcher's exec: from here on it is bound like everything else. The
 * program itself was decided when it was opened.
 */
SEC("lsm/bprm_check_security")
int BPF_PROG(weir_bprm_check, struct linux_binprm *bprm)
{
	return weir_scope_arm() < 0 ? -EPERM : 0;
}

/* Run by the launcher on itself (BPF_PROG_TEST_RUN), before it enters the cgroup. */
SEC("syscall")
int weir_arm(void *context)
{
	return weir_scope_launch();
}

/*
 * The same of another process that its runtime holds until it is told to go on, in all its
 * threads (a BPF iterator). Writes for each how that went, a word.
 */
SEC("iter/task")
int weir_arm_task(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	volatile __u64 cells[2] = {0};
	__u32 word = WEIR_ARM_DONE;
	int err;

	if (!task)
		return 0;	/* the end */
	err = weir_scope_launch_task(number_of(cells, task));
	if (err)
		word = err == -EBUSY ? WEIR_ARM_BOUND : WEIR_ARM_FAILED;
	bpf_seq_write(context->meta->seq, &word, sizeof(word));
	return 0;
}

/*
 * A program has taken the place of another and has not run yet: the record
 * has its arguments. What cannot be recorded does not happen: it is killed.
 * A program that only audit mode let through was recorded when it was opened.
 */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(weir_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct path_action action = {
		.dentry = number_away(bprm->file->f_path.dentry),
		.mnt = number_away(bprm->file->f_path.mnt),
		.access = WEIR_ACCESS_BIT(WEIR_ACCESS_EXECUTE),
		.recorded = true,
	};
	struct weir_bound bound = {0};
	struct weir_act act = {0};
	bool quiet;

	if (!scope_resolve(&bound, false))
		return 0;
	scopes_decide(&act, &bound, decide_object, &action);
	act.decision &= ~((__u32)USE_AUDIT << 16);	/* its open has taken the use */
	quiet = act_refused(&act) || !act_recorded(&act, WEIR_INSTANCE_RECORD_EXECUTE);
	if (act_refused(&act))
		act.decision = DECIDE_ALLOW(WEIR_DECISION_REASON(act.decision), 0);
	weir_record_exec(&act, &action, quiet);
	if (DECISION_DENIES(act.decision))
		bpf_send_signal(SIGKILL);
	return 0;
}

static __always_inline __u32 decide_nothing(weir_scope_t scope, __u32 index,
					    const struct weir_instance *instance, void *context)
{
	return DECIDE_ALLOW(WEIR_REASON_UNRESTRICTED, 0);
}

/* Ends cannot be refused: without room they are counted. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(weir_exit, struct task_struct *task)
{
	struct weir_bound bound = {0};
	struct weir_act act = {0};

	if (task->pid != task->tgid || !scope_resolve(&bound, false))
		return 0;
	scopes_decide(&act, &bound, decide_nothing, NULL);
	return weir_record_exit(&act, task->exit_code);
}
