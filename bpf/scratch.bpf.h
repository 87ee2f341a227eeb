/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is kept for a task while its hooks are at work: maps as in maps.bpf.h, of which it is part.
 */
#ifndef WEIR_SCRATCH_BPF_H
#define WEIR_SCRATCH_BPF_H

/* What the guard is asked for: see guard.bpf.h. */
struct guard_ask {
	__u8 type;		/* enum weir_event_type of its record */
	__u8 ask;		/* enum weir_ask */
	bool own;		/* of weir's own: refused in audit mode too, and no word opens it */
	bool quiet;		/* refused without a record */
	__u32 number;		/* as in struct weir_event_guard */
	__u32 opens;		/* WEIR_GUARD_BIT()s, any of which opens it */
	__u32 target;		/* the other process, if there is one */
	char target_comm[16];
	weir_scope_t inside[WEIR_NEST_MAX];	/* the scopes that what is reached belongs to */
};

/* How far a path has been followed through the tables: see weir_path_descend(). */
struct weir_descent {
	__u32 at;		/* of the next component */
	__u32 node;
	__u32 parent;		/* place of what the last component lies in */
	__u8 self;
	__u8 failed;
	__u16 pad;
};

/*
 * A path while it is walked: components, outermost first, each a length byte
 * and the name, ending at path + WEIR_PATH_MAX. Behind that, room for the
 * verifier, which knows no better bound for a name than 255.
 */
struct weir_scratch {
	__u8 path[WEIR_PATH_MAX + WEIR_NAME_MAX + 1];
	__u32 fold;		/* see weir_path_walk(); so are the next two */
	__u32 process;
	__u64 process_task;
	struct weir_descent descent;	/* through the tables, along path */
	struct guard_ask ask;
	union {			/* of the record that goes with it */
		struct weir_event_file file;
		struct weir_event_exec exec;
		struct weir_event_exit exit;
		struct weir_event_unix unix_socket;
		struct weir_event_guard guard;
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
 * What a call of a task is about, where its hook does not tell all. Kernel side.
 * No memory: what needs it is denied.
 */
struct weir_call {
	__u64 overlay;		/* super block of the overlay that the last call named */
	__u64 layer;		/* that of one which is a layer of it */
	__u64 dentry;		/* whose mounts are looked for: see inode.bpf.c */
	__u32 access;		/* to it: WEIR_ACCESS_BIT()s */
	__u32 pad;
	__u64 mnt_ns;		/* in which */
	__u64 next;		/* struct mount to look at; 0: that was all */
	__u64 found;		/* struct mount that shows it; 0: none */
	__u64 vfsmount;		/* by which it has the name that decided */
	__u64 counts;		/* path_counts_word(), before that began */
	__u64 use_stamp;	/* of the grant whose use was taken last: see weir_use_take() */
	__u64 use_dentry;	/* for this object; */
	__u64 use_key;		/* memory may go to another dentry: see object_key() */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct weir_call);
} weir_calls SEC(".maps") __weak;

#endif
