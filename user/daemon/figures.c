// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How the daemon fares, in numbers; see figures.h. */
#include "daemon/figures.h"

#include <string.h>

#include "daemon/agent_scopes.h"
#include "daemon/grant.h"

static struct figures_policy *policy_find(struct figures *figures, const struct version *version)
{
	struct figures_policy *policy = figures->policies;

	for (; policy < figures->policies + figures->n_policies; policy++)
		if (policy->audit == version->audit && strcmp(policy->name, version->name) == 0 &&
		    strcmp(policy->digest, version->digest) == 0)
			return policy;
	figures->n_policies++;
	*policy = (struct figures_policy){
		.name = version->name, .digest = version->digest, .audit = version->audit,
	};
	return policy;
}

static int policies_take(const struct agent *agent, struct figures *ret)
{
	const struct binding *binding;
	size_t n = 0;

	for (binding = agent->bindings; binding; binding = binding->next)
		n++;
	ret->policies = calloc(n + 1, sizeof(*ret->policies));
	if (!ret->policies)
		return -ENOMEM;
	for (binding = agent->bindings; binding; binding = binding->next)
		if (binding->version)
			policy_find(ret, binding->version)->scopes += binding->n_scopes;
	return 0;
}

static int losses_take(struct agent *agent, struct figures *ret)
{
	struct drain_state state;

	drain_state(agent->drain, &state);
	ret->log_writable = !state.log_error;
	ret->lost[EVENT_LOST_UNKNOWN] = state.unreadable;
	return kern_losses(agent->kern, ret->lost);
}

int figures_take(struct agent *agent, struct figures *ret)
{
	_cleanup_figures_ struct figures figures = {
		.started_s = agent->started_s,
		.reloaded_s = agent->reloaded_s,
		.reload_failed = agent->reload_failed,
		.kernel = agent->kernel.release,
		.costs_counted = kern_costs_counted(),
	};
	int r;

	for (const struct grant *grant = agent->grants; grant; grant = grant->next)
		figures.n_grants += !grant->over;
	r = journal_state(&agent->journal, &figures.journal);
	if (r >= 0)
		r = losses_take(agent, &figures);
	if (r >= 0)
		r = kern_fills(agent->kern, &figures.fills);
	if (r >= 0)
		r = policies_take(agent, &figures);
	if (r >= 0)
		r = kern_costs(agent->kern, &figures.costs, &figures.n_costs);
	if (r < 0)
		return r;
	*ret = figures;
	memset(&figures, 0, sizeof(figures));
	return 0;
}
