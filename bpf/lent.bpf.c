// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Whether credentials that are not a task's own are lent by an overlay; see object.bpf.h. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "object.bpf.h"
#include "tree.bpf.h"

#define PF_IO_WORKER 0x10u	/* linux/sched.h: works for io_uring */

/* Could it be a request of io_uring that is done? */
static __always_inline bool task_has_ring(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (BPF_CORE_READ(task, flags) & PF_IO_WORKER)
		return true;
	return bpf_core_field_exists(task->io_uring) && BPF_CORE_READ(task, io_uring);
}

struct search {
	struct tree tree;
	__u64 cred;
	bool found;
};

static long search_step(__u32 unused, struct search *search)
{
	if (tree_ends(&search->tree))
		return 1;
	search->found = overlay_acts((__u64)READ_KERNEL(struct mount, search->tree.at, mnt.mnt_sb),
				     search->cred);
	return search->found;
}

/*
 * By any overlay of the namespace? One whose look-ups were refused what they
 * need would see its layers wrongly, and keep that for all.
 */
static __noinline bool namespace_lends(__u64 cred)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 root = (__u64)BPF_CORE_READ(task, nsproxy, mnt_ns, root);
	struct search search = {.tree = TREE(root), .cred = cred};

	if (!root)
		return false;
	if (overlay_acts((__u64)READ_KERNEL(struct mount, root, mnt.mnt_sb), cred))
		return true;
	bpf_loop(TREE_STEPS, search_step, &search, 0);
	return search.found;
}

int weir_rights_lent(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 cred = (__u64)BPF_CORE_READ(task, cred);
	struct weir_call *call;

	if (!task_has_ring() ||
	    overlay_acts((__u64)BPF_CORE_READ(task, fs, root.mnt, mnt_sb), cred) ||
	    overlay_acts((__u64)BPF_CORE_READ(task, fs, pwd.mnt, mnt_sb), cred))
		return true;
	call = call_get();
	return (call && overlay_acts(call->overlay, cred)) || namespace_lends(cred);
}
