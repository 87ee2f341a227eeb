// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reading ring records; see decode.h. */
#include "event/decode.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/addr.h"

#define ACCESS_ALL (WEIR_ACCESS_BIT(WEIR_ACCESS_COUNT) - 1)

/* unix(7): an abstract name stands behind a NUL */
#define ABSTRACT_MAX (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

bool event_type_is_network(enum weir_event_type type)
{
	switch (type) {
	case WEIR_EVENT_CONNECT:
	case WEIR_EVENT_SEND:
	case WEIR_EVENT_FLOW:
	case WEIR_EVENT_LISTEN:
	case WEIR_EVENT_ACCEPT:
	case WEIR_EVENT_UNIX:
	case WEIR_EVENT_SOCKET:
		return true;
	default:
		return false;
	}
}

static int head_check(const struct weir_event_head *head)
{
	if (head->type >= WEIR_EVENT_COUNT || head->verdict >= WEIR_VERDICT_COUNT ||
	    head->reason >= WEIR_REASON_COUNT || head->layer >= WEIR_LAYER_COUNT ||
	    head->inbound > 1)
		return -EBADMSG;
	/* a packet may have nobody behind it, a file or a program cannot */
	if (head->pid == 0 && !event_type_is_network(head->type))
		return -EBADMSG;
	return 0;
}

/* Every component has a length that is one, and bytes that a name can have. */
static int path_check(const char *data, size_t len)
{
	size_t at, component;

	if (len > WEIR_PATH_MAX)
		return -EBADMSG;
	for (at = 0; at < len; at += 1 + component) {
		component = (unsigned char)data[at];
		if (component == 0 || component > len - at - 1 ||
		    memchr(data + at + 1, '\0', component) ||
		    memchr(data + at + 1, '/', component))
			return -EBADMSG;
	}
	return 0;
}

/* A length byte takes the place of a slash: the text is as long as the record's form. */
static void path_read(const char *data, size_t len, bool whole, struct event_path *ret)
{
	size_t before = whole ? 0 : strlen(EVENT_PATH_UNRESOLVED);
	size_t at, component;

	memcpy(ret->text, EVENT_PATH_UNRESOLVED, before);
	memcpy(ret->text + before, data, len);
	for (at = 0; at < len; at += 1 + component) {
		component = (unsigned char)data[at];
		ret->text[before + at] = '/';
	}
	ret->len = before + len;
	if (ret->len == 0)
		ret->text[ret->len++] = '/';
	ret->text[ret->len] = '\0';
}

static void flow_read(const struct weir_event_flow *record, bool has_source, struct event *ret)
{
	ret->has_flow = true;
	ret->dest = record->dest;
	ret->source = record->source;
	ret->has_source = has_source;
	ret->dport = record->dport;
	ret->sport = record->sport;
	ret->protocol = record->protocol;
}

static int flow_decode(const char *data, size_t size, struct event *ret)
{
	struct weir_event_flow record = {0};

	if (size != sizeof(record) && size != WEIR_EVENT_FLOW_BRIEF)
		return -EBADMSG;
	memcpy(&record, data, size);
	flow_read(&record, size == sizeof(record), ret);
	return 0;
}

/* A total has room for a source whether or not it is known. */
static bool source_known(const struct weir_event_flow *record)
{
	static const struct weir_addr none;
	size_t prefix = addr_is_v4(&record->source) ? 12 : 0;

	return record->sport || memcmp(record->source.bytes + prefix, none.bytes + prefix,
				       sizeof(none.bytes) - prefix) != 0;
}

static int total_decode(const char *data, size_t size, struct event *ret)
{
	struct weir_event_total record;

	/* what ended has been allowed when it began */
	if (size != sizeof(record) || ret->head.verdict != WEIR_VERDICT_ALLOW)
		return -EBADMSG;
	memcpy(&record, data, sizeof(record));
	flow_read(&record.flow, source_known(&record.flow), ret);
	ret->has_total = true;
	ret->bytes_sent = record.bytes_sent;
	ret->bytes_received = record.bytes_received;
	ret->duration_ns = record.duration_ns;
	ret->destinations = record.destinations;
	ret->denied = record.denied;
	return 0;
}

static int socket_decode(const char *data, size_t size, struct event *ret)
{
	struct weir_event_socket record;

	if (size != sizeof(record))
		return -EBADMSG;
	memcpy(&record, data, sizeof(record));
	if (record.message && record.family != AF_NETLINK)
		return -EBADMSG;
	ret->has_socket = true;
	ret->family = record.family;
	ret->kind = record.kind;
	ret->socket_protocol = record.protocol;
	ret->message = record.message;
	return 0;
}

static bool is_whole(const struct weir_event_head *head)
{
	return head->reason != WEIR_REASON_UNRESOLVED_PATH;
}

static void abstract_read(const char *data, size_t len, struct event_path *ret)
{
	ret->text[0] = '@';
	memcpy(ret->text + 1, data, len);
	ret->len = 1 + len;
	ret->text[ret->len] = '\0';
}

static int unix_name_read(uint8_t form, const char *data, size_t len, struct event *ret)
{
	switch (form) {
	case WEIR_UNIX_PATH:
		if (path_check(data, len) < 0)
			return -EBADMSG;
		path_read(data, len, is_whole(&ret->head), &ret->path);
		ret->has_path = true;
		return 0;
	case WEIR_UNIX_ABSTRACT:
		if (len == 0 || len > ABSTRACT_MAX)
			return -EBADMSG;
		abstract_read(data, len, &ret->path);
		ret->has_path = true;
		return 0;
	case WEIR_UNIX_UNNAMED:
		return len ? -EBADMSG : 0;
	default:
		return -EBADMSG;
	}
}

static int unix_decode(const char *data, size_t size, struct event *ret)
{
	struct weir_event_unix record;

	if (size < sizeof(record))
		return -EBADMSG;
	memcpy(&record, data, sizeof(record));
	if (size != sizeof(record) + record.name_len || record.descriptors > 1 ||
	    record.inward > 1)
		return -EBADMSG;
	ret->has_unix = true;
	ret->kind = record.kind;
	ret->descriptors = record.descriptors;
	ret->inward = record.inward;
	return unix_name_read(record.name, data + sizeof(record), record.name_len, ret);
}

static bool has_target(const struct weir_event_head *head)
{
	return head->type == WEIR_EVENT_FILE_RENAME || head->type == WEIR_EVENT_FILE_LINK;
}

static void paths_read(const char *path, size_t path_len, const char *target, size_t target_len,
		       uint32_t access, struct event *ret)
{
	bool whole = is_whole(&ret->head);

	ret->has_path = true;
	ret->has_target = has_target(&ret->head);
	ret->has_access = true;
	ret->access = access;
	path_read(path, path_len, whole, &ret->path);
	if (ret->has_target)
		path_read(target, target_len, whole, &ret->target);
}

static int file_decode(const char *data, size_t size, struct event *ret)
{
	struct weir_event_file record;
	const char *path = data + sizeof(record), *target;

	if (size < sizeof(record))
		return -EBADMSG;
	memcpy(&record, data, sizeof(record));
	if (size != sizeof(record) + record.path_len + record.target_len ||
	    (record.access & ~ACCESS_ALL) || (record.target_len && !has_target(&ret->head)))
		return -EBADMSG;
	target = path + record.path_len;
	if (path_check(path, record.path_len) < 0 || path_check(target, record.target_len) < 0)
		return -EBADMSG;
	paths_read(path, record.path_len, target, record.target_len, record.access, ret);
	return 0;
}

static int exec_decode(const char *data, size_t size, struct event *ret)
{
	struct weir_event_exec record;
	const char *path = data + sizeof(record);

	/* the two forms begin alike, and differ in size whatever lengths they state */
	if (size < sizeof(record))
		return file_decode(data, size, ret);
	memcpy(&record, data, sizeof(record));
	if (size != sizeof(record) + record.path_len + record.args_len)
		return file_decode(data, size, ret);
	if ((record.access & ~ACCESS_ALL) || record.args_len > WEIR_ARGS_MAX ||
	    record.args_total < record.args_len || path_check(path, record.path_len) < 0)
		return -EBADMSG;
	paths_read(path, record.path_len, NULL, 0, record.access, ret);
	ret->has_args = ret->head.verdict != WEIR_VERDICT_DENY;
	ret->args = path + record.path_len;
	ret->args_len = record.args_len;
	ret->args_total = record.args_total;
	return 0;
}

static int guard_decode(const char *data, size_t size, struct event *ret)
{
	struct weir_event_guard record;

	if (size < sizeof(record))
		return -EBADMSG;
	memcpy(&record, data, sizeof(record));
	if (size != sizeof(record) + record.path_len || record.ask >= WEIR_ASK_COUNT ||
	    record.opens > WEIR_GUARD_COUNT ||
	    path_check(data + sizeof(record), record.path_len) < 0)
		return -EBADMSG;
	ret->has_guard = true;
	ret->ask = record.ask;
	ret->opens = record.opens;
	ret->number = record.number;
	ret->target_pid = record.target;
	memcpy(ret->target_comm, record.target_comm, sizeof(ret->target_comm));
	ret->target_comm_len = strnlen(ret->target_comm, sizeof(ret->target_comm));
	ret->guard_path = record.path_len > 0;
	path_read(data + sizeof(record), record.path_len, true, &ret->path);
	return 0;
}

static int exit_decode(const char *data, size_t size, struct event *ret)
{
	struct weir_event_exit record;

	if (size != sizeof(record))
		return -EBADMSG;
	memcpy(&record, data, sizeof(record));
	ret->has_status = true;
	ret->status = record.status;
	return 0;
}

typedef int (*decode_fn)(const char *data, size_t size, struct event *ret);

static const decode_fn decoders[WEIR_EVENT_COUNT] = {
	[WEIR_EVENT_CONNECT] = flow_decode,
	[WEIR_EVENT_SEND] = flow_decode,
	[WEIR_EVENT_FILE_OPEN] = file_decode,
	[WEIR_EVENT_FILE_CREATE] = file_decode,
	[WEIR_EVENT_FILE_DELETE] = file_decode,
	[WEIR_EVENT_FILE_RENAME] = file_decode,
	[WEIR_EVENT_FILE_LINK] = file_decode,
	[WEIR_EVENT_FILE_ATTRIBUTE] = file_decode,
	[WEIR_EVENT_EXEC] = exec_decode,
	[WEIR_EVENT_EXIT] = exit_decode,
	[WEIR_EVENT_FLOW] = total_decode,
	[WEIR_EVENT_LISTEN] = flow_decode,
	[WEIR_EVENT_ACCEPT] = flow_decode,
	[WEIR_EVENT_UNIX] = unix_decode,
	[WEIR_EVENT_SOCKET] = socket_decode,
	[WEIR_EVENT_GUARD_MOUNT] = guard_decode,
	[WEIR_EVENT_GUARD_NAMESPACE] = guard_decode,
	[WEIR_EVENT_GUARD_PTRACE] = guard_decode,
	[WEIR_EVENT_GUARD_BPF] = guard_decode,
	[WEIR_EVENT_GUARD_MODULE] = guard_decode,
	[WEIR_EVENT_GUARD_SIGNAL] = guard_decode,
	[WEIR_EVENT_GUARD_ESCAPE] = guard_decode,
};

int event_decode(const void *data, size_t size, struct event *ret)
{
	struct weir_event_head head;

	if (size < sizeof(head))
		return -EBADMSG;
	memcpy(&head, data, sizeof(head));
	if (head_check(&head) < 0 || !decoders[head.type])
		return -EBADMSG;
	/* not the paths: clearing 8 KiB for each record would cost more than reading it */
	ret->head = head;
	ret->comm_len = strnlen(head.comm, sizeof(head.comm));
	ret->has_flow = ret->has_source = ret->has_total = false;
	ret->has_socket = ret->has_unix = ret->has_guard = false;
	ret->has_path = ret->has_target = ret->has_access = false;
	ret->has_args = ret->has_status = false;
	return decoders[head.type](data, size, ret);
}
