// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the daemon enforces where, since when, and how it goes, as JSON. */
#include <string.h>
#include <time.h>

#include "daemon/agent_control.h"
#include "daemon/agent_passed.h"
#include "daemon/agent_scopes.h"
#include "daemon/figures.h"
#include "daemon/grant.h"

static json_t *time_json(int64_t seconds)
{
	time_t time = (time_t)seconds;
	struct tm parts;
	char text[32];

	if (!seconds || !gmtime_r(&time, &parts) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts))
		return json_null();
	return json_string(text);
}

json_t *control_pairs_json(const struct policy_pair *pairs, size_t n)
{
	json_t *object = json_object();

	for (size_t i = 0; i < n; i++)
		json_object_set_new(object, pairs[i].key, ctl_text(pairs[i].value));
	return object;
}

static json_t *verdicts_json(const uint64_t counts[WEIR_VERDICT_COUNT])
{
	return json_pack("{s:I, s:I, s:I}", "allow", (json_int_t)counts[WEIR_VERDICT_ALLOW],
			 "deny", (json_int_t)counts[WEIR_VERDICT_DENY], "would-deny",
			 (json_int_t)counts[WEIR_VERDICT_WOULD_DENY]);
}

static json_t *counts_json(struct agent *agent, const struct scope *scope)
{
	uint64_t counts[WEIR_VERDICT_COUNT];

	journal_counts(&agent->journal, scope->cgroup_id, counts);
	return verdicts_json(counts);
}

static json_t *scope_json(struct agent *agent, const struct scope *scope)
{
	const struct binding *binding = scope->binding;
	const struct version *version = binding->version;

	return json_pack(
		"{s:o*, s:I, s:b, s:s, s:s, s:o*, s:s, s:b, s:s, s:o*, s:o*, s:o, s:o, s:o, s:o*}",
		"cgroup", ctl_text(scope->path), "cgroup_id", (json_int_t)scope->cgroup_id, "gone",
		scope->gone, "policy", version->name, "digest", version->digest, "file",
		ctl_text(version->path), "mode", version->audit ? "audit" : "enforce",
		"expired", version->expired, "by",
		binding->entry ? "configuration" : "command", "since", time_json(scope->since_s),
		"loaded", time_json(version->loaded_s), "parameters",
		control_pairs_json(version->parameters, version->n_parameters), "labels",
		control_pairs_json(binding->labels, binding->n_labels), "without",
		ctl_without_json(binding->without), "records", counts_json(agent, scope));
}

static json_t *log_json(const struct agent *agent, const struct figures *figures)
{
	uint64_t lost = 0;

	for (int type = 0; type < EVENT_LOST_COUNT; type++)
		lost += figures->lost[type];
	return json_pack("{s:o*, s:b, s:I, s:I, s:I}", "file", ctl_text(agent->journal.path),
			 "writable", figures->log_writable, "seq",
			 (json_int_t)figures->journal.last_seq, "bytes",
			 (json_int_t)figures->journal.bytes, "lost", (json_int_t)lost);
}

/* Only types of which something was lost. */
static json_t *losses_json(const struct figures *figures)
{
	json_t *object = json_object();

	for (int type = 0; type < EVENT_LOST_COUNT; type++)
		if (figures->lost[type])
			json_object_set_new(object,
					    type == EVENT_LOST_UNKNOWN ? "unknown" :
									 event_type_name(type),
					    json_integer((json_int_t)figures->lost[type]));
	return object;
}

static json_t *fill_json(const struct kern_fill *fill)
{
	return json_pack("{s:I, s:I}", "bytes", (json_int_t)fill->bytes, "size",
			 (json_int_t)fill->size);
}

static json_t *rings_json(const struct figures *figures)
{
	return json_pack("{s:o, s:o}", "allowed", fill_json(&figures->fills.allow), "denied",
			 fill_json(&figures->fills.deny));
}

/* Records of all policies of this name since the daemon started. */
static json_t *decided_json(const struct figures *figures, const char *policy)
{
	const struct event_counts *decided = &figures->journal.decided;
	uint64_t sums[WEIR_VERDICT_COUNT] = {0};

	for (size_t i = 0; i < decided->n; i++) {
		if (strcmp(decided->list[i].policy, policy) != 0)
			continue;
		for (int type = 0; type < WEIR_EVENT_COUNT; type++)
			for (int verdict = 0; verdict < WEIR_VERDICT_COUNT; verdict++)
				sums[verdict] += decided->list[i].records[type][verdict];
	}
	return verdicts_json(sums);
}

static json_t *policies_json(const struct figures *figures)
{
	json_t *list = json_array();

	for (size_t i = 0; i < figures->n_policies; i++) {
		const struct figures_policy *policy = &figures->policies[i];

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:I, s:o}", "policy", policy->name,
					"digest", policy->digest, "mode",
					policy->audit ? "audit" : "enforce", "scopes",
					(json_int_t)policy->scopes, "records",
					decided_json(figures, policy->name)));
	}
	return list;
}

static json_t *cost_json(const struct figures *figures)
{
	json_t *programs = json_array();

	for (size_t i = 0; i < figures->n_costs; i++) {
		const struct kern_cost *cost = &figures->costs[i];

		if (cost->runs)
			json_array_append_new(programs,
					      json_pack("{s:s, s:I, s:I}", "program", cost->program,
							"runs", (json_int_t)cost->runs, "ns",
							(json_int_t)cost->ns));
	}
	return json_pack("{s:b, s:o}", "counted", figures->costs_counted, "programs", programs);
}

static json_t *reload_json(const struct agent *agent)
{
	if (!agent->reloaded_s)
		return json_null();
	return json_pack("{s:o, s:b}", "time", time_json(agent->reloaded_s), "ok",
			 !agent->reload_failed);
}

static json_t *status_json(struct agent *agent, const struct figures *figures)
{
	json_t *scopes = json_array();

	for (const struct scope *scope = agent->scopes; scope; scope = scope->next)
		json_array_append_new(scopes, scope_json(agent, scope));
	return json_pack("{s:s, s:s, s:i, s:o, s:o*, s:o, s:o, s:o*, s:o, s:o, s:o, s:o, s:o*}",
			 "version", WEIR_VERSION, "kernel", agent->kernel.release, "pid",
			 (int)getpid(), "started", time_json(agent->started_s), "log",
			 log_json(agent, figures), "lost", losses_json(figures), "rings",
			 rings_json(figures), "reload", reload_json(agent), "policies",
			 policies_json(figures), "cost", cost_json(figures), "scopes", scopes,
			 "grants", grants_status(agent), "failed", passed_json(agent));
}

void control_status(struct agent *agent, struct answer *ret)
{
	_cleanup_figures_ struct figures figures = {0};
	int r = figures_take(agent, &figures);

	if (r >= 0)
		ret->result = status_json(agent, &figures);
	ret->outcome = ret->result ? CTL_DONE : CTL_REFUSED;
	if (!ret->result)
		buf_printf(&ret->text, "cannot tell: %s\n", strerror(r < 0 ? -r : ENOMEM));
}
