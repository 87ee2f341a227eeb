/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What struct kern holds; for user/kern only. */
#ifndef WEIR_KERN_STATE_H
#define WEIR_KERN_STATE_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "kern/kern.h"
#include "weir.skel.h"

struct kern {
	struct weir_bpf *skel;
	struct kern_options options;
	struct weir_config *config;	/* mapped, by the skeleton */
	struct weir_scope *scopes;	/* mapped, WEIR_SCOPES_MAX of them */
	int idle_map_fd;		/* inner map written to wait for decisions in progress */
	uint32_t next_epoch;		/* of scope handles */
	uint64_t next_serial;
	char *pin_dir;			/* NULL: not pinned */
};

/* Sets *ret_message (a heap string) and returns err, for `return kern_fail(...)`. */
int kern_fail(char **ret_message, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Of the programs that are to be loaded, leaves out those whose hook this
 * kernel does not have, or has in another form. Returns 0 or negative errno.
 */
int hooks_choose(struct bpf_object *object);

/* Addresses of the kernel's sequence counts. */
struct sequences {
	__u64 rename_lock;
	__u64 mount_lock;
};

/* From /proc/kallsyms. Returns 0, -ENOENT, or -EPERM (addresses are hidden). */
int sequences_find(struct sequences *ret);

#endif
