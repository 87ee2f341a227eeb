/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a policy would say of an action that was recorded, by policy/explain. */
#ifndef WEIR_POLICY_JUDGE_H
#define WEIR_POLICY_JUDGE_H

#include <stddef.h>

#include "policy/config.h"
#include "policy/explain.h"

struct judge_action {
	enum weir_event_type type;
	enum weir_proto proto;		/* network.connect, .send, .listen */
	struct weir_addr addr;
	uint16_t port;
	const char *rule;		/* that let it through then; NULL: none */
	const char *path;		/* file.*, process.exec, network.unix */
	size_t path_len;
	const char *target;		/* file.rename, file.link */
	size_t target_len;
	uint32_t access;		/* file.*: WEIR_ACCESS_BIT()s */
};

/* As it is attached: in this mode, with sections given up (a bit per enum policy_section). */
void judge_policy_adapt(struct policy *policy, enum config_mode mode, unsigned int without);

/*
 * Judges at a time (UTC seconds since 1970; expires). Returns 0, or -ENODATA where the
 * record does not tell enough: renames that are not refused for their names alone (what
 * lies below a folder counts too), replies of sockets that listen, and other types.
 */
int judge_action(const struct policy *policy, const struct judge_action *action, uint64_t now_s,
		 struct explanation *ret);

#endif
