// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `weir oci-hook`: a hook of container runtimes. The container's process is in its cgroup
 * and waits; unless this ends with 0, the runtime does not go on with it.
 */
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "daemon/oci.h"
#include "daemon/place.h"

enum {
	OPTION_POLICY = 256,
	OPTION_REQUIRE,
	OPTION_HELP,
};

static const struct option options[] = {
	{"policy", required_argument, NULL, OPTION_POLICY},
	{"require", no_argument, NULL, OPTION_REQUIRE},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

struct hook {
	const char *policy;	/* of all containers, whatever their annotations say */
	bool require;
	bool help;
};

static int options_read(const struct cli_call *call, struct hook *hook)
{
	int option;

	while ((option = getopt_long(call->argc, call->argv, "", options, NULL)) >= 0) {
		switch (option) {
		case OPTION_POLICY:
			hook->policy = optarg;
			break;
		case OPTION_REQUIRE:
			hook->require = true;
			break;
		case OPTION_HELP:
			hook->help = true;
			return 0;
		default:
			return cli_usage(call->command, "see above");
		}
	}
	if (optind < call->argc)
		return cli_usage(call->command, "it takes no arguments");
	return 0;
}

/* Standard input to its end, or as much as is too much. */
static int state_read(struct buf *ret)
{
	char piece[16384];
	ssize_t n;

	while (ret->len <= OCI_STATE_MAX) {
		n = read(STDIN_FILENO, piece, sizeof(piece));
		if (n == 0)
			return ret->error;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			buf_add(ret, piece, (size_t)n);
	}
	return ret->error;
}

static int request_read(struct ctl_request *ret)
{
	_cleanup_free_ char *error = NULL;
	_cleanup_buf_ struct buf state = {0};
	int r = state_read(&state);

	if (r >= 0)
		r = oci_request(state.data ? state.data : "", state.len, ret, &error);
	if (r < 0)
		log_error("oci-hook: the state of the container on standard input: %s",
			  error ? error : strerror(-r));
	return r < 0 ? CLI_REFUSED : 0;
}

/* A runtime that makes no cgroup for the container would be confined with it. */
static int cgroup_check(const struct ctl_request *request)
{
	_cleanup_buf_ struct buf why = {0};

	if (place_apart(request, getpid(), &why) == 0)
		return 0;
	log_lines(&why);
	return CLI_REFUSED;
}

/* Annotations may come from the image. */
static int policy_bind(const char *policy, struct ctl_request *request)
{
	if (request->n_set || (request->policy && strcmp(request->policy, policy) != 0)) {
		log_error("oci-hook: annotations of the container name another policy, or "
			  "parameters; the hook's --policy is for all");
		return CLI_REFUSED;
	}
	if (!request->policy)
		request->policy = strdup(policy);
	return request->policy ? 0 : CLI_FAILED;
}

static int container_attach(const struct hook *hook, struct ctl_request *request)
{
	_cleanup_ctl_reply_ struct ctl_reply reply = {0};
	int r = hook->policy ? policy_bind(hook->policy, request) : 0;

	if (r < 0)
		return r;
	if (!request->policy && (request->n_set || request->n_labels || hook->require)) {
		log_error("oci-hook: the container has no annotation " OCI_ANNOTATIONS "policy");
		return CLI_REFUSED;
	}
	if (!request->policy)
		return 0;
	r = cgroup_check(request);
	return r < 0 ? r : cli_ask(request, &reply);
}

static int oci_hook_run(const struct cli_call *call)
{
	_cleanup_ctl_request_ struct ctl_request request = {0};
	struct hook hook = {0};
	int r = options_read(call, &hook);

	if (r < 0)
		return r;
	if (hook.help)
		return cli_help(call->command);
	r = request_read(&request);
	return r < 0 ? r : container_attach(&hook, &request);
}

const struct cli_command cli_oci_hook = {
	.name = "oci-hook",
	.usage = "[--policy NAME] [--require] < STATE",
	.summary = "Confines a container from its first instruction (createRuntime hook)",
	.help = "  --policy NAME  for every container: annotations may name no other, and no\n"
		"                 parameters\n"
		"  --require      refuse containers that no policy is named for\n"
		"\nReads the state of a container, as runtimes hand it to their hooks, on standard\n"
		"input. The annotation io.weir.policy names the policy, io.weir.set.PARAM gives it\n"
		"values, io.weir.label.KEY goes into every record. Without any of it the container\n"
		"is let pass.\n"
		"\nEnds with 0 when it is confined or let pass; otherwise, also when the daemon\n"
		"cannot be reached, the runtime does not start it.\n",
	.run = oci_hook_run,
};
