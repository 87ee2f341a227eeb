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
	struct weir_bpf__bss *bss;		/* mapped */
	struct weir_config *config;		/* in it */
	struct weir_scope *scopes;		/* mapped, WEIR_SCOPES_MAX of them */
	struct weir_instance *instances;	/* mapped, WEIR_INSTANCES_MAX of them */
	struct weir_grant *grants;		/* mapped, WEIR_GRANTS_MAX of them */
	uint32_t selector_owner;	/* this process, in its selectors; 0: it has none */
	int idle_map_fd;	/* inner map written to wait for decisions in progress */
	int *calls;		/* by place in the skeleton: program to be run by hand, or -1 */
	char *folder;		/* of the pins */
	bool upgrade;		/* its programs are another build's, and are to be replaced */
	bool part;		/* takes part in the shared set, and leaves it in the end */
	int folder_fd;		/* locked, shared, for as long as this process uses them */
	int lock_fd;		/* locked while something about the set is changed */
	uint32_t reader;	/* whom records go to; 0: none (kern_look) */
	bool taken;		/* it was a dead daemon's */
	int reader_fd;		/* its folder, locked for as long as this process lives */
	int ring_deny_fd;
	int ring_allow_fd;
	uint64_t lost_before
		[WEIR_EVENT_COUNT]; /* when this one came, or reported by the one before */
};

/* Sets *ret_message (a heap string) and returns err, for `return kern_fail(...)`. */
int kern_fail(char **ret_message, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Which programs are to be loaded: those the options need and this kernel has. 0 or -errno. */
int programs_choose(struct kern *kern);

/*
 * Of the programs that are to be loaded, leaves out those whose hook this
 * kernel does not have, or has in another form. Returns 0 or negative errno.
 */
int hooks_choose(struct bpf_object *object);

/* Id of the type that a program for an LSM hook attaches to; -ENOENT when this kernel has none. */
int hook_type_id(const char *name);

/* Is it attached to nothing, and run when it is asked for? */
bool program_by_hand(const struct bpf_program *program);

/* Attaches what was loaded, and pins it. */
int programs_attach(struct kern *kern, char **ret_message);

/* A program that is run by hand, here or loaded by another process. Descriptor, or -ENOENT. */
int program_call_fd(const struct kern *kern, const struct bpf_program *program);

/* Addresses of the kernel's sequence counts. */
struct sequences {
	__u64 rename_lock;
	__u64 mount_lock;
};

/*
 * As /proc/kallsyms has them. Returns 0, -ENOENT, -EPERM (addresses are hidden) or another errno.
 */
int sequences_find(struct sequences *ret);

/* Not only taken: it is said whose it is. */
static inline bool scope_filled(const struct weir_scope *scope)
{
	return WEIR_SCOPE_FILLED(__atomic_load_n(&scope->handle, __ATOMIC_SEQ_CST));
}

/* Takes the selectors of a reader away, and returns when they make no scope any more. */
void selectors_drop(struct kern *kern, uint32_t reader);

/* Are there any? reader 0: whoever's they are. */
bool selectors_of(const struct kern *kern, uint32_t reader);

/* Does one put new cgroups under this instance? */
bool selectors_use(struct kern *kern, uint32_t instance);

/* The scope of this cgroup has ended, whether or not it was heard of. */
void selected_forget(struct kern *kern, uint64_t cgroup_id);

/* Makes the map that decisions_wait() writes. 0 or negative errno. */
int idle_map_make(struct kern *kern);

/* Until all that the kernel side was doing has ended. 0 or negative errno. */
int decisions_wait(struct kern *kern);

/* For callers that hold the lock of the set; otherwise as kern_*(). */
int scope_detach(struct kern *kern, weir_scope_t handle);

/* Ends what a process was doing to scopes when it was killed. 0 or negative errno. */
int scopes_mend(struct kern *kern);
int instance_drop(struct kern *kern, uint32_t index);

#endif
