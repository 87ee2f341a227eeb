/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ring records as the kernel side makes them, for tests. */
#ifndef WEIR_TEST_RECORDS_H
#define WEIR_TEST_RECORDS_H

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include "base/addr.h"
#include "weir/abi.h"

struct record {
	_Alignas(8) char data[sizeof(struct weir_event_exec) + 2 * WEIR_PATH_MAX + WEIR_ARGS_MAX];
	size_t size;
};

static inline struct weir_event_head head_make(enum weir_event_type type, enum weir_verdict verdict,
					       enum weir_reason reason, weir_rule_t rule)
{
	return (struct weir_event_head){
		.time_ns = 5000000000,
		.instance_serial = 77,
		.scope_id = 4242,
		.cgroup_id = 4243,
		.start_ns = 4000000000,
		.parent_start_ns = 3000000000,
		.pid = 123,
		.tid = 123,
		.ppid = 100,
		.uid = 1000,
		.gid = 1001,
		.type = (__u8)type,
		.verdict = (__u8)verdict,
		.reason = (__u8)reason,
		.rule = rule,
		.comm = "curl",
	};
}

static inline void record_add(struct record *record, const void *data, size_t len)
{
	assert(len <= sizeof(record->data) - record->size);
	memcpy(record->data + record->size, data, len);
	record->size += len;
}

static inline struct record flow_make(struct weir_event_head head, const char *dest, __u16 dport,
				      __u16 protocol)
{
	struct weir_event_flow flow = {.head = head, .dport = dport, .protocol = protocol};
	struct record record = {.size = 0};

	if (addr_parse(dest, &flow.dest) < 0)
		assert(!"an address");
	record_add(&record, &flow, WEIR_EVENT_FLOW_BRIEF);
	return record;
}

static inline struct record total_make(struct weir_event_head head, const char *dest, __u16 dport,
				       __u16 protocol)
{
	struct weir_event_total total = {
		.flow = {.head = head, .dport = dport, .protocol = protocol},
		.bytes_sent = 512,
		.bytes_received = 20480,
		.duration_ns = 1500000000,
		.destinations = 1,
	};
	struct record record = {.size = 0};

	if (addr_parse(dest, &total.flow.dest) < 0)
		assert(!"an address");
	record_add(&record, &total, sizeof(total));
	return record;
}

static inline struct record socket_make(struct weir_event_head head, __u32 family, __u32 kind,
					__u32 protocol, __u32 message)
{
	struct weir_event_socket socket = {
		.head = head,
		.family = family,
		.kind = kind,
		.protocol = protocol,
		.message = message,
	};
	struct record record = {.size = 0};

	record_add(&record, &socket, sizeof(socket));
	return record;
}

/* Gives a flow the longer form, with a source. */
static inline void flow_source_add(struct record *record, const char *source, __u16 sport)
{
	struct weir_addr addr;

	if (addr_parse(source, &addr) < 0)
		assert(!"an address");
	memcpy(record->data + offsetof(struct weir_event_flow, sport), &sport, sizeof(sport));
	record_add(record, &addr, sizeof(addr));
}

/* "/a/b" as length-prefixed components; "/" is none. */
static inline size_t components_make(const char *text, char *ret)
{
	size_t len = strlen(text), at = 0;

	if (strcmp(text, "/") == 0)
		return 0;
	while (at < len) {
		const char *end = strchrnul(text + at + 1, '/');

		ret[at] = (char)(end - (text + at + 1));
		memcpy(ret + at + 1, text + at + 1, (size_t)(end - (text + at + 1)));
		at = (size_t)(end - text);
	}
	return len;
}

static inline struct record file_make(struct weir_event_head head, __u32 access, const char *path,
				      const char *target)
{
	struct weir_event_file file = {.head = head, .access = access};
	char from[WEIR_PATH_MAX], to[WEIR_PATH_MAX];
	struct record record = {.size = 0};

	file.path_len = (__u16)components_make(path, from);
	file.target_len = target ? (__u16)components_make(target, to) : 0;
	record_add(&record, &file, sizeof(file));
	record_add(&record, from, file.path_len);
	record_add(&record, to, file.target_len);
	return record;
}

/* The name's bytes as they stand in the record. */
static inline struct record unix_make(struct weir_event_head head, __u8 kind,
				      enum weir_unix_name form, const void *name, size_t name_len)
{
	struct weir_event_unix event = {
		.head = head,
		.name = (__u8)form,
		.kind = kind,
		.name_len = (__u16)name_len,
	};
	struct record record = {.size = 0};

	record_add(&record, &event, sizeof(event));
	record_add(&record, name, name_len);
	return record;
}

static inline struct record unix_path_make(struct weir_event_head head, __u8 kind, const char *path)
{
	char components[WEIR_PATH_MAX];

	return unix_make(head, kind, WEIR_UNIX_PATH, components, components_make(path, components));
}

/* Changes a member of a record that was made. */
#define RECORD_SET(record, type, member, value_)                                     \
	do {                                                                         \
		__typeof__(((struct type *)NULL)->member) new_ = (value_);           \
                                                                                     \
		memcpy((record)->data + offsetof(struct type, member), &new_, sizeof(new_)); \
	} while (0)

static inline struct record exec_make(struct weir_event_head head, const char *path,
				      const char *args, size_t args_len, __u32 args_total)
{
	struct weir_event_exec exec = {
		.head = head,
		.access = WEIR_ACCESS_BIT(WEIR_ACCESS_EXECUTE),
		.args_len = (__u16)args_len,
		.args_total = args_total,
	};
	char components[WEIR_PATH_MAX];
	struct record record = {.size = 0};

	exec.path_len = (__u16)components_make(path, components);
	record_add(&record, &exec, sizeof(exec));
	record_add(&record, components, exec.path_len);
	record_add(&record, args, args_len);
	return record;
}

/* path: "" where none is meant */
static inline struct record guard_make(const struct weir_event_guard *event, const char *path)
{
	struct weir_event_guard guard = *event;
	char components[WEIR_PATH_MAX];
	struct record record = {.size = 0};

	guard.path_len = (__u16)components_make(path, components);
	record_add(&record, &guard, sizeof(guard));
	record_add(&record, components, guard.path_len);
	return record;
}

static inline struct record exit_make(struct weir_event_head head, __u32 status)
{
	struct weir_event_exit end = {.head = head, .status = status};
	struct record record = {.size = 0};

	record_add(&record, &end, sizeof(end));
	return record;
}

#endif
