/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Text that the YAML library must not be given. */
#ifndef WEIR_POLICY_SKIM_H
#define WEIR_POLICY_SKIM_H

#include <stdbool.h>

#include "policy/report.h"
#include "policy/source.h"

/*
 * Skims a source that is valid text for nesting, directives and escapes that
 * would cost the library far more than their length. Adds an error for the
 * first that does.
 */
bool skim_check(const struct source *source, struct report *report);

#endif
