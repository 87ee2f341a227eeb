// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Grants for status; see grant.h. */
#include <string.h>

#include "base/time.h"
#include "daemon/grant.h"

/* A time of CLOCK_BOOTTIME for people, to the second. */
static json_t *time_json(uint64_t boot_ns)
{
	char text[TIME_STRLEN];

	time_format(boot_ns + (uint64_t)journal_utc_offset(), text);
	strcpy(text + strlen("2026-01-02T03:04:05"), "Z");
	return json_string(text);
}

static json_t *status_json(const struct agent *agent, const struct grant *grant)
{
	bool used = grant->once && !kern_grant_uses(agent->kern, grant->slot);

	return json_pack("{s:I, s:o*, s:o*, s:o, s:b, s:b, s:o*, s:o*, s:I, s:I}", "id",
			 (json_int_t)grant->id, "policy",
			 grant->policy ? ctl_text(grant->policy) : NULL, "cgroup",
			 grant->cgroup ? ctl_text(grant->cgroup) : NULL, "allow",
			 grant_items_json(grant), "once", grant->once, "used", used, "given",
			 time_json(grant->given_ns), "until", time_json(grant->expires_ns), "uid",
			 (json_int_t)grant->uid, "pid", (json_int_t)grant->pid);
}

json_t *grants_status(const struct agent *agent)
{
	json_t *list = json_array();

	for (const struct grant *grant = agent->grants; grant; grant = grant->next)
		if (!grant->over)
			json_array_append_new(list, status_json(agent, grant));
	return list;
}
