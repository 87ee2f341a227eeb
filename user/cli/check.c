// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `weir check FILE...`: reads and compiles policies, loads nothing, asks no kernel. */
#include <getopt.h>
#include <jansson.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "daemon/load.h"

enum {
	OPTION_SET = 256,
	OPTION_JSON,
	OPTION_HELP,
};

static const struct option options[] = {
	{"set", required_argument, NULL, OPTION_SET},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

struct check {
	struct cli_pairs set;
	bool json;
	bool help;
	json_t *list;		/* with --json: one object a file */
};

/* What check tells of one file; compiled is NULL when it has errors. */
static json_t *file_json(const char *path, const struct policy_compiled *compiled, struct buf *text)
{
	json_t *gaps = json_array(), *object;

	if (!compiled) {
		json_decref(gaps);
		return json_pack("{s:s, s:b, s:s}", "file", path, "ok", 0, "errors",
				 buf_string(text));
	}
	for (size_t i = 0; i < compiled->n_gaps; i++)
		json_array_append_new(gaps,
				      json_pack("{s:s, s:s}", "section",
						policy_section_name(compiled->gaps[i].section),
						"text", compiled->gaps[i].text));
	object = json_pack("{s:s, s:b, s:s, s:s, s:I, s:I, s:I, s:s, s:o}", "file", path, "ok", 1,
			   "policy", compiled->name, "digest", compiled->digest,
			   "rules", (json_int_t)load_rule_count(compiled),
			   "addresses", (json_int_t)compiled->n_addresses,
			   "nodes", (json_int_t)compiled->n_nodes, "notes",
			   text->len ? buf_string(text) : "", "gaps", gaps);
	return object;
}

static void file_print(const char *path, const struct policy_compiled *compiled, struct buf *text)
{
	if (text->len)
		fwrite(text->data, 1, text->len, stderr);
	if (!compiled)
		return;
	for (size_t i = 0; i < compiled->n_gaps; i++)
		log_warning("%s\n  this version cannot enforce it, and \"weir run\" refuses it",
			    compiled->gaps[i].text);
	printf("%s: ok (policy %s, %zu rules, %zu addresses, %zu path nodes)\n", path,
	       compiled->name, load_rule_count(compiled), compiled->n_addresses, compiled->n_nodes);
}

static int file_check(struct check *check, const char *path)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = NULL;
	_cleanup_buf_ struct buf text = {0};
	json_t *object;
	int r;

	r = load_file(&load_folders, path, check->set.items, check->set.n, NULL, 0, &text,
		      &compiled, NULL);
	if (r < 0 && r != -EINVAL) {
		log_error("%s: %s", path, strerror(-r));
		return r;
	}
	if (!check->json) {
		file_print(path, compiled, &text);
		return r;
	}
	object = file_json(path, compiled, &text);
	/* fails for text that is not UTF-8, which only a file name can be */
	if (!object || json_array_append_new(check->list, object) < 0) {
		log_error("%s: cannot be told as JSON", path);
		return -EINVAL;
	}
	return r;
}

static int options_read(const struct cli_call *call, struct check *check)
{
	int option, r;

	while ((option = getopt_long(call->argc, call->argv, "", options, NULL)) >= 0) {
		switch (option) {
		case OPTION_SET:
			r = cli_pairs_add(&check->set, optarg);
			if (r < 0)
				return cli_usage(call->command, "--set %s: %s", optarg,
						 cli_pairs_error(r));
			break;
		case OPTION_JSON:
			check->json = true;
			break;
		case OPTION_HELP:
			check->help = true;
			return 0;
		default:
			return cli_usage(call->command, "see above");
		}
	}
	return optind < call->argc ? 0 : cli_usage(call->command, "which file?");
}

static int check_run(const struct cli_call *call)
{
	struct check check = {0};
	int r;

	r = options_read(call, &check);
	if (r == 0 && check.help) {
		r = cli_help(call->command);
	} else if (r == 0) {
		check.list = json_array();
		for (int i = optind; i < call->argc; i++)
			if (file_check(&check, call->argv[i]) < 0)
				r = CLI_REFUSED;
		if (check.json) {
			json_dumpf(check.list, stdout, JSON_INDENT(2));
			putchar('\n');
		}
		json_decref(check.list);
	}
	cli_pairs_done(&check.set);
	return r;
}

const struct cli_command cli_check = {
	.name = "check",
	.usage = "[--set PARAM=VALUE]... [--json] FILE...",
	.summary = "Says what is wrong with policy files, without loading them",
	.help = "  --set PARAM=VALUE  value of a policy parameter (repeatable)\n"
		"  --json             a JSON array on standard output, one object a file\n"
		"\nEnds with 0 when every file is good, 1 when one has errors, 2 for a wrong\n"
		"command line.\n",
	.run = check_run,
};
