/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Events as lines of the audit log (docs/events.md): one JSON object, keys in
 * the order of the schema. Pure: what a record does not hold (host, policy,
 * clock offset, process look-ups) comes in as context.
 */
#ifndef WEIR_EVENT_JSON_H
#define WEIR_EVENT_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "event/context.h"
#include "event/decode.h"
#include "event/names.h"

#define EVENT_SCHEMA_VERSION 1

/*
 * Appends one line, LF included.
 *
 * Returns 0 or -ENOMEM; out then holds what it held before.
 */
int event_json(struct buf *out, const struct event *event, const struct event_context *context);

/*
 * Appends a line that was made with the number 0, with its own: for records that
 * are told before it is their turn in the log. Returns 0, -EINVAL (it is no such
 * line) or -ENOMEM, out as it was.
 */
int event_json_number(struct buf *out, const char *line, size_t len, uint64_t seq);

/* Losses are counted by type; those that have none (a record that could not be read) stand last. */
#define EVENT_LOST_UNKNOWN WEIR_EVENT_COUNT
#define EVENT_LOST_COUNT (WEIR_EVENT_COUNT + 1)

/* What a record tells of a grant. */
struct event_grant_told {
	unsigned int id;
	uint64_t for_s;			/* seconds it was given for */
	uint64_t until_ns;		/* CLOCK_BOOTTIME */
	bool once;
	uint32_t uid;			/* who asked for it */
	int pid;
};

/* A record that weir makes about itself. NULL and 0: does not apply, and is left out. */
struct event_self {
	enum event_self_type type;
	uint64_t time_ns;		/* CLOCK_BOOTTIME */
	/* scope.*: with context->cgroup; agent.*, policy.*: of the scope concerned */
	uint64_t cgroup_id;

	const char *version;		/* agent.start: of weir */
	const char *kernel;		/* agent.start: uname's release */
	uint64_t away_ns;		/* agent.start: for how long nobody had read records */
	const char *mode;		/* policy.load, scope.attach, agent.start: "enforce" or "audit" */
	const char *file;		/* policy.load, policy.reject */
	const char *error;		/* policy.reject: as people get to read it */
	const char *message;		/* agent.stop, policy.expire: why */
	const char *what;		/* policy.grant, policy.expire: what it allows */
	const struct event_grant_told *grant;	/* policy.grant, policy.expire */
	const struct event_pair *parameters;	/* policy.load, scope.attach: values in force */
	size_t n_parameters;
	/* scope.attach: what is run, with its arguments; ends with NULL */
	const char *const *command;
	/* scope.attach: what it inherits: "0", and the file behind it */
	const struct event_pair *descriptors;
	size_t n_descriptors;

	/* audit.lost: by enum weir_event_type, EVENT_LOST_UNKNOWN */
	uint64_t lost[EVENT_LOST_COUNT];
	uint64_t from_ns, to_ns;		/* audit.lost: CLOCK_BOOTTIME, when it was lost */
};

/* As event_json(). The context's process and dest_host do not apply. */
int event_self_json(struct buf *out, const struct event_self *self,
		    const struct event_context *context);

#endif
