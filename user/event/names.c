// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Words of the audit record; see names.h. */
#include "event/names.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

static const char *const types[] = {
	[WEIR_EVENT_CONNECT] = "network.connect",
	[WEIR_EVENT_SEND] = "network.send",
	[WEIR_EVENT_FILE_OPEN] = "file.open",
	[WEIR_EVENT_FILE_CREATE] = "file.create",
	[WEIR_EVENT_FILE_DELETE] = "file.delete",
	[WEIR_EVENT_FILE_RENAME] = "file.rename",
	[WEIR_EVENT_FILE_LINK] = "file.link",
	[WEIR_EVENT_FILE_ATTRIBUTE] = "file.attribute",
	[WEIR_EVENT_EXEC] = "process.exec",
	[WEIR_EVENT_EXIT] = "process.exit",
	[WEIR_EVENT_FLOW] = "network.flow",
	[WEIR_EVENT_LISTEN] = "network.listen",
	[WEIR_EVENT_ACCEPT] = "network.accept",
	[WEIR_EVENT_UNIX] = "network.unix",
	[WEIR_EVENT_SOCKET] = "network.socket",
	[WEIR_EVENT_GUARD_MOUNT] = "guard.mount",
	[WEIR_EVENT_GUARD_NAMESPACE] = "guard.namespace",
	[WEIR_EVENT_GUARD_PTRACE] = "guard.ptrace",
	[WEIR_EVENT_GUARD_BPF] = "guard.bpf",
	[WEIR_EVENT_GUARD_MODULE] = "guard.module",
	[WEIR_EVENT_GUARD_SIGNAL] = "guard.signal",
	[WEIR_EVENT_GUARD_ESCAPE] = "guard.escape",
};
_Static_assert(ARRAY_SIZE(types) == WEIR_EVENT_COUNT, "every type has its word");

static const char *const verdicts[] = {
	[WEIR_VERDICT_ALLOW] = "allow",
	[WEIR_VERDICT_DENY] = "deny",
	[WEIR_VERDICT_WOULD_DENY] = "would-deny",
};
_Static_assert(ARRAY_SIZE(verdicts) == WEIR_VERDICT_COUNT, "every verdict has its word");

static const char *const reasons[] = {
	[WEIR_REASON_RULE] = "rule",
	[WEIR_REASON_NO_RULE] = "no-rule",
	[WEIR_REASON_UNRESTRICTED] = "unrestricted",
	[WEIR_REASON_EXPIRED] = "expired",
	[WEIR_REASON_UNRESOLVED_PATH] = "unresolved-path",
	[WEIR_REASON_AUDIT_FULL] = "audit-full",
	[WEIR_REASON_SCOPE] = "scope",
	[WEIR_REASON_WIDEN] = "widen",
	[WEIR_REASON_GUARD] = "guard",
	[WEIR_REASON_FAMILY] = "family",
	[WEIR_REASON_PACKET] = "packet",
	[WEIR_REASON_SCOPE_PEER] = "scope-peer",
	[WEIR_REASON_GRANT] = "grant",
};
_Static_assert(ARRAY_SIZE(reasons) == WEIR_REASON_COUNT, "every reason has its word");

static const char *const layers[] = {
	[WEIR_LAYER_CALL] = "call",
	[WEIR_LAYER_PACKET] = "packet",
};
_Static_assert(ARRAY_SIZE(layers) == WEIR_LAYER_COUNT, "every layer has its word");

static const char *const accesses[] = {
	[WEIR_ACCESS_READ] = "read",	   [WEIR_ACCESS_WRITE] = "write",
	[WEIR_ACCESS_CREATE] = "create",   [WEIR_ACCESS_DELETE] = "delete",
	[WEIR_ACCESS_EXECUTE] = "execute",
};
_Static_assert(ARRAY_SIZE(accesses) == WEIR_ACCESS_COUNT, "every access has its word");

static const char *const self_types[] = {
	[EVENT_SELF_POLICY_LOAD] = "policy.load",     [EVENT_SELF_POLICY_REJECT] = "policy.reject",
	[EVENT_SELF_SCOPE_ATTACH] = "scope.attach",   [EVENT_SELF_SCOPE_DETACH] = "scope.detach",
	[EVENT_SELF_AGENT_START] = "agent.start",     [EVENT_SELF_AGENT_STOP] = "agent.stop",
	[EVENT_SELF_AUDIT_LOST] = "audit.lost",	      [EVENT_SELF_POLICY_GRANT] = "policy.grant",
	[EVENT_SELF_POLICY_EXPIRE] = "policy.expire",
};
_Static_assert(ARRAY_SIZE(self_types) == EVENT_SELF_COUNT, "every type has its word");

static int find(const char *const *names, size_t count, const char *name, unsigned int *ret)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (names[i] && strcmp(names[i], name) == 0) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

#define DEFINE_NAMES(word, kind, table)                                         \
	const char *event_##word##_name(kind value)                             \
	{                                                                       \
		return (size_t)value < ARRAY_SIZE(table) ? table[value] : NULL; \
	}                                                                       \
                                                                                \
	int event_##word##_parse(const char *name, kind *ret)                   \
	{                                                                       \
		unsigned int value;                                             \
                                                                                \
		if (find(table, ARRAY_SIZE(table), name, &value) < 0)           \
			return -EINVAL;                                         \
		*ret = (kind)value;                                             \
		return 0;                                                       \
	}

DEFINE_NAMES(type, enum weir_event_type, types)
DEFINE_NAMES(verdict, enum weir_verdict, verdicts)
DEFINE_NAMES(reason, enum weir_reason, reasons)
DEFINE_NAMES(layer, enum weir_layer, layers)
DEFINE_NAMES(access, enum weir_access, accesses)
DEFINE_NAMES(self_type, enum event_self_type, self_types)

void event_protocol_format(uint16_t protocol, char ret[EVENT_PROTOCOL_STRLEN])
{
	switch (protocol) {
	case IPPROTO_TCP:
		strcpy(ret, "tcp");
		break;
	case IPPROTO_UDP:
		strcpy(ret, "udp");
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		strcpy(ret, "icmp");
		break;
	default:
		snprintf(ret, EVENT_PROTOCOL_STRLEN, "proto-%u", protocol);
	}
}
