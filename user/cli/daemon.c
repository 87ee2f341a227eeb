// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `weir daemon`: the agent; all of it is daemon/agent's. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>

#include "cli/cli.h"
#include "daemon/agent.h"
#include "daemon/agent_remove.h"

enum {
	OPTION_CONFIG = 256,
	OPTION_REMOVE,
	OPTION_HELP,
};

static const struct option options[] = {
	{"config", required_argument, NULL, OPTION_CONFIG},
	{"remove", no_argument, NULL, OPTION_REMOVE},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static int result_of(int r)
{
	switch (r) {
	case -ENOTSUP:
		return CLI_EXIT_UNENFORCEABLE;
	case -EPERM:
	case -EACCES:
		return CLI_FORBIDDEN;
	default:
		return r < 0 ? CLI_REFUSED : 0;
	}
}

static int daemon_run(const struct cli_call *call)
{
	const char *config = NULL;
	bool remove = false;
	int option;

	while ((option = getopt_long(call->argc, call->argv, "", options, NULL)) >= 0) {
		if (option == OPTION_HELP)
			return cli_help(call->command);
		if (option == OPTION_REMOVE)
			remove = true;
		else if (option == OPTION_CONFIG)
			config = optarg;
		else
			return cli_usage(call->command, "see above");
	}
	if (optind < call->argc)
		return cli_usage(call->command, "it takes no arguments");
	return result_of(remove ? agent_remove(config) : agent_run(config));
}

const struct cli_command cli_daemon = {
	.name = "daemon",
	.usage = "[--config FILE] [--remove]",
	.summary = "Confines services and other cgroups, and answers the commands below",
	.help = "  --config FILE  instead of /etc/weir/weir.yaml; docs/daemon.md describes it\n"
		"  --remove       run no daemon, but take away all that daemons and runs have left\n"
		"                 in force; records that wait are written first\n"
		"\nEnds with 0 when it was stopped (SIGTERM, SIGINT), 1 when it cannot start, 4 when\n"
		"it may not, 125 when this kernel cannot enforce a policy. SIGHUP reloads policies.\n",
	.run = daemon_run,
};
