/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How the daemon and its kernel side fare, in numbers: for status and metrics. */
#ifndef WEIR_DAEMON_FIGURES_H
#define WEIR_DAEMON_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "daemon/journal.h"
#include "kern/stats.h"

/* A version in force, of all bindings that have it. Strings are borrowed from the agent. */
struct figures_policy {
	const char *name;
	const char *digest;
	bool audit;
	size_t scopes;
};

struct figures {
	int64_t started_s;		/* CLOCK_REALTIME */
	int64_t reloaded_s;		/* 0: never */
	bool reload_failed;
	const char *kernel;		/* release; borrowed */
	struct journal_state journal;
	bool log_writable;
	uint64_t lost[EVENT_LOST_COUNT];	/* by enum weir_event_type, EVENT_LOST_UNKNOWN */
	struct kern_fills fills;
	struct figures_policy *policies;	/* none twice */
	size_t n_policies;
	size_t n_grants;		/* that last */
	bool costs_counted;		/* now; those counted before stay */
	struct kern_cost *costs;
	size_t n_costs;
};

/* Takes them all. Returns 0 or negative errno. */
struct agent;
int figures_take(struct agent *agent, struct figures *ret);

void figures_done(struct figures *figures);
#define _cleanup_figures_ _cleanup_(figures_done)

/*
 * Appends them in the text format of Prometheus, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/).
 * Failures of memory are left in out->error.
 */
void metrics_format(const struct figures *figures, struct buf *out);

#endif
