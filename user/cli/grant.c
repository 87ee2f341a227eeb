// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `weir grant`: what a policy allows in addition, for a while. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <string.h>

#include "base/escape.h"
#include "base/log.h"
#include "cli/cli.h"
#include "daemon/ctl.h"

enum {
	OPTION_POLICY = 256,
	OPTION_CGROUP,
	OPTION_FOR,
	OPTION_ONCE,
	OPTION_REVOKE,
	OPTION_LIST,
	OPTION_JSON,
	OPTION_HELP,
	OPTION_KIND,		/* and an enum grant_kind */
};

#define KIND(kind, name)                                            \
	{                                                           \
		name, required_argument, NULL, OPTION_KIND + (kind) \
	}

static const struct option options[] = {
	{"policy", required_argument, NULL, OPTION_POLICY},
	{"cgroup", required_argument, NULL, OPTION_CGROUP},
	{"for", required_argument, NULL, OPTION_FOR},
	{"once", no_argument, NULL, OPTION_ONCE},
	{"revoke", required_argument, NULL, OPTION_REVOKE},
	{"list", no_argument, NULL, OPTION_LIST},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	KIND(GRANT_CONNECT, "connect"),
	KIND(GRANT_LISTEN, "listen"),
	KIND(GRANT_UNIX, "unix"),
	KIND(GRANT_READ, "read"),
	KIND(GRANT_WRITE, "write"),
	KIND(GRANT_CREATE, "create"),
	KIND(GRANT_DELETE, "delete"),
	KIND(GRANT_EXECUTE, "execute"),
	{0},
};

/* The command line; what is in the request belongs to argv, but for its list. */
struct grant_call {
	struct ctl_request request;
	bool list;
	bool json;
	bool help;
};

static int item_read(const struct cli_call *call, struct ctl_request *request,
		     enum grant_kind kind)
{
	struct grant_item *list = reallocarray(request->allow, request->n_allow + 1,
					       sizeof(*list));
	_cleanup_free_ char *error = NULL;
	int r;

	if (!list) {
		log_error("%s", strerror(ENOMEM));
		return CLI_FAILED;
	}
	request->allow = list;
	list[request->n_allow] = (struct grant_item){kind, optarg};
	r = grant_item_check(&list[request->n_allow++], &error);
	if (r == -EINVAL)
		return cli_usage(call->command, "--%s: %s", grant_kind_name(kind), error);
	return r;
}

static int for_read(const struct cli_call *call, struct ctl_request *request)
{
	int r = grant_duration_parse(optarg, &request->for_s);

	if (r == -ERANGE)
		return cli_usage(call->command, "--for %s: from 1s to 366d is possible", optarg);
	if (r < 0)
		return cli_usage(call->command, "--for %s: a duration is wanted, as 90s, 15m, 2h, "
				 "1d or 1h30m", optarg);
	return 0;
}

static int revoke_read(const struct cli_call *call, struct ctl_request *request)
{
	unsigned long id;
	char *end;

	errno = 0;
	id = strtoul(optarg, &end, 10);
	if (errno || *end || *optarg < '0' || *optarg > '9' || id < 1 || id > UINT_MAX)
		return cli_usage(call->command, "--revoke %s: the id of a grant is wanted",
				 optarg);
	request->revoke = (unsigned int)id;
	return 0;
}

static int option_read(const struct cli_call *call, struct grant_call *grant, int option)
{
	struct ctl_request *request = &grant->request;

	switch (option) {
	case OPTION_POLICY:
		request->policy = optarg;
		return 0;
	case OPTION_CGROUP:
		request->target = CTL_TARGET_CGROUP;
		request->place = optarg;
		return 0;
	case OPTION_FOR:
		return for_read(call, request);
	case OPTION_ONCE:
		request->once = true;
		return 0;
	case OPTION_REVOKE:
		return revoke_read(call, request);
	case OPTION_LIST:
		grant->list = true;
		return 0;
	case OPTION_JSON:
		grant->json = true;
		return 0;
	case OPTION_HELP:
		grant->help = true;
		return 0;
	default:
		if (option < OPTION_KIND)
			return cli_usage(call->command, "see above");
		return item_read(call, request, (enum grant_kind)(option - OPTION_KIND));
	}
}

/* Do they go together? */
static int call_check(const struct cli_call *call, const struct grant_call *grant)
{
	const struct ctl_request *request = &grant->request;
	bool new = request->policy || request->place || request->n_allow || request->for_s ||
		   request->once;

	if (optind < call->argc)
		return cli_usage(call->command, "it takes no arguments");
	if (grant->list + !!request->revoke + new > 1)
		return cli_usage(call->command, "--list and --revoke stand alone");
	if (grant->list || request->revoke)
		return 0;
	if (!request->policy == !request->place)
		return cli_usage(call->command,
				 "for what? --policy NAME or --cgroup PATH is wanted");
	if (!request->n_allow)
		return cli_usage(call->command, "what is to be allowed? --connect HOST:PORT, say");
	if (!request->for_s)
		return cli_usage(call->command, "for how long? --for DURATION is wanted");
	return 0;
}

static int options_read(const struct cli_call *call, struct grant_call *grant)
{
	int option, r = 0;

	while ((option = getopt_long(call->argc, call->argv, "", options, NULL)) >= 0) {
		r = option_read(call, grant, option);
		if (r < 0 || grant->help)
			return r;
	}
	return call_check(call, grant);
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void word_print(const char *text)
{
	_cleanup_buf_ struct buf out = {0};

	escape_word_add(&out, text ? text : "?", text ? strlen(text) : 1);
	if (buf_string(&out))
		fputs(out.data, stdout);
}

static void grant_print(const json_t *grant)
{
	const char *policy = text_of(grant, "policy"), *key;
	const json_t *item;
	json_t *text;
	size_t i;

	printf("%lld\n    for       %s ",
	       (long long)json_integer_value(json_object_get(grant, "id")),
	       policy ? "policy" : "cgroup");
	word_print(policy ? policy : text_of(grant, "cgroup"));
	fputs("\n    allows    ", stdout);
	json_array_foreach(json_object_get(grant, "allow"), i, item) {
		json_object_foreach((json_t *)item, key, text) {
			printf("%s%s ", i ? ", " : "", key);
			word_print(json_string_value(text));
		}
	}
	printf("%s%s\n    until     %s, since %s, given by uid %lld\n",
	       json_is_true(json_object_get(grant, "once")) ? ", once" : "",
	       json_is_true(json_object_get(grant, "used")) ? "; used" : "",
	       text_of(grant, "until") ? text_of(grant, "until") : "?",
	       text_of(grant, "given") ? text_of(grant, "given") : "?",
	       (long long)json_integer_value(json_object_get(grant, "uid")));
}

void cli_grants_print(const struct json_t *grants)
{
	const json_t *grant;
	size_t i;

	printf("grants    %zu\n", json_array_size(grants));
	json_array_foreach(grants, i, grant)
		grant_print(grant);
}

static int grants_list(bool json)
{
	const struct ctl_request request = {.command = CTL_STATUS};
	_cleanup_ctl_reply_ struct ctl_reply reply = {0};
	int r = cli_ask(&request, &reply);

	if (r == 0 && json)
		cli_print_json(json_object_get(reply.result, "grants"));
	else if (r == 0)
		cli_grants_print(json_object_get(reply.result, "grants"));
	return r;
}

static int grant_ask(const struct grant_call *grant)
{
	_cleanup_ctl_reply_ struct ctl_reply reply = {0};
	int r = cli_ask(&grant->request, &reply);

	if (r == 0 && grant->json)
		cli_print_json(reply.result);
	else if (r == 0)
		fputs(reply.text, stdout);
	return r;
}

static int grant_run(const struct cli_call *call)
{
	struct grant_call grant = {.request.command = CTL_GRANT};
	int r = options_read(call, &grant);

	if (r == 0 && grant.help)
		r = cli_help(call->command);
	else if (r == 0)
		r = grant.list ? grants_list(grant.json) : grant_ask(&grant);
	free(grant.request.allow);
	return r;
}

const struct cli_command cli_grant = {
	.name = "grant",
	.usage = "(--policy NAME | --cgroup PATH) WHAT... --for DURATION [--once] | --revoke ID | "
		 "--list",
	.summary = "Allows in addition to a policy, for a while",
	.help = "  --policy NAME       for all that is under this policy, and comes under it\n"
		"  --cgroup PATH       for this cgroup alone, until it is detached\n"
		"  --connect HOST:PORT  as tcp:192.0.2.7:443, [2001:db8::/32]:8000-8100, loopback:*\n"
		"  --listen HOST:PORT   the same, an address of this machine\n"
		"  --unix PATTERN       unix sockets, by path or \"@name\"\n"
		"  --read PATTERN, --write, --create, --delete, --execute\n"
		"                      files, by path patterns as in policies\n"
		"  --for DURATION      90s, 15m, 2h, 1d, 1h30m\n"
		"  --once              for one use of it\n"
		"  --revoke ID         ends one now\n"
		"  --list              those that last, as \"weir status\" has them too\n"
		"  --json              a JSON value on standard output\n"
		"\nSeveral WHAT are one grant. What the policy denies by a rule stays denied. The kernel\n"
		"ends a grant on time, whether the daemon runs or not.\n"
		"Ends with 0 when it is given or over, 1 when that was refused, 3 when the daemon cannot\n"
		"be reached, 4 when it is not permitted.\n",
	.run = grant_run,
};
