// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What has to be done when grants and policies end; see agent_grant.h. */
#include "daemon/agent_grant.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/agent_control.h"

#define LOOK_MS_MAX 60000	/* the loop's clock stops in suspend, that of grants goes on */

void grant_record(struct agent *agent, const struct grant *grant,
			 enum event_self_type type, const char *message)
{
	_cleanup_buf_ struct buf what = {0};
	const struct event_grant_told told = {
		.id = grant->id,
		.for_s = grant->for_s,
		.until_ns = grant->expires_ns,
		.once = grant->once,
		.uid = grant->uid,
		.pid = grant->pid,
	};
	struct event_self self = {.type = type, .cgroup_id = grant->cgroup_id, .grant = &told,
				  .message = message};
	uint64_t serial = 0;

	for (const struct binding *binding = agent->bindings; binding && !serial;
	     binding = binding->next)
		if (binding->version && grant_concerns(agent, grant, binding))
			serial = binding->version->serial;
	grant_describe(grant, &what);
	self.what = buf_string(&what);
	agent_post(agent, &self, serial);
}

static bool version_has(const struct version *version, const struct grant *grant)
{
	return version && version->grants[grant->slot / 64] >> grant->slot % 64 & 1;
}

/* Frees grants that are over and for which no version in force has rules. */
static void grants_sweep(struct agent *agent)
{
	struct grant **at = &agent->grants;

	while (*at) {
		struct grant *grant = *at;
		bool needed = !grant->over;

		for (const struct binding *binding = agent->bindings; binding;
		     binding = binding->next)
			needed |= version_has(binding->version, grant);
		if (needed) {
			at = &grant->next;
			continue;
		}
		kern_grant_free(agent->kern, grant->slot);
		*at = grant->next;
		grant_free(grant);
	}
}

/*
 * Takes what is over out of a binding's version. Where that cannot be, because the file
 * has changed, say, its rules stay, and refuse.
 */
static void binding_renew(struct agent *agent, struct binding *binding)
{
	_cleanup_buf_ struct buf text = {0};
	struct version *version = NULL;

	if (grants_version(agent, binding, &text, &version) >= 0 &&
	    binding_coming(agent, binding, version, &text) >= 0) {
		binding_switch(agent, binding, version);
		return;
	}
	log_warning("policy %s keeps rules of grants that are over, which refuse:",
		    binding->policy);
	log_lines(&text);
	binding_connections_reset(agent, binding);
}

/* The bindings that are concerned, each once. */
static void renew_all(struct agent *agent, bool (*stale)(const struct agent *agent,
							 const struct binding *binding))
{
	for (struct binding *binding = agent->bindings; binding; binding = binding->next)
		if (binding->version && stale(agent, binding))
			binding_renew(agent, binding);
	grants_sweep(agent);
}

static bool has_what_is_over(const struct agent *agent, const struct binding *binding)
{
	for (const struct grant *grant = agent->grants; grant; grant = grant->next)
		if (grant->over && version_has(binding->version, grant))
			return true;
	return false;
}

static void grant_end(struct agent *agent, struct grant *grant, const char *message)
{
	grant->over = true;
	agent->changed = true;
	kern_grant_revoke(agent->kern, grant->slot);
	grant_record(agent, grant, EVENT_SELF_POLICY_EXPIRE, message);
}

void grants_revoke(struct agent *agent, struct grant *grant)
{
	grant_end(agent, grant, "an operator revoked it");
	renew_all(agent, has_what_is_over);
}

void grants_scope_ended(struct agent *agent, const struct scope *scope)
{
	for (struct grant *grant = agent->grants; grant; grant = grant->next)
		if (!grant->over && !grant->policy && grant->cgroup_id == scope->cgroup_id)
			grant_end(agent, grant, "its cgroup is under the policy no more");
}

/* Some of several grants for one thing may have been used: the others come first then. */
static bool used_see(struct agent *agent)
{
	bool seen = false;

	for (struct grant *grant = agent->grants; grant; grant = grant->next) {
		if (grant->over || !grant->once || grant->used ||
		    kern_grant_uses(agent->kern, grant->slot))
			continue;
		grant->used = seen = true;
	}
	return seen;
}

static bool has_used_and_others(const struct agent *agent, const struct binding *binding)
{
	size_t used = 0, others = 0;

	for (const struct grant *grant = agent->grants; grant; grant = grant->next) {
		if (grant->over || !version_has(binding->version, grant))
			continue;
		used += grant->used;
		others += !grant->used;
	}
	return used && others;
}

static void version_see(struct agent *agent, struct binding *binding)
{
	struct version *version = binding->version;
	struct event_self self = {.type = EVENT_SELF_POLICY_EXPIRE, .file = version->path,
				  .message = "the policy has ended: everything is refused"};

	version->expired = true;
	agent->changed = true;
	agent_post(agent, &self, version->serial);
	log_notice("policy %s has ended", binding->policy);
	binding_connections_reset(agent, binding);
}

static void next_note(uint64_t end_ns, uint64_t *next_ns)
{
	if (end_ns && (!*next_ns || end_ns < *next_ns))
		*next_ns = end_ns;
}

static void timer_came(uv_timer_t *timer)
{
	grants_due(timer->data);
}

static void timer_set(struct agent *agent, uint64_t now_ns)
{
	uint64_t next_ns = 0, ms;

	for (const struct grant *grant = agent->grants; grant; grant = grant->next)
		if (!grant->over)
			next_note(grant->expires_ns, &next_ns);
	for (const struct binding *binding = agent->bindings; binding; binding = binding->next)
		if (binding->version && !binding->version->expired)
			next_note(binding->version->expires_ns, &next_ns);
	if (!next_ns)
		return;
	ms = next_ns > now_ns ? (next_ns - now_ns) / NS_PER_MS + 1 : 1;
	uv_timer_start(&agent->grant_timer, timer_came, ms < LOOK_MS_MAX ? ms : LOOK_MS_MAX, 0);
}

void grants_due(struct agent *agent)
{
	uint64_t now_ns = journal_now();
	bool ended = false;

	for (struct binding *binding = agent->bindings; binding; binding = binding->next)
		if (binding->version && !binding->version->expired &&
		    binding->version->expires_ns && binding->version->expires_ns <= now_ns)
			version_see(agent, binding);
	if (used_see(agent))
		renew_all(agent, has_used_and_others);
	for (struct grant *grant = agent->grants; grant; grant = grant->next) {
		if (grant->over || grant->expires_ns > now_ns)
			continue;
		grant_end(agent, grant, grant->used ? "it was used, and its time is over" :
						      "its time is over");
		ended = true;
	}
	if (ended)
		renew_all(agent, has_what_is_over);
	else
		grants_sweep(agent);
	timer_set(agent, now_ns);
}

void grants_adopt(struct agent *agent)
{
	uint64_t known[WEIR_GRANTS_MAX / 64] = {0};

	for (struct grant *grant = agent->grants; grant; grant = grant->next) {
		known[grant->slot / 64] |= 1ull << grant->slot % 64;
		if (grant->over || kern_grant_has(agent->kern, grant->slot, grant->expires_ns))
			continue;
		grant_end(agent, grant, "the kernel has it no more");
	}
	kern_grants_tidy(agent->kern, known);
}

int grants_start(struct agent *agent)
{
	int r = uv_timer_init(&agent->loop, &agent->grant_timer);

	agent->grant_timer.data = agent;
	/* what was over, and still in a version, when the daemon before ended */
	renew_all(agent, has_what_is_over);
	grants_due(agent);
	return r;
}

void grants_stop(struct agent *agent)
{
	if (agent->grant_timer.loop)
		uv_close((uv_handle_t *)&agent->grant_timer, NULL);
}

void grants_end(struct agent *agent, const char *message)
{
	for (struct grant *grant = agent->grants; grant; grant = grant->next)
		if (!grant->over)
			grant_end(agent, grant, message);
}

void grants_free(struct agent *agent)
{
	for (struct grant *grant = agent->grants; grant; grant = grant->next)
		kern_grant_free(agent->kern, grant->slot);
	grants_forget(agent);
}

void grants_forget(struct agent *agent)
{
	while (agent->grants) {
		struct grant *grant = agent->grants;

		agent->grants = grant->next;
		grant_free(grant);
	}
}
