// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The decision of the guard, and those of its hooks that are about mounts and
 * namespaces. See guard.bpf.h.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "guard.bpf.h"
#include "tables.bpf.h"
#include "tree.bpf.h"

#define MNT_DETACH 2		/* linux/fs.h */
#define TREE_TRIES 4

static __always_inline void guard_record(struct weir_act *act, const struct guard_ask *ask)
{
	struct weir_event_guard *event = RING_RESERVE(ring_deny(act), sizeof(*event));

	if (!event) {
		act_unrecorded(act, ask->type);
		return;
	}
	head_fill(&event->head, act, ask->type);
	guard_event_fill(event, ask);
	bpf_ringbuf_submit(event, ring_wakeup(act, event->head.time_ns));
}

/* What one scope says: a function of its own, so that the verifier looks at it once. */
int weir_guard_scope(struct weir_act *act, const struct guard_ask *ask, weir_scope_t handle)
{
	return act && ask && scope_decide(act, handle, decide_guard, (void *)ask);
}

int weir_guard_scopes(struct weir_act *act, const struct weir_bound *bound,
		      const struct guard_ask *ask)
{
	if (!act || !bound || !ask)
		return -EPERM;	/* cannot be: a caller's stack */
	if (!scopes_unknown(act, bound))
		act_begin(act);
#pragma unroll
	for (int i = 0; i < WEIR_NEST_MAX; i++) {
		if (!DECISION_DENIES(act->decision) && bound->scopes[i])
			weir_guard_scope(act, ask, bound->scopes[i]);
	}
	/* audit mode denies nothing but what would be done to weir itself */
	if (ask->own && act_refused(act))
		act->decision = DECIDE_DENY(WEIR_DECISION_REASON(act->decision), 0);
	return 0;
}

int weir_guard_decide(const struct weir_bound *bound, const struct guard_ask *ask)
{
	struct weir_act act = {0};

	if (!bound || !ask)
		return -EPERM;
	weir_guard_scopes(&act, bound, ask);
	if (act_refused(&act) && !ask->quiet)
		guard_record(&act, ask);
	return DECISION_DENIES(act.decision) ? -EPERM : 0;
}

int weir_guard_plain(__u8 type, __u8 ask, __u32 opens, __u32 number)
{
	struct guard_ask asked = {.type = type, .ask = ask, .opens = opens, .number = number};
	struct weir_bound bound = {0};

	return scope_resolve(&bound, false) ? weir_guard_decide(&bound, &asked) : 0;
}

int weir_guard_control(const struct weir_bound *bound)
{
	struct guard_ask asked = {
		.type = WEIR_EVENT_GUARD_ESCAPE,
		.ask = WEIR_ASK_CONTROL,
		.own = true,
	};

	weir_guard_decide(bound, &asked);
	return -EPERM;
}

/* Another task: what binds it, and how it appears in a record. */
static __always_inline void target_describe(struct guard_ask *ask, struct weir_mark *mark,
					    __u64 address)
{
	struct task_struct *task = (void *)address;

	weir_scope_of(address, mark);
	__builtin_memcpy(ask->inside, mark->scopes, sizeof(ask->inside));
	ask->own = mark->flags & WEIR_MARK_OWN;
	ask->target = BPF_CORE_READ(task, tgid);
	BPF_CORE_READ_INTO(&ask->target_comm, task, comm);
}

int weir_guard_task(const struct guard_ask *ask, __u64 address)
{
	struct weir_bound bound = {0};
	struct weir_mark mark = {0};
	struct guard_ask asked;

	if (!ask || !scope_resolve(&bound, false))
		return 0;
	asked = *ask;
	target_describe(&asked, &mark, address);
	return weir_guard_decide(&bound, &asked);
}

/* As above, but that who acts is not the current task. */
int weir_guard_owned(const struct weir_file_owner *owner, const struct guard_ask *ask,
		     __u64 address)
{
	struct weir_event_guard *event;
	struct weir_bound bound = {0};
	struct weir_mark mark = {0};
	struct guard_ask asked;
	struct weir_act act = {0};

	if (!owner || !ask)
		return -EPERM;
	asked = *ask;
	__builtin_memcpy(bound.scopes, owner->scopes, sizeof(bound.scopes));
	target_describe(&asked, &mark, address);
	weir_guard_scopes(&act, &bound, &asked);
	if (!act_refused(&act))
		return 0;
	event = RING_RESERVE(ring_deny(&act), sizeof(*event));
	if (event) {
		head_act(&event->head, &act, asked.type, WEIR_LAYER_CALL);
		head_actor(&event->head, &owner->actor);
		guard_event_fill(event, &asked);
		bpf_ringbuf_submit(event, ring_wakeup(&act, event->head.time_ns));
	} else {
		lost_count_of(WEIR_READER(act.serial), asked.type);
	}
	return DECISION_DENIES(act.decision) ? -EPERM : 0;
}

struct search {
	struct tree tree;
	bool found;
};

static long search_step(__u32 unused, struct search *search)
{
	__u64 super;

	if (tree_ends(&search->tree))
		return 1;
	super = (__u64)READ_KERNEL(struct mount, search->tree.at, mnt.mnt_sb);
	search->found = READ_KERNEL(struct super_block, super, s_magic) == BPF_FS_MAGIC;
	return search->found;
}

/* Is a bpffs mounted below? There may be one where mounts keep changing, or are too many. */
static __noinline bool bpffs_below(__u64 mount)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < TREE_TRIES; i++) {
		__u32 count = path_counts_read().mount;
		struct search search = {.tree = TREE(mount)};

		bpf_loop(TREE_STEPS, search_step, &search, 0);
		if (search.found)
			return true;
		if (search.tree.whole && !(count & 1) && count == path_counts_read().mount)
			return false;
	}
	return true;
}

/*
 * Without the bpffs that its pins lie on, enforcement would end with weir's own
 * process. It goes with what it lies below, if that is detached (MNT_DETACH). Other
 * mounts are asked for by the capability that they take: see capable.bpf.c. So
 * are other namespaces.
 */
SEC("lsm/sb_umount")
int BPF_PROG(weir_guard_umount, struct vfsmount *mnt, int flags)
{
	struct guard_ask ask = {
		.type = WEIR_EVENT_GUARD_MOUNT,
		.ask = WEIR_ASK_UMOUNT,
		.own = true,
		.opens = WEIR_GUARD_BIT(WEIR_GUARD_MOUNT),
	};
	struct weir_bound bound = {0};
	bool bpffs = mnt->mnt_sb->s_magic == BPF_FS_MAGIC;

	if ((!bpffs && !(flags & MNT_DETACH)) || !scope_resolve(&bound, false))
		return 0;
	if (!bpffs && !bpffs_below(mount_of(number_away(mnt))))
		return 0;
	return weir_guard_decide(&bound, &ask) ? -EPERM : 0;
}

SEC("lsm/userns_create")
int BPF_PROG(weir_guard_user_namespace)
{
	return weir_guard_plain(WEIR_EVENT_GUARD_NAMESPACE, WEIR_ASK_USER_NAMESPACE,
				WEIR_GUARD_BIT(WEIR_GUARD_NAMESPACES), 0) ?
		       -EPERM :
		       0;
}

/* Run by weir on itself (BPF_PROG_TEST_RUN). */
SEC("syscall")
int weir_guard_own(void *context)
{
	return weir_scope_own();
}
