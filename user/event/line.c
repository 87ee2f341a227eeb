// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lines of the audit log read back; see line.h. */
#include "event/line.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/time.h"
#include "event/json.h"
#include "event/line_parts.h"
#include "event/names.h"

int member_number(const json_t *object, const char *key, uint64_t max, bool needed, uint64_t *ret)
{
	const json_t *value = json_object_get(object, key);

	*ret = 0;
	if (!value)
		return needed ? -EBADMSG : 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    (uint64_t)json_integer_value(value) > max)
		return -EBADMSG;
	*ret = (uint64_t)json_integer_value(value);
	return 0;
}

int member_bytes(const json_t *object, const char *key, char *ret, size_t max, size_t *ret_len)
{
	const json_t *plain = json_object_get(object, key), *exact;
	char name[32];

	snprintf(name, sizeof(name), "%s_b64", key);
	exact = json_object_get(object, name);
	if (exact) {
		if (!json_is_string(exact) ||
		    sodium_base642bin((unsigned char *)ret, max, json_string_value(exact),
				      json_string_length(exact), NULL, ret_len, NULL,
				      sodium_base64_VARIANT_ORIGINAL) < 0)
			return -EBADMSG;
		return 0;
	}
	if (!json_is_string(plain) || json_string_length(plain) > max)
		return -EBADMSG;
	*ret_len = json_string_length(plain);
	memcpy(ret, json_string_value(plain), *ret_len);
	return 0;
}

static int path_read(const json_t *object, const char *key, struct event_path *ret)
{
	int r = member_bytes(object, key, ret->text, sizeof(ret->text) - 1, &ret->len);

	/* nothing weir writes has an empty name */
	return r < 0 || !ret->len ? -EBADMSG : 0;
}

static int access_read(const json_t *list, uint32_t *ret)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(list))
		return -EBADMSG;
	json_array_foreach(list, i, item) {
		const char *name = json_string_value(item);
		enum weir_access access;

		if (!name || event_access_parse(name, &access) < 0)
			return -EBADMSG;
		*ret |= WEIR_ACCESS_BIT(access);
	}
	return 0;
}

static int file_read(const json_t *file, struct event *event)
{
	const json_t *access = json_object_get(file, "access");
	int r;

	if (!file)
		return 0;
	r = path_read(file, "path", &event->path);
	event->has_path = true;
	if (r >= 0 && json_object_get(file, "target")) {
		r = path_read(file, "target", &event->target);
		event->has_target = true;
	}
	if (r >= 0 && access) {
		r = access_read(access, &event->access);
		event->has_access = true;
	}
	return r;
}

/* Each argument with a NUL behind it, as in a record of the kernel. */
static int args_read(const json_t *args, struct event_line *line)
{
	_cleanup_buf_ struct buf bytes = {0};
	const json_t *item;
	size_t i;

	if (!args)
		return 0;
	json_array_foreach(args, i, item) {
		if (!json_is_string(item))
			return -EBADMSG;
		buf_add(&bytes, json_string_value(item), json_string_length(item) + 1);
	}
	if (bytes.error)
		return -ENOMEM;
	line->event.has_args = true;
	line->event.args_len = bytes.len;
	line->event.args = line->args = TAKE_PTR(bytes.data);
	return 0;
}

static int process_read(const json_t *process, struct event_line *line)
{
	struct weir_event_head *head = &line->event.head;
	uint64_t pid = 0;
	int r;

	if (!process)
		return 0;
	r = member_number(process, "pid", UINT32_MAX, true, &pid);
	if (r >= 0)
		r = member_bytes(process, "comm", head->comm, sizeof(head->comm),
				 &line->event.comm_len);
	if (r >= 0)
		r = args_read(json_object_get(process, "args"), line);
	head->pid = (uint32_t)pid;
	return r;
}

/* How a process ended, as wait(2) gives it. */
static int end_read(const json_t *detail, struct event *event)
{
	uint64_t code, number;

	if (event->head.type != WEIR_EVENT_EXIT)
		return 0;
	if (member_number(detail, "exit_code", 255, false, &code) < 0 ||
	    member_number(detail, "signal", 126, false, &number) < 0)
		return -EBADMSG;
	event->has_status = true;
	event->status = (uint32_t)(code << 8 | number);
	if (json_is_true(json_object_get(detail, "core")))
		event->status |= 0x80;
	return 0;
}

static int head_read(struct event_line *line)
{
	struct weir_event_head *head = &line->event.head;
	enum weir_reason reason = WEIR_REASON_RULE;
	enum weir_verdict verdict;
	enum weir_event_type type;

	if (event_type_parse(line->type, &type) < 0 || !line->verdict ||
	    event_verdict_parse(line->verdict, &verdict) < 0 ||
	    (line->reason && event_reason_parse(line->reason, &reason) < 0))
		return -EBADMSG;
	head->type = (uint8_t)type;
	head->verdict = (uint8_t)verdict;
	head->reason = (uint8_t)reason;
	if (!line->rule)
		return 0;
	/* whichever list its number would count in */
	head->rule = 1;
	line->names.network = line->names.listen = line->names.unix_sockets = line->names.files =
		(struct event_rules){.allow = &line->rule, .n_allow = 1};
	return 0;
}

static int event_read(struct event_line *line)
{
	const json_t *detail = json_object_get(line->json, "detail");
	struct event *event = &line->event;
	uint64_t total = 0;
	int r;

	event->opens = WEIR_GUARD_COUNT;
	r = head_read(line);
	if (r >= 0)
		r = process_read(json_object_get(line->json, "process"), line);
	if (r >= 0)
		r = file_read(json_object_get(line->json, "file"), event);
	if (r >= 0)
		r = line_read_network(line->json, event);
	if (r >= 0 && event->head.type >= WEIR_EVENT_GUARD_MOUNT)
		r = line_read_guard(detail, event);
	if (r >= 0)
		r = end_read(detail, event);
	if (r >= 0)
		r = member_number(detail, "args_total", UINT32_MAX, false, &total);
	event->args_total = total ? (uint32_t)total : (uint32_t)event->args_len;
	return r;
}

static const char *member_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* "2026-01-02T03:04:05.123456789Z": times are compared as text. */
static bool time_valid(const char *text)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.dddddddddZ";
	size_t i;

	_Static_assert(sizeof(form) == TIME_STRLEN, "as time_format() writes it");
	for (i = 0; text && text[i] && i < sizeof(form) - 1; i++)
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return false;
	return text && i == sizeof(form) - 1 && !text[i];
}

int event_line_parse(const char *text, size_t len, struct event_line *ret)
{
	_cleanup_event_line_ struct event_line line = {0};
	const json_t *policy;
	uint64_t seq;
	int r;

	/* NUL: abstract names may hold it */
	line.json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	line.time = member_text(line.json, "time");
	line.type = member_text(line.json, "type");
	if (!line.type || !time_valid(line.time) ||
	    member_number(line.json, "seq", INT64_MAX, true, &seq) < 0)
		return -EBADMSG;
	policy = json_object_get(line.json, "policy");
	line.verdict = member_text(line.json, "verdict");
	line.reason = member_text(line.json, "reason");
	line.policy = member_text(policy, "name");
	line.digest = member_text(policy, "digest");
	line.rule = member_text(policy, "rule");
	line.cgroup = member_text(json_object_get(line.json, "scope"), "cgroup");
	line.dest_host = member_text(json_object_get(line.json, "destination"), "host");
	*ret = line;
	memset(&line, 0, sizeof(line));
	r = event_read(ret);
	ret->decided = r >= 0;
	if (r != -ENOMEM)
		return 0;
	event_line_done(ret);
	return r;
}

void event_line_done(struct event_line *line)
{
	json_decref(line->json);
	free(line->args);
	line->json = NULL;
	line->args = NULL;
}
