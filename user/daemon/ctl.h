/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Requests and replies of the control socket, as text and as structs. No I/O here. */
#ifndef WEIR_DAEMON_CTL_H
#define WEIR_DAEMON_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "policy/grant.h"
#include "policy/policy.h"

enum ctl_command {
	CTL_STATUS,
	CTL_ATTACH,
	CTL_DETACH,
	CTL_RELOAD,
	CTL_GRANT,
	CTL_COMMAND_COUNT,
};

/* What a scope is named by. */
enum ctl_target {
	CTL_TARGET_NONE,
	CTL_TARGET_CGROUP,	/* path below the hierarchy's root */
	CTL_TARGET_PID,
	CTL_TARGET_UNIT,	/* of systemd */
};

struct ctl_request {
	enum ctl_command command;
	enum ctl_target target;		/* attach, detach, grant */
	char *place;			/* cgroup or unit */
	pid_t pid;
	char *policy;			/* attach, grant: its name */
	struct policy_pair *set;	/* attach: parameters */
	size_t n_set;
	struct policy_pair *labels;	/* attach */
	size_t n_labels;
	unsigned int without;		/* attach: a bit per enum policy_section */
	bool at_exec;			/* attach, pid: the process is free until its next exec */
	char **names;			/* reload: policies; none: all */
	size_t n_names;
	bool dry_run;			/* reload */
	struct grant_item *allow;	/* grant */
	size_t n_allow;
	uint64_t for_s;			/* grant: seconds */
	bool once;			/* grant */
	unsigned int revoke;		/* grant: the id of one that is to end; 0: a new one */
};

/*
 * Reads a request, strictly: what is not known is refused, by its name.
 *
 * Returns 0 and *ret (ctl_request_done), -EINVAL with *ret_error, a heap string
 * for people, or -ENOMEM.
 */
int ctl_request_parse(const char *text, size_t len, struct ctl_request *ret, char **ret_error);

/* Appends a request, LF included. Returns 0, -EILSEQ (something in it is not UTF-8) or -ENOMEM. */
int ctl_request_format(const struct ctl_request *request, struct buf *out);

void ctl_request_done(struct ctl_request *request);
#define _cleanup_ctl_request_ _cleanup_(ctl_request_done)

enum ctl_outcome {
	CTL_DONE,
	CTL_REFUSED,		/* it cannot be done, or makes no sense */
	CTL_UNENFORCEABLE,	/* by this kernel, or this version */
	CTL_FORBIDDEN,		/* not to this caller */
	CTL_OUTCOME_COUNT,
};

struct ctl_reply {
	enum ctl_outcome outcome;
	char *text;		/* for people, lines; never NULL once parsed */
	json_t *result;		/* NULL: none */
};

/* 0 and *ret (ctl_reply_done), or -EBADMSG. Keys that are not known are left to newer versions. */
int ctl_reply_parse(const char *text, size_t len, struct ctl_reply *ret);

/* Appends a reply, LF included. 0 or -ENOMEM. Text that is not UTF-8 is escaped. */
int ctl_reply_format(const struct ctl_reply *reply, struct buf *out);

void ctl_reply_done(struct ctl_reply *reply);
#define _cleanup_ctl_reply_ _cleanup_(ctl_reply_done)

/* Text from outside as JSON; escaped where it is not UTF-8. NULL: no memory. */
json_t *ctl_text(const char *text);

/* Sections given up (a bit per enum policy_section) as a list of their names. */
json_t *ctl_without_json(unsigned int without);

#endif
