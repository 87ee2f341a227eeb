/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What line*.c share. All of these return 0 or -EBADMSG: that is not as the record has it. */
#ifndef WEIR_EVENT_LINE_PARTS_H
#define WEIR_EVENT_LINE_PARTS_H

#include "event/line.h"

/* A number of at most max. What is not there is 0 if it need not be. */
int member_number(const json_t *object, const char *key, uint64_t max, bool needed, uint64_t *ret);

/* Bytes, of KEY_b64 if that is there. max: room in ret, no NUL is added. */
int member_bytes(const json_t *object, const char *key, char *ret, size_t max, size_t *ret_len);

int line_read_network(const json_t *json, struct event *event);
int line_read_guard(const json_t *detail, struct event *event);

#endif
