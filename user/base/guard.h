/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The words of guard.allow, which policies and records have in common. */
#ifndef WEIR_BASE_GUARD_H
#define WEIR_BASE_GUARD_H

#include "weir/abi.h"

extern const char *const guard_words[WEIR_GUARD_COUNT];

#endif
