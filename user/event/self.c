// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Records about weir itself as log lines; see json.h. */
#include <string.h>

#include "event/json_record.h"
#include "event/json_write.h"

static void add_losses(struct buf *out, const struct event_self *self,
		       const struct event_context *context)
{
	unsigned int type;

	json_name(out, "count");
	buf_add_char(out, '{');
	for (type = 0; type < WEIR_EVENT_COUNT; type++) {
		const char *name = event_type_name(type);

		if (!self->lost[type])
			continue;
		json_next(out);
		json_string(out, name, strlen(name));
		buf_add_char(out, ':');
		buf_add_u64(out, self->lost[type]);
	}
	if (self->lost[EVENT_LOST_UNKNOWN])
		json_u64(out, "unknown", self->lost[EVENT_LOST_UNKNOWN]);
	buf_add_char(out, '}');
	json_name(out, "from");
	record_time(out, context, self->from_ns);
	json_name(out, "to");
	record_time(out, context, self->to_ns);
}

static void add_command(struct buf *out, const char *const *command)
{
	bool valid = true;

	json_name(out, "command");
	buf_add_char(out, '[');
	for (const char *const *word = command; *word; word++) {
		json_next(out);
		valid &= json_string(out, *word, strlen(*word));
	}
	buf_add_char(out, ']');
	if (valid)
		return;
	json_name(out, "command_b64");
	buf_add_char(out, '[');
	for (const char *const *word = command; *word; word++) {
		json_next(out);
		json_base64(out, *word, strlen(*word));
	}
	buf_add_char(out, ']');
}

int event_self_json(struct buf *out, const struct event_self *self,
		    const struct event_context *context)
{
	size_t start = out->len, detail;

	record_begin(out, context, self->time_ns, event_self_type_name(self->type));
	record_policy(out, context, WEIR_RULE_NONE, NULL);
	record_scope(out, context, self->cgroup_id);
	detail = record_detail(out);
	json_text(out, "version", self->version);
	json_text(out, "kernel", self->kernel);
	json_text(out, "mode", self->mode);
	json_text(out, "file", self->file);
	json_text(out, "error", self->error);
	json_text(out, "message", self->message);
	if (self->n_parameters) {
		json_name(out, "parameters");
		record_pairs(out, self->parameters, self->n_parameters);
	}
	if (self->command)
		add_command(out, self->command);
	if (self->n_descriptors) {
		json_name(out, "descriptors");
		record_pairs(out, self->descriptors, self->n_descriptors);
	}
	if (self->type == EVENT_SELF_AUDIT_LOST)
		add_losses(out, self, context);
	return record_end(out, context, detail, start);
}
