/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `weir reload --dry-run --against LOG`: recorded actions under the policies on disk. */
#ifndef WEIR_DAEMON_AGAINST_H
#define WEIR_DAEMON_AGAINST_H

#include <jansson.h>

#include "base/buf.h"

/*
 * Judges the records of a log anew. No daemon and no kernel is asked: what the policies
 * are attached with stands in the daemon's reply.
 *
 * @result: of its reply to a dry run
 * @ret: what would be decided otherwise, as JSON, for against_print()
 *
 * Returns 0, -EBADMSG (the same, but there were lines that are no records) or another
 * errno. What fails is said.
 */
int against_judge(const json_t *result, const char *log, json_t **ret);

/* The same for people. */
void against_format(json_t *against, struct buf *out);

#endif
