// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The daemon's grants, and what versions of policies take from them; see grant.h. */
#include "daemon/grant.h"

#include <string.h>

#include "base/escape.h"
#include "daemon/agent_scopes.h"

struct grant *grant_for_request(struct ctl_request *request)
{
	struct grant *grant = calloc(1, sizeof(*grant));

	if (!grant)
		return NULL;
	grant->policy = TAKE_PTR(request->policy);
	grant->items = TAKE_PTR(request->allow);
	grant->n_items = request->n_allow;
	request->n_allow = 0;
	grant->for_s = request->for_s;
	grant->once = request->once;
	return grant;
}

void grant_free(struct grant *grant)
{
	if (!grant)
		return;
	for (size_t i = 0; i < grant->n_items; i++)
		free(grant->items[i].text);
	free(grant->items);
	free(grant->policy);
	free(grant->cgroup);
	free(grant);
}

bool grant_concerns(const struct agent *agent, const struct grant *grant,
		    const struct binding *binding)
{
	if (grant->policy)
		return strcmp(grant->policy, binding->policy) == 0;
	for (const struct scope *scope = agent->scopes; scope; scope = scope->next)
		if (scope->binding == binding && scope->cgroup_id == grant->cgroup_id)
			return true;
	return false;
}

static int grant_compare(const void *a, const void *b)
{
	const struct grant *one = *(const struct grant *const *)a;
	const struct grant *other = *(const struct grant *const *)b;

	if (one->used != other->used)
		return one->used ? 1 : -1;
	if (one->once != other->once)
		return one->once ? 1 : -1;
	return (one->expires_ns < other->expires_ns) - (one->expires_ns > other->expires_ns);
}

static size_t grant_count(const struct agent *agent)
{
	size_t n = 0;

	for (const struct grant *grant = agent->grants; grant; grant = grant->next)
		n++;
	return n;
}

int grants_for(const struct agent *agent, const struct binding *binding,
	       struct policy_grant **ret, size_t *ret_n)
{
	const size_t max = grant_count(agent);
	_cleanup_free_ const struct grant **list = calloc(max + 1, sizeof(struct grant *));
	struct policy_grant *grants = calloc(max + 1, sizeof(*grants));
	size_t n = 0;

	if (!list || !grants) {
		free(grants);
		return -ENOMEM;
	}
	for (const struct grant *grant = agent->grants; grant; grant = grant->next)
		if (!grant->over && grant_concerns(agent, grant, binding))
			list[n++] = grant;
	qsort(list, n, sizeof(*list), grant_compare);
	for (size_t i = 0; i < n; i++)
		grants[i] = (struct policy_grant){
			.id = list[i]->id, .slot = list[i]->slot, .once = list[i]->once,
			.expires_ns = list[i]->expires_ns, .items = list[i]->items,
			.n_items = list[i]->n_items,
		};
	*ret = grants;
	*ret_n = n;
	return 0;
}

void grant_describe(const struct grant *grant, struct buf *out)
{
	for (size_t i = 0; i < grant->n_items; i++) {
		buf_printf(out, "%s%s ", i ? ", " : "", grant_kind_name(grant->items[i].kind));
		escape_word_add(out, grant->items[i].text, strlen(grant->items[i].text));
	}
}
