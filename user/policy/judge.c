// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Recorded actions judged anew; see judge.h. */
#include "policy/judge.h"

#include <errno.h>
#include <string.h>

#include "policy/tree.h"

void judge_policy_adapt(struct policy *policy, enum config_mode mode, unsigned int without)
{
	if (mode != CONFIG_MODE_POLICY)
		policy->audit_mode = mode == CONFIG_MODE_AUDIT;
	for (int section = 0; section < POLICY_SECTION_COUNT; section++)
		if (without & 1u << section)
			policy->unrestricted[section] = true;
}

static bool denies(const struct explanation *explanation)
{
	return explanation->verdict != WEIR_VERDICT_ALLOW;
}

/* Every access asked for must be allowed; the first that is not decides, else the first. */
static void path_judge(const struct policy *policy, const char *path, size_t len, uint32_t mask,
		       struct explanation *ret)
{
	struct explanation one;
	bool first = true;

	for (int access = 0; access < WEIR_ACCESS_COUNT; access++) {
		if (!(mask & WEIR_ACCESS_BIT(access)))
			continue;
		policy_explain_path(policy, path, len, access, &one);
		if (first || denies(&one))
			*ret = one;
		if (denies(&one))
			return;
		first = false;
	}
}

/* Would the new name allow what the old one does not? */
static bool widens(const struct policy *policy, const struct judge_action *action)
{
	struct explanation from, to;

	for (int access = 0; access < WEIR_ACCESS_COUNT; access++) {
		policy_explain_path(policy, action->path, action->path_len, access, &from);
		policy_explain_path(policy, action->target, action->target_len, access, &to);
		if (denies(&from) && !denies(&to))
			return true;
	}
	return false;
}

/* A link makes one name, a rename removes another besides. */
static int move_judge(const struct policy *policy, const struct judge_action *action,
		      struct explanation *ret)
{
	const bool rename = action->type == WEIR_EVENT_FILE_RENAME;

	if (!action->target)
		return -ENODATA;
	if (rename) {
		path_judge(policy, action->path, action->path_len,
			   WEIR_ACCESS_BIT(WEIR_ACCESS_DELETE), ret);
		if (denies(ret))
			return 0;
	}
	path_judge(policy, action->target, action->target_len, WEIR_ACCESS_BIT(WEIR_ACCESS_CREATE),
		   ret);
	if (!denies(ret) && widens(policy, action)) {
		ret->verdict = policy->audit_mode ? WEIR_VERDICT_WOULD_DENY : WEIR_VERDICT_DENY;
		ret->reason = WEIR_REASON_WIDEN;
		ret->name = NULL;
	}
	return rename && !denies(ret) ? -ENODATA : 0;
}

static bool listen_has(const struct policy *policy, const char *rule)
{
	for (size_t i = 0; rule && i < policy->listen.n; i++)
		if (strcmp(policy->listen.list[i].head.name, rule) == 0)
			return true;
	return false;
}

static int decision_judge(const struct policy *policy, const struct judge_action *action,
			  struct explanation *ret)
{
	switch (action->type) {
	case WEIR_EVENT_CONNECT:
	case WEIR_EVENT_SEND:
		policy_explain_flow(policy, action->proto, &action->addr, action->port, ret);
		/* a reply goes by the rule that let its socket listen */
		return denies(ret) && listen_has(policy, action->rule) ? -ENODATA : 0;
	case WEIR_EVENT_LISTEN:
		policy_explain_listen(policy, action->proto, &action->addr, action->port, ret);
		return 0;
	case WEIR_EVENT_UNIX:
		if (!action->path)
			return -ENODATA;
		policy_explain_unix(policy, action->path, action->path_len, ret);
		return 0;
	case WEIR_EVENT_FILE_OPEN:
	case WEIR_EVENT_FILE_CREATE:
	case WEIR_EVENT_FILE_DELETE:
	case WEIR_EVENT_FILE_ATTRIBUTE:
	case WEIR_EVENT_EXEC:
		if (!action->path || !action->access)
			return -ENODATA;
		path_judge(policy, action->path, action->path_len, action->access, ret);
		return 0;
	case WEIR_EVENT_FILE_RENAME:
	case WEIR_EVENT_FILE_LINK:
		return action->path ? move_judge(policy, action, ret) : -ENODATA;
	default:
		return -ENODATA;
	}
}

int judge_action(const struct policy *policy, const struct judge_action *action, uint64_t now_s,
		 struct explanation *ret)
{
	int r = decision_judge(policy, action, ret);

	if (r < 0 || !policy->expires_s || now_s < policy->expires_s)
		return r;
	/* it allows nothing any more */
	ret->verdict = policy->audit_mode ? WEIR_VERDICT_WOULD_DENY : WEIR_VERDICT_DENY;
	ret->reason = WEIR_REASON_EXPIRED;
	ret->name = NULL;
	return 0;
}
