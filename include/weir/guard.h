/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the guard keeps and what it is asked for; a part of abi.h. */
#ifndef WEIR_GUARD_H
#define WEIR_GUARD_H

/* What the guard keeps, and guard.allow opens: a word of the policy each. */
enum weir_guard {
	WEIR_GUARD_MOUNT,
	WEIR_GUARD_NAMESPACES,
	WEIR_GUARD_PTRACE,
	WEIR_GUARD_BPF,
	WEIR_GUARD_KERNEL_MODULES,
	WEIR_GUARD_RAW_SOCKETS,
	WEIR_GUARD_PACKET_SOCKETS,
	WEIR_GUARD_SIGNALS,
	WEIR_GUARD_IPC,
	WEIR_GUARD_TUN,
	WEIR_GUARD_COUNT,	/* in a record: nothing opens it */
};

/* Flags of an instance besides enum weir_instance_flag: which of them it opens. */
#define WEIR_GUARD_BIT(guard) (1u << (16 + (guard)))
#define WEIR_GUARD_ALL (WEIR_GUARD_BIT(WEIR_GUARD_COUNT) - WEIR_GUARD_BIT(0))

/* What the guard was asked for. */
enum weir_ask {
	WEIR_ASK_CAPABILITY,		/* number: CAP_* */
	WEIR_ASK_MOUNT,
	WEIR_ASK_MOVE_MOUNT,
	WEIR_ASK_UMOUNT,
	WEIR_ASK_PIVOT_ROOT,
	WEIR_ASK_CHROOT,
	WEIR_ASK_NAMESPACE,
	WEIR_ASK_USER_NAMESPACE,
	WEIR_ASK_PTRACE,		/* number: PTRACE_MODE_* */
	WEIR_ASK_TRACEME,
	WEIR_ASK_SIGNAL,		/* number: the signal */
	WEIR_ASK_LIMIT,			/* number: RLIMIT_* */
	WEIR_ASK_SCHEDULING,
	WEIR_ASK_PROCESS_FILE,		/* writing to a file of another process in /proc */
	WEIR_ASK_BPF,			/* number: the command of bpf(2) */
	WEIR_ASK_BPF_OBJECT,		/* a program, map, link or pin of weir's */
	WEIR_ASK_PERF,
	WEIR_ASK_MODULE,		/* having one loaded */
	WEIR_ASK_IPC,
	WEIR_ASK_MESSAGE_QUEUE,
	WEIR_ASK_KEY,			/* number: KEY_NEED_* */
	WEIR_ASK_KEY_REQUEST,		/* which starts a helper of the kernel */
	WEIR_ASK_TUN,
	WEIR_ASK_KERNEL_FILE,		/* writing to what sets the kernel, or reading its traces */
	WEIR_ASK_KERNEL_LOG,		/* number: the type of syslog(2) */
	WEIR_ASK_QUOTA,
	WEIR_ASK_CREDENTIALS,		/* other ones, for a request of io_uring */
	WEIR_ASK_TERMINAL,		/* putting something into the input of one */
	WEIR_ASK_CONTROL,		/* connecting to a socket on which weir takes commands */
	WEIR_ASK_COUNT,
};

#endif
