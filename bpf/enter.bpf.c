// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tasks that enter a scope from outside, with all they have open: moved into
 * its cgroup, or made there. Their first act is enough to bind them, but a read
 * of what is open is none that is always looked at. From here on it is.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "scope.bpf.h"
#include "walk.bpf.h"

struct ancestry {
	__u64 cgroup;
	bool confined;
};

static long ancestry_step(__u32 level, struct ancestry *ancestry)
{
	__u64 at = ancestry->cgroup + bpf_core_field_offset(struct cgroup, ancestors) +
		   level * sizeof(void *);
	struct cgroup *ancestor;
	__u64 id;

	if ((int)level > READ_KERNEL(struct cgroup, ancestry->cgroup, level) ||
	    bpf_probe_read_kernel(&ancestor, sizeof(ancestor), (void *)at))
		return 1;
	id = BPF_CORE_READ(ancestor, kn, id);
	ancestry->confined = bpf_map_lookup_elem(&weir_cgroups, &id) != NULL;
	return ancestry->confined;
}

/*
 * A launcher enters by itself, and has what it was given on purpose.
 *
 * The first of all who enter otherwise is moved a moment before this notes it. To set
 * the word with each scope would close that moment, and have every read and
 * write of a workload looked up though nobody ever enters: see weir_file_permission().
 */
static __always_inline void enter_note(__u64 task, __u64 cgroup)
{
	struct ancestry ancestry = {.cgroup = cgroup};
	struct weir_mark *mark = bpf_map_lookup_elem(&weir_marks, &task);

	if (weir_config.before || (mark && mark->flags & WEIR_MARK_LAUNCHER))
		return;
	bpf_loop(WEIR_CGROUP_DEPTH_MAX + 1, ancestry_step, &ancestry, 0);
	if (ancestry.confined)
		weir_config.before = 1;
}

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(weir_moved, struct cgroup *cgroup, const char *path, struct task_struct *task)
{
	volatile __u64 cells[2] = {0};
	__u64 moved = number_of(cells, task);

	enter_note(moved, number_of(cells, cgroup));
	return 0;
}

/*
 * A child whose making began before the scope it is made in, and which nobody has seen
 * since: its parent is bound by now. The child is in the list of all by now, too.
 */
static __always_inline void child_bind(__u64 child)
{
	struct weir_bound bound = {0};

	if (scope_resolve(&bound, false) && !bpf_map_lookup_elem(&weir_marks, &child))
		weir_scope_inherit(child, false);
}

/* CLONE_INTO_CGROUP: a child in another cgroup than its parent, and not yet running. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(weir_forked, struct task_struct *parent, struct task_struct *child)
{
	struct cgroup *cgroup = child->cgroups->dfl_cgrp;
	volatile __u64 cells[2] = {0};
	__u64 made = number_of(cells, child), in = number_of(cells, cgroup);

	if (in != number_of(cells, parent->cgroups->dfl_cgrp))
		enter_note(made, in);
	child_bind(made);
	return 0;
}

/*
 * Run by weir over tasks (a BPF iterator): binds those that are in a scope, and writes for
 * each whether anything binds it, a word.
 */
SEC("iter/task")
int weir_visit(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	volatile __u64 cells[2] = {0};
	__u32 bound;

	if (!task)
		return 0;	/* the end */
	bound = weir_scope_sight(number_of(cells, task));
	bpf_seq_write(ctx->meta->seq, &bound, sizeof(bound));
	return 0;
}
