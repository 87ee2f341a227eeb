// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Giving and revoking grants; see agent_grant.h. */
#include "daemon/agent_grant.h"

#include <string.h>

#include "base/clock.h"
#include "daemon/agent_control.h"
#include "daemon/agent_keep.h"
#include "daemon/enforce.h"
#include "daemon/place.h"

/* A binding for which a version with other grants was made. */
struct regrant {
	struct binding *binding;
	struct version *version;
};

int grants_version(struct agent *agent, struct binding *binding, struct buf *text,
		   struct version **ret)
{
	struct version *version = NULL;
	int r;

	if (version_read(agent, binding, text, &version) != CTL_DONE)
		return -EINVAL;
	if (strcmp(version->digest, binding->version->digest) != 0) {
		text_say(text, "the file", version->path,
			 "has changed since it was loaded; \"weir reload\" it first");
		version_drop(agent, version);
		return -ESTALE;
	}
	r = version_load(agent, binding, version);
	if (r < 0) {
		buf_printf(text, "cannot load policy %s into the kernel: %s\n", binding->policy,
			   strerror(-r));
		version_drop(agent, version);
		return r;
	}
	version->loaded_s = binding->version->loaded_s;
	*ret = version;
	return 0;
}

/* A grant for one cgroup is not for the others that the configuration put under its policy. */
static struct binding *binding_split(struct agent *agent, struct scope *scope)
{
	struct binding *shared = scope->binding, *own;
	_cleanup_buf_ struct buf text = {0};

	if (shared->split || (!shared->entry && shared->n_scopes == 1))
		return shared;
	own = binding_for_one(shared);
	if (!own)
		return NULL;
	if (version_read(agent, own, &text, &own->version) != CTL_DONE ||
	    strcmp(own->version->digest, shared->version->digest) != 0 ||
	    version_load(agent, own, own->version) < 0) {
		version_drop(agent, own->version);
		binding_free(own);
		return NULL;
	}
	own->version->loaded_s = shared->version->loaded_s;
	binding_add(agent, own);
	scope->binding = own;
	shared->n_scopes--;
	own->n_scopes = 1;
	if (keep_save(agent, &text) >= 0 &&
	    kern_scope_point(agent->kern, scope->handle, own->version->instance) >= 0)
		return own;
	scope->binding = shared;
	shared->n_scopes++;
	agent->changed = true;
	binding_remove(agent, own);
	return NULL;
}

/* What a grant is given for that is open, or given up, in the policy. */
static bool is_needless(const struct agent *agent, const struct grant *grant, struct buf *text)
{
	for (const struct binding *binding = agent->bindings; binding; binding = binding->next) {
		if (!binding->version || !grant_concerns(agent, grant, binding))
			continue;
		for (size_t i = 0; i < grant->n_items; i++) {
			enum policy_section section = grant_section(grant->items[i].kind);

			if (!binding->version->unrestricted[section] &&
			    !(binding->without & ENFORCE_BIT(section)))
				continue;
			buf_printf(text, "the section %s of policy %s is open already\n",
				   policy_section_name(section), binding->policy);
			return true;
		}
	}
	return false;
}

/* Makes versions with it for all that it concerns, then puts them in force: all or none. */
static int grant_load(struct agent *agent, const struct grant *grant, struct buf *text)
{
	_cleanup_free_ struct regrant *list = NULL;
	size_t max = 0, n = 0;
	int r = 0;

	for (const struct binding *binding = agent->bindings; binding; binding = binding->next)
		max++;
	list = calloc(max + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (struct binding *binding = agent->bindings; r >= 0 && binding;
	     binding = binding->next) {
		_cleanup_buf_ struct buf notes = {0};

		if (!binding->version || !grant_concerns(agent, grant, binding))
			continue;
		list[n].binding = binding;
		r = grants_version(agent, binding, &notes, &list[n].version);
		if (r < 0)
			buf_add(text, notes.data, notes.len);
		else
			n++;
	}
	for (size_t i = 0; i < n; i++)
		list[i].binding->coming = list[i].version;
	if (r >= 0)
		r = keep_save(agent, text);
	for (size_t i = 0; i < n; i++) {
		list[i].binding->coming = NULL;
		if (r >= 0)
			binding_switch(agent, list[i].binding, list[i].version);
		else
			version_drop(agent, list[i].version);
	}
	return r;
}

static bool policy_in_force(const struct agent *agent, const char *policy)
{
	for (const struct binding *binding = agent->bindings; binding; binding = binding->next)
		if (strcmp(binding->policy, policy) == 0)
			return true;
	return false;
}

/* Finds what it is for. */
static int target_find(struct agent *agent, const struct ctl_request *request,
		       struct grant *grant, struct buf *text)
{
	_cleanup_cgroup_ struct cgroup cgroup = {.fd = -1};
	struct scope *scope;

	if (grant->policy) {
		if (policy_in_force(agent, grant->policy))
			return 0;
		text_say(text, "the policy", grant->policy, "is not in force anywhere");
		return -ENOENT;
	}
	if (place_find(request, &cgroup, text) < 0)
		return -ENOENT;
	scope = scope_find(agent, cgroup.id);
	if (!scope) {
		text_say(text, "the cgroup", cgroup.path, "is not under a policy of the daemon");
		return -ENOENT;
	}
	if (!binding_split(agent, scope)) {
		text_say(text, "the policy of", cgroup.path,
			 "cannot be read as it is in force; \"weir reload\" it first");
		return -ESTALE;
	}
	grant->cgroup = strdup(cgroup.path);
	grant->cgroup_id = cgroup.id;
	return grant->cgroup ? 0 : -ENOMEM;
}

static int grant_give(struct agent *agent, struct grant *grant, struct buf *text)
{
	int r;

	if (is_needless(agent, grant, text))
		return -EINVAL;
	grant->given_ns = journal_now();
	grant->expires_ns = grant->given_ns + grant->for_s * NS_PER_S;
	r = kern_grant_begin(agent->kern, &grant->expires_ns, grant->once, &grant->slot);
	if (r == -ENOSPC)
		buf_printf(text, "there are %d grants already (WEIR_GRANTS_MAX)\n",
			   WEIR_GRANTS_MAX);
	if (r < 0)
		return r;
	grant->id = ++agent->last_grant;
	grant->next = agent->grants;
	agent->grants = grant;
	r = grant_load(agent, grant, text);
	if (r < 0) {
		agent->grants = grant->next;
		kern_grant_free(agent->kern, grant->slot);
	}
	return r;
}

static void grant_ask(struct agent *agent, const struct ucred *peer, struct ctl_request *request,
		      struct answer *ret)
{
	_cleanup_grant_ struct grant *grant = NULL;

	if (journal_posts_full(&agent->journal)) {
		buf_add_string(&ret->text, "the audit log takes nothing now\n");
		return;
	}
	grant = grant_for_request(request);
	if (!grant || target_find(agent, request, grant, &ret->text) < 0)
		return;
	grant->uid = peer->uid;
	grant->pid = peer->pid;
	if (grant_give(agent, grant, &ret->text) < 0)
		return;
	grant_record(agent, grant, EVENT_SELF_POLICY_GRANT, NULL);
	buf_printf(&ret->text, "grant %u is given\n", grant->id);
	ret->result = json_pack("{s:I}", "id", (json_int_t)grant->id);
	ret->outcome = CTL_DONE;
	TAKE_PTR(grant);
	grants_due(agent);
}

static void grant_revoke(struct agent *agent, unsigned int id, struct answer *ret)
{
	struct grant *grant = agent->grants;

	while (grant && (grant->id != id || grant->over))
		grant = grant->next;
	if (!grant) {
		buf_printf(&ret->text, "there is no grant %u, or it is over\n", id);
		return;
	}
	grants_revoke(agent, grant);
	buf_printf(&ret->text, "grant %u is over\n", id);
	ret->outcome = CTL_DONE;
}

void control_grant(struct agent *agent, const struct ucred *peer,
		   const struct ctl_request *request, struct answer *ret)
{
	ret->outcome = CTL_REFUSED;
	if (request->revoke)
		grant_revoke(agent, request->revoke, ret);
	else
		grant_ask(agent, peer, (struct ctl_request *)request, ret);
}
