// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `weir reload`: the daemon reads policies again, and what has changed is printed. */
#include <getopt.h>

#include "cli/cli.h"
#include "daemon/against.h"
#include "daemon/ctl.h"

enum {
	OPTION_DRY_RUN = 256,
	OPTION_AGAINST,
	OPTION_JSON,
	OPTION_HELP,
};

static const struct option options[] = {
	{"dry-run", no_argument, NULL, OPTION_DRY_RUN},
	{"against", required_argument, NULL, OPTION_AGAINST},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

/* Adds what records of the log would be decided otherwise, to the text and the result. */
static int against_add(struct ctl_reply *reply, const char *log, struct buf *text)
{
	json_t *against = NULL;
	int r = against_judge(reply->result, log, &against);

	if (r == -EACCES || r == -EPERM)
		return CLI_FORBIDDEN;
	if (!against)
		return CLI_REFUSED;
	against_format(against, text);
	json_object_set_new(reply->result, "against", against);
	return r < 0 || text->error ? CLI_REFUSED : 0;
}

static void reply_print(const struct ctl_reply *reply, bool json, struct buf *more)
{
	if (json) {
		cli_print_json(reply->result);
		return;
	}
	fputs(reply->text, stdout);
	if (more->len && buf_string(more))
		fputs(more->data, stdout);
}

static int reload_run(const struct cli_call *call)
{
	struct ctl_request request = {.command = CTL_RELOAD};
	_cleanup_ctl_reply_ struct ctl_reply reply = {0};
	_cleanup_buf_ struct buf more = {0};
	const char *against = NULL;
	bool json = false;
	int option, r;

	while ((option = getopt_long(call->argc, call->argv, "", options, NULL)) >= 0) {
		switch (option) {
		case OPTION_DRY_RUN:
			request.dry_run = true;
			break;
		case OPTION_AGAINST:
			against = optarg;
			break;
		case OPTION_JSON:
			json = true;
			break;
		case OPTION_HELP:
			return cli_help(call->command);
		default:
			return cli_usage(call->command, "see above");
		}
	}
	request.names = call->argv + optind;
	request.n_names = (size_t)(call->argc - optind);
	if (against && !request.dry_run)
		return cli_usage(call->command, "--against goes with --dry-run");
	r = cli_ask(&request, &reply);
	if (r != 0)
		return r;
	if (against)
		r = against_add(&reply, against, &more);
	reply_print(&reply, json, &more);
	return r;
}

const struct cli_command cli_reload = {
	.name = "reload",
	.usage = "[--dry-run [--against LOG]] [--json] [NAME]...",
	.summary = "Has the daemon read its policies again, and tells what has changed",
	.help = "  --dry-run      tells what would change, and changes nothing\n"
		"  --against LOG  with it: which recorded actions would be decided otherwise\n"
		"  --json         a JSON object on standard output\n"
		"\nWithout a NAME all policies in force are read. All of them come into force, or none.\n"
		"Ends with 0 when they did, 1 when one cannot be used, 3 when the daemon cannot be\n"
		"reached, 4 when it is not permitted, 125 when the kernel cannot enforce one.\n",
	.run = reload_run,
};
