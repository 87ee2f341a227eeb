// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Recorded actions under the policies on disk; see against.h. */
#include "daemon/against.h"

#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "audit/follow.h"
#include "base/log.h"
#include "daemon/against_policies.h"
#include "event/line.h"
#include "event/names.h"
#include "event/summary.h"

struct against {
	struct against_policies policies;
	const char *log;
	uint64_t now_s;
	json_int_t judged;
	json_t *changes;	/* by all that tells them apart, in the order of the log */
	json_t *unjudged;	/* by type */
	bool malformed;
	struct buf text;
};

/* What does not follow from the rules is not judged by them. */
static bool by_rules(const struct event_line *line)
{
	switch (line->event.head.reason) {
	case WEIR_REASON_RULE:
	case WEIR_REASON_NO_RULE:
	case WEIR_REASON_UNRESTRICTED:
	case WEIR_REASON_EXPIRED:
		return true;
	default:
		return false;
	}
}

static enum weir_proto proto_of(uint16_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return WEIR_PROTO_TCP;
	case IPPROTO_UDP:
		return WEIR_PROTO_UDP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return WEIR_PROTO_ICMP;
	default:
		return WEIR_PROTO_OTHER;
	}
}

static struct judge_action action_of(const struct event_line *line)
{
	const struct event *event = &line->event;
	struct judge_action action = {
		.type = event->head.type,
		.proto = proto_of(event->protocol),
		.addr = event->dest,
		.port = event->dport,
		.rule = line->rule,
		.access = event->access,
	};

	if (event->has_path) {
		action.path = event->path.text;
		action.path_len = event->path.len;
	}
	if (event->has_target) {
		action.target = event->target.text;
		action.target_len = event->target.len;
	}
	if (event->head.type == WEIR_EVENT_EXEC)
		action.access = WEIR_ACCESS_BIT(WEIR_ACCESS_EXECUTE);
	return action;
}

/* Ends are told, not decided. */
static bool is_end(const struct event *event)
{
	return event->head.type == WEIR_EVENT_FLOW || event->head.type == WEIR_EVENT_EXIT;
}

static int judge(const struct against *against, const struct event_line *line,
		 struct explanation *ret)
{
	const struct policy *policy = against_policy_of(&against->policies, line->policy,
							line->cgroup);
	struct judge_action action;

	/* passed descriptors go by more than the name of the socket */
	if (!policy || !by_rules(line) || line->event.descriptors)
		return -ENODATA;
	action = action_of(line);
	return judge_action(policy, &action, against->now_s, ret);
}

static void count_add(json_t *counts, const char *key)
{
	json_int_t count = json_integer_value(json_object_get(counts, key));

	json_object_set_new(counts, key, json_integer(count + 1));
}

static json_t *decision_json(const char *verdict, const char *reason, const char *rule)
{
	return json_pack("{s:s, s:s*, s:s*}", "verdict", verdict, "reason", reason, "rule", rule);
}

/* One more of the same, or the first. */
static int change_add(struct against *against, const struct event_line *line, uint64_t number,
		      const struct explanation *now)
{
	const struct event_context context = {.policy = &line->names,
					      .dest_host = line->dest_host};
	const char *verdict = event_verdict_name(now->verdict);
	const char *reason = event_reason_name(now->reason);
	_cleanup_buf_ struct buf action = {0};
	json_t *change;

	event_summary_object(&action, &line->event, &context);
	buf_reset(&against->text);
	buf_printf(&against->text, "%s\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n%s", line->policy, line->type,
		   buf_string(&action) ? action.data : "", line->verdict,
		   line->reason ? line->reason : "", line->rule ? line->rule : "", verdict, reason,
		   now->name ? now->name : "");
	if (!buf_string(&against->text) || action.error)
		return -ENOMEM;
	change = json_object_get(against->changes, against->text.data);
	if (change) {
		count_add(change, "count");
		return 0;
	}
	change = json_pack("{s:i, s:I, s:s, s:s, s:s, s:o, s:o}", "count", 1, "line",
			   (json_int_t)number, "policy", line->policy, "type", line->type, "action",
			   action.data[0] ? action.data + 1 : action.data, "before",
			   decision_json(line->verdict, line->reason, line->rule), "after",
			   decision_json(verdict, reason, now->name));
	return change && json_object_set_new(against->changes, against->text.data, change) == 0 ?
		       0 :
		       -ENOMEM;
}

static int record_judge(struct against *against, const struct event_line *line, uint64_t number)
{
	struct explanation now = {0};

	if (!line->verdict || !against_policy_known(&against->policies, line->policy))
		return 0;
	if (line->decided && is_end(&line->event))
		return 0;
	if (!line->decided || judge(against, line, &now) < 0) {
		count_add(against->unjudged, line->type);
		return 0;
	}
	against->judged++;
	if (now.verdict == line->event.head.verdict)
		return 0;
	return change_add(against, line, number, &now);
}

static int line_judge(struct against *against, int event, const struct follow_line *line)
{
	_cleanup_event_line_ struct event_line record = {0};
	int r = event == FOLLOW_LINE ? event_line_parse(line->data, line->len, &record) : -EBADMSG;

	if (r == -EBADMSG) {
		log_error("%s:%llu: this line is no record of weir", against->log,
			  (unsigned long long)line->number);
		against->malformed = true;
		return 0;
	}
	/* who is told apart by what was done, not by what it was told to do */
	record.event.has_args = false;
	return r < 0 ? r : record_judge(against, &record, line->number);
}

static int log_judge(struct against *against)
{
	_cleanup_follow_ struct follow *follow = NULL;
	struct follow_line line;
	int r = follow_open(against->log, false, &follow);

	while (r >= 0 && (r = follow_next(follow, &line)) != FOLLOW_END)
		if (r >= 0)
			r = line_judge(against, r, &line);
	if (r < 0)
		log_error("cannot read the audit log %s: %s", against->log, strerror(-r));
	return r;
}

static json_t *result_json(const struct against *against)
{
	json_t *changes = json_array(), *change;
	const char *key;

	json_object_foreach(against->changes, key, change)
		json_array_append(changes, change);
	return json_pack("{s:s, s:I, s:o, s:O}", "log", against->log, "judged", against->judged,
			 "changes", changes, "not_judged", against->unjudged);
}

int against_judge(const json_t *result, const char *log, json_t **ret)
{
	struct against against = {.log = log, .now_s = (uint64_t)time(NULL)};
	int r;

	against.changes = json_object();
	against.unjudged = json_object();
	r = against.changes && against.unjudged ? 0 : -ENOMEM;
	if (r >= 0)
		r = against_policies_read(result, &against.policies);
	if (r >= 0)
		r = log_judge(&against);
	if (r >= 0) {
		*ret = result_json(&against);
		r = !*ret ? -ENOMEM : against.malformed ? -EBADMSG : 0;
	}
	against_policies_done(&against.policies);
	json_decref(against.changes);
	json_decref(against.unjudged);
	buf_done(&against.text);
	return r;
}
