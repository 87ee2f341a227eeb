/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the lines of network.* have of their own. Inside user/event only. */
#ifndef WEIR_EVENT_JSON_NETWORK_H
#define WEIR_EVENT_JSON_NETWORK_H

#include "base/buf.h"
#include "event/decode.h"

/* "destination" and, where it is known, "source". dest_host: NULL where no name is known. */
void network_add_ends(struct buf *out, const struct event *event, const char *dest_host);

/* "flow", of an event that has_total. */
void network_add_total(struct buf *out, const struct event *event);

/* What stands in "detail", which is open. */
void network_add_detail(struct buf *out, const struct event *event);

#endif
