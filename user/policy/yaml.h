/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The text of a policy as a tree of maps, lists and scalars with their places.
 * What policies do without is refused here: aliases, anchors, tags, several
 * documents, merge keys, duplicate keys, keys that are not plain text.
 */
#ifndef WEIR_POLICY_YAML_H
#define WEIR_POLICY_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/arena.h"
#include "policy/report.h"
#include "policy/source.h"

#define YAML_DEPTH_MAX 32	/* maps and lists inside each other */

enum yaml_kind {
	YAML_BAD,	/* reported already: readers pass over it */
	YAML_NULL,
	YAML_BOOL,
	YAML_INT,
	YAML_FLOAT,
	YAML_STRING,
	YAML_LIST,
	YAML_MAP,
};

struct yaml {
	struct place place;
	enum yaml_kind kind;	/* of scalars by the core schema of YAML 1.2 */
	uint32_t len;
	const char *text;	/* of scalars, NUL-terminated and without a NUL inside */
	struct yaml *key;	/* in a map: the key of this value */
	struct yaml *first;	/* of lists and maps, in the order of the file */
	struct yaml *next;
};

/* "text", "a number", "a list", … for messages */
const char *yaml_kind_name(enum yaml_kind kind);

/* How many values a list or map has. */
size_t yaml_count(const struct yaml *node);

/*
 * Parses a source. Errors go to the report; then *ret is NULL or what could
 * be read all the same.
 *
 * Returns 0 or -ENOMEM.
 */
int yaml_parse(const struct source *source, struct arena *arena, struct report *report,
	       struct yaml **ret);

#endif
