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
};

static __always_inline void lost_count(__u32 type)
{
	__u64 *count = bpf_map_lookup_elem(&weir_lost, &type);

	if (count)
		__sync_fetch_and_add(count, 1);
}

/* Denials and what would be one. */
static __always_inline bool act_refused(const struct weir_act *act)
{
	return WEIR_DECISION_VERDICT(act->decision) != WEIR_VERDICT_ALLOW;
}

/*
 * A wake-up per record doubles the cost of a send: the reader polls, and is
 * woken for denials, and when much waits. That is asked in one of eight
 * microseconds, which of them only weir knows.
 */
static __always_inline __u64 ring_wakeup(const struct weir_act *act, __u64 time_ns)
{
	__u64 waiting;

	if (act_refused(act))
		return 0;
	if ((time_ns >> 10 ^ weir_config.seed) * 0x9e3779b97f4a7c15ULL >> 61)
		return BPF_RB_NO_WAKEUP;
	waiting = bpf_ringbuf_query(&weir_ring_allow, BPF_RB_AVAIL_DATA);
	return waiting > weir_config.wake_bytes ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

static __always_inline void head_fill(struct weir_event_head *head, const struct weir_act *act,
				      __u8 type)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct task_struct *parent = task->real_parent;
	__u64 ids = bpf_get_current_uid_gid();

	head->time_ns = bpf_ktime_get_boot_ns();
	head->instance_serial = act->serial;
	head->scope_id = act->scope_id;
	head->cgroup_id = bpf_get_current_cgroup_id();
	head->start_ns = task->group_leader->start_boottime;
	head->parent_start_ns = parent->group_leader->start_boottime;
	head->pid = task->tgid;
	head->tid = task->pid;
	head->ppid = parent->tgid;
	head->uid = ids;
	head->gid = ids >> 32;
	head->type = type;
	head->verdict = WEIR_DECISION_VERDICT(act->decision);
	head->reason = WEIR_DECISION_REASON(act->decision);
	head->quiet = 0;
	head->rule = WEIR_DECISION_RULE(act->decision);
	head->layer = WEIR_LAYER_CALL;
	head->inbound = 0;
	head->pad3 = 0;
	if (bpf_probe_read_kernel(head->comm, sizeof(head->comm), task->comm))
		__builtin_memset(head->comm, 0, sizeof(head->comm));
}

/* Not recorded: counted, and refused where the policy wants it so. */
static __always_inline void act_unrecorded(struct weir_act *act, __u32 type)
{
	lost_count(type);
	if (!DECISION_DENIES(act->decision) && act->flags & WEIR_INSTANCE_WHEN_FULL_DENY)
		act->decision = DECIDE_DENY(WEIR_REASON_AUDIT_FULL, 0);
}

/* A flow while it is decided; as in struct weir_event_flow. */
struct flow {
	struct weir_addr dest;
	struct weir_addr source;
	bool has_source;
	__u16 dport;
	__u16 protocol;
};

/* Room in the ring for a record, of which a source makes the longer form. */
static __always_inline struct weir_event_flow *flow_reserve(bool refused, bool whole)
{
	if (refused)
		return whole ? bpf_ringbuf_reserve(&weir_ring_deny,
						   sizeof(struct weir_event_flow), 0) :
			       bpf_ringbuf_reserve(&weir_ring_deny, WEIR_EVENT_FLOW_BRIEF, 0);
	return whole ? bpf_ringbuf_reserve(&weir_ring_allow, sizeof(struct weir_event_flow), 0) :
		       bpf_ringbuf_reserve(&weir_ring_allow, WEIR_EVENT_FLOW_BRIEF, 0);
}

static __always_inline void emit_flow(struct weir_act *act, const struct flow *flow, __u8 type)
{
	struct weir_event_flow *event;

	if (flow->has_source) {
		event = flow_reserve(act_refused(act), true);
		if (event)
			event->source = flow->source;
	} else {
		event = flow_reserve(act_refused(act), false);
	}
	if (!event) {
		act_unrecorded(act, type);
		return;
	}
	head_fill(&event->head, act, type);
	event->dest = flow->dest;
	event->dport = flow->dport;
	event->sport = 0;	/* not known yet */
	event->protocol = flow->protocol;
	event->pad = 0;
	bpf_ringbuf_submit(event, ring_wakeup(act, event->head.time_ns));
}

#endif
