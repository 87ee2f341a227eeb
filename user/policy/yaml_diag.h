/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* libfyaml's own errors, as ours. It prints nothing itself. */
#ifndef WEIR_POLICY_YAML_DIAG_H
#define WEIR_POLICY_YAML_DIAG_H

#include "policy/report.h"
#include "policy/source.h"

struct fy_diag;

/* Gathers errors; fy_diag_destroy() frees it. NULL: no memory. */
struct fy_diag *yaml_diag_create(void);

/* Adds what was gathered; where nothing was, one error at offset. */
void yaml_diag_report(struct fy_diag *diag, const struct source *source, uint32_t offset,
		      struct report *report);

#endif
