// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Records about weir itself as log lines; see json.h. */
#include <string.h>

#include "event/json_record.h"
#include "event/json_write.h"

static void add_losses(struct buf *out, const struct event_self *self,
		       const struct event_context *context)
{
	unsigned int type;

	jsonw_name(out, "count");
	buf_add_char(out, '{');
	for (type = 0; type < WEIR_EVENT_COUNT; type++) {
		const char *name = event_type_name(type);

		if (!self->lost[type])
			continue;
		jsonw_next(out);
		jsonw_string(out, name, strlen(name));
		buf_add_char(out, ':');
		buf_add_u64(out, self->lost[type]);
	}
	if (self->lost[EVENT_LOST_UNKNOWN])
		jsonw_u64(out, "unknown", self->lost[EVENT_LOST_UNKNOWN]);
	buf_add_char(out, '}');
	jsonw_name(out, "from");
	record_time(out, context, self->from_ns);
	jsonw_name(out, "to");
	record_time(out, context, self->to_ns);
}

static void add_command(struct buf *out, const char *const *command)
{
	bool valid = true;

	jsonw_name(out, "command");
	buf_add_char(out, '[');
	for (const char *const *word = command; *word; word++) {
		jsonw_next(out);
		valid &= jsonw_string(out, *word, strlen(*word));
	}
	buf_add_char(out, ']');
	if (valid)
		return;
	jsonw_name(out, "command_b64");
	buf_add_char(out, '[');
	for (const char *const *word = command; *word; word++) {
		jsonw_next(out);
		jsonw_base64(out, *word, strlen(*word));
	}
	buf_add_char(out, ']');
}

static void add_grant(struct buf *out, const struct event_grant_told *grant, const char *what,
		      const struct event_context *context)
{
	jsonw_u64(out, "id", grant->id);
	jsonw_text(out, "what", what);
	jsonw_u64(out, "for", grant->for_s);
	jsonw_name(out, "until");
	record_time(out, context, grant->until_ns);
	jsonw_name(out, "once");
	buf_add_string(out, grant->once ? "true" : "false");
	jsonw_u64(out, "uid", grant->uid);
	jsonw_u64(out, "pid", (uint64_t)grant->pid);
}

int event_self_json(struct buf *out, const struct event_self *self,
		    const struct event_context *context)
{
	size_t start = out->len, detail;

	record_begin(out, context, self->time_ns, event_self_type_name(self->type));
	record_policy(out, context, WEIR_RULE_NONE, NULL);
	record_scope(out, context, self->cgroup_id);
	detail = record_detail(out);
	jsonw_text(out, "version", self->version);
	jsonw_text(out, "kernel", self->kernel);
	if (self->away_ns)
		jsonw_u64(out, "away_ns", self->away_ns);
	jsonw_text(out, "mode", self->mode);
	jsonw_text(out, "file", self->file);
	jsonw_text(out, "error", self->error);
	jsonw_text(out, "message", self->message);
	if (self->grant)
		add_grant(out, self->grant, self->what, context);
	if (self->n_parameters) {
		jsonw_name(out, "parameters");
		record_pairs(out, self->parameters, self->n_parameters);
	}
	if (self->command)
		add_command(out, self->command);
	if (self->n_descriptors) {
		jsonw_name(out, "descriptors");
		record_pairs(out, self->descriptors, self->n_descriptors);
	}
	if (self->type == EVENT_SELF_AUDIT_LOST)
		add_losses(out, self, context);
	return record_end(out, context, detail, start);
}
