/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel side and the user side share: limits, enumerations, map
 * keys and values, and the records that travel through the ring buffers.
 * Fixed widths, explicit padding, sizes asserted.
 */
#ifndef WEIR_ABI_H
#define WEIR_ABI_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#include "weir/guard.h"
#include "weir/net.h"
#include "weir/paths.h"
#include "weir/select.h"

#define WEIR_ABI_VERSION 1

/* Limits. Each one is told when it is hit (docs/limits in weir-policy(5)). */
#define WEIR_SCOPES_MAX 4096		/* slots for confined cgroups, slot 0 unused */
#define WEIR_INSTANCES_MAX 4096		/* loaded policy versions, slot 0 unused */
#define WEIR_CGROUPS_MAX 16384		/* confined cgroups, and those it is not known of how */
#define WEIR_READERS_MAX 256		/* processes with policies of their own, 0 unused */
#define WEIR_READER_DAEMON 255		/* the daemon's: the next one finds what it has left */
#define WEIR_NEST_MAX 4			/* scopes that can bind one task */
#define WEIR_CGROUP_DEPTH_MAX 31	/* depth below the root at which a scope may sit */
#define WEIR_MARKS_MAX 65536		/* confined tasks alive at one time */
#define WEIR_ARGS_MAX 4096		/* bytes of arguments kept with an exec record */

/* Policy instances and scopes */

enum weir_instance_flag {
	WEIR_INSTANCE_AUDIT = 1u << 0,			/* deny nothing, record would-deny */
	WEIR_INSTANCE_WHEN_FULL_DENY = 1u << 1,	/* what cannot be recorded does not happen */
	WEIR_INSTANCE_NETWORK_UNRESTRICTED = 1u << 2,
	WEIR_INSTANCE_FILES_UNRESTRICTED = 1u << 3,
	WEIR_INSTANCE_RECORD_NETWORK = 1u << 4,
	WEIR_INSTANCE_RECORD_EXECUTE = 1u << 5,
	WEIR_INSTANCE_RECORD_FILES = 1u << 6,
	WEIR_INSTANCE_WITHOUT_FILES = 1u << 7,		/* given up with --without files */
	WEIR_INSTANCE_LISTEN_UNRESTRICTED = 1u << 8,	/* also when given up */
	WEIR_INSTANCE_UNIX_UNRESTRICTED = 1u << 9,	/* also when given up */
	WEIR_INSTANCE_ICMP = 1u << 10,			/* a rule allows icmp somewhere */
	WEIR_INSTANCE_GUARD_OPEN = 1u << 11,		/* there is none, or it is given up */
};

/* One loaded version of a policy. Written before anything points at it, constant after. */
struct weir_instance {
	__u64 serial;		/* unique for this load, names its reader; 0: empty slot */
	__u64 expires_ns;	/* CLOCK_BOOTTIME; 0: never */
	__u64 deadline_ns;	/* the first end, of itself or of a grant in it; 0: none */
	__u32 flags;		/* enum weir_instance_flag */
	__u32 nets_step;	/* the highest power of two that is not above how many there are */
	__u32 any_v4, any_v6;	/* port sets of 0.0.0.0/0 and ::/0, where all addresses listen */
	__u64 grants[WEIR_GRANTS_MAX / 64];	/* a bit for each slot its rules refer to */
};

/* A grant, in its slot. All 0: the slot is free; as a decision sees it, the grant has ended. */
struct weir_grant {
	__u64 expires_ns;	/* CLOCK_BOOTTIME */
	__u32 uses;		/* left, where they are counted */
	__u32 reader;		/* whose it is; 0: the slot is free */
};

/*
 * A reader is a process that has loaded policies, and has two rings for the records
 * made under them: serials hold its number in their lowest bits. 0: not known.
 */
#define WEIR_READER(serial) ((__u32)(serial) & (WEIR_READERS_MAX - 1))

/* Where the records of a reader that found no room are counted, by type. */
#define WEIR_LOST_KEY(reader, type) ((reader)*WEIR_EVENT_COUNT + (type))

/*
 * A scope handle: slot in the low 12 bits, above them a generation, so that a
 * handle kept by a task never means a later user of the same slot. 0: none.
 */
typedef __u32 weir_scope_t;
#define WEIR_SCOPE_SLOT_BITS 12
#define WEIR_SCOPE_SLOT(handle) ((handle) & (WEIR_SCOPES_MAX - 1))

/*
 * The handle of a slot under the n-th generation. None is 0, which marks a slot that
 * is taken and not filled yet, nor ~0, of WEIR_SCOPE_UNKNOWN.
 */
#define WEIR_SCOPE_HANDLE(slot, n) \
	((__u32)((n) % ((1u << (32 - WEIR_SCOPE_SLOT_BITS)) - 2) + 1) << WEIR_SCOPE_SLOT_BITS | \
	 (slot))
#define WEIR_SCOPE_FILLED(handle) ((handle) >> WEIR_SCOPE_SLOT_BITS)

/* In place of a handle: the cgroup is to be confined, and could not be. Everything is denied. */
#define WEIR_SCOPE_UNKNOWN 0xffffffffu

struct weir_scope {
	__u64 cgroup_id;
	weir_scope_t handle;	/* 0: slot is free; see WEIR_SCOPE_HANDLE() */
	__u32 instance;		/* index of the one in force: the one pointer that is switched */
	__u32 level;		/* of its cgroup: how far below the root */
	__u32 pad;
};

/* The scopes that bind a task, outermost first; unused entries 0. */
struct weir_mark {
	weir_scope_t scopes[WEIR_NEST_MAX];
	__u64 cgroup_id;	/* cgroup this was worked out in */
	__u32 generation;	/* of weir_config, under which it was worked out */
	__u32 flags;		/* enum weir_mark_flag */
};

enum weir_mark_flag {
	WEIR_MARK_LAUNCHER = 1u << 0,	/* free until its next exec succeeds */
	WEIR_MARK_OVERFLOW = 1u << 1,	/* more than WEIR_NEST_MAX scopes: deny everything */
	WEIR_MARK_OWN = 1u << 2,	/* a process of weir: nobody confined touches it */
	WEIR_MARK_BEFORE = 1u << 3,	/* has descriptors that its policies have not decided */
	WEIR_MARK_UNKNOWN = 1u << 4,	/* in a WEIR_SCOPE_UNKNOWN: deny everything; never kept */
};

/* How it went that a thread of another process is to be a launcher. */
enum weir_arm {
	WEIR_ARM_DONE = 1u << 0,
	WEIR_ARM_BOUND = 1u << 1,	/* something binds it already */
	WEIR_ARM_FAILED = 1u << 2,	/* there is no room */
};

/*
 * What saves looking a mark up, for the tasks whose addresses fall here: there
 * is none, or it is this one's. What is a task's own is written by itself, and
 * cleared when it has ended.
 */
struct weir_hint {
	__u64 task;		/* whose scopes these are: it has a mark that binds; 0: nobody's */
	__u64 cgroup_id;	/* the rest as in its mark */
	weir_scope_t scopes[WEIR_NEST_MAX];
	__u32 generation;
	__u32 marks;		/* marks of the tasks that fall here, never fewer than there are */
};
#define WEIR_HINTS_BITS 14

/* What every decision needs besides the tables. */
struct weir_config {
	__u64 seed;		/* random per load, for the directory cache */
	__u64 rename_lock;	/* addresses of the kernel's sequence counts, from /proc/kallsyms */
	__u64 mount_lock;
	__u32 generation;	/* raised when scopes or marks change: what was known is stale */
	__u32 levels;		/* bit n: a scope sits n levels below the root cgroup */
	__u32 sticky;		/* marks may be kept (the hooks that end them are attached) */
	__u32 zero;		/* always 0, which the verifier does not know */
	__u64 only_cgroup;	/* if there is one scope alone: its cgroup, its level, itself; */
	__u32 only_level;	/* 0: there are more, or none. One word with what follows: */
	__u32 selected;		/* cgroups that selectors have found; see only_scope_tell() */
	weir_scope_t only_scope;
	__u32 before;		/* not 0: there may be marks with WEIR_MARK_BEFORE */
	__u32 epoch;		/* handles of scopes made so far */
	__u32 unknown;		/* cgroups that were put under WEIR_SCOPE_UNKNOWN since told of, */
	__u32 missed;		/* and those there was no room for even that */
	__u32 removed;		/* cgroups of scopes that were removed so far */
	__u64 serial;		/* of the policy version loaded last, without its reader */
};

/* Argument of weir_decide_flow, which asks the tables as the hooks do; decision is the answer. */
struct weir_ask_flow {
	__u32 instance;
	__u32 decision;		/* WEIR_DECISION() */
	struct weir_addr addr;
	__u16 port;		/* host byte order */
	__u16 proto;		/* enum weir_proto */
	__u32 pad;
};

/*
 * Argument of weir_decide_path: a path as components, each with its length in
 * front, from `at` to the end. decisions: one for each access.
 */
#define WEIR_ASK_PATH_MAX 1024
struct weir_ask_path {
	__u32 instance;
	__u32 at;
	__u32 decisions[WEIR_ACCESS_COUNT];	/* WEIR_DECISION()s */
	__u32 pad;
	__u8 path[WEIR_ASK_PATH_MAX];
};

/* Argument of weir_decide_open: an established TCP connection of a scope. */
struct weir_ask_open {
	weir_scope_t scope;
	__u32 decision;			/* WEIR_DECISION(): the answer */
	struct weir_addr local;
	struct weir_addr peer;
	__u16 local_port;		/* host byte order */
	__u16 peer_port;
	__u32 pad;
};

/* verdict, reason and rule in one word. */
#define WEIR_DECISION(verdict, reason, rule) \
	((__u32)(verdict) | (__u32)(reason) << 8 | (__u32)(rule) << 16)
#define WEIR_DECISION_VERDICT(decision) ((decision) & 0xff)
#define WEIR_DECISION_REASON(decision) ((decision) >> 8 & 0xff)
#define WEIR_DECISION_RULE(decision) ((decision) >> 16)

/* Records */

enum weir_event_type {
	WEIR_EVENT_CONNECT,		/* network.connect */
	WEIR_EVENT_SEND,		/* network.send */
	WEIR_EVENT_FILE_OPEN,		/* file.open */
	WEIR_EVENT_FILE_CREATE,		/* file.create */
	WEIR_EVENT_FILE_DELETE,		/* file.delete */
	WEIR_EVENT_FILE_RENAME,		/* file.rename */
	WEIR_EVENT_FILE_LINK,		/* file.link */
	WEIR_EVENT_FILE_ATTRIBUTE,	/* file.attribute */
	WEIR_EVENT_EXEC,		/* process.exec */
	WEIR_EVENT_EXIT,		/* process.exit */
	WEIR_EVENT_FLOW,		/* network.flow */
	WEIR_EVENT_LISTEN,		/* network.listen */
	WEIR_EVENT_ACCEPT,		/* network.accept */
	WEIR_EVENT_UNIX,		/* network.unix */
	WEIR_EVENT_SOCKET,		/* network.socket */
	WEIR_EVENT_GUARD_MOUNT,		/* guard.mount */
	WEIR_EVENT_GUARD_NAMESPACE,	/* guard.namespace */
	WEIR_EVENT_GUARD_PTRACE,	/* guard.ptrace */
	WEIR_EVENT_GUARD_BPF,		/* guard.bpf */
	WEIR_EVENT_GUARD_MODULE,	/* guard.module */
	WEIR_EVENT_GUARD_SIGNAL,	/* guard.signal */
	WEIR_EVENT_GUARD_ESCAPE,	/* guard.escape */
	WEIR_EVENT_COUNT,
};

enum weir_verdict {
	WEIR_VERDICT_ALLOW,
	WEIR_VERDICT_DENY,
	WEIR_VERDICT_WOULD_DENY,
	WEIR_VERDICT_COUNT,
};

enum weir_reason {
	WEIR_REASON_RULE,		/* rule: the rule named decided */
	WEIR_REASON_NO_RULE,		/* no-rule: nothing allows it */
	WEIR_REASON_UNRESTRICTED,	/* unrestricted: the section is open */
	WEIR_REASON_EXPIRED,		/* expired: the policy, or the grant named, has ended */
	WEIR_REASON_UNRESOLVED_PATH,	/* unresolved-path */
	WEIR_REASON_AUDIT_FULL,		/* audit-full: could not be recorded */
	WEIR_REASON_SCOPE,		/* scope: what confines the task could not be told */
	WEIR_REASON_WIDEN,		/* the new name of a link or rename would allow more */
	WEIR_REASON_GUARD,		/* guard: never for a confined task, whatever the rules */
	WEIR_REASON_FAMILY,		/* family: sockets of this kind are not for the confined */
	WEIR_REASON_PACKET,		/* packet: it carries what could send it elsewhere */
	WEIR_REASON_SCOPE_PEER,		/* scope-peer: the other end is within the same scope */
	WEIR_REASON_GRANT,		/* grant: the grant named allowed it */
	WEIR_REASON_COUNT,
};

/* Which hook saw it. */
enum weir_layer {
	WEIR_LAYER_CALL,	/* the call that asks for it, in the caller's context */
	WEIR_LAYER_PACKET,	/* a packet, on behalf of who made or last took the socket */
	WEIR_LAYER_COUNT,
};

/* Who acted; the same for every record. Pids are those of the initial namespace; 0: not known. */
struct weir_event_head {
	__u64 time_ns;		/* CLOCK_BOOTTIME */
	__u64 instance_serial;
	__u64 scope_id;		/* cgroup id of the scope that decided */
	__u64 cgroup_id;	/* cgroup of the task */
	__u64 start_ns;		/* CLOCK_BOOTTIME at which the process (group leader) started */
	__u64 parent_start_ns;	/* the same of its parent */
	__u32 pid;
	__u32 tid;
	__u32 ppid;
	__u32 uid;
	__u32 gid;
	__u8 type;		/* enum weir_event_type */
	__u8 verdict;		/* enum weir_verdict */
	__u8 reason;		/* enum weir_reason */
	__u8 quiet;		/* 1: for the reader's books (who runs what), not for the log */
	weir_rule_t rule;
	__u8 layer;		/* enum weir_layer */
	__u8 inbound;		/* 1: the other end began it; its rule is of network.listen */
	__u32 pad3;
	char comm[16];
};

/*
 * network.connect, .send: dest is where it goes, source the socket's own
 * address. .listen: dest is the local address. .accept: from source (the peer)
 * to dest (the local address).
 */
struct weir_event_flow {
	struct weir_event_head head;
	struct weir_addr dest;
	__u16 dport;			/* host byte order */
	__u16 sport;			/* host byte order */
	__u16 protocol;			/* IPPROTO_* */
	__u16 pad;
	struct weir_addr source;	/* only in a record longer than WEIR_EVENT_FLOW_BRIEF */
};
#define WEIR_EVENT_FLOW_BRIEF __builtin_offsetof(struct weir_event_flow, source)

/* network.flow: the totals of a socket. dest and source as in what began it. */
struct weir_event_total {
	struct weir_event_flow flow;
	__u64 bytes_sent;		/* payload, by the workload */
	__u64 bytes_received;
	__u64 duration_ns;
	__u32 destinations;		/* more than 1: a datagram socket; dest is the last */
	__u32 denied;			/* packets refused and not recorded one by one */
};

/* network.socket: as in socket(2). */
struct weir_event_socket {
	struct weir_event_head head;
	__u32 family;
	__u32 kind;			/* SOCK_* without flags */
	__u32 protocol;
	__u32 message;			/* netlink: type of what was sent; 0: the socket itself */
};

enum weir_unix_name {
	WEIR_UNIX_PATH,
	WEIR_UNIX_ABSTRACT,
	WEIR_UNIX_UNNAMED,
	WEIR_UNIX_NAME_COUNT,
};

/*
 * network.unix. Followed by name_len bytes: of a path its components as in
 * struct weir_event_file, of an abstract name the name.
 */
struct weir_event_unix {
	struct weir_event_head head;
	__u8 name;			/* enum weir_unix_name */
	__u8 kind;			/* SOCK_* */
	__u8 descriptors;		/* 1: descriptors pass the border of the scope */
	__u8 inward;			/* 1: to the workload */
	__u16 name_len;
	__u16 pad;
};

/*
 * Followed by path_len, then target_len bytes: paths as components, outermost
 * first, each a length byte and that many bytes; "/" is no component at all.
 * An unresolved path is as much as was seen, innermost components.
 */
struct weir_event_file {
	struct weir_event_head head;
	__u32 access;			/* WEIR_ACCESS_BIT()s asked for */
	__u16 path_len;
	__u16 target_len;
};

/*
 * Execs that took place (verdict allow; refused ones are a weir_event_file).
 * Followed by path_len bytes as above (the program that runs,
 * for a script its interpreter), then args_len bytes of NUL-terminated strings.
 */
struct weir_event_exec {
	struct weir_event_head head;
	__u32 access;			/* as in weir_event_file, which this extends */
	__u16 path_len;
	__u16 args_len;
	__u32 args_total;		/* bytes the arguments have; more than args_len: cut */
	__u32 pad;
};

/*
 * guard.*. Followed by path_len bytes: components, as in struct weir_event_file.
 */
struct weir_event_guard {
	struct weir_event_head head;
	__u8 ask;			/* enum weir_ask */
	__u8 opens;			/* enum weir_guard: the word that would allow it */
	__u16 path_len;			/* of a file that was to be opened; 0: none was */
	__u32 number;			/* as the ask says, otherwise 0 */
	__u32 target;			/* pid of the process it was to be done to; 0: none */
	__u32 pad;
	char target_comm[16];
};

struct weir_event_exit {
	struct weir_event_head head;
	__u32 status;			/* as wait(2) gives it */
	__u32 pad;
};

_Static_assert(sizeof(struct weir_instance) == 72, "layout");
_Static_assert(sizeof(struct weir_grant) == 16, "layout");
_Static_assert(sizeof(struct weir_scope) == 24, "layout");
_Static_assert(sizeof(struct weir_mark) == 32, "layout");
_Static_assert(sizeof(struct weir_hint) == 40, "layout");
_Static_assert(sizeof(struct weir_config) == 88, "layout");
_Static_assert(1 << WEIR_SCOPE_SLOT_BITS == WEIR_SCOPES_MAX, "a handle has room for every slot");
_Static_assert(__builtin_offsetof(struct weir_config, only_level) % 8 == 0, "one word");
_Static_assert(sizeof(struct weir_event_head) == 96, "layout");
_Static_assert(sizeof(struct weir_event_flow) == 136, "layout");
_Static_assert(sizeof(struct weir_event_file) == 104, "layout");
_Static_assert(sizeof(struct weir_event_exec) == 112, "layout");
_Static_assert(sizeof(struct weir_event_exit) == 104, "layout");
_Static_assert(sizeof(struct weir_event_total) == 168, "layout");
_Static_assert(sizeof(struct weir_event_socket) == 112, "layout");
_Static_assert(sizeof(struct weir_event_unix) == 104, "layout");
_Static_assert(sizeof(struct weir_event_guard) == 128, "layout");

#endif
