// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `weir status`: what the daemon enforces where, for people and as JSON. */
#include <getopt.h>
#include <string.h>

#include "base/escape.h"
#include "cli/cli.h"
#include "daemon/ctl.h"

enum {
	OPTION_JSON = 256,
	OPTION_HELP,
};

static const struct option options[] = {
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "?";
}

static long long number_of(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static void word_print(const char *text)
{
	_cleanup_buf_ struct buf out = {0};

	escape_word_add(&out, text, strlen(text));
	if (buf_string(&out))
		fputs(out.data, stdout);
}

static void pairs_print(const char *what, json_t *pairs)
{
	const char *key;
	json_t *value;

	if (!json_object_size(pairs))
		return;
	printf("    %-9s", what);
	json_object_foreach(pairs, key, value) {
		putchar(' ');
		word_print(key);
		putchar('=');
		word_print(json_string_value(value) ? json_string_value(value) : "?");
	}
	putchar('\n');
}

static void without_print(const json_t *list)
{
	const json_t *item;
	size_t i;

	if (!json_array_size(list))
		return;
	printf("    %-9s", "without");
	json_array_foreach(list, i, item)
		printf(" %s", json_string_value(item) ? json_string_value(item) : "?");
	putchar('\n');
}

static void scope_print(const json_t *scope)
{
	const json_t *records = json_object_get(scope, "records");

	word_print(text_of(scope, "cgroup"));
	if (json_is_true(json_object_get(scope, "gone")))
		fputs(" (removed; processes that were moved out of it are confined)", stdout);
	printf("\n    policy    %s (%s%s), %s, by %s\n", text_of(scope, "policy"),
	       text_of(scope, "mode"),
	       json_is_true(json_object_get(scope, "expired")) ? ", ended" : "",
	       text_of(scope, "digest"), text_of(scope, "by"));
	printf("    since     %s, this version %s\n", text_of(scope, "since"),
	       text_of(scope, "loaded"));
	printf("    records   %lld allowed, %lld denied, %lld would be denied\n",
	       number_of(records, "allow"), number_of(records, "deny"),
	       number_of(records, "would-deny"));
	pairs_print("set", json_object_get(scope, "parameters"));
	pairs_print("labels", json_object_get(scope, "labels"));
	without_print(json_object_get(scope, "without"));
}

static void failed_print(const json_t *failed)
{
	word_print(text_of(failed, "cgroup"));
	printf("\n    %s, which is tried again: %s",
	       json_is_true(json_object_get(failed, "denied")) ?
		       "cannot be put under its policy, and everything is denied in it" :
		       "not confined",
	       text_of(failed, "error"));
}

static void log_print(const json_t *log, json_t *lost)
{
	const char *before = " (", *type;
	json_t *count;

	printf("log       ");
	word_print(text_of(log, "file"));
	printf(", record %lld, %lld bytes added, %lld records lost", number_of(log, "seq"),
	       number_of(log, "bytes"), number_of(log, "lost"));
	json_object_foreach(lost, type, count) {
		printf("%s%s %lld", before, type, (long long)json_integer_value(count));
		before = ", ";
	}
	printf("%s%s\n", json_object_size(lost) ? ")" : "",
	       json_is_true(json_object_get(log, "writable")) ? "" : "; it takes nothing now");
}

static void rings_print(const json_t *rings)
{
	const json_t *allowed = json_object_get(rings, "allowed");
	const json_t *denied = json_object_get(rings, "denied");

	printf("waiting   %lld of %lld bytes of what was allowed, %lld of %lld of what was denied\n",
	       number_of(allowed, "bytes"), number_of(allowed, "size"), number_of(denied, "bytes"),
	       number_of(denied, "size"));
}

static void policies_print(const json_t *policies)
{
	const json_t *policy;
	size_t i;

	if (json_array_size(policies))
		printf("\n%-20s %-7s %6s %10s %10s %10s  DIGEST\n", "POLICY", "MODE", "SCOPES",
		       "ALLOWED", "DENIED", "WOULD-DENY");
	json_array_foreach(policies, i, policy) {
		const json_t *records = json_object_get(policy, "records");

		printf("%-20s %-7s %6lld %10lld %10lld %10lld  %.19s\n",
		       text_of(policy, "policy"), text_of(policy, "mode"),
		       number_of(policy, "scopes"), number_of(records, "allow"),
		       number_of(records, "deny"), number_of(records, "would-deny"),
		       text_of(policy, "digest"));
	}
}

static void cost_print(const json_t *cost)
{
	const json_t *programs = json_object_get(cost, "programs"), *program;
	size_t i;

	if (!json_is_true(json_object_get(cost, "counted")))
		puts("cost      not counted now; \"sysctl kernel.bpf_stats_enabled=1\" has the "
		     "kernel count");
	if (json_array_size(programs))
		printf("\n%-32s %12s %10s\n", "PROGRAM", "RUNS", "NS/RUN");
	json_array_foreach(programs, i, program)
		printf("%-32s %12lld %10lld\n", text_of(program, "program"),
		       number_of(program, "runs"),
		       number_of(program, "ns") / number_of(program, "runs"));
}

static void status_print(const json_t *status)
{
	const json_t *reload = json_object_get(status, "reload");
	const json_t *scopes = json_object_get(status, "scopes");
	const json_t *failed = json_object_get(status, "failed");
	const json_t *scope;
	size_t i;

	printf("weir %s, kernel %s, pid %lld, since %s\n", text_of(status, "version"),
	       text_of(status, "kernel"), number_of(status, "pid"), text_of(status, "started"));
	log_print(json_object_get(status, "log"), json_object_get(status, "lost"));
	rings_print(json_object_get(status, "rings"));
	if (json_is_object(reload))
		printf("reload    %s, %s\n", text_of(reload, "time"),
		       json_is_true(json_object_get(reload, "ok")) ? "done" : "refused");
	cost_print(json_object_get(status, "cost"));
	policies_print(json_object_get(status, "policies"));
	printf("\nscopes    %zu\n", json_array_size(scopes));
	json_array_foreach(scopes, i, scope)
		scope_print(scope);
	json_array_foreach(failed, i, scope)
		failed_print(scope);
	if (json_array_size(json_object_get(status, "grants")))
		cli_grants_print(json_object_get(status, "grants"));
}

static int status_run(const struct cli_call *call)
{
	const struct ctl_request request = {.command = CTL_STATUS};
	_cleanup_ctl_reply_ struct ctl_reply reply = {0};
	bool json = false;
	int option, r;

	while ((option = getopt_long(call->argc, call->argv, "", options, NULL)) >= 0) {
		if (option == OPTION_HELP)
			return cli_help(call->command);
		if (option != OPTION_JSON)
			return cli_usage(call->command, "see above");
		json = true;
	}
	if (optind < call->argc)
		return cli_usage(call->command, "it takes no arguments");
	r = cli_ask(&request, &reply);
	if (r != 0)
		return r;
	if (json)
		cli_print_json(reply.result);
	else
		status_print(reply.result);
	return 0;
}

const struct cli_command cli_status = {
	.name = "status",
	.usage = "[--json]",
	.summary = "Tells what the daemon enforces where, and what came of it",
	.help = "  --json  a JSON object on standard output\n"
		"\nEnds with 0, with 3 when the daemon cannot be reached, 4 when it is not permitted.\n",
	.run = status_run,
};
