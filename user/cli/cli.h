/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The commands of weir: one file each, one table in main.c. */
#ifndef WEIR_CLI_CLI_H
#define WEIR_CLI_CLI_H

#include <stddef.h>

#include "policy/policy.h"

/* What a command ends with, unless with a status of its own (>= 0); see main.c. */
enum cli_result {
	CLI_REFUSED = -1,	/* refused, or invalid input */
	CLI_USAGE = -2,		/* the command line is wrong; said already */
	CLI_FAILED = -3,	/* weir itself could not do it */
	CLI_UNREACHABLE = -4,	/* the daemon does not answer */
	CLI_FORBIDDEN = -5,	/* not to this user */
};

struct cli_call;

struct cli_command {
	const char *name;
	const char *usage;	/* what stands behind "weir NAME " */
	const char *summary;	/* one line for the list of commands */
	const char *help;	/* the options, for --help */
	int (*run)(const struct cli_call *call);
	int failed;		/* exit code of every enum cli_result; 0: each has its own */
};

struct cli_call {
	const struct cli_command *command;
	int argc;		/* argv[0] is the command's name */
	char **argv;
	unsigned int stdio;	/* standard descriptors open when weir started, a bit each */
};

/* Whatever cannot be enforced here ends with this, and so does every failure of "weir run". */
#define CLI_EXIT_UNENFORCEABLE 125

extern const struct cli_command cli_run, cli_check, cli_doctor, cli_daemon, cli_attach, cli_detach,
	cli_grant, cli_reload, cli_status, cli_events, cli_oci_hook;

/* Prints the command's help on standard output. Returns 0. */
int cli_help(const struct cli_command *command);

/* Says what is wrong with the command line and where its help is. Returns CLI_USAGE. */
int cli_usage(const struct cli_command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Asks the daemon, says on standard error what it has to say if that is bad news.
 * Returns 0 and *ret, or what the command is to end with.
 */
struct ctl_request;
struct ctl_reply;
int cli_ask(const struct ctl_request *request, struct ctl_reply *ret);

/* Prints JSON on standard output; a list of grants for people. */
struct json_t;
void cli_grants_print(const struct json_t *grants);
void cli_print_json(const struct json_t *json);

/* "KEY=VALUE" pairs of an option that can be repeated. */
struct cli_pairs {
	struct policy_pair *items;
	size_t n;
};

/* Returns 0, -EINVAL (no "=", or nothing before it), -EEXIST (a key twice) or -ENOMEM. */
int cli_pairs_add(struct cli_pairs *pairs, const char *text);

/* The same for the option that getopt has just read; what is wrong is said. 0 or CLI_USAGE. */
int cli_pairs_option(const struct cli_call *call, const char *option, struct cli_pairs *pairs);
const char *cli_pairs_error(int error);
void cli_pairs_done(struct cli_pairs *pairs);
#define _cleanup_pairs_ _cleanup_(cli_pairs_done)

#endif
