/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What writing and reading the state have in common; for user/daemon/state_*.c only. */
#ifndef WEIR_DAEMON_STATE_PARTS_H
#define WEIR_DAEMON_STATE_PARTS_H

#include "policy/config.h"

#define STATE_VERSION 1		/* of the file */

const char *state_mode_name(enum config_mode mode);
int state_mode_parse(const char *name, enum config_mode *ret);

#endif
