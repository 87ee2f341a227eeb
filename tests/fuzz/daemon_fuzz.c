// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Control requests of any content: reading ends in a request or in an error that
 * says why, what was read comes out as it went in, and replies never harm a command.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl.h"
#include "daemon/oci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void request_check(const struct ctl_request *request)
{
	_cleanup_ctl_request_ struct ctl_request again = {0};
	_cleanup_buf_ struct buf first = {0}, second = {0};
	char *error = NULL;

	require(ctl_request_format(request, &first) == 0);
	require(ctl_request_parse(first.data, first.len, &again, &error) == 0);
	require(ctl_request_format(&again, &second) == 0);
	require(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
}

/* As above, for what a runtime says of a container. */
static void state_check(const char *text, size_t size)
{
	_cleanup_ctl_request_ struct ctl_request request = {0};
	_cleanup_free_ char *error = NULL;
	int r = oci_request(text, size, &request, &error);

	require(r == 0 || r == -EINVAL);
	require((r == 0) == (error == NULL));
	require(r < 0 || (request.pid > 0 && request.at_exec));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_ctl_request_ struct ctl_request request = {0};
	_cleanup_ctl_reply_ struct ctl_reply reply = {0};
	_cleanup_free_ char *error = NULL;
	int r = ctl_request_parse((const char *)data, size, &request, &error);

	require(r == 0 || r == -EINVAL);
	require((r == 0) == (error == NULL));
	/* what is read may be written longer than requests can be */
	if (r == 0 && size < 8192)
		request_check(&request);
	ctl_reply_parse((const char *)data, size, &reply);
	state_check((const char *)data, size);
	return 0;
}
