/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records that carry paths. */
#ifndef WEIR_RECORD_BPF_H
#define WEIR_RECORD_BPF_H

#include "emit.bpf.h"
#include "path.bpf.h"

/* One object and what is done to it; for a link or rename, the other name too. */
struct path_action {
	struct dentry *dentry;
	struct vfsmount *mnt;
	struct dentry *to_dentry;	/* NULL: there is no other */
	struct vfsmount *to_mnt;
	__u32 access;
	__u32 to_access;
	bool both_ways;			/* the two change places */
};

/* A path for a record: as steady as it can be had, or what was seen of it. */
static __always_inline struct emit_piece path_describe(struct weir_scratch *scratch,
						       struct dentry *dentry, struct vfsmount *mnt)
{
	struct emit_piece piece = {0};
	__u32 at = WEIR_PATH_MAX;

	if (!scratch)
		return piece;
	for (int i = 0; i < 4; i++) {
		struct path_counts counts = path_counts_read();

		path_walk((__u64)dentry, (__u64)mnt, scratch, &at);
		if (path_counts_same(counts, path_counts_read()))
			break;
	}
	if (at <= WEIR_PATH_MAX) {
		piece.data = &scratch->path[at];
		piece.len = WEIR_PATH_MAX - at;
	}
	return piece;
}

static __noinline __attribute__((unused)) void record_paths(struct weir_act *act, __u32 type,
				    const struct path_action *action)
{
	struct weir_event_file event = {.access = action->access | action->to_access};
	struct emit_piece path, target = {0};

	path = path_describe(path_scratch(), action->dentry, action->mnt);
	if (action->to_dentry)
		target = path_describe(bpf_task_storage_get(&weir_target,
							    bpf_get_current_task_btf(), NULL,
							    BPF_LOCAL_STORAGE_GET_F_CREATE),
				       action->to_dentry, action->to_mnt);
	event.path_len = path.len;
	event.target_len = target.len;
	head_fill(&event.head, act, type);
	if (emit_pieces(act, &event, sizeof(event), path, target) < 0)
		act_unrecorded(act, type);
}

#endif
