// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Records that carry paths, and those of the life of a process; see
 * record.bpf.h. They are put together in scratch space: stack is short.
 */
#include "record.bpf.h"
#include "guard.bpf.h"

/*
 * A path for a record, as steady as it can be had, moved to the front of
 * scratch space, where the verifier sees that its length fits.
 * Returns its length, 0 when there is nothing to tell.
 */
__u32 weir_path_describe(__u64 dentry, __u64 vfsmount, int target)
{
	struct weir_scratch *scratch = path_scratch(target);
	__u32 at = WEIR_PATH_MAX;

	for (int i = 0; i < 4; i++) {
		struct path_counts counts = path_counts_read();
		int walked = weir_path_walk(dentry, vfsmount, target);

		if (walked < 0)
			return 0;
		at = WALK_AT(walked);
		if (path_counts_same(counts, path_counts_read()))
			break;
	}
	FORGET(at);
	if (!scratch || at >= WEIR_PATH_MAX)
		return 0;
	if (bpf_probe_read_kernel(scratch->path, WEIR_PATH_MAX - at, &scratch->path[at]))
		return 0;
	return WEIR_PATH_MAX - at;
}

/* The variable parts of a record: lengths in the two scratch spaces. */
struct emit_tail {
	__u32 path;
	__u32 target;
};

/*
 * A record of a fixed part in scratch space, which begins with head, and its
 * tail. Returns < 0 when there is no room.
 */
static __always_inline int emit_record(struct weir_act *act, const struct weir_event_head *head,
				       __u32 fixed_len, struct emit_tail tail)
{
	struct weir_scratch *path = path_scratch(false), *target = path_scratch(true);
	__u32 size = fixed_len + tail.path + tail.target;
	void *ring = act_refused(act) ? ring_deny(act) : ring_allow(act);
	struct bpf_dynptr record;
	int err;

	if (!ring)
		return -1;
	err = bpf_ringbuf_reserve_dynptr(ring, size, 0, &record);
	if (!err)
		err = bpf_dynptr_write(&record, 0, (void *)head, fixed_len, 0);
	FORGET(tail.path);
	if (!err && path && tail.path && tail.path <= WEIR_PATH_MAX)
		err = bpf_dynptr_write(&record, fixed_len, path->path, tail.path, 0);
	FORGET(tail.target);
	if (!err && target && tail.target && tail.target <= WEIR_PATH_MAX)
		err = bpf_dynptr_write(&record, size - tail.target, target->path, tail.target, 0);
	if (err)
		bpf_ringbuf_discard_dynptr(&record, 0);
	else
		bpf_ringbuf_submit_dynptr(&record, ring_wakeup(act, head->time_ns));
	return err;
}

int weir_record_paths(struct weir_act *act, __u32 type, const struct path_action *action)
{
	struct weir_scratch *scratch = path_scratch(false);
	struct emit_tail tail = {0};

	if (!act || !action)
		return -1;
	if (!scratch) {
		act_unrecorded(act, type);
		return -1;
	}
	tail.path = weir_path_describe(action->dentry, action->mnt, false);
	if (action->to_dentry)
		tail.target = weir_path_describe(action->to_dentry, action->mnt,
						 true);
	scratch->file.access = action->access | action->to_access;
	scratch->file.path_len = tail.path;
	scratch->file.target_len = tail.target;
	head_fill(&scratch->file.head, act, type);
	if (emit_record(act, &scratch->file.head, sizeof(scratch->file), tail) < 0)
		act_unrecorded(act, type);
	return 0;
}

/* Copies the arguments of the current program into the second scratch space. */
static __always_inline __u32 args_describe(__u32 *ret_total)
{
	struct weir_scratch *scratch = path_scratch(true);
	struct task_struct *task = bpf_get_current_task_btf();
	unsigned long start = task->mm->arg_start;
	__u32 len = task->mm->arg_end - start;

	*ret_total = len;
	if (len > WEIR_ARGS_MAX)
		len = WEIR_ARGS_MAX;
	FORGET(len);
	if (!scratch || len > WEIR_ARGS_MAX)
		return 0;
	return bpf_probe_read_user(scratch->path, len, (void *)start) ? 0 : len;
}

int weir_record_exec(struct weir_act *act, const struct path_action *action, int quiet)
{
	struct weir_scratch *scratch = path_scratch(false);
	struct emit_tail tail = {0};

	if (!act || !action)
		return -1;
	if (!scratch) {
		act_unrecorded(act, WEIR_EVENT_EXEC);
		return -1;
	}
	tail.path = weir_path_describe(action->dentry, action->mnt, false);
	tail.target = args_describe(&scratch->exec.args_total);
	scratch->exec.access = action->access;
	scratch->exec.path_len = tail.path;
	scratch->exec.args_len = tail.target;
	scratch->exec.pad = 0;
	head_fill(&scratch->exec.head, act, WEIR_EVENT_EXEC);
	scratch->exec.head.quiet = quiet;
	if (emit_record(act, &scratch->exec.head, sizeof(scratch->exec), tail) < 0)
		act_unrecorded(act, WEIR_EVENT_EXEC);
	return 0;
}

/* The name of a unix socket, at the front of scratch space. Returns its length. */
static __always_inline __u32 unix_describe(const struct unix_action *action)
{
	struct weir_scratch *scratch = path_scratch(false);
	__u32 len = action->len;

	if (action->name == WEIR_UNIX_PATH)
		return weir_path_describe(action->dentry, action->mnt, false);
	FORGET(len);
	if (!scratch || action->name != WEIR_UNIX_ABSTRACT || len > WEIR_NAME_MAX)
		return 0;
	return bpf_probe_read_kernel(scratch->path, len, (void *)action->text) ? 0 : len;
}

int weir_record_unix(struct weir_act *act, const struct unix_action *action)
{
	struct weir_scratch *scratch = path_scratch(false);
	struct emit_tail tail = {0};

	if (!act || !action)
		return -1;
	if (!scratch) {
		act_unrecorded(act, WEIR_EVENT_UNIX);
		return -1;
	}
	tail.path = unix_describe(action);
	scratch->unix_socket.name = action->name;
	scratch->unix_socket.kind = action->kind;
	scratch->unix_socket.descriptors = action->descriptors;
	scratch->unix_socket.inward = action->inward;
	scratch->unix_socket.name_len = tail.path;
	scratch->unix_socket.pad = 0;
	head_fill(&scratch->unix_socket.head, act, WEIR_EVENT_UNIX);
	if (emit_record(act, &scratch->unix_socket.head, sizeof(scratch->unix_socket), tail) < 0)
		act_unrecorded(act, WEIR_EVENT_UNIX);
	return 0;
}

int weir_record_guard(struct weir_act *act, const struct guard_ask *ask, __u64 dentry, __u64 mnt)
{
	struct weir_scratch *scratch = path_scratch(false);
	struct emit_tail tail = {0};

	if (!act || !ask)
		return -1;
	if (!scratch) {
		act_unrecorded(act, ask->type);
		return -1;
	}
	tail.path = weir_path_describe(dentry, mnt, false);
	guard_event_fill(&scratch->guard, ask);
	scratch->guard.path_len = tail.path;
	head_fill(&scratch->guard.head, act, ask->type);
	if (emit_record(act, &scratch->guard.head, sizeof(scratch->guard), tail) < 0)
		act_unrecorded(act, ask->type);
	return 0;
}

int weir_record_exit(struct weir_act *act, __u32 status)
{
	struct weir_event_exit *event;

	if (!act)
		return -1;
	event = RING_RESERVE(ring_allow(act), sizeof(*event));
	if (!event) {
		act_unrecorded(act, WEIR_EVENT_EXIT);
		return 0;
	}
	head_fill(&event->head, act, WEIR_EVENT_EXIT);
	event->head.quiet = !(act->flags & WEIR_INSTANCE_RECORD_EXECUTE);
	event->status = status;
	event->pad = 0;
	bpf_ringbuf_submit(event, ring_wakeup(act, event->head.time_ns));
	return 0;
}
