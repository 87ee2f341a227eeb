/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The words of the audit record for the enumerations of abi.h, and back. */
#ifndef WEIR_EVENT_NAMES_H
#define WEIR_EVENT_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "weir/abi.h"

/* Records that weir makes about itself. */
enum event_self_type {
	EVENT_SELF_POLICY_LOAD,
	EVENT_SELF_POLICY_REJECT,
	EVENT_SELF_SCOPE_ATTACH,
	EVENT_SELF_SCOPE_DETACH,
	EVENT_SELF_AGENT_START,
	EVENT_SELF_AGENT_STOP,
	EVENT_SELF_AUDIT_LOST,
	EVENT_SELF_POLICY_GRANT,
	EVENT_SELF_POLICY_EXPIRE,
	EVENT_SELF_COUNT,
};

/* The word, or NULL where the value is not one of the enumeration. */
const char *event_type_name(enum weir_event_type type);		/* "network.connect" */
const char *event_verdict_name(enum weir_verdict verdict);	/* "would-deny" */
const char *event_reason_name(enum weir_reason reason);		/* "no-rule" */
const char *event_layer_name(enum weir_layer layer);		/* "packet" */
const char *event_access_name(enum weir_access access);		/* "read" */
const char *event_self_type_name(enum event_self_type type);	/* "policy.load" */

/* 0 and *ret, or -EINVAL: there is no such word. */
int event_type_parse(const char *name, enum weir_event_type *ret);
int event_verdict_parse(const char *name, enum weir_verdict *ret);
int event_reason_parse(const char *name, enum weir_reason *ret);
int event_layer_parse(const char *name, enum weir_layer *ret);
int event_access_parse(const char *name, enum weir_access *ret);
int event_self_type_parse(const char *name, enum event_self_type *ret);

#define EVENT_PROTOCOL_STRLEN 12	/* "proto-65535" and NUL */

/* "tcp", "udp", "icmp" (IPv6's too: the address tells which), or "proto-" and the number. */
void event_protocol_format(uint16_t protocol, char ret[EVENT_PROTOCOL_STRLEN]);

#endif
