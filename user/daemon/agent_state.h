/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the daemon holds, all of it on its event loop's thread; for user/daemon only. */
#ifndef WEIR_DAEMON_AGENT_STATE_H
#define WEIR_DAEMON_AGENT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "daemon/drain.h"
#include "daemon/journal.h"
#include "kern/kern.h"
#include "policy/config.h"

struct binding;
struct grant;
struct metrics_server;
struct passed;
struct position;
struct scope;
struct server;
struct version;
struct watch;

#define AGENT_SCOPES_HASH 1024

struct agent {
	uv_loop_t loop;
	uv_signal_t signals[3];
	uv_timer_t look_timer;		/* now and then, whatever happens */
	uv_timer_t soon_timer;		/* as soon as the loop comes round */
	uv_timer_t watchdog_timer;
	uv_timer_t keep_timer;
	uv_timer_t grant_timer;		/* for what ends next */
	int lock_fd;
	int root_fd;			/* of the cgroup hierarchy */
	struct config *config;
	struct kern_features kernel;
	struct position *position;	/* of the journal */
	struct journal journal;
	struct kern *kern;
	struct drain *drain;
	struct server *server;
	struct metrics_server *metrics;	/* NULL: none are given */
	struct binding *bindings;
	struct scope *scopes;
	struct scope *scopes_by_id[AGENT_SCOPES_HASH];	/* chains, by the cgroup's id */
	size_t n_scopes;
	struct grant *grants;
	unsigned int last_grant;	/* id given last */
	struct passed *passed;
	size_t n_passed;
	struct watch *watches;
	uint64_t sweep_ms;		/* on the loop's clock: when to look for leftovers */
	bool armed;			/* the configuration's selectors are in the kernel */
	int arm_error;			/* why not, as it was told */
	bool unsettled;			/* what was taken over is not as the configuration is now */
	bool ready;			/* it has started */
	bool adopted;			/* what one before has left has been looked at */
	bool changed;			/* since it was written down */
	uint64_t away_ns;		/* for how long nobody was there; 0: not known */
	uint32_t removed;		/* kern_cgroups_removed() when all were looked at */
	int64_t started_s;		/* CLOCK_REALTIME */
	int64_t reloaded_s;		/* 0: never */
	bool reload_failed;		/* the last one was refused */
	struct version *leaving;	/* in no scope any more, and not out of the kernel yet */
};

#endif
