/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Single values of a policy, from text: pure parsers. Each returns 0 or -EINVAL. */
#ifndef WEIR_POLICY_VALUE_H
#define WEIR_POLICY_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/tree.h"

#define VALUE_NAME_MAX 63	/* bytes of a policy's or a rule's name */

/* [a-z0-9][a-z0-9-]{0,62}: policies and rules */
bool name_ok(const char *text);

/* [A-Za-z_][A-Za-z0-9_-]{0,62}: parameters */
bool parameter_name_ok(const char *text, size_t len);

/* "443" or "8000-8100", 1 to 65535; -ERANGE: reversed. */
int port_range_parse(const char *text, struct port_range *ret);

/*
 * A host name as DNS has it (RFC 1123, 2.1; '_' too), or "*." and one. Lower
 * case and no dot at the end in ret, which has room for strlen(text) + 1 bytes.
 */
int host_parse(const char *text, char *ret);

/* "2026-12-31T00:00:00Z" (RFC 3339 in UTC, whole seconds) to seconds since 1970. */
int time_parse(const char *text, uint64_t *ret_s);

/* "ADDRESS" or "ADDRESS#PORT" */
int upstream_parse(const char *text, struct upstream *ret);

/* A DNS record type: a known mnemonic in capitals, or TYPE and a number (RFC 3597). */
bool dns_type_ok(const char *text);

#endif
