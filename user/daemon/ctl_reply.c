// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Replies of the control socket; see ctl.h. */
#include <errno.h>
#include <string.h>

#include "base/escape.h"
#include "daemon/ctl_parts.h"
#include "daemon/enforce.h"
#include "weir/ctl.h"

static const char *const outcomes[] = {
	[CTL_DONE] = "done",
	[CTL_REFUSED] = "refused",
	[CTL_UNENFORCEABLE] = "unenforceable",
	[CTL_FORBIDDEN] = "forbidden",
};
_Static_assert(ARRAY_SIZE(outcomes) == CTL_OUTCOME_COUNT, "every outcome has its word");

json_t *ctl_text(const char *text)
{
	_cleanup_buf_ struct buf escaped = {0};
	json_t *ret = json_string(text);

	if (ret)
		return ret;
	escape_add(&escaped, text, strlen(text));
	return buf_string(&escaped) ? json_string(escaped.data) : NULL;
}

json_t *ctl_without_json(unsigned int without)
{
	json_t *list = json_array();

	for (int section = 0; section < POLICY_SECTION_COUNT; section++)
		if (without & ENFORCE_BIT(section))
			json_array_append_new(list, json_string(policy_section_name(section)));
	return list;
}

static int outcome_parse(const json_t *root, enum ctl_outcome *ret)
{
	const char *word = json_string_value(json_object_get(root, "outcome"));

	for (int i = 0; word && i < CTL_OUTCOME_COUNT; i++) {
		if (strcmp(word, outcomes[i]) == 0) {
			*ret = (enum ctl_outcome)i;
			return 0;
		}
	}
	return -EBADMSG;
}

int ctl_reply_parse(const char *text, size_t len, struct ctl_reply *ret)
{
	_cleanup_ctl_reply_ struct ctl_reply reply = {0};
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	const char *words = json_string_value(json_object_get(root, "text"));
	int r = outcome_parse(root, &reply.outcome);

	if (json_integer_value(json_object_get(root, "v")) != WEIR_CTL_VERSION)
		r = -EBADMSG;
	reply.text = strdup(words ? words : "");
	reply.result = json_incref(json_object_get(root, "result"));
	json_decref(root);
	if (r < 0 || !reply.text)
		return r < 0 ? r : -ENOMEM;
	*ret = reply;
	reply = (struct ctl_reply){0};
	return 0;
}

int ctl_reply_format(const struct ctl_reply *reply, struct buf *out)
{
	json_t *object = json_pack("{s:i, s:s, s:o*, s:O*}", "v", WEIR_CTL_VERSION, "outcome",
				   outcomes[reply->outcome], "text",
				   reply->text ? ctl_text(reply->text) : NULL, "result",
				   reply->result);

	return line_add(object, out);
}

void ctl_reply_done(struct ctl_reply *reply)
{
	free(reply->text);
	json_decref(reply->result);
	*reply = (struct ctl_reply){0};
}
