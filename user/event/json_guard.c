// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Records of the guard as log lines; see json_guard.h. */
#include "event/json_guard.h"

#include "base/guard.h"
#include "event/guard_names.h"
#include "event/json_write.h"

void guard_add_detail(struct buf *out, const struct event *event)
{
	char capability[EVENT_CAPABILITY_STRLEN];

	jsonw_text(out, "asked", event_ask_name(event->ask));
	if (event->ask == WEIR_ASK_CAPABILITY) {
		event_capability_format(event->number, capability);
		jsonw_text(out, "capability", capability);
	}
	if (event_ask_counts(event->ask))
		jsonw_u64(out, "number", event->number);
	if (event->guard_path)
		jsonw_bytes(out, "path", event->path.text, event->path.len);
	if (event->target_pid) {
		jsonw_u64(out, "target_pid", event->target_pid);
		jsonw_bytes(out, "target_comm", event->target_comm, event->target_comm_len);
	}
	if (event->opens < WEIR_GUARD_COUNT)
		jsonw_text(out, "opens", guard_words[event->opens]);
}
