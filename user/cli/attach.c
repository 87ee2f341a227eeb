// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `weir attach` and `weir detach`: cgroups under a policy of the daemon, and out again. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "daemon/ctl.h"
#include "daemon/enforce.h"

enum {
	OPTION_POLICY = 256,
	OPTION_CGROUP,
	OPTION_PID,
	OPTION_UNIT,
	OPTION_SET,
	OPTION_LABEL,
	OPTION_WITHOUT,
	OPTION_JSON,
	OPTION_HELP,
};

static const struct option attach_options[] = {
	{"policy", required_argument, NULL, OPTION_POLICY},
	{"cgroup", required_argument, NULL, OPTION_CGROUP},
	{"pid", required_argument, NULL, OPTION_PID},
	{"unit", required_argument, NULL, OPTION_UNIT},
	{"set", required_argument, NULL, OPTION_SET},
	{"label", required_argument, NULL, OPTION_LABEL},
	{"without", required_argument, NULL, OPTION_WITHOUT},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static const struct option detach_options[] = {
	{"cgroup", required_argument, NULL, OPTION_CGROUP},
	{"unit", required_argument, NULL, OPTION_UNIT},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

struct attach {
	struct ctl_request request;	/* everything in it is borrowed */
	struct cli_pairs set;
	struct cli_pairs labels;
	bool json;
	bool help;
};

static int target_read(const struct cli_call *call, struct attach *attach, enum ctl_target target)
{
	struct ctl_request *request = &attach->request;
	char *end;
	long pid;

	if (request->target != CTL_TARGET_NONE)
		return cli_usage(call->command, "one cgroup, process or unit at a time");
	request->target = target;
	request->place = optarg;
	if (target != CTL_TARGET_PID)
		return 0;
	errno = 0;
	pid = strtol(optarg, &end, 10);
	if (errno || *end || pid < 1 || pid > INT_MAX)
		return cli_usage(call->command, "--pid %s: the number of a process is wanted",
				 optarg);
	request->pid = (pid_t)pid;
	return 0;
}

static int without_read(const struct cli_call *call, struct attach *attach)
{
	enum policy_section section;

	if (enforce_section_parse(optarg, &section) < 0)
		return cli_usage(call->command,
				 "--without %s: files, guard, unix or listen is wanted", optarg);
	attach->request.without |= ENFORCE_BIT(section);
	return 0;
}

static int option_read(const struct cli_call *call, struct attach *attach, int option)
{
	switch (option) {
	case OPTION_POLICY:
		attach->request.policy = optarg;
		return 0;
	case OPTION_CGROUP:
		return target_read(call, attach, CTL_TARGET_CGROUP);
	case OPTION_PID:
		return target_read(call, attach, CTL_TARGET_PID);
	case OPTION_UNIT:
		return target_read(call, attach, CTL_TARGET_UNIT);
	case OPTION_SET:
		return cli_pairs_option(call, "set", &attach->set);
	case OPTION_LABEL:
		return cli_pairs_option(call, "label", &attach->labels);
	case OPTION_WITHOUT:
		return without_read(call, attach);
	case OPTION_JSON:
		attach->json = true;
		return 0;
	case OPTION_HELP:
		attach->help = true;
		return 0;
	default:
		return cli_usage(call->command, "see above");
	}
}

static int options_read(const struct cli_call *call, const struct option *options,
			struct attach *attach)
{
	int option, r = 0;

	while ((option = getopt_long(call->argc, call->argv, "", options, NULL)) >= 0) {
		r = option_read(call, attach, option);
		if (r < 0 || attach->help)
			return r;
	}
	if (optind < call->argc)
		return cli_usage(call->command, "it takes no arguments");
	if (attach->request.target == CTL_TARGET_NONE)
		return cli_usage(call->command, "which cgroup? %s is wanted",
				 options == attach_options ? "--cgroup, --pid or --unit" :
							     "--cgroup or --unit");
	if (options == attach_options && !attach->request.policy)
		return cli_usage(call->command, "which policy? --policy NAME is wanted");
	attach->request.set = attach->set.items;
	attach->request.n_set = attach->set.n;
	attach->request.labels = attach->labels.items;
	attach->request.n_labels = attach->labels.n;
	return 0;
}

static int call_run(const struct cli_call *call, enum ctl_command command,
		    const struct option *options)
{
	struct attach attach = {.request.command = command};
	_cleanup_ctl_reply_ struct ctl_reply reply = {0};
	int r = options_read(call, options, &attach);

	if (r == 0 && attach.help) {
		r = cli_help(call->command);
	} else if (r == 0) {
		r = cli_ask(&attach.request, &reply);
		if (r == 0 && attach.json)
			cli_print_json(reply.result);
		else if (r == 0)
			fputs(reply.text, stderr);
	}
	cli_pairs_done(&attach.set);
	cli_pairs_done(&attach.labels);
	return r;
}

static int attach_run(const struct cli_call *call)
{
	return call_run(call, CTL_ATTACH, attach_options);
}

static int detach_run(const struct cli_call *call)
{
	return call_run(call, CTL_DETACH, detach_options);
}

const struct cli_command cli_attach = {
	.name = "attach",
	.usage = "--policy NAME (--cgroup PATH | --pid PID | --unit UNIT) [OPTION]...",
	.summary = "Puts a cgroup under a policy of the daemon, with what runs in it",
	.help = "  --policy NAME      of a policy in the daemon's folders\n"
		"  --cgroup PATH      below the root of the cgroup2 hierarchy, as /system.slice/a\n"
		"  --pid PID          the cgroup this process is in\n"
		"  --unit UNIT        the cgroup of a unit of systemd\n"
		"  --set PARAM=VALUE  value of a policy parameter (repeatable)\n"
		"  --label KEY=VALUE  written into every record, beside the policy's identity\n"
		"                     (repeatable)\n"
		"  --without SECTION  gives up files, guard, unix or listen openly, where the kernel\n"
		"                     cannot enforce it (repeatable)\n"
		"  --json             what was attached, on standard output\n"
		"\nEnds with 0 when it is confined, 1 when that was refused, 3 when the daemon cannot\n"
		"be reached, 4 when it is not permitted, 125 when the kernel cannot enforce the\n"
		"policy.\n",
	.run = attach_run,
};

const struct cli_command cli_detach = {
	.name = "detach",
	.usage = "(--cgroup PATH | --unit UNIT)",
	.summary = "Takes a cgroup from under the policy that the daemon put it under",
	.help = "  --cgroup PATH  below the root of the cgroup2 hierarchy\n"
		"  --unit UNIT    the cgroup of a unit of systemd\n"
		"\nEnds with 0 when it is free, 1 when it was not confined by the daemon, 3 when the\n"
		"daemon cannot be reached, 4 when it is not permitted.\n",
	.run = detach_run,
};
