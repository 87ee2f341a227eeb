/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Inside the reading and writing of requests and replies: what their files share. */
#ifndef WEIR_DAEMON_CTL_PARTS_H
#define WEIR_DAEMON_CTL_PARTS_H

#include "daemon/ctl.h"

/* A request while it is read. */
struct reading {
	struct ctl_request *request;
	char **ret_error;
};

/* Says what is wrong; it may quote what came from outside. Returns -EINVAL, or -ENOMEM. */
int fail(char **ret_error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends the object, which it takes (NULL: there was no memory), as a line. Errno or 0. */
int line_add(json_t *object, struct buf *out);

/* Takes a text that is not empty. */
int text_take(struct reading *reading, const char *key, const json_t *value, char **ret);

/* ctl_grant.c: the keys of "grant", whether they go together, and the way back. */
int grant_allow_take(struct reading *reading, const char *key, const json_t *value);
int grant_for_take(struct reading *reading, const char *key, const json_t *value);
int grant_once_take(struct reading *reading, const char *key, const json_t *value);
int grant_revoke_take(struct reading *reading, const char *key, const json_t *value);
int grant_check(struct reading *reading);
json_t *grant_request_json(const struct ctl_request *request);

#endif
