/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From an object and what is done to it to what a hook returns: decided,
 * recorded. Files are refused with EACCES, programs with EPERM, links and
 * renames that would widen rights with EXDEV.
 */
#ifndef WEIR_OBJECT_BPF_H
#define WEIR_OBJECT_BPF_H

#include "decide.bpf.h"
#include "path.bpf.h"
#include "record.bpf.h"

#define FMODE_ATOMIC_POS 0x8000u	/* linux/fs.h: of files and folders alone */
#define FMODE_CREATED 0x100000u	/* by this open */
#define FMODE_NOACCOUNT 0x20000000u	/* opened by the kernel on a layer, by what name ever */
#define FMODE_EXEC_FLAG 0x20u	/* __FMODE_EXEC in f_flags: opened to be executed */

#define READ WEIR_ACCESS_BIT(WEIR_ACCESS_READ)
#define WRITE WEIR_ACCESS_BIT(WEIR_ACCESS_WRITE)
#define CREATE WEIR_ACCESS_BIT(WEIR_ACCESS_CREATE)
#define DELETE WEIR_ACCESS_BIT(WEIR_ACCESS_DELETE)
#define EXECUTE WEIR_ACCESS_BIT(WEIR_ACCESS_EXECUTE)

/* NULL: no memory. */
static __always_inline struct weir_call *call_get(void)
{
	return bpf_task_storage_get(&weir_calls, bpf_get_current_task_btf(), NULL,
				    BPF_LOCAL_STORAGE_GET_F_CREATE);
}

#define OVERLAY_WORDS 23	/* of what a super block of overlayfs points at, since 5.0 */

/* Is it what a mounted overlay acts by? Nobody else has those credentials. */
static __always_inline bool overlay_acts(__u64 super, __u64 cred)
{
	__u64 at, word;

	if (!super || READ_KERNEL(struct super_block, super, s_magic) != OVERLAYFS_SUPER_MAGIC)
		return false;
	at = (__u64)READ_KERNEL(struct super_block, super, s_fs_info);
#pragma clang loop unroll(disable)
	for (int i = 0; i < OVERLAY_WORDS; i++, at += sizeof(word)) {
		if (bpf_probe_read_kernel(&word, sizeof(word), (void *)at))
			return false;
		if (word == cred)
			return true;
	}
	return false;
}

/*
 * The current task has other credentials than its own: is that the kernel's
 * doing, on behalf of an overlay or a network file system? io_uring too has
 * requests done with credentials of before, which the task may have given up
 * (capset(2) makes new ones), by the task itself and by its workers. Who has used
 * it is believed only where they are those of an overlay: one that is mounted in
 * its namespace, or that its last call named.
 */
int weir_rights_lent(void);

static __always_inline bool rights_lent(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return task->cred != task->real_cred && weir_rights_lent();
}

/* Before a call that may make an overlay work on its layers: see layer_access(). */
static __always_inline void overlay_named(__u64 dentry)
{
	__u64 super = (__u64)READ_KERNEL(struct dentry, dentry, d_sb);
	struct weir_call *call;

	if (READ_KERNEL(struct super_block, super, s_magic) != OVERLAYFS_SUPER_MAGIC)
		return;
	call = call_get();
	if (call)
		call->overlay = super;
}

/*
 * Records a decision on an object that was refused, or is to be told of. Before that,
 * if a grant allows it whose uses are counted, its use is taken, which may turn
 * act->decision into a denial.
 */
int weir_act_tell(struct weir_act *act, __u32 type, const struct path_action *action);

/* Records the decision on an object, and turns it into what the hook returns. */
static __always_inline int act_finish(struct weir_act *act, struct path_action *action, __u8 type,
				      int error)
{
	__u32 flag = type == WEIR_EVENT_EXEC ? 0 : WEIR_INSTANCE_RECORD_FILES;

	if (act_recorded(act, flag) && act->decision != DECIDE_LAYER)
		weir_act_tell(act, type, action);
	if (!DECISION_DENIES(act->decision))
		return 0;
	return WEIR_DECISION_REASON(act->decision) == WEIR_REASON_WIDEN ? -EXDEV : -error;
}

static __always_inline int bound_decide(const struct weir_bound *bound, struct path_action *action,
					__u32 type)
{
	struct weir_act act = {0};

	if (action->access & ~(READ | EXECUTE))
		overlay_named(action->dentry);
	scopes_decide(&act, bound, decide_object, action);
	return act_finish(&act, action, type, type == WEIR_EVENT_EXEC ? EPERM : EACCES);
}

static __always_inline int action_decide(struct path_action *action, __u32 type)
{
	struct weir_bound bound = {0};

	return scope_resolve(&bound, type == WEIR_EVENT_EXEC) ? bound_decide(&bound, action, type) :
								0;
}

static __always_inline int object_decide(struct dentry *dentry, struct vfsmount *mnt, __u32 access,
					 __u32 type)
{
	volatile __u64 cells[2] = {0};
	struct path_action action = {.access = access};

	action.dentry = number_of(cells, dentry);
	action.mnt = number_of(cells, mnt);
	return action_decide(&action, type);
}

/*
 * Decides an open file that comes from elsewhere, as if it were opened here, by
 * its path (addresses) and what it is open for. Returns whether it is refused.
 */
int weir_taken_refused(const struct weir_bound *bound, __u64 dentry, __u64 vfsmount,
		       __u32 access);

/*
 * May a bound task have this open file from before it was bound? Not what an
 * exec has opened, which reads and maps it too.
 */
static __always_inline bool file_before(const struct file *file)
{
	return scope_before() && !(file->f_flags & FMODE_EXEC_FLAG);
}

#endif
