/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the lines of guard.* have of their own. Inside user/event only. */
#ifndef WEIR_EVENT_JSON_GUARD_H
#define WEIR_EVENT_JSON_GUARD_H

#include "base/buf.h"
#include "event/decode.h"

/* What stands in "detail", which is open. */
void guard_add_detail(struct buf *out, const struct event *event);

#endif
