// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `weir run`: options into a struct, the rest is daemon/session's. */
#include <getopt.h>
#include <stdbool.h>
#include <string.h>

#include "cli/cli.h"
#include "daemon/enforce.h"
#include "daemon/session.h"

enum {
	OPTION_POLICY = 256,
	OPTION_LOG,
	OPTION_MODE,
	OPTION_USER,
	OPTION_SET,
	OPTION_LABEL,
	OPTION_WITHOUT,
	OPTION_HELP,
};

static const struct option options[] = {
	{"policy", required_argument, NULL, OPTION_POLICY},
	{"log", required_argument, NULL, OPTION_LOG},
	{"mode", required_argument, NULL, OPTION_MODE},
	{"user", required_argument, NULL, OPTION_USER},
	{"set", required_argument, NULL, OPTION_SET},
	{"label", required_argument, NULL, OPTION_LABEL},
	{"without", required_argument, NULL, OPTION_WITHOUT},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

struct run {
	struct session_options session;
	struct cli_pairs set;
	struct cli_pairs labels;
	bool help;
};

static int mode_read(const struct cli_call *call, struct run *run)
{
	if (strcmp(optarg, "audit") == 0)
		run->session.mode = SESSION_MODE_AUDIT;
	else if (strcmp(optarg, "enforce") == 0)
		run->session.mode = SESSION_MODE_ENFORCE;
	else
		return cli_usage(call->command, "--mode %s: audit or enforce is wanted", optarg);
	return 0;
}

static int without_read(const struct cli_call *call, struct run *run)
{
	enum policy_section section;

	if (enforce_section_parse(optarg, &section) < 0)
		return cli_usage(call->command,
				 "--without %s: files, guard, unix or listen is wanted", optarg);
	run->session.without |= ENFORCE_BIT(section);
	return 0;
}

static int option_read(const struct cli_call *call, struct run *run, int option)
{
	switch (option) {
	case OPTION_POLICY:
		run->session.policy = optarg;
		return 0;
	case OPTION_LOG:
		run->session.log = optarg;
		return 0;
	case OPTION_MODE:
		return mode_read(call, run);
	case OPTION_USER:
		run->session.user = optarg;
		return 0;
	case OPTION_SET:
		return cli_pairs_option(call, "set", &run->set);
	case OPTION_LABEL:
		return cli_pairs_option(call, "label", &run->labels);
	case OPTION_WITHOUT:
		return without_read(call, run);
	case OPTION_HELP:
		run->help = true;
		return 0;
	default:
		return cli_usage(call->command, "see above");
	}
}

static int options_read(const struct cli_call *call, struct run *run)
{
	int option, r;

	/* "+": the first word that is no option begins the command */
	while ((option = getopt_long(call->argc, call->argv, "+", options, NULL)) >= 0) {
		r = option_read(call, run, option);
		if (r < 0 || run->help)
			return r;
	}
	if (!run->session.policy || !*run->session.policy)
		return cli_usage(call->command, "which policy? --policy FILE or NAME is wanted");
	if (optind >= call->argc)
		return cli_usage(call->command, "which command?");
	run->session.argv = call->argv + optind;
	run->session.stdio = call->stdio;
	run->session.set = run->set.items;
	run->session.n_set = run->set.n;
	run->session.labels = run->labels.items;
	run->session.n_labels = run->labels.n;
	return 0;
}

static int run_run(const struct cli_call *call)
{
	struct run run = {0};
	int r;

	r = options_read(call, &run);
	if (r == 0 && run.help)
		r = cli_help(call->command);
	else if (r == 0)
		r = session_run(&run.session);
	cli_pairs_done(&run.set);
	cli_pairs_done(&run.labels);
	return r < 0 ? CLI_FAILED : r;
}

const struct cli_command cli_run = {
	.name = "run",
	.usage = "--policy FILE|NAME [OPTION]... [--] COMMAND [ARG]...",
	.summary = "Runs a command, and everything it starts, under a policy",
	.help = "  --policy FILE|NAME  the policy: a file, or the name of an installed one\n"
		"  --log FILE|-        where the audit records go; - is standard output\n"
		"                      (default: run-PID.jsonl in /var/log/weir for root,\n"
		"                      else in $XDG_STATE_HOME/weir)\n"
		"  --mode audit        deny nothing, record what would be denied\n"
		"  --mode enforce      deny, also where the policy says audit\n"
		"  --user USER         run the command as USER (default: who called sudo)\n"
		"  --set PARAM=VALUE   value of a policy parameter (repeatable)\n"
		"  --label KEY=VALUE   add to the identity in every record (repeatable)\n"
		"  --without SECTION   give up a section: files, guard, unix or listen (repeatable)\n"
		"\nEnds with the command's exit status; 125: weir failed and nothing was run;\n"
		"126: the command could not be executed; 127: it was not found; 128+N: signal N\n"
		"ended it.\n",
	.run = run_run,
	.failed = CLI_EXIT_UNENFORCEABLE,
};
