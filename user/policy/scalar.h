/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What bytes and plain scalars are, by YAML 1.2 (5.1 and 10.3). */
#ifndef WEIR_POLICY_SCALAR_H
#define WEIR_POLICY_SCALAR_H

#include <stdbool.h>

#include "policy/report.h"
#include "policy/source.h"
#include "policy/yaml.h"

/*
 * Is every byte of the source part of valid UTF-8 and a character YAML
 * allows? Adds an error for the first that is not.
 */
bool source_check(const struct source *source, struct report *report);

/* The kind of a plain scalar in the core schema. */
enum yaml_kind scalar_kind(const char *text);

/* Free of NUL, and valid UTF-8? Escapes in quotes can write what is not. */
bool scalar_text_ok(const char *text, size_t len);

#endif
