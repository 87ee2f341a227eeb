/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the C kernel tests share: the kernel side loaded once, policies from
 * text, confined children, and checks that are counted.
 */
#ifndef WEIR_TESTS_KERNEL_RIG_H
#define WEIR_TESTS_KERNEL_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "kern/cgroup.h"
#include "kern/kern.h"
#include "policy/compile.h"
#include "policy/policy.h"

struct rig {
	struct kern *kern;
	struct cgroup cgroup;
	weir_scope_t scope;
};

/* Loads, attaches, makes a cgroup. Ends the program when it cannot. */
void rig_open(const struct kern_options *options, struct rig *ret);

/* Puts the cgroup under an instance, or points it at another. */
void rig_point(struct rig *rig, uint32_t instance);

void rig_close(struct rig *rig);

/* A policy from its text. Ends the program when it has an error. */
void rig_policy(const char *text, struct policy **ret_policy, struct policy_compiled **ret);

/* The same, loaded. */
uint32_t rig_load(struct rig *rig, const char *text, uint64_t *ret_serial);

/*
 * A child in the rig's cgroup that runs fn and ends with what it returns;
 * fds of the pair are each side's end of a stream between them.
 */
struct rig_child {
	pid_t pid;
	int fd;
};
typedef int (*rig_child_fn)(int fd, void *context);
struct rig_child rig_child_start(const struct rig *rig, rig_child_fn fn, void *context);

/* Waits for its end. Returns its exit status, or 128 and its signal. */
int rig_child_end(struct rig_child *child);

/* All of it, or the program ends. */
void pipe_read(int fd, void *data, size_t size);
void pipe_write(int fd, const void *data, size_t size);

/* BPF maps on the machine. */
unsigned int rig_maps(void);

/* Waits until there are no more than that; false: there still are after a minute. */
bool rig_maps_settle(unsigned int wanted);

/* Counts a check, and says what it was when it failed. */
void check(bool ok, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Ends the program: something the test needs does not work. */
void fatal(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Prints "N passed, N failed, 0 skipped". Returns the exit status. */
int checks_end(void);

/* xorshift64*: the same sequence everywhere; each thread has its own. */
extern _Thread_local uint64_t random_seed;
unsigned int random_below(unsigned int n);

/*
 * Of how many guests this is one, of $WEIR_SHARE ("NUMBER/OF"; 1 without it): each tries its part
 * of what is generated. Random numbers are its own from here on.
 */
unsigned int rig_shares(void);

#endif
