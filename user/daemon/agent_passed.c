// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Cgroups that are not confined although they are to be; see agent_passed.h. */
#include "daemon/agent_passed.h"

#include <string.h>

#include "base/log.h"
#include "daemon/backoff.h"
#include "kern/select.h"

static struct passed *find(const struct agent *agent, uint64_t cgroup_id)
{
	for (size_t i = 0; i < agent->n_passed; i++)
		if (agent->passed[i].cgroup_id == cgroup_id)
			return &agent->passed[i];
	return NULL;
}

static struct passed *add(struct agent *agent, uint64_t cgroup_id)
{
	struct passed *passed = find(agent, cgroup_id);

	if (passed)
		return passed;
	passed = reallocarray(agent->passed, agent->n_passed + 1, sizeof(*passed));
	if (!passed)
		return NULL;
	agent->passed = passed;
	passed += agent->n_passed++;
	*passed = (struct passed){.cgroup_id = cgroup_id, .seen = true};
	return passed;
}

static void clear(struct passed *passed)
{
	free(TAKE_PTR(passed->path));
	free(TAKE_PTR(passed->error));
}

bool passed_over(struct agent *agent, uint64_t cgroup_id)
{
	struct passed *passed = find(agent, cgroup_id);

	if (!passed)
		return false;
	passed->seen = true;
	return passed->detached || uv_now(&agent->loop) < passed->again_ms;
}

void passed_detached(struct agent *agent, uint64_t cgroup_id)
{
	struct passed *passed = add(agent, cgroup_id);

	if (passed) {
		clear(passed);
		passed->detached = true;
		return;
	}
	log_error("%s: the configuration may attach again what was detached", strerror(ENOMEM));
}

static void failure_record(struct agent *agent, const struct binding *binding,
			   uint64_t cgroup_id, const char *error)
{
	struct event_self self = {
		.type = EVENT_SELF_POLICY_REJECT,
		.cgroup_id = cgroup_id,
		.file = binding->version->path,
		.error = error,
	};

	agent_post(agent, &self, binding->version->serial);
}

void passed_failed(struct agent *agent, const struct cgroup *cgroup,
		   const struct binding *binding, struct buf *text)
{
	struct passed *passed = add(agent, cgroup->id);
	const char *error = buf_string(text);

	if (!passed || !error || !passed->error || strcmp(passed->error, error) != 0) {
		log_lines(text);
		failure_record(agent, binding, cgroup->id, error ? error : strerror(ENOMEM));
	}
	/* with no memory for it, it is tried again by the next look around */
	if (!passed)
		return;
	clear(passed);
	passed->path = strdup(cgroup->path);
	passed->error = error ? strdup(error) : NULL;
	passed->binding = binding;
	passed->delay_ms = backoff_next(passed->delay_ms);
	passed->again_ms = uv_now(&agent->loop) + passed->delay_ms;
}

static void drop(struct agent *agent, struct passed *passed)
{
	clear(passed);
	*passed = agent->passed[--agent->n_passed];
}

void passed_done(struct agent *agent, uint64_t cgroup_id)
{
	struct passed *passed = find(agent, cgroup_id);

	if (passed)
		drop(agent, passed);
}

void passed_forget(struct agent *agent)
{
	for (size_t i = agent->n_passed; i-- > 0;) {
		if (agent->passed[i].seen)
			agent->passed[i].seen = false;
		else
			drop(agent, &agent->passed[i]);
	}
}

json_t *passed_json(const struct agent *agent)
{
	json_t *list = json_array();

	for (size_t i = 0; i < agent->n_passed; i++) {
		const struct passed *passed = &agent->passed[i];

		if (passed->path && passed->error)
			json_array_append_new(
				list, json_pack("{s:o*, s:s, s:o*, s:b}", "cgroup",
						ctl_text(passed->path), "policy",
						passed->binding->policy, "error",
						ctl_text(passed->error), "denied",
						kern_cgroup_unknown(agent->kern,
								    passed->cgroup_id)));
	}
	return list;
}

void passed_free(struct agent *agent)
{
	while (agent->n_passed)
		drop(agent, agent->passed);
	free(TAKE_PTR(agent->passed));
}
