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
#include <linux/errno.h>

#include "weir/abi.h"

#ifndef __weak
#define __weak __attribute__((weak))
#endif

#define FMODE_READ 1u	/* linux/fs.h: of struct file */
#define FMODE_WRITE 2u

/* Keeps the compiler from carrying a bound over that the verifier is to see. */
#define FORGET(var) asm volatile("" : "+r"(var))

/* Not a map of its own but a variable, in .bss. User space; generation is also raised here. */
extern struct weir_config weir_config;

/*
 * Scope slot → struct weir_scope. User space, and the kernel side for a selector; the
 * instance in it is the atomic switch. Full: refused, or put under WEIR_SCOPE_UNKNOWN.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, WEIR_SCOPES_MAX);
	__type(key, __u32);
	__type(value, struct weir_scope);
} weir_scopes SEC(".maps") __weak;

/*
 * cgroup id → scope handle. User space, and the kernel side for a selector. There is
 * room for more than there are scopes: full, the cgroup is missed, and counted.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WEIR_CGROUPS_MAX);
	__type(key, __u64);
	__type(value, weir_scope_t);
} weir_cgroups SEC(".maps") __weak;

/* What new cgroups are put under. User space; full: the selector is refused there. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WEIR_SELECTORS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct weir_selector_key);
	__type(value, struct weir_selector);
} weir_selectors SEC(".maps") __weak;

/*
 * cgroup id → struct weir_selected. Kernel side; user space takes them out. No memory:
 * it is found by looking through its folder, or stays until its reader ends.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WEIR_SCOPES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct weir_selected);
} weir_selected SEC(".maps") __weak;

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
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, WEIR_INSTANCES_MAX);
	__type(key, __u32);
	__type(value, struct weir_instance);
} weir_instances SEC(".maps") __weak;

/*
 * Slot → struct weir_grant. User space, before a rule refers to it; the kernel side
 * counts uses down. Full: the grant is refused.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, WEIR_GRANTS_MAX);
	__type(key, __u32);
	__type(value, struct weir_grant);
} weir_grants SEC(".maps") __weak;

/*
 * The tables of an instance: instance index → inner map. User space; an inner
 * map is filled before it is put in, and never written after. Missing: deny.
 */

/* An array for each instance, of the size it needs; user space fills it through mmap. */
#define INSTANCE_ARRAY(element) \
	struct { \
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); \
		__uint(max_entries, WEIR_INSTANCES_MAX); \
		__uint(key_size, sizeof(__u32)); \
		__uint(value_size, sizeof(__u32)); \
		__array(values, struct { \
			__uint(type, BPF_MAP_TYPE_ARRAY); \
			__uint(max_entries, 1); \
			__uint(map_flags, BPF_F_INNER_MAP | BPF_F_MMAPABLE); \
			__uint(key_size, sizeof(__u32)); \
			__uint(value_size, sizeof(element)); \
		}); \
	}

/* index → struct weir_net */
INSTANCE_ARRAY(struct weir_net) weir_nets SEC(".maps") __weak;

/* index → struct weir_portset */
INSTANCE_ARRAY(struct weir_portset) weir_portsets SEC(".maps") __weak;

/* index → struct weir_segment */
INSTANCE_ARRAY(struct weir_segment) weir_segments SEC(".maps") __weak;

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
INSTANCE_ARRAY(struct weir_node) weir_nodes SEC(".maps") __weak;

/* index → struct weir_glob */
INSTANCE_ARRAY(struct weir_glob) weir_globs SEC(".maps") __weak;

/* row → struct weir_row */
INSTANCE_ARRAY(struct weir_row) weir_rows SEC(".maps") __weak;

/* Hash → remembered directory. Kernel side; a later one takes the place of an earlier one. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << WEIR_DIRS_BITS);
	__type(key, __u32);
	__type(value, struct weir_dir);
} weir_dirs SEC(".maps") __weak;

/* Who made a socket, or took it over from elsewhere: as in struct weir_event_head. */
struct weir_owner {
	__u64 cgroup_id;
	__u64 start_ns;
	__u64 parent_start_ns;
	__u32 pid;		/* 0: not known, it was there before */
	__u32 tid;
	__u32 ppid;
	__u32 uid;
	__u32 gid;
	__u32 pad;
	char comm[16];
};

/*
 * What was decided of the other end of a socket. version is odd while it is
 * written; who finds it so, or changed, decides anew.
 */
struct weir_settled {
	__u32 version;
	__u32 decision;		/* WEIR_DECISION() */
	__u64 epoch;		/* policy versions under which it holds: see scopes_epoch() */
	struct weir_addr addr;
	__u16 port;
	__u16 proto;		/* enum weir_proto */
	__u32 pad;
};

enum weir_sock_flag {
	WEIR_SOCK_LISTENS = 1u << 0,	/* TCP: or came from one that does; UDP: bound to receive */
	WEIR_SOCK_CHILD = 1u << 1,	/* TCP: it was accepted, and is not the one that listens */
	WEIR_SOCK_BEFORE = 1u << 2,	/* made elsewhere: who began what it carries is not known */
	WEIR_SOCK_RECORDED = 1u << 3,	/* where it goes stands in a record */
	WEIR_SOCK_MOVED = 1u << 4,	/* established, or a datagram passed: it has totals */
	WEIR_SOCK_INBOUND = 1u << 7,	/* what it carries was begun by the other end */
	WEIR_SOCK_PEER_INSIDE = 1u << 5,	/* unix: the other end is within the scope */
	WEIR_SOCK_PASSING = 1u << 6,	/* unix: the send under way has descriptors */
	WEIR_SOCK_TCP = 1u << 8,	/* the packet layer has seen what it is; neither: other */
	WEIR_SOCK_UDP = 1u << 9,
};

/*
 * A socket that policies bind: of the tasks that made it or used it. Kernel
 * side; an accepted socket begins as a copy of its listener's. No memory: what
 * would need it is denied.
 */
struct weir_sock {
	weir_scope_t scopes[WEIR_NEST_MAX];	/* as in struct weir_mark */
	struct weir_settled settled;
	__u64 use_stamp;	/* of the grant whose use was taken for it: see weir_use_take() */
	struct weir_addr use_addr;	/* for this other end; 0 and a port: for listening there */
	__u64 named_epoch;	/* UDP: under which the last send to a named address was allowed */
	__u64 began_ns;		/* CLOCK_BOOTTIME */
	__u64 bytes_sent;	/* datagrams' payload */
	__u64 bytes_received;
	__u64 serial;		/* of what allowed it, for network.flow; so are the next two */
	__u64 scope_id;
	__u32 decision;
	__u32 flags;		/* enum weir_sock_flag */
	__u32 record_flags;	/* WEIR_INSTANCE_* of the scopes that allowed it */
	__u32 destinations;	/* recorded ones */
	__u32 denied;		/* packets refused and not recorded one by one */
	__u32 generation;	/* of weir_config, under which its cgroup's scopes were added */
	__u16 port;		/* of the other end last decided */
	__u16 local_port;	/* of a TCP connection, which forgets it before it is closed */
	__u16 use_port;
	__u16 use_slot;		/* of the grant */
	__u32 pad;
	struct weir_addr addr;
	struct weir_owner owner;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct weir_sock);
} weir_socks SEC(".maps") __weak;

/*
 * The last addresses of a datagram socket, in a ring. version as in struct
 * weir_settled; a writer that meets another leaves its address out, which
 * costs a record more, not one less.
 */
#define WEIR_PEERS_MAX 64
struct weir_peer {
	struct weir_addr addr;
	__u16 port;
	__u16 pad;
	__u32 round;		/* of struct weir_peers, in which it was allowed last */
};

struct weir_peers {
	__u32 version;
	__u32 last;		/* index of the newest */
	__u64 epoch;		/* as in struct weir_settled, of this round */
	__u32 round;
	__u32 pad;
	__u8 hints[WEIR_PEERS_MAX];	/* by hash: 1 + the index of the newest of that hash */
	__u64 tags[WEIR_PEERS_MAX / 8];	/* a byte for each address: see tag_of(); 0: empty */
	struct weir_peer list[WEIR_PEERS_MAX];
};

/* Where a socket sent to. Kernel side. No memory: the send is denied. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct weir_peers);
} weir_sent SEC(".maps") __weak;

/*
 * A socket on which weir takes commands: any value. User space, by its descriptor, before
 * it listens.
 */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
} weir_controls SEC(".maps") __weak;

/* Who sent to a socket that may receive: it may answer. No memory: it may not. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct weir_peers);
} weir_heard SEC(".maps") __weak;

/* What a task receives over a unix socket. Kernel side. No memory: as from outside. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
} weir_receiving SEC(".maps") __weak;

/*
 * Address of a file → who has it send signals (fcntl(2), F_SETOWN). Kernel side;
 * an entry ends when somebody free does that. Full: who does it is killed.
 */
struct weir_file_owner {
	weir_scope_t scopes[WEIR_NEST_MAX];
	struct weir_owner actor;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct weir_file_owner);
} weir_file_owners SEC(".maps") __weak;

/* The scopes that something belongs to: those of who made it. */
struct weir_maker {
	weir_scope_t scopes[WEIR_NEST_MAX];
};

/*
 * Address of a System V IPC object or a key → who made it. Kernel side: each new one is
 * entered or, if nobody confined made it, taken out, because not every kernel tells of
 * the end of one. What is not in it was made outside. Full: the one not asked for
 * longest is so from then on.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct weir_maker);
} weir_made SEC(".maps") __weak;

/*
 * Records: reader → ring. Denials travel apart, so that a flood of allowed egress
 * cannot push them out. User space, before a policy of the reader's is loaded.
 * Missing or full: counted in weir_lost, and denied under `when_full: deny`.
 */
struct weir_rings {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, WEIR_READERS_MAX);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_RINGBUF);
		__uint(max_entries, 4096);
	});
};

struct weir_rings weir_rings_deny SEC(".maps") __weak;
struct weir_rings weir_rings_allow SEC(".maps") __weak;

/*
 * Reader and event type (WEIR_LOST_KEY) → records that found no room; of reader 0: whose
 * they were could not be told. Kernel side; user space reads, and clears for a new reader.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WEIR_READERS_MAX * WEIR_EVENT_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} weir_lost SEC(".maps") __weak;

#include "scratch.bpf.h"

#endif
