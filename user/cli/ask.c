// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Asking the daemon, and what commands make of its answer. */
#include <jansson.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "daemon/ctl_client.h"
#include "weir/ctl.h"

static int failure_say(int error)
{
	if (error == -EACCES) {
		log_error("only root may ask the daemon (%s)", ctl_socket());
		return CLI_FORBIDDEN;
	}
	if (error == -EILSEQ) {
		log_error("something given is not valid UTF-8");
		return CLI_REFUSED;
	}
	if (error == -E2BIG) {
		log_error("too much is given: a request has at most %d bytes",
			  WEIR_CTL_REQUEST_MAX);
		return CLI_REFUSED;
	}
	log_error("cannot reach the daemon at %s: %s; is \"weir daemon\" running?", ctl_socket(),
		  error == -EBADMSG ? "what it says is no reply" : strerror(-error));
	return CLI_UNREACHABLE;
}

int cli_ask(const struct ctl_request *request, struct ctl_reply *ret)
{
	static const int results[CTL_OUTCOME_COUNT] = {
		[CTL_REFUSED] = CLI_REFUSED,
		[CTL_UNENFORCEABLE] = CLI_EXIT_UNENFORCEABLE,
		[CTL_FORBIDDEN] = CLI_FORBIDDEN,
	};
	int r = ctl_call(request, ret);

	if (r < 0)
		return failure_say(r);
	/* errors of a policy come with carets that only stand right without anything in front */
	if (ret->outcome != CTL_DONE)
		fputs(ret->text, stderr);
	return results[ret->outcome];
}

void cli_print_json(const struct json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
}
