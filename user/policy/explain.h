/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a policy decides, worked out from the tree rule by rule: the answer
 * that `why` gives, and the reference for the tables. Time is left out: an
 * expired policy allows nothing, whatever stands here.
 */
#ifndef WEIR_POLICY_EXPLAIN_H
#define WEIR_POLICY_EXPLAIN_H

#include "policy/policy.h"
#include "policy/source.h"
#include "weir/abi.h"

struct explanation {
	enum weir_verdict verdict;	/* in audit mode WEIR_VERDICT_WOULD_DENY for a denial */
	enum weir_reason reason;	/* WEIR_REASON_RULE, _NO_RULE or _UNRESTRICTED */
	weir_rule_t rule;		/* as in records */
	const char *name;		/* of the rule; NULL: none decided. Owned by the policy */
	struct place place;		/* of the rule's name */
};

/* A packet or connection to an address. Rules with hosts count by their addresses only. */
void policy_explain_flow(const struct policy *policy, enum weir_proto proto,
			 const struct weir_addr *addr, uint16_t port, struct explanation *ret);

/*
 * Listening (also receiving datagrams) at a local address; proto is
 * WEIR_PROTO_TCP or WEIR_PROTO_UDP. 0.0.0.0 and :: are every address of their
 * family, so that only a rule for all of them allows it.
 */
void policy_explain_listen(const struct policy *policy, enum weir_proto proto,
			   const struct weir_addr *addr, uint16_t port, struct explanation *ret);

/* A resolved, absolute path ("/", "/etc/hosts") of len bytes. */
void policy_explain_path(const struct policy *policy, const char *path, size_t len,
			 enum weir_access access, struct explanation *ret);

/*
 * A unix socket that is not the workload's own, by its name of len bytes: a
 * resolved path as above, or an '@' and an abstract name of any bytes.
 */
void policy_explain_unix(const struct policy *policy, const char *name, size_t len,
			 struct explanation *ret);

#endif
