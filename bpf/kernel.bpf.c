// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel itself: BPF and what weir has there, modules, the log, quotas,
 * tunnels, and the files that stand for any of it. Clocks, images, swap, process
 * accounting take capabilities (capable.bpf.c). See guard.bpf.h.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "guard.bpf.h"
#include "record.bpf.h"

#define OWN_NAMES "weir_"		/* of the programs and maps of weir */

#define BPF WEIR_GUARD_BIT(WEIR_GUARD_BPF)
#define TUN WEIR_GUARD_BIT(WEIR_GUARD_TUN)

static __always_inline int escape_ask(__u8 ask, __u32 opens, __u32 number)
{
	return weir_guard_plain(WEIR_EVENT_GUARD_ESCAPE, ask, opens, number) ? -EPERM : 0;
}

/* weir's own cannot be told from others by their id or the path of their pin. */
static __always_inline bool command_reaches_links(int command)
{
	return command == BPF_OBJ_GET || command == BPF_LINK_GET_FD_BY_ID;
}

SEC("lsm/bpf")
int BPF_PROG(weir_guard_bpf, int command)
{
	struct guard_ask ask = {
		.type = WEIR_EVENT_GUARD_BPF,
		.ask = WEIR_ASK_BPF,
		.opens = BPF,
		.number = command,
	};
	struct weir_bound bound = {0};

	if (!scope_resolve(&bound, false))
		return 0;
	if (command_reaches_links(command)) {
		ask.ask = WEIR_ASK_BPF_OBJECT;
		ask.own = true;
	}
	return weir_guard_decide(&bound, &ask) ? -EPERM : 0;
}

/* name: its address */
static __always_inline int own_ask(__u64 name)
{
	struct guard_ask ask = {
		.type = WEIR_EVENT_GUARD_BPF,
		.ask = WEIR_ASK_BPF_OBJECT,
		.own = true,
	};
	struct weir_bound bound = {0};
	char begins[sizeof(OWN_NAMES) - 1] = OWN_NAMES;
	bool own = true;

	if (!scope_resolve(&bound, false))
		return 0;
	bpf_probe_read_kernel(begins, sizeof(begins), (void *)name);
#pragma unroll
	for (__u32 i = 0; i < sizeof(begins); i++)
		own = own && begins[i] == OWN_NAMES[i];
	if (!own)
		return 0;
	return weir_guard_decide(&bound, &ask) ? -EPERM : 0;
}

SEC("lsm/bpf_map")
int BPF_PROG(weir_guard_bpf_map, struct bpf_map *map)
{
	volatile __u64 cells[2] = {0};

	return own_ask(number_of(cells, map) + bpf_core_field_offset(struct bpf_map, name));
}

SEC("lsm/bpf_prog")
int BPF_PROG(weir_guard_bpf_prog, struct bpf_prog *prog)
{
	__u64 aux = (__u64)BPF_CORE_READ(prog, aux);

	return own_ask(aux + bpf_core_field_offset(struct bpf_prog_aux, name));
}

SEC("lsm/perf_event_open")
int BPF_PROG(weir_guard_perf)
{
	return weir_guard_plain(WEIR_EVENT_GUARD_BPF, WEIR_ASK_PERF, BPF, 0) ? -EPERM : 0;
}

/* The kernel has one loaded, for what a task asks of it. */
SEC("lsm/kernel_module_request")
int BPF_PROG(weir_guard_module)
{
	return weir_guard_plain(WEIR_EVENT_GUARD_MODULE, WEIR_ASK_MODULE,
				WEIR_GUARD_BIT(WEIR_GUARD_KERNEL_MODULES), 0) ?
		       -EPERM :
		       0;
}

SEC("lsm/syslog")
int BPF_PROG(weir_guard_syslog, int type)
{
	return escape_ask(WEIR_ASK_KERNEL_LOG, GUARD_NOTHING, type);
}

SEC("lsm/quotactl")
int BPF_PROG(weir_guard_quota)
{
	return escape_ask(WEIR_ASK_QUOTA, GUARD_NOTHING, 0);
}

SEC("lsm/tun_dev_create")
int BPF_PROG(weir_guard_tun_create)
{
	return escape_ask(WEIR_ASK_TUN, TUN, 0);
}

SEC("lsm/tun_dev_attach")
int BPF_PROG(weir_guard_tun_attach)
{
	return escape_ask(WEIR_ASK_TUN, TUN, 0);
}

/*
 * Names that come or change: of message queues, which mq_open(2) makes before it
 * opens them, and of what sets the kernel: a folder may be a cgroup or an instance
 * of its tracing, a file a variable of the firmware.
 */
static __always_inline int entry_ask(__u64 magic)
{
	if (magic == MQUEUE_MAGIC)
		return escape_ask(WEIR_ASK_MESSAGE_QUEUE, WEIR_GUARD_BIT(WEIR_GUARD_IPC), 0);
	if (guard_sets_kernel(magic) || guard_shows_kernel(magic))
		return escape_ask(WEIR_ASK_KERNEL_FILE, GUARD_NOTHING, 0);
	return 0;
}

/* Names that go: of those, and of weir's pins. */
static __always_inline int name_ask(__u64 magic)
{
	struct guard_ask ask = {
		.type = WEIR_EVENT_GUARD_BPF, .ask = WEIR_ASK_BPF_OBJECT, .own = true};
	struct weir_bound bound = {0};
	int refused = entry_ask(magic);

	if (refused)
		return -EPERM;
	if (magic != BPF_FS_MAGIC || !scope_resolve(&bound, false))
		return 0;
	return weir_guard_decide(&bound, &ask) ? -EPERM : 0;
}

SEC("lsm/inode_unlink")
int BPF_PROG(weir_guard_unlink, struct inode *dir)
{
	return name_ask(dir->i_sb->s_magic);
}

SEC("lsm/inode_rename")
int BPF_PROG(weir_guard_rename, struct inode *dir)
{
	return name_ask(dir->i_sb->s_magic);
}

SEC("lsm/inode_rmdir")
int BPF_PROG(weir_guard_rmdir, struct inode *dir)
{
	return name_ask(dir->i_sb->s_magic);
}

SEC("lsm/inode_create")
int BPF_PROG(weir_guard_create, struct inode *dir)
{
	return entry_ask(dir->i_sb->s_magic);
}

SEC("lsm/inode_mkdir")
int BPF_PROG(weir_guard_mkdir, struct inode *dir)
{
	return entry_ask(dir->i_sb->s_magic);
}

/* Mode and owner, which would open it to others. As for weir_inode_setattr(), one is loaded. */
SEC("lsm/inode_setattr")
int BPF_PROG(weir_guard_setattr, struct dentry *dentry)
{
	return entry_ask(dentry->d_sb->s_magic);
}

SEC("lsm/inode_setattr")
int BPF_PROG(weir_guard_setattr_mapped, void *idmap, struct dentry *dentry)
{
	return entry_ask(dentry->d_sb->s_magic);
}

/* Writing below /proc: to an entry of a process inside, or to what sets the kernel. */
static __always_inline void proc_describe(struct guard_ask *ask, __u64 inode)
{
	__u64 address = proc_task(inode);
	struct task_struct *task = (void *)address;
	struct weir_mark mark = {0};

	if (!address)
		return;
	weir_scope_of(address, &mark);
	__builtin_memcpy(ask->inside, mark.scopes, sizeof(ask->inside));
	ask->type = WEIR_EVENT_GUARD_SIGNAL;
	ask->ask = WEIR_ASK_PROCESS_FILE;
	ask->opens = WEIR_GUARD_BIT(WEIR_GUARD_SIGNALS);
	ask->own = mark.flags & WEIR_MARK_OWN;
	ask->target = BPF_CORE_READ(task, tgid);
	BPF_CORE_READ_INTO(&ask->target_comm, task, comm);
}

/* The memory of a process, which is asked for as by ptrace(2). */
static __always_inline bool proc_is_memory(struct file *file)
{
	const unsigned char *name = BPF_CORE_READ(file, f_path.dentry, d_name.name);
	char text[sizeof("mem")] = {0};

	bpf_probe_read_kernel(text, sizeof(text), name);
	return text[0] == 'm' && text[1] == 'e' && text[2] == 'm' && !text[3];
}

static __always_inline void file_describe(struct guard_ask *ask, struct file *file, __u32 kind)
{
	ask->type = WEIR_EVENT_GUARD_ESCAPE;
	ask->ask = WEIR_ASK_KERNEL_FILE;
	switch (kind) {
	case GUARD_KIND_BPF:
		ask->type = WEIR_EVENT_GUARD_BPF;
		ask->opens = BPF;
		break;
	case GUARD_KIND_QUEUE:
		ask->ask = WEIR_ASK_MESSAGE_QUEUE;
		ask->opens = WEIR_GUARD_BIT(WEIR_GUARD_IPC);
		break;
	case GUARD_KIND_TUN:
		ask->ask = WEIR_ASK_TUN;
		ask->opens = TUN;
		break;
	case GUARD_KIND_PROC:
		proc_describe(ask, (__u64)BPF_CORE_READ(file, f_inode));
		break;
	}
}

int weir_guard_file_decide(struct weir_act *act, const struct weir_bound *bound, __u64 address,
			   __u32 kind)
{
	struct weir_scratch *scratch = path_scratch(true);
	struct guard_ask *ask;

	if (!act || !bound)
		return -EPERM;	/* cannot be: a caller's stack */
	act->decision = DECIDE_DENY(WEIR_REASON_SCOPE, 0);
	if (!scratch)
		return -EPERM;
	ask = &scratch->ask;
	__builtin_memset(ask, 0, sizeof(*ask));
	if (kind == GUARD_KIND_PROC && proc_is_memory((void *)address)) {
		act->decision = DECIDE_ALLOW(WEIR_REASON_NO_RULE, 0);
		return 0;
	}
	file_describe(ask, (void *)address, kind);
	return weir_guard_scopes(act, bound, ask);
}

int weir_guard_file_record(struct weir_act *act, __u64 address)
{
	struct weir_scratch *scratch = path_scratch(true);
	struct file *file = (void *)address;

	if (!act || !scratch) {
		lost_count(WEIR_EVENT_GUARD_ESCAPE);
		return -EPERM;
	}
	return weir_record_guard(act, &scratch->ask, (__u64)BPF_CORE_READ(file, f_path.dentry),
				 (__u64)BPF_CORE_READ(file, f_path.mnt));
}
