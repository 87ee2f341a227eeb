/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A policy with the parameters and labels it was attached with, and the version of
 * it that is in force: what one or more scopes are put under.
 */
#ifndef WEIR_DAEMON_BINDING_H
#define WEIR_DAEMON_BINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "daemon/agent_state.h"
#include "daemon/ctl.h"
#include "event/context.h"
#include "policy/compile.h"
#include "policy/config.h"
#include "policy/diff.h"

/* Stands for what is not known of a version that was found in the kernel. */
#define VERSION_UNKNOWN "unknown"
#define VERSION_UNKNOWN_DIGEST \
	"sha256:0000000000000000000000000000000000000000000000000000000000000000"

/* A version of a policy, read, and perhaps in the kernel. */
struct version {
	struct version *next;		/* of those that are leaving */
	char *path;			/* file */
	char *name;
	char *digest;
	bool audit;			/* nothing is denied */
	bool expired;			/* its end was seen */
	bool unrestricted[POLICY_SECTION_COUNT];
	uint64_t expires_ns;		/* CLOCK_BOOTTIME, once it is in the kernel; 0: never */
	uint64_t grants[WEIR_GRANTS_MAX / 64];	/* a bit for each slot it has rules for */
	struct policy_pair *parameters;	/* in force */
	size_t n_parameters;
	struct policy_outline *outline;	/* what it says, for the difference to the next */
	struct policy_compiled *compiled;	/* until it is in the kernel */
	uint32_t instance;		/* 0: not in the kernel */
	uint64_t serial;
	int64_t loaded_s;		/* CLOCK_REALTIME */
};

struct binding {
	struct binding *next;
	char *policy;			/* name it was asked for by */
	struct policy_pair *set;
	size_t n_set;
	struct policy_pair *labels;
	size_t n_labels;
	unsigned int without;
	enum config_mode mode;
	const struct config_attach *entry;	/* of the configuration; NULL: by command */
	bool configured;		/* the configuration asked for it, this one or one before */
	bool split;			/* of one scope, apart from the others of its entry */
	struct version *version;	/* in force; NULL: not yet */
	struct version *coming;		/* loaded, and about to take its place; borrowed */
	bool unknown;			/* found in the kernel, and it is not known what it is */
	size_t n_scopes;
};

/* A binding as a command or the configuration asks for it. NULL: no memory. */
struct binding *binding_for_request(const struct ctl_request *request);
struct binding *binding_for_entry(const struct config_attach *entry);

/* The same once more, for one of its scopes. */
struct binding *binding_for_one(const struct binding *shared);
struct state_binding;
struct binding *binding_for_state(const struct state_binding *from);

/* How it was attached, as it is written down; it lends what it points at. */
struct state_binding binding_state(const struct binding *binding);
void binding_free(struct binding *binding);
DEFINE_CLEANUP(struct binding, binding_free);
#define _cleanup_binding_ _cleanup_(cleanup_binding_free)

/*
 * Reads and compiles the policy as it is on disk, and holds it against what can be
 * enforced here. The kernel's tables stay as they are. What there is to say, errors
 * or notes, is added to text.
 */
enum ctl_outcome version_read(const struct agent *agent, const struct binding *binding,
			      struct buf *text, struct version **ret);

/* Takes what the version in force lacks, because another daemon loaded it, from the same one. */
void version_learn(struct version *version, struct version *from);

/* Fills kernel tables. No scope points at them yet. 0 or negative errno. */
int version_load(struct agent *agent, const struct binding *binding, struct version *version);

/* Posts policy.load. */
void version_record(struct agent *agent, const struct version *version);

/*
 * Frees, in the kernel too; no scope points at it any more. What cannot be freed there
 * now, because another weir changes what is shared, is by the next sweep.
 */
void version_drop(struct agent *agent, struct version *version);
void versions_sweep(struct agent *agent);

/* Would both attach the same policy in the same way? */
bool binding_alike(const struct state_binding *a, const struct state_binding *b);
bool binding_same(const struct binding *a, const struct binding *b);

/*
 * A version that the daemon before has left in the kernel; `from` NULL: of which nothing
 * is known. NULL: no memory.
 */
struct kern_scope;
struct state_version;
struct version *version_for_state(const struct kern_scope *scope, const struct state_version *from);

/* Frees; what is in the kernel stays there. */
void version_forget(struct version *version);

/* Its parameters as records want them; an array to be freed, or NULL. */
struct event_pair *version_parameters(const struct version *version);

#endif
