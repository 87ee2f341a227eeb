// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Capabilities: which a confined task may use, whoever it runs as. That covers
 * what has no hook of its own or needs none: mount, open_tree, fsopen, chroot,
 * setns, unshare, swapon, acct, kexec, clocks, device nodes. A capability alone
 * says too little of what is asked for: a word of guard.allow opens it for the
 * calls that the word is about.
 */
#include "vmlinux.h"

#include <linux/capability.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "guard.bpf.h"
#include "object.bpf.h"

#define CAP_OPT_NOAUDIT 2u	/* linux/security.h: a question that the kernel asks itself */
#define TS_COMPAT 2u		/* asm/thread_info.h: a call by the way of i386 */
#define X32_SYSCALL_BIT 0x40000000ULL
#define CALL_UNKNOWN (~0ULL)
#define CALL_IOCTL 16
#define CALL_USERFAULTFD 323
#define CAP(name) (1ULL << CAP_##name)

/*
 * What ordinary programs use when they run as root: files, users, own low
 * ports, locked memory. Names and policies do not rest on them: files are decided
 * by name whoever opens them, processes and IPC by their own hooks.
 */
#define CAPS_FREE                                                                          \
	(CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(DAC_READ_SEARCH) | CAP(FOWNER) | CAP(FSETID) | \
	 CAP(KILL) | CAP(SETGID) | CAP(SETUID) | CAP(SETPCAP) | CAP(NET_BIND_SERVICE) |      \
	 CAP(IPC_LOCK) | CAP(IPC_OWNER) | CAP(SETFCAP))

/* What a system call of x86-64 stands for: the word it belongs to, and how it is recorded. */
struct call {
	__u32 opens;
	__u8 ask;
};

static __always_inline struct call call_of(__u64 number)
{
	const __u32 mount = WEIR_GUARD_BIT(WEIR_GUARD_MOUNT);

	switch (number) {
	case 155:
		return (struct call){mount, WEIR_ASK_PIVOT_ROOT};
	case 161:
		return (struct call){mount, WEIR_ASK_CHROOT};
	case 165:
		return (struct call){mount, WEIR_ASK_MOUNT};
	case 166:
		return (struct call){mount, WEIR_ASK_UMOUNT};
	case 429:
		return (struct call){mount, WEIR_ASK_MOVE_MOUNT};
	case 428:	/* open_tree */
	case 430:	/* fsopen */
	case 431:	/* fsconfig */
	case 432:	/* fsmount */
	case 433:	/* fspick */
	case 442:	/* mount_setattr */
	case 467:	/* open_tree_attr */
		return (struct call){mount, WEIR_ASK_MOUNT};
	case 56:	/* clone */
	case 272:	/* unshare */
	case 308:	/* setns */
	case 435:	/* clone3 */
		return (struct call){WEIR_GUARD_BIT(WEIR_GUARD_NAMESPACES), WEIR_ASK_NAMESPACE};
	case 298:	/* perf_event_open */
	case 321:	/* bpf */
		return (struct call){WEIR_GUARD_BIT(WEIR_GUARD_BPF), WEIR_ASK_CAPABILITY};
	case 31:	/* shmctl */
	case 66:	/* semctl */
	case 71:	/* msgctl */
	case 250:	/* keyctl */
		return (struct call){WEIR_GUARD_BIT(WEIR_GUARD_IPC), WEIR_ASK_CAPABILITY};
	default:
		return (struct call){GUARD_NOTHING, WEIR_ASK_CAPABILITY};
	}
}

/* The words that open a capability in a call. */
static __always_inline __u32 cap_opens(int cap, __u64 number, const struct call *call)
{
	switch (cap) {
	case CAP_SYS_ADMIN:
	case CAP_SYS_CHROOT:
		return call->opens;
	case CAP_SYS_PTRACE:
		return WEIR_GUARD_BIT(WEIR_GUARD_PTRACE);
	case CAP_SYS_MODULE:
		return WEIR_GUARD_BIT(WEIR_GUARD_KERNEL_MODULES);
	case CAP_BPF:
	case CAP_PERFMON:
		return WEIR_GUARD_BIT(WEIR_GUARD_BPF);
	case CAP_SYS_NICE:
		return WEIR_GUARD_BIT(WEIR_GUARD_SIGNALS);
	case CAP_NET_RAW:
		return WEIR_GUARD_BIT(WEIR_GUARD_RAW_SOCKETS) |
		       WEIR_GUARD_BIT(WEIR_GUARD_PACKET_SOCKETS);
	case CAP_NET_ADMIN:
		return number == CALL_IOCTL ? WEIR_GUARD_BIT(WEIR_GUARD_TUN) : GUARD_NOTHING;
	default:
		return GUARD_NOTHING;
	}
}

static __always_inline __u8 cap_event(__u32 opens)
{
	if (opens & WEIR_GUARD_BIT(WEIR_GUARD_MOUNT))
		return WEIR_EVENT_GUARD_MOUNT;
	if (opens & WEIR_GUARD_BIT(WEIR_GUARD_PTRACE))
		return WEIR_EVENT_GUARD_PTRACE;
	if (opens & WEIR_GUARD_BIT(WEIR_GUARD_BPF))
		return WEIR_EVENT_GUARD_BPF;
	if (opens & WEIR_GUARD_BIT(WEIR_GUARD_KERNEL_MODULES))
		return WEIR_EVENT_GUARD_MODULE;
	if (opens & WEIR_GUARD_BIT(WEIR_GUARD_NAMESPACES))
		return WEIR_EVENT_GUARD_NAMESPACE;
	return WEIR_EVENT_GUARD_ESCAPE;
}

/*
 * Over a user namespace of its own, which `namespaces` let it make, a task may do as
 * it likes, but for mounts. Which call it is must be known for that.
 */
static __always_inline void cap_describe(struct guard_ask *ask, struct user_namespace *ns, int cap,
					 __u64 number)
{
	struct call call = call_of(number);

	ask->ask = WEIR_ASK_CAPABILITY;
	ask->number = cap;
	ask->opens = cap_opens(cap, number, &call);
	if (cap == CAP_SYS_ADMIN || cap == CAP_SYS_CHROOT)
		ask->ask = call.ask;
	if (ask->ask != WEIR_ASK_CAPABILITY)
		ask->number = 0;
	if (ns->level && number != CALL_UNKNOWN &&
	    call.opens != WEIR_GUARD_BIT(WEIR_GUARD_MOUNT))
		ask->opens |= WEIR_GUARD_BIT(WEIR_GUARD_NAMESPACES);
	ask->type = cap_event(ask->opens);
}

/* The call in progress, as x86-64 numbers it: x32 has the same ones, i386 has not. */
static __always_inline __u64 call_number(struct task_struct *task)
{
	struct pt_regs *regs = (void *)bpf_task_pt_regs(task);

	if (task->thread_info.status & TS_COMPAT)
		return CALL_UNKNOWN;
	return BPF_CORE_READ(regs, orig_ax) & ~X32_SYSCALL_BIT;
}

/*
 * Looking into a process of another user: weir_guard_ptrace() is asked next, and
 * knows which one it is. userfaultfd(2) takes the same capability, and asks no more.
 */
static __always_inline bool asked_again(int cap, __u64 number)
{
	return cap == CAP_SYS_PTRACE && number != CALL_UNKNOWN && number != CALL_USERFAULTFD;
}

SEC("lsm/capable")
int BPF_PROG(weir_guard_capable, const struct cred *cred, struct user_namespace *ns, int cap,
	     unsigned int opts)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct weir_bound bound = {0};
	struct guard_ask ask = {.quiet = opts & CAP_OPT_NOAUDIT};
	__u64 number;

	if (cap < 64 && CAPS_FREE >> (cap & 63) & 1)
		return 0;
	if (!scope_resolve(&bound, false) || rights_lent())
		return 0;
	number = call_number(task);
	if (asked_again(cap, number))
		return 0;
	cap_describe(&ask, ns, cap, number);
	return weir_guard_decide(&bound, &ask) ? -EPERM : 0;
}

/* Rights of another moment, for one request of io_uring. Nobody needs them. */
SEC("lsm/uring_override_creds")
int BPF_PROG(weir_guard_credentials)
{
	return weir_guard_plain(WEIR_EVENT_GUARD_ESCAPE, WEIR_ASK_CREDENTIALS, GUARD_NOTHING, 0) ?
		       -EPERM :
		       0;
}
