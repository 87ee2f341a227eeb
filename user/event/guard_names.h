/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The words of guard.* records: what was asked for, and capabilities(7). */
#ifndef WEIR_EVENT_GUARD_NAMES_H
#define WEIR_EVENT_GUARD_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/abi.h"

#define EVENT_CAPABILITY_STRLEN 24	/* "CAP_CHECKPOINT_RESTORE" and NUL */

/* "mount", "signal", … */
const char *event_ask_name(enum weir_ask ask);

/* Has it a number of its own: a signal, a command of bpf(2)? */
bool event_ask_counts(enum weir_ask ask);

/* "CAP_SYS_ADMIN"; one without a word as "CAP_99". */
void event_capability_format(uint32_t capability, char ret[EVENT_CAPABILITY_STRLEN]);

#endif
