// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `weir doctor`: what this kernel can enforce, and what to change where it cannot. */
#include <getopt.h>
#include <jansson.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "daemon/survey.h"

enum {
	OPTION_JSON = 256,
	OPTION_HELP,
};

static const struct option options[] = {
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static void survey_print(const struct survey *survey)
{
	printf("kernel %s\n", survey->kernel.release);
	for (size_t i = 0; i < survey->n_items; i++)
		printf("  %-10s %-9s %s\n", survey->items[i].name,
		       survey_state_name(survey->items[i].state), survey->items[i].text);
	for (size_t i = 0; i < survey->leftovers.n; i++)
		printf("  %-10s %-9s %s\n", "leftover",
		       survey->leftovers.items[i].populated ? "confined" : "stale",
		       survey->leftovers.items[i].text);
}

static int survey_json(const struct survey *survey)
{
	json_t *items = json_array(), *leftovers = json_array(), *object;

	for (size_t i = 0; i < survey->n_items; i++)
		json_array_append_new(items, json_pack("{s:s, s:s, s:s}", "name",
						       survey->items[i].name, "state",
						       survey_state_name(survey->items[i].state),
						       "text", survey->items[i].text));
	for (size_t i = 0; i < survey->leftovers.n; i++)
		json_array_append_new(leftovers,
				      json_pack("{s:I, s:s?, s:b}", "cgroup_id",
						(json_int_t)survey->leftovers.items[i].cgroup_id,
						"cgroup", survey->leftovers.items[i].cgroup,
						"confined", survey->leftovers.items[i].populated));
	object = json_pack("{s:s, s:b, s:o, s:o}", "kernel", survey->kernel.release, "ok",
			   survey->ok, "items", items, "leftovers", leftovers);
	if (!object) {
		log_error("cannot tell it as JSON");
		return CLI_FAILED;
	}
	json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(object);
	return 0;
}

static int doctor_run(const struct cli_call *call)
{
	_cleanup_survey_ struct survey survey = {0};
	bool json = false;
	int option, r = 0;

	while ((option = getopt_long(call->argc, call->argv, "", options, NULL)) >= 0) {
		if (option == OPTION_HELP)
			return cli_help(call->command);
		if (option != OPTION_JSON)
			return cli_usage(call->command, "see above");
		json = true;
	}
	if (optind < call->argc)
		return cli_usage(call->command, "it takes no arguments");
	r = survey_take(&survey);
	if (r < 0) {
		log_error("cannot look around: %s", strerror(-r));
		return CLI_FAILED;
	}
	if (json)
		r = survey_json(&survey);
	else
		survey_print(&survey);
	return r < 0 ? r : survey.ok ? 0 : CLI_REFUSED;
}

const struct cli_command cli_doctor = {
	.name = "doctor",
	.usage = "[--json]",
	.summary = "Tells what this kernel can enforce, and what to change where it cannot",
	.help = "  --json  a JSON object on standard output\n"
		"\nEnds with 0 when everything this version implements can be enforced, else 1.\n",
	.run = doctor_run,
};
