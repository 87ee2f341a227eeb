/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The daemon's scopes: putting cgroups under policies, and taking them away again. */
#ifndef WEIR_DAEMON_AGENT_SCOPES_H
#define WEIR_DAEMON_AGENT_SCOPES_H

#include "daemon/agent_state.h"
#include "daemon/binding.h"
#include "kern/cgroup.h"

struct scope {
	struct scope *next;
	struct scope *next_by_id;
	char *path;
	uint64_t cgroup_id;
	weir_scope_t handle;
	struct binding *binding;
	int64_t since_s;	/* CLOCK_REALTIME */
	bool gone;		/* its cgroup is; tasks that were in it are not */
	bool looked_at;		/* so that a removal from then on is counted */
	bool told;		/* scope.attach is recorded, if by a daemon before; */
	bool due;		/* or next */
};

/* The scope of a cgroup, or NULL. */
struct scope *scope_find(const struct agent *agent, uint64_t cgroup_id);

/* Can it be a scope? 0, or -EBUSY with the reason added to text. */
int scope_check(struct agent *agent, const struct cgroup *cgroup, struct buf *text);

/* Puts a cgroup under a loaded binding. What is wrong is added to text. */
enum ctl_outcome scope_confine(struct agent *agent, const struct cgroup *cgroup,
			       struct binding *binding, struct buf *text);

/*
 * Lifts it; message: why, for the record. The binding goes with the last scope a command
 * made. 0, or negative errno (-EBUSY: try again): it stays, which was said.
 */
int scope_lift(struct agent *agent, struct scope *scope, const char *message);

/* Says "PATH WHAT NAME", NAME may be NULL. */
void scope_log(const char *path, const char *what, const char *name);

/* Posts a record about weir itself. */
void agent_post(struct agent *agent, struct event_self *self, uint64_t serial);

/* Resets connections that the policy, as it is now, does not allow. */
void scope_connections_reset(struct agent *agent, const struct scope *scope);

/* The same of all scopes of a binding, which takes no longer than for one. */
void binding_connections_reset(struct agent *agent, const struct binding *binding);

/* All of them may be loaded anew while those in force are still there. */
#define BINDINGS_MAX ((WEIR_INSTANCES_MAX - 1) / 2)
size_t binding_count(const struct agent *agent);

/* Adds a binding, or takes it away with its version. */
void binding_add(struct agent *agent, struct binding *binding);
void binding_remove(struct agent *agent, struct binding *binding);

/* Puts a scope under another loaded binding. */
void scope_move(struct agent *agent, struct scope *scope, struct binding *binding);

/*
 * Adds a copy of one that is in the kernel already. 0 or -ENOMEM. scopes_tell() writes
 * those down, and records the beginnings of those that nobody has told of.
 */
int scope_adopt(struct agent *agent, const struct scope *scope);
void scopes_tell(struct agent *agent);

/* Detaches everything, and forgets all policies; message: why, for the records. */
void scopes_end(struct agent *agent, const char *message);

/* Frees; what is in force stays so. */
void scopes_forget(struct agent *agent);

#endif
