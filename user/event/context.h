/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What an event's text takes from elsewhere: the policy a record's serial
 * stands for, host, clock, process look-ups. Filled by who wires the layers.
 */
#ifndef WEIR_EVENT_CONTEXT_H
#define WEIR_EVENT_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "event/decode.h"
#include "event/process.h"

struct event_pair {
	const char *key;
	const char *value;
};

/* Names by position, as weir_rule_t counts them. */
struct event_rules {
	const char *const *allow;
	size_t n_allow;
	const char *const *deny;
	size_t n_deny;
};

/* A grant, by the slot that stands in a rule's number. */
struct event_grant {
	uint32_t slot;
	const char *name;
};

struct event_policy {
	const char *name;
	const char *digest;		/* "sha256:…" */
	/* network.connect, .send, .flow; peers that are refused */
	struct event_rules network;
	struct event_rules listen;	/* network.listen, .accept, and what began from outside */
	struct event_rules unix_sockets;	/* network.unix */
	struct event_rules files;	/* file.*, process.exec */
	const struct event_grant *grants;
	size_t n_grants;
};

/* What a log line takes from elsewhere, borrowed for the call. NULL and 0: not known. */
struct event_context {
	uint64_t seq;				/* audit_log_next_seq() */
	const char *host;
	int64_t utc_offset_ns;			/* CLOCK_REALTIME - CLOCK_BOOTTIME */
	const struct event_policy *policy;	/* by the record's instance_serial */
	/* the policy's pairs, then those of the attach; no key twice */
	const struct event_pair *identity;
	size_t n_identity;
	const char *cgroup;			/* path of the scope that decided */
	const char *const *without;		/* sections given up */
	size_t n_without;
	const char *dest_host;			/* the name the destination was resolved from */
	const struct event_process *process;
};

/* Name of the rule that decided, NULL: none did, or the policy has no such rule. */
const char *event_rule_name(const struct event *event, const struct event_policy *policy);

#endif
