/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every map, in one place, weak so that several objects link into one. Each
 * says its key, who writes it, and what happens when it is full or a look-up
 * fails.
 */
#ifndef WEIR_MAPS_BPF_H
#define WEIR_MAPS_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "weir/abi.h"

#ifndef __weak
#define __weak __attribute__((weak))
#endif

/* Keeps the compiler from carrying a bound over that the verifier is to see. */
#define FORGET(var) asm volatile("" : "+r"(var))

/* Not a map of its own but a variable, in .bss. User space; generation is also raised here. */
extern struct weir_config weir_config;

/* Scope slot → struct weir_scope. User space; the instance in it is the atomic switch. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, WEIR_SCOPES_MAX);
	__type(key, __u32);
	__type(value, struct weir_scope);
} weir_scopes SEC(".maps") __weak;

/* cgroup id → scope handle. User space; full: the attach is refused there. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WEIR_SCOPES_MAX);
	__type(key, __u64);
	__type(value, weir_scope_t);
} weir_cgroups SEC(".maps") __weak;

/*
 * task_struct address → struct weir_mark. Kernel side: made at fork, at exec
 * or at first sight, removed when the task is freed. Full: fork and first
 * sight are denied.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WEIR_MARKS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct weir_mark);
} weir_marks SEC(".maps") __weak;

/* Hash of a task_struct address → struct weir_hint. Kernel side. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << WEIR_HINTS_BITS);
	__type(key, __u32);
	__type(value, struct weir_hint);
} weir_hints SEC(".maps") __weak;

/* Instance index → struct weir_instance. User space, before a scope points at it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WEIR_INSTANCES_MAX);
	__type(key, __u32);
	__type(value, struct weir_instance);
} weir_instances SEC(".maps") __weak;

/*
 * The tables of an instance: instance index → inner map. User space; an inner
 * map is filled before it is put in, and never written after. Missing: deny.
 */

/* prefix → index of a port set */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, WEIR_INSTANCES_MAX);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_LPM_TRIE);
		__uint(max_entries, 1);
		__uint(map_flags, BPF_F_NO_PREALLOC);
		__uint(key_size, sizeof(struct weir_net_key));
		__uint(value_size, sizeof(__u32));
	});
} weir_nets SEC(".maps") __weak;

/* index → struct weir_portset */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, WEIR_INSTANCES_MAX);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_ARRAY);
		__uint(max_entries, 1);
		__uint(map_flags, BPF_F_INNER_MAP);
		__uint(key_size, sizeof(__u32));
		__uint(value_size, sizeof(struct weir_portset));
	});
} weir_portsets SEC(".maps") __weak;

/* index → struct weir_segment */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, WEIR_INSTANCES_MAX);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_ARRAY);
		__uint(max_entries, 1);
		__uint(map_flags, BPF_F_INNER_MAP);
		__uint(key_size, sizeof(__u32));
		__uint(value_size, sizeof(struct weir_segment));
	});
} weir_segments SEC(".maps") __weak;

/* node and chunk of a name → child node */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, WEIR_INSTANCES_MAX);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__uint(max_entries, 1);
		__uint(key_size, sizeof(struct weir_edge_key));
		__uint(value_size, sizeof(__u32));
	});
} weir_edges SEC(".maps") __weak;

/* node → struct weir_node */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, WEIR_INSTANCES_MAX);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_ARRAY);
		__uint(max_entries, 1);
		__uint(map_flags, BPF_F_INNER_MAP);
		__uint(key_size, sizeof(__u32));
		__uint(value_size, sizeof(struct weir_node));
	});
} weir_nodes SEC(".maps") __weak;

/* Hash → remembered directory. Kernel side; a later one takes the place of an earlier one. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << WEIR_DIRS_BITS);
	__type(key, __u32);
	__type(value, struct weir_dir);
} weir_dirs SEC(".maps") __weak;

/*
 * A path while it is walked: components, outermost first, each a length byte
 * and the name, ending at path + WEIR_PATH_MAX. Behind that, room for the
 * verifier, which knows no better bound for a name than 255.
 */
struct weir_scratch {
	__u8 path[WEIR_PATH_MAX + WEIR_NAME_MAX + 1];
	__u32 fold;		/* see weir_path_walk() */
	union {			/* of the record that goes with it */
		struct weir_event_file file;
		struct weir_event_exec exec;
		struct weir_event_exit exit;
	};
};

/*
 * Scratch space belongs to the task: on a CPU with full preemption another
 * task gets in between. Made at the first walk; no memory: the access is denied.
 */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct weir_scratch);
} weir_path SEC(".maps") __weak;

/* The same for the second path of a rename or link. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct weir_scratch);
} weir_target SEC(".maps") __weak;

/*
 * Records. Denials travel apart, so that a flood of allowed egress cannot push
 * them out. Full: counted in weir_lost, and denied under `when_full: deny`.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} weir_ring_deny SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} weir_ring_allow SEC(".maps") __weak;

/* Event type → records that found no room. Kernel side; user space reads. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WEIR_EVENT_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} weir_lost SEC(".maps") __weak;

#endif
