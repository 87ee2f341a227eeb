// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `weir events`: reads or follows the audit log; all of it is daemon/events'. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "daemon/events.h"

/* Of what is there already, when it goes on with what comes. */
#define LAST_WITH_FOLLOW 10
#define LAST_MAX 1000000

enum {
	OPTION_DENIED = 256,
	OPTION_POLICY,
	OPTION_TYPE,
	OPTION_SINCE,
	OPTION_CGROUP,
	OPTION_LOG,
	OPTION_JSON,
	OPTION_HELP,
};

static const struct option options[] = {
	{"follow", no_argument, NULL, 'f'},
	{"lines", required_argument, NULL, 'n'},
	{"denied", no_argument, NULL, OPTION_DENIED},
	{"policy", required_argument, NULL, OPTION_POLICY},
	{"type", required_argument, NULL, OPTION_TYPE},
	{"since", required_argument, NULL, OPTION_SINCE},
	{"cgroup", required_argument, NULL, OPTION_CGROUP},
	{"log", required_argument, NULL, OPTION_LOG},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static int since_read(const struct cli_call *call, struct events_options *events)
{
	if (events_since_parse(optarg, clock_ns(CLOCK_REALTIME), &events->since_ns) < 0)
		return cli_usage(call->command, "--since %s: give 90s, 15m, 2h, 3d, or UTC as "
				 "2026-01-02 or \"2026-01-02 03:04\"", optarg);
	return 0;
}

static int last_read(const struct cli_call *call, struct events_options *events)
{
	unsigned long last;
	char *end;

	errno = 0;
	last = strtoul(optarg, &end, 10);
	if (errno || end == optarg || *end || *optarg == '-' || last > LAST_MAX)
		return cli_usage(call->command, "-n %s: give a number, at most %d", optarg,
				 LAST_MAX);
	events->last = last;
	return 0;
}

static int option_read(const struct cli_call *call, int option, struct events_options *events)
{
	switch (option) {
	case 'f':
		events->follow = true;
		return 0;
	case 'n':
		return last_read(call, events);
	case OPTION_DENIED:
		events->denied = true;
		return 0;
	case OPTION_POLICY:
		events->policy = optarg;
		return 0;
	case OPTION_TYPE:
		events->type = optarg;
		return events_type_known(optarg) ? 0 :
			cli_usage(call->command, "--type %s: there is no such type of record",
				  optarg);
	case OPTION_SINCE:
		return since_read(call, events);
	case OPTION_CGROUP:
		events->cgroup = optarg;
		return 0;
	case OPTION_LOG:
		events->log = optarg;
		return 0;
	case OPTION_JSON:
		events->json = true;
		return 0;
	default:
		return cli_usage(call->command, "see above");
	}
}

/* https://no-color.org: set and not empty. */
static bool color_wanted(void)
{
	const char *none = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(none && *none) &&
	       !(terminal && strcmp(terminal, "dumb") == 0);
}

static int events_run(const struct cli_call *call)
{
	struct events_options events = {.color = color_wanted(), .last = SIZE_MAX,
					.terminal = isatty(STDOUT_FILENO)};
	int option, r;

	while ((option = getopt_long(call->argc, call->argv, "fn:", options, NULL)) >= 0) {
		if (option == OPTION_HELP)
			return cli_help(call->command);
		r = option_read(call, option, &events);
		if (r < 0)
			return r;
	}
	if (optind < call->argc)
		return cli_usage(call->command, "it takes no arguments; name a log with --log");
	if (events.follow && events.last == EVENTS_ALL && !events.since_ns)
		events.last = LAST_WITH_FOLLOW;
	r = events_show(&events);
	if (r == -EACCES || r == -EPERM)
		return CLI_FORBIDDEN;
	return r < 0 ? CLI_REFUSED : 0;
}

const struct cli_command cli_events = {
	.name = "events",
	.usage = "[-f] [OPTION]...",
	.summary = "Shows the audit log, or what is added to it, a line for each record",
	.help = "  -f, --follow   goes on with what is added, over rotation too; begins with the last\n"
		"                 10 records\n"
		"  -n, --lines N  of what is there, only the last N\n"
		"  --denied       only what was refused, or would have been\n"
		"  --policy NAME  only of this policy\n"
		"  --type TYPE    only of this type, as network.connect, or kind, as network\n"
		"  --since TIME   only from then on: 90s, 15m, 2h, 3d ago, or UTC as 2026-01-02 or\n"
		"                 \"2026-01-02 03:04:05\"\n"
		"  --cgroup PATH  only of this scope and those below it\n"
		"  --log FILE     instead of the log that the daemon's configuration names\n"
		"  --json         the records as they are in the log\n"
		"\nTimes are UTC. Colour only on a terminal, and not with NO_COLOR set. Lines that are\n"
		"no records are told on standard error, and it ends with 1; 4 if it may not read.\n",
	.run = events_run,
};
