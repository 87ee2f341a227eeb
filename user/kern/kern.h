/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel side as user space sees it: loading and attaching the programs,
 * filling policy instances, pointing scopes at them. user/kern is the only
 * code that knows libbpf.
 */
#ifndef WEIR_KERN_KERN_H
#define WEIR_KERN_KERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "policy/compile.h"
#include "weir/abi.h"

/* What this kernel can do, found by asking it. */
struct kern_features {
	char release[65];	/* uname */
	bool privileged;	/* may load BPF programs and attach them */
	bool btf;		/* /sys/kernel/btf/vmlinux is there */
	bool lsm;		/* BPF LSM is compiled in, active, and programs load */
	bool cgroup2;		/* a cgroup2 hierarchy is mounted */
	bool sequences;		/* rename_lock and mount_lock can be read (needed for paths) */
	char lsm_why[256];	/* if !lsm: what is missing and the remedy */
	char cgroup2_path[256];
};

/* Never fails: what could not be found out is false, with a reason if it has a field. */
void kern_probe(struct kern_features *ret);

struct kern;

struct kern_options {
	bool daemon;			/* takes over what a dead daemon has left */
	bool upgrade;			/* replaces programs of another build */
	bool files;			/* attach the path and exec hooks (needs lsm) */
	bool guard;			/* attach the hooks of the guard (needs lsm) */
	bool unix_sockets;		/* attach the hooks of unix sockets (needs lsm) */
	bool ask_paths;			/* load what kern_ask_path() asks */
	bool selectors;			/* attach what confines new cgroups: see select.h */
	bool lsm;			/* marks that stick to tasks and sockets (needs lsm) */
	unsigned int lock_wait_ms;	/* for others who change what is shared; 0: forever */
	uint32_t ring_allow_bytes;	/* power of two and multiple of the page size; 0: default */
	uint32_t ring_deny_bytes;	/* likewise */
};

/*
 * Loads the programs that are needed and that no other weir has loaded, and
 * attaches them, cgroup programs at the root cgroup. They are pinned in a set
 * below /sys/fs/bpf/weir (on a bpffs that is mounted there if none is), which all
 * weirs share, so that enforcement outlives this process.
 *
 * Returns 0 or negative errno; *ret_message is then a heap string that says
 * what failed and what to do.
 */
int kern_open(const struct kern_options *options, struct kern **ret, char **ret_message);

/* The shared set without a part in it: kern_orphans(), kern_marks(). -ENOENT: there is none. */
int kern_look(struct kern **ret);

/* From here on, calls that change what is shared wait so long: see lock_wait_ms. */
void kern_patience(struct kern *kern, unsigned int lock_wait_ms);

/* Mounts a bpffs at /sys/fs/bpf if there is none. Returns 0 or negative errno. */
int bpffs_ensure(void);

/*
 * Tasks that a scope is still stuck to, wherever they were moved to; one that
 * has ended counts until its parent has waited for it.
 * Returns their number or negative errno; without BPF LSM nothing sticks: 0.
 */
int kern_marks(struct kern *kern, weir_scope_t scope);

/* The same for all scopes at once, by the slot of each: is it stuck to any task? 0 or -errno. */
int kern_marked(struct kern *kern, bool ret_slots[WEIR_SCOPES_MAX]);

/* A scope whose weir has ended without taking it away. */
struct kern_orphan {
	weir_scope_t scope;
	uint64_t cgroup_id;
	bool daemons;		/* the next daemon takes it over */
};

/* All there are, in a heap array. Returns 0 or negative errno. */
int kern_orphans(struct kern *kern, struct kern_orphan **ret, size_t *ret_n);

/* Frees what weirs have left that have ended and confine nothing any more, but for a daemon. */
void kern_orphans_end(struct kern *kern);

/* Did this process take over what a dead daemon has left? */
bool kern_taken(const struct kern *kern);

/* A scope under a policy version of this process. */
struct kern_scope {
	weir_scope_t scope;
	uint64_t cgroup_id;
	uint32_t instance;
	uint64_t serial;
};

/* All there are, in a heap array. Returns 0 or negative errno. */
int kern_scopes(struct kern *kern, struct kern_scope **ret, size_t *ret_n);

/*
 * Frees the policy versions of this process that are not known (a bit for each is), unless
 * a scope is under one, or a selector puts cgroups there.
 */
void kern_instances_tidy(struct kern *kern, const uint64_t known[WEIR_INSTANCES_MAX / 64]);

/* What names this process's rings as long as the machine runs: ids of their maps. */
struct kern_rings {
	uint32_t deny;
	uint32_t allow;
};
int kern_rings(const struct kern *kern, struct kern_rings *ret);

/*
 * Takes away what this process has put in: its scopes and policy versions. Who
 * leaves as the last one, and nothing is confined any more, detaches everything.
 */
void kern_close(struct kern *kern);

/* The same, but all that is in force stays so, for the next daemon to take over. */
void kern_leave(struct kern *kern);
DEFINE_CLEANUP(struct kern, kern_close);
#define _cleanup_kern_ _cleanup_(cleanup_kern_close)

/*
 * Fills fresh inner maps for a compiled policy. extra_flags (enum
 * weir_instance_flag) are added to the policy's own. Nothing points at the
 * instance yet. A failure leaves no trace.
 *
 * *ret_instance is the index for scope calls, *ret_serial names this version
 * in records (weir_event_head.instance_serial).
 */
int kern_instance_load(struct kern *kern, const struct policy_compiled *compiled,
		       uint32_t extra_flags, uint32_t *ret_instance, uint64_t *ret_serial);

/* When an instance ends, CLOCK_BOOTTIME; 0: never. */
uint64_t kern_instance_expires(const struct kern *kern, uint32_t instance);

/*
 * Begins a grant, for which compiled policies may have rules from then on. It lasts until
 * *expires_ns (CLOCK_BOOTTIME), which is put off by some nanoseconds where another grant
 * ends then; with `once`, one use can be made of it.
 *
 * Returns 0 and its slot, -ENOSPC (WEIR_GRANTS_MAX) or another negative errno.
 */
int kern_grant_begin(struct kern *kern, uint64_t *expires_ns, bool once, uint32_t *ret_slot);

/* Has the slot the grant of this reader that ends then? */
bool kern_grant_has(const struct kern *kern, uint32_t slot, uint64_t expires_ns);

/* Ends this reader's grants in slots that are not known: a bit for each that is. */
void kern_grants_tidy(struct kern *kern, const uint64_t known[WEIR_GRANTS_MAX / 64]);

/* Uses left of a grant that counts them. */
uint32_t kern_grant_uses(const struct kern *kern, uint32_t slot);

/* Ends a grant at once, for instances that still have rules for it too. */
void kern_grant_revoke(struct kern *kern, uint32_t slot);

/* The same, and gives its slot back, for when no instance has rules for it any more. */
void kern_grant_free(struct kern *kern, uint32_t slot);

/* Frees an instance no scope points at, after every decision under it has ended. */
int kern_instance_free(struct kern *kern, uint32_t instance);

/* Puts a cgroup under an instance. -EEXIST: a scope; -ENOSPC: WEIR_SCOPES_MAX; -E2BIG: too deep. */
int kern_scope_attach(struct kern *kern, uint64_t cgroup_id, unsigned int level,
		      uint32_t instance, weir_scope_t *ret_scope);

/* Is there room for another scope, as things stand? The kernel side takes some too. */
bool kern_scope_room(const struct kern *kern);

/*
 * To be called when the cgroup of a new scope is not empty: what its tasks have
 * open was not decided. Those that have not acted yet are marked, so that being moved
 * out frees nobody. Those that come later are seen by the kernel side. 0 or -errno.
 */
int kern_scope_occupied(struct kern *kern);

/*
 * Is a thread of this process bound by a policy, whoever's, wherever it is now? By its
 * marks and its cgroup; without BPF LSM there are no marks: 0, and its cgroup is to be
 * asked for with kern_confines(). 1, 0, -ESRCH (it has ended), or another errno.
 */
int kern_process_bound(struct kern *kern, pid_t pid);

/*
 * A socket of unix(7), by its descriptor, on which commands are taken: nobody confined
 * connects to it from here on (with BPF LSM). 0 or negative errno.
 */
int kern_socket_protect(struct kern *kern, int fd);

/* The atomic switch: decisions from here on are made wholly under `instance`. */
int kern_scope_point(struct kern *kern, weir_scope_t scope, uint32_t instance);

/* A scope and where its cgroup is. */
struct kern_confined {
	weir_scope_t scope;
	uint64_t cgroup_id;
	const char *path;
};

/*
 * Resets the open TCP connections of scopes that their policies, as they are now,
 * do not allow: those of sockets made in their cgroups or below, in the caller's
 * network namespace and in those that processes of any of them are in. Both ends learn
 * of it. For when a policy has changed, and when a packet was refused.
 *
 * Returns how many were reset, or negative errno (-EOPNOTSUPP: the kernel has no
 * CONFIG_INET_DIAG_DESTROY); their packets are dropped in any case.
 */
int kern_connections_reset(struct kern *kern, const struct kern_confined *scopes, size_t n);

/* The two ends of a connection; ports in host byte order. */
struct connection {
	struct weir_addr local;
	struct weir_addr peer;
	uint16_t local_port;
	uint16_t peer_port;
};

struct cgroup;

/*
 * Resets one TCP connection, whoever made its socket, in the same namespaces.
 * Returns how many it was (0: it has ended by itself), or negative errno.
 */
int kern_connection_reset(const struct cgroup *cgroup, const struct connection *connection);

/* Lifts the scope from its cgroup and from every task it stuck to. */
int kern_scope_detach(struct kern *kern, weir_scope_t scope);

/*
 * Is this cgroup (path below the root), or one above it, a scope, whoever's it is? 1, 0,
 * or negative errno: it cannot be told.
 */
int kern_confines(struct kern *kern, const char *cgroup);

/* Makes everything stale that was remembered of directories. */
void kern_reseed(struct kern *kern);

/*
 * The launcher calls this on itself before it enters the scope's cgroup: it
 * stays free until its next exec succeeds. The exec itself is decided under
 * the scope. Everything else in the cgroup is confined at once. Does nothing
 * where the kernel has no BPF LSM (a launcher makes no connections).
 */
int kern_launcher_arm(struct kern *kern);

/*
 * The same of another process, in all its threads: its next exec is decided, and bound.
 * It is to be held meanwhile, so that no thread of it starts another.
 * -ESRCH: there is none; -EBUSY: something binds it; -ENOSPC.
 */
int kern_process_arm(struct kern *kern, pid_t pid);

/*
 * What an instance says of a flow, in audit mode too: a WEIR_DECISION() of
 * allow or deny, from the tables that the hooks look into.
 */
int kern_ask_flow(struct kern *kern, uint32_t instance, enum weir_proto proto,
		  const struct weir_addr *addr, uint16_t port, uint32_t *ret_decision);

/*
 * The same of a resolved, absolute path, of at most WEIR_ASK_PATH_MAX bytes:
 * one decision for each access. Needs kern_options.ask_paths.
 */
int kern_ask_path(struct kern *kern, uint32_t instance, const char *path,
		  uint32_t ret_decisions[WEIR_ACCESS_COUNT]);

/*
 * Actions under policies of this process that could not be recorded so far, by enum
 * weir_event_type, and such of which it is not known whose they were.
 */
int kern_losses(struct kern *kern, uint64_t ret_counts[WEIR_EVENT_COUNT]);

/* Counts that were there before, and are not in those of kern_losses(). */
void kern_losses_before(const struct kern *kern, uint64_t ret_counts[WEIR_EVENT_COUNT]);
void kern_losses_begin(struct kern *kern, const uint64_t counts[WEIR_EVENT_COUNT]);

/*
 * Reads both rings. data is one record (struct weir_event_head first), valid
 * during the call only. A callback that returns < 0 stops the read; that record
 * is delivered again by the next one.
 */
typedef int (*ring_record_fn)(void *context, const void *data, size_t size);

struct ring;
int ring_open(struct kern *kern, ring_record_fn record, void *context, struct ring **ret);

/*
 * Delivers what is there, denials first. The records keep their room in the ring
 * until ring_release(): who ends before has them delivered to whom comes next.
 * Returns the number of records, or < 0.
 */
int ring_read(struct ring *ring);
void ring_release(struct ring *ring);

/* Did the last read come to the end of what was there when it began? */
bool ring_ended(const struct ring *ring);

/* Both in one. */
int ring_drain(struct ring *ring);

/* How far the rings have been read. */
struct ring_positions {
	uint64_t deny;
	uint64_t allow;
};
void ring_positions(const struct ring *ring, struct ring_positions *ret);

/* Passes over what is known to have been taken before, and releases it. */
void ring_skip(struct ring *ring, const struct ring_positions *positions);

/* Until a denial comes or much waits, at most timeout_ms, or wake_fd (-1: none) is readable. */
int ring_wait(struct ring *ring, int wake_fd, int timeout_ms);

void ring_close(struct ring *ring);
DEFINE_CLEANUP(struct ring, ring_close);
#define _cleanup_ring_ _cleanup_(cleanup_ring_close)

#endif
