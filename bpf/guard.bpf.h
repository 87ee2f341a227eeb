/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guard: what no confined task may do, whatever its rules, because names
 * and policies rest on it. A hook says what is asked for and which words of
 * guard.allow open it; the decision is the same for all. Denied calls fail
 * with EPERM. What is refused stands in a record, but for questions that the
 * kernel asks itself and marks as such.
 */
#ifndef WEIR_GUARD_BPF_H
#define WEIR_GUARD_BPF_H

#include "decide.bpf.h"
#include "scope.bpf.h"
#include "walk.bpf.h"

#define GUARD_NOTHING 0		/* as opens: no word does */

/* Decides: the outermost scope that refuses does, and all are asked. */
int weir_guard_scopes(struct weir_act *act, const struct weir_bound *bound,
		      const struct guard_ask *ask);

/* Decides and records. Returns 0 or -EPERM. */
int weir_guard_decide(const struct weir_bound *bound, const struct guard_ask *ask);

/* The same where nothing but that it was asked for counts, for the current task. */
int weir_guard_plain(__u8 type, __u8 ask, __u32 opens, __u32 number);

/* Connecting to a socket of weir's own: refused to whoever is bound, and recorded. */
int weir_guard_control(const struct weir_bound *bound);

/* The same of another task, by address, which is not the current process. */
int weir_guard_task(const struct guard_ask *ask, __u64 task);

/* The same on behalf of who had a file send signals. */
int weir_guard_owned(const struct weir_file_owner *owner, const struct guard_ask *ask, __u64 task);

/*
 * A file that is opened, by address: of those that set the kernel, or belong to
 * another process, a queue or a tunnel. What is asked for stays in the second
 * scratch space, from where weir_guard_file_record() takes it: stack is short.
 */
int weir_guard_file_decide(struct weir_act *act, const struct weir_bound *bound, __u64 file,
			   __u32 kind);
int weir_guard_file_record(struct weir_act *act, __u64 file);

/* Returns 0 or -EPERM. */
#define GUARD_FILE(act, bound, file, kind)                                   \
	({                                                                   \
		weir_guard_file_decide(act, bound, file, kind);              \
		if (act_refused(act))                                        \
			weir_guard_file_record(act, file);                   \
		DECISION_DENIES((act)->decision) ? -EPERM : 0;               \
	})

#define MQUEUE_MAGIC 0x19800202		/* ipc/mqueue.c */
#define CONFIGFS_MAGIC 0x62656570	/* fs/configfs/mount.c */
#define DEVICE(major, minor) ((major) << 20 | (minor))

enum guard_kind {
	GUARD_KIND_USUAL,	/* nothing for the guard */
	GUARD_KIND_KERNEL,
	GUARD_KIND_BPF,
	GUARD_KIND_QUEUE,
	GUARD_KIND_PROC,
	GUARD_KIND_TUN,
};

/* Is a file system one by which the kernel is set? */
static __always_inline bool guard_sets_kernel(__u64 magic)
{
	switch (magic) {
	case CGROUP_SUPER_MAGIC:
	case CGROUP2_SUPER_MAGIC:
	case SYSFS_MAGIC:
	case CONFIGFS_MAGIC:
	case SECURITYFS_MAGIC:
	case BINFMTFS_MAGIC:
	case EFIVARFS_MAGIC:
	case RDTGROUP_SUPER_MAGIC:
		return true;
	}
	return false;
}

/* And one that also shows what it does? */
static __always_inline bool guard_shows_kernel(__u64 magic)
{
	return magic == DEBUGFS_MAGIC || magic == TRACEFS_MAGIC;
}

/* What a device is to the guard: those that anybody's keys, or the whole machine, hang on. */
static __always_inline __u32 guard_device(__u32 device, bool writes)
{
	switch (device) {
	case DEVICE(10, 200):	/* net/tun */
	case DEVICE(10, 238):	/* vhost-net */
	case DEVICE(10, 241):	/* vhost-vsock */
		return GUARD_KIND_TUN;
	case DEVICE(10, 130):	/* watchdog: opening it is enough to start it */
	case DEVICE(10, 137):	/* vhci: a Bluetooth adapter */
	case DEVICE(10, 203):	/* cuse: devices of one's own making */
	case DEVICE(10, 223):	/* uinput: keys and pointers */
	case DEVICE(10, 237):	/* loop-control */
	case DEVICE(10, 239):	/* uhid */
	case DEVICE(10, 240):	/* userio: serial keyboards */
		return GUARD_KIND_KERNEL;	/* ioctl(2) takes any mode */
	case DEVICE(1, 11):	/* kmsg */
	case DEVICE(10, 144):	/* nvram */
	case DEVICE(10, 242):	/* rfkill */
		return writes ? GUARD_KIND_KERNEL : GUARD_KIND_USUAL;
	}
	return GUARD_KIND_USUAL;
}

/* What the files of a file system are to the guard, by its magic number. */
static __always_inline __u32 guard_super(__u64 magic, bool writes)
{
	if (guard_shows_kernel(magic))
		return GUARD_KIND_KERNEL;
	if (guard_sets_kernel(magic))
		return writes ? GUARD_KIND_KERNEL : GUARD_KIND_USUAL;
	switch (magic) {
	case PROC_SUPER_MAGIC:
		return writes ? GUARD_KIND_PROC : GUARD_KIND_USUAL;
	case MQUEUE_MAGIC:
		return GUARD_KIND_QUEUE;
	case BPF_FS_MAGIC:
		return GUARD_KIND_BPF;
	}
	return GUARD_KIND_USUAL;
}

/* What a file is to the guard, at a glance. */
static __always_inline __u32 guard_kind(struct file *file)
{
	struct inode *inode = file->f_inode;
	bool writes = file->f_mode & FMODE_WRITE;

	if ((inode->i_mode & S_IFMT) == S_IFCHR)
		return guard_device(inode->i_rdev, writes);
	return guard_super(inode->i_sb->s_magic, writes);
}

/* What one instance says: a decide_fn. */
static __always_inline __u32 decide_guard(weir_scope_t scope, __u32 index,
					  const struct weir_instance *instance, void *context)
{
	const struct guard_ask *ask = context;

	/* who reaches it can lift every policy: nothing opens that */
	if (ask->ask == WEIR_ASK_CONTROL)
		return DECIDE_DENY(WEIR_REASON_GUARD, 0);
	if (instance->flags & WEIR_INSTANCE_GUARD_OPEN)
		return DECIDE_ALLOW(WEIR_REASON_UNRESTRICTED, 0);
	if (ask->own)
		return DECIDE_DENY(WEIR_REASON_GUARD, 0);
	if (scope_among(scope, ask->inside))
		return DECIDE_ALLOW(WEIR_REASON_SCOPE_PEER, 0);
	if (instance_expired(instance))
		return DECIDE_DENY(WEIR_REASON_EXPIRED, 0);
	return instance->flags & ask->opens ? DECIDE_ALLOW(WEIR_REASON_UNRESTRICTED, 0) :
					      DECIDE_DENY(WEIR_REASON_GUARD, 0);
}

/* The word to name in a record: the first that would open it. */
static __always_inline __u8 guard_word(__u32 opens)
{
	__u8 word = 0;

#pragma unroll
	for (int i = 0; i < WEIR_GUARD_COUNT; i++)
		word += word == i && !(opens & WEIR_GUARD_BIT(i));
	return word;
}

static __always_inline void guard_event_fill(struct weir_event_guard *event,
					     const struct guard_ask *ask)
{
	event->ask = ask->ask;
	event->opens = guard_word(ask->opens);
	event->path_len = 0;
	event->number = ask->number;
	event->target = ask->target;
	event->pad = 0;
	__builtin_memcpy(event->target_comm, ask->target_comm, sizeof(event->target_comm));
}

/* Asks about another task: a process is always within its own reach. */
static __always_inline int guard_task(struct task_struct *task, const struct guard_ask *ask)
{
	volatile __u64 cells[2] = {0};

	if (task->tgid == bpf_get_current_task_btf()->tgid)
		return 0;
	return weir_guard_task(ask, number_of(cells, task)) ? -EPERM : 0;
}

#endif
