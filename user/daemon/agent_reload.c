// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Policies read again, while scopes are under them: all that are named are read,
 * compiled and loaded before any scope is pointed at a new version, or none is.
 */
#include <string.h>
#include <time.h>

#include "daemon/agent_control.h"
#include "daemon/agent_keep.h"
#include "daemon/agent_scopes.h"
#include "daemon/agent_select.h"

/* A binding that is read again. */
struct renewal {
	struct binding *binding;
	struct version *version;	/* NULL: nothing has changed */
};

struct reload {
	struct agent *agent;
	struct renewal *list;
	size_t n;
	struct answer *answer;
	json_t *policies;		/* the result: what has changed in each */
};

static bool binding_named(const struct binding *binding, const char *name)
{
	return strcmp(binding->policy, name) == 0;
}

static bool binding_wanted(const struct binding *binding, const struct ctl_request *request)
{
	for (size_t i = 0; i < request->n_names; i++)
		if (binding_named(binding, request->names[i]))
			return true;
	return !request->n_names && !binding->unknown;
}

/* Each name must be one of a policy in force. */
static int names_check(const struct agent *agent, const struct ctl_request *request,
		       struct buf *text)
{
	int r = 0;

	for (size_t i = 0; i < request->n_names; i++) {
		const struct binding *binding = agent->bindings;

		while (binding && !binding_named(binding, request->names[i]))
			binding = binding->next;
		if (binding)
			continue;
		text_say(text, "the policy", request->names[i], "is not in force anywhere");
		r = -ENOENT;
	}
	return r;
}

static bool version_same(const struct version *a, const struct version *b)
{
	return strcmp(a->digest, b->digest) == 0 && a->audit == b->audit &&
	       strcmp(a->path, b->path) == 0;
}

static void reject_record(struct agent *agent, const struct binding *binding, const char *error)
{
	struct event_self self = {
		.type = EVENT_SELF_POLICY_REJECT,
		.file = binding->version->path,
		.error = error,
	};

	agent_post(agent, &self, binding->version->serial);
}

/* Several scopes may be under one policy, in the same words. */
static bool told_before(const struct reload *reload, const struct renewal *renewal)
{
	for (const struct renewal *other = reload->list; other < renewal; other++)
		if (strcmp(other->binding->policy, renewal->binding->policy) == 0 &&
		    strcmp(other->binding->version->digest, renewal->binding->version->digest) ==
			    0 &&
		    !other->version == !renewal->version)
			return true;
	return false;
}

/* The difference as lines, in the answer's text and in its result. */
static void difference_tell(struct reload *reload, const struct renewal *renewal)
{
	const struct version *before = renewal->binding->version, *after = renewal->version;
	_cleanup_buf_ struct buf lines = {0};
	json_t *changes = json_array();
	char *line, *rest = NULL;

	if (after && !before->outline)
		buf_add_string(&lines, "what it was is not known: a daemon before has read it\n");
	else if (after && !policy_diff(before->outline, after->outline, &lines))
		buf_add_string(&lines, "changed in the order of rules, or in its file alone\n");
	buf_printf(&reload->answer->text, "policy %s: %s\n", renewal->binding->policy,
		   after ? "changed" : "unchanged");
	line = buf_string(&lines) ? strtok_r(lines.data, "\n", &rest) : NULL;
	for (; line; line = strtok_r(NULL, "\n", &rest)) {
		buf_printf(&reload->answer->text, "  %s\n", line);
		json_array_append_new(changes, ctl_text(line));
	}
	json_array_append_new(reload->policies,
			      json_pack("{s:s, s:o*, s:s, s:s, s:o}", "policy",
					renewal->binding->policy, "file",
					ctl_text(after ? after->path : before->path),
					"digest_before", before->digest, "digest",
					after ? after->digest : before->digest, "changes",
					changes));
}

/* Reads one policy again. What is wrong with it is told and recorded. */
static void renewal_read(struct reload *reload, struct binding *binding, bool dry_run)
{
	struct renewal *renewal = &reload->list[reload->n++];
	_cleanup_buf_ struct buf text = {0};
	enum ctl_outcome outcome;

	renewal->binding = binding;
	outcome = version_read(reload->agent, binding, &text, &renewal->version);
	if (outcome != CTL_DONE) {
		reload->answer->outcome = outcome;
		if (!dry_run && buf_string(&text))
			reject_record(reload->agent, binding, text.data);
	}
	/* errors, or notes */
	buf_add(&reload->answer->text, text.data, text.len);
	if (renewal->version && version_same(renewal->version, binding->version)) {
		if (!binding->version->outline)
			version_learn(binding->version, renewal->version);
		version_drop(reload->agent, renewal->version);
		renewal->version = NULL;
	}
}

static void all_read(struct reload *reload, const struct ctl_request *request)
{
	for (struct binding *binding = reload->agent->bindings; binding; binding = binding->next)
		if (binding_wanted(binding, request))
			renewal_read(reload, binding, request->dry_run);
	if (reload->answer->outcome != CTL_DONE)
		return;
	for (size_t i = 0; i < reload->n; i++)
		if (!told_before(reload, &reload->list[i]))
			difference_tell(reload, &reload->list[i]);
}

static int all_load(struct reload *reload)
{
	for (size_t i = 0; i < reload->n; i++) {
		struct renewal *renewal = &reload->list[i];
		int r = renewal->version ? version_load(reload->agent, renewal->binding,
							renewal->version) : 0;

		if (r < 0) {
			buf_printf(&reload->answer->text,
				   "cannot load policy %s into the kernel: %s\n",
				   renewal->binding->policy, strerror(-r));
			return r;
		}
		renewal->binding->coming = renewal->version;
	}
	return keep_save(reload->agent, &reload->answer->text);
}

int binding_coming(struct agent *agent, struct binding *binding, struct version *version,
		   struct buf *text)
{
	int r;

	binding->coming = version;
	r = keep_save(agent, text);
	binding->coming = NULL;
	if (r < 0)
		version_drop(agent, version);
	return r;
}

void binding_switch(struct agent *agent, struct binding *binding, struct version *version)
{
	struct version *before = binding->version;

	binding->version = version;
	agent->changed = true;
	for (struct scope *scope = agent->scopes; scope; scope = scope->next)
		if (scope->binding == binding &&
		    kern_scope_point(agent->kern, scope->handle, binding->version->instance) < 0)
			scope_log(scope->path, "is under no policy any more", NULL);
	select_switch(agent, binding, before);
	binding_connections_reset(agent, binding);
	version_drop(agent, before);
}

static void renewal_switch(struct agent *agent, struct renewal *renewal)
{
	if (!renewal->version)
		return;
	version_record(agent, renewal->version);
	binding_switch(agent, renewal->binding, TAKE_PTR(renewal->version));
}

static void reload_do(struct reload *reload, const struct ctl_request *request)
{
	struct agent *agent = reload->agent;

	all_read(reload, request);
	if (request->dry_run)
		return;
	if (reload->answer->outcome == CTL_DONE && all_load(reload) < 0)
		reload->answer->outcome = CTL_REFUSED;
	agent->reloaded_s = time(NULL);
	agent->reload_failed = reload->answer->outcome != CTL_DONE;
	for (size_t i = 0; i < reload->n && !agent->reload_failed; i++)
		renewal_switch(agent, &reload->list[i]);
	if (agent->reload_failed)
		buf_add_string(&reload->answer->text, "nothing was changed\n");
}

/* What a policy is attached with, so that who asked can say what it would decide. */
static json_t *renewal_json(const struct agent *agent, const struct renewal *renewal)
{
	static const char *const modes[] = {
		[CONFIG_MODE_POLICY] = "policy",
		[CONFIG_MODE_ENFORCE] = "enforce",
		[CONFIG_MODE_AUDIT] = "audit",
	};
	const struct binding *binding = renewal->binding;
	const struct version *next = renewal->version ? renewal->version : binding->version;
	json_t *cgroups = json_array();

	for (const struct scope *scope = agent->scopes; scope; scope = scope->next)
		if (scope->binding == binding)
			json_array_append_new(cgroups, ctl_text(scope->path));
	return json_pack("{s:s, s:o, s:s, s:s, s:o, s:o, s:o}", "name", binding->version->name,
			 "file", ctl_text(next->path), "digest", next->digest, "mode",
			 modes[binding->mode], "set",
			 control_pairs_json(binding->set, binding->n_set), "without",
			 ctl_without_json(binding->without), "cgroups", cgroups);
}

static void dry_run_tell(const struct reload *reload)
{
	const struct config *config = reload->agent->config;
	json_t *bindings = json_array(), *folders = json_array();

	for (size_t i = 0; i < reload->n; i++)
		json_array_append_new(bindings, renewal_json(reload->agent, &reload->list[i]));
	for (size_t i = 0; i < config->n_policies; i++)
		json_array_append_new(folders, ctl_text(config->policies[i]));
	json_object_set_new(reload->answer->result, "bindings", bindings);
	json_object_set_new(reload->answer->result, "folders", folders);
}

void control_reload(struct agent *agent, const struct ctl_request *request, struct answer *ret)
{
	struct reload reload = {.agent = agent, .answer = ret, .policies = json_array()};

	ret->outcome = CTL_REFUSED;
	reload.list = calloc(binding_count(agent) + 1, sizeof(*reload.list));
	if (journal_posts_full(&agent->journal)) {
		buf_add_string(&ret->text, "the audit log takes nothing now\n");
	} else if (reload.list && names_check(agent, request, &ret->text) == 0) {
		ret->outcome = CTL_DONE;
		reload_do(&reload, request);
	}
	if (ret->outcome == CTL_DONE)
		ret->result = json_pack("{s:b, s:O}", "dry_run", request->dry_run, "policies",
					reload.policies);
	if (ret->result && request->dry_run)
		dry_run_tell(&reload);
	for (size_t i = 0; i < reload.n; i++) {
		reload.list[i].binding->coming = NULL;
		version_drop(agent, reload.list[i].version);
	}
	free(reload.list);
	json_decref(reload.policies);
}
