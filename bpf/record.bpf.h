/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records that carry paths, and those of the life of a process. */
#ifndef WEIR_RECORD_BPF_H
#define WEIR_RECORD_BPF_H

#include "emit.bpf.h"
#include "path.bpf.h"

/*
 * Records a decision about paths. What finds no room is counted, and may turn
 * act->decision into a denial.
 */
int weir_record_paths(struct weir_act *act, __u32 type, const struct path_action *action);

/* The same for a program that has taken the place of another, with its arguments. */
int weir_record_exec(struct weir_act *act, const struct path_action *action, int quiet);

/* What is reached over a unix socket, by the name its other end is bound to. */
struct unix_action {
	__u64 dentry;			/* WEIR_UNIX_PATH */
	__u64 mnt;
	__u64 text;			/* WEIR_UNIX_ABSTRACT: where the name lies */
	struct weir_addr who;		/* of a datagram: the other end, as unix_who() tells it */
	__u32 len;			/* of it, bytes */
	__u8 name;			/* enum weir_unix_name */
	__u8 kind;			/* SOCK_* */
	bool descriptors;		/* descriptors are passed */
	bool inward;
	bool quiet;			/* what is allowed stands in a record already */
	bool datagram;
	weir_scope_t peer[WEIR_NEST_MAX];	/* scopes that bind the other end */
};

/* The same for a decision about a unix socket. */
int weir_record_unix(struct weir_act *act, const struct unix_action *action);

/* The same for a file that the guard is about, by addresses. */
int weir_record_guard(struct weir_act *act, const struct guard_ask *ask, __u64 dentry, __u64 mnt);

/* The same for the end of the current process. */
int weir_record_exit(struct weir_act *act, __u32 status);

#endif
