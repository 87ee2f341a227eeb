/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Parameters of one file: declared, given, put in. */
#ifndef WEIR_POLICY_PARAMS_H
#define WEIR_POLICY_PARAMS_H

#include "policy/policy.h"
#include "policy/report.h"
#include "policy/yaml.h"

struct param {
	const char *name;
	const char *value;	/* NULL: none, and that was reported */
};

struct params {
	struct param *list;
	size_t n;
};

struct reader;

/* Reads a file's `parameters` (NULL: it has none) and gives each its value. */
void params_read(struct reader *reader, const struct yaml *value, struct params *ret);

/*
 * Puts parameters into the text of a scalar: ${name}; "$${" stands for "${".
 * `pattern`: what patterns take as special is escaped in values.
 *
 * Returns text in the policy's arena, or NULL: an error was added, or the
 * parameter has no value, which was reported where it is declared.
 */
const char *params_expand(struct reader *reader, const struct yaml *value, bool pattern);

#endif
