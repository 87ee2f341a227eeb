/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Records: who acted, then what was done and decided. What finds no room in
 * its ring is counted, and under `when_full: deny` does not happen.
 */
#ifndef WEIR_EMIT_BPF_H
#define WEIR_EMIT_BPF_H

#include "maps.bpf.h"
#include "verdict.bpf.h"

/* An action as the hooks share it, until it is decided and recorded. */
struct weir_act {
	__u32 decision;		/* in force: audit mode has turned a deny into would-deny */
	__u32 flags;		/* what the deciding instances want recorded, and when_full */
	__u64 serial;
	__u64 scope_id;
	__u64 epoch;		/* the policy versions it was decided under: see epoch_add() */
	__u64 time_ns;		/* of its record; 0: it has none */
};

static __always_inline void lost_count_of(__u32 reader, __u32 type)
{
	__u32 key = WEIR_LOST_KEY(reader, type);
	__u64 *count = bpf_map_lookup_elem(&weir_lost, &key);

	if (count)
		__sync_fetch_and_add(count, 1);
}

/* Lost where it is not known under which policy. */
static __always_inline void lost_count(__u32 type)
{
	lost_count_of(0, type);
}

/* Denials and what would be one. */
static __always_inline bool act_refused(const struct weir_act *act)
{
	return WEIR_DECISION_VERDICT(act->decision) != WEIR_VERDICT_ALLOW;
}

/* The ring for a record of an action that was refused, or was not. NULL: nobody reads it. */
static __always_inline void *ring_deny(const struct weir_act *act)
{
	__u32 reader = WEIR_READER(act->serial);
	void *ring = bpf_map_lookup_elem(&weir_rings_deny, &reader);

	FORGET(ring);	/* two look-ups in one would be a call instead of three instructions */
	return ring;
}

static __always_inline void *ring_allow(const struct weir_act *act)
{
	__u32 reader = WEIR_READER(act->serial);

	return bpf_map_lookup_elem(&weir_rings_allow, &reader);
}

/*
 * Room in a ring, of a size that is constant; bpf_ringbuf_submit() is to follow.
 * NULL: there is none.
 */
#define RING_RESERVE(ring, size)                                           \
	({                                                                 \
		void *ring_ = (ring);                                      \
		ring_ ? bpf_ringbuf_reserve(ring_, size, 0) : NULL;        \
	})

/*
 * A wake-up per record doubles the cost of a send: the reader polls, and is
 * woken for denials, and when much waits. That is asked in one of eight
 * microseconds, which of them only weir knows.
 */
static __always_inline __u64 ring_wakeup(const struct weir_act *act, __u64 time_ns)
{
	__u64 waiting;
	void *ring;

	if (act_refused(act))
		return 0;
	if ((time_ns >> 10 ^ weir_config.seed) * 0x9e3779b97f4a7c15ULL >> 61)
		return BPF_RB_NO_WAKEUP;
	ring = ring_allow(act);
	if (!ring)
		return BPF_RB_FORCE_WAKEUP;	/* cannot be: the record is in it */
	waiting = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);
	return waiting > bpf_ringbuf_query(ring, BPF_RB_RING_SIZE) / 4 ? BPF_RB_FORCE_WAKEUP :
									 BPF_RB_NO_WAKEUP;
}

/*
 * Who acts, into a record's head or the owner of a socket: the current task.
 * Fields are read from where they lie, since each call costs more than them all.
 */
#define ACTOR_CURRENT(to)                                                                    \
	({                                                                                   \
		struct task_struct *task_ = bpf_get_current_task_btf();                      \
		struct task_struct *parent_ = task_->real_parent;                            \
		__u64 ids_ = bpf_get_current_uid_gid();                                      \
                                                                                             \
		(to)->cgroup_id = task_->cgroups->dfl_cgrp->kn->id;                          \
		(to)->start_ns = task_->group_leader->start_boottime;                        \
		(to)->parent_start_ns = parent_->group_leader->start_boottime;               \
		(to)->pid = task_->tgid;                                                     \
		(to)->tid = task_->pid;                                                      \
		(to)->ppid = parent_->tgid;                                                  \
		(to)->uid = ids_;                                                            \
		(to)->gid = ids_ >> 32;                                                      \
		((__u64 *)(to)->comm)[0] = *(__u64 *)&task_->comm[0];                        \
		((__u64 *)(to)->comm)[1] = *(__u64 *)&task_->comm[8];                        \
	})

/* Who acts, kept before: where no task does, on behalf of whom. */
static __always_inline void head_actor(struct weir_event_head *head,
				       const struct weir_owner *actor)
{
	head->cgroup_id = actor->cgroup_id;
	head->start_ns = actor->start_ns;
	head->parent_start_ns = actor->parent_start_ns;
	head->pid = actor->pid;
	head->tid = actor->tid;
	head->ppid = actor->ppid;
	head->uid = actor->uid;
	head->gid = actor->gid;
	__builtin_memcpy(head->comm, actor->comm, sizeof(head->comm));
}

/* All but who acts. */
static __always_inline void head_act(struct weir_event_head *head, struct weir_act *act,
				     __u8 type, __u8 layer)
{
	act->time_ns = bpf_ktime_get_boot_ns();
	head->time_ns = act->time_ns;
	head->instance_serial = act->serial;
	head->scope_id = act->scope_id;
	head->type = type;
	head->verdict = WEIR_DECISION_VERDICT(act->decision);
	head->reason = WEIR_DECISION_REASON(act->decision);
	head->quiet = 0;
	head->rule = WEIR_DECISION_RULE(act->decision);
	head->layer = layer;
	head->inbound = 0;
	head->pad3 = 0;
}

static __always_inline void head_fill(struct weir_event_head *head, struct weir_act *act,
				      __u8 type)
{
	head_act(head, act, type, WEIR_LAYER_CALL);
	ACTOR_CURRENT(head);
}

/* Not recorded: counted, and refused where the policy wants it so. */
static __always_inline void act_unrecorded(struct weir_act *act, __u32 type)
{
	lost_count_of(WEIR_READER(act->serial), type);
	if (!DECISION_DENIES(act->decision) && act->flags & WEIR_INSTANCE_WHEN_FULL_DENY)
		act->decision = DECIDE_DENY(WEIR_REASON_AUDIT_FULL, 0);
}

#endif
