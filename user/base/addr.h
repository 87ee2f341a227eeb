/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* IP addresses and prefixes in the one form every decision uses (struct weir_addr). */
#ifndef WEIR_BASE_ADDR_H
#define WEIR_BASE_ADDR_H

#include <stdbool.h>

#include "weir/abi.h"

#define ADDR_STRLEN 46		/* INET6_ADDRSTRLEN */
#define PREFIX_STRLEN (ADDR_STRLEN + 4)

/* An address, and the number of leading bits (of 128) that count. */
struct prefix {
	struct weir_addr addr;
	unsigned int len;
};

bool addr_is_v4(const struct weir_addr *addr);

/*
 * Parses "192.0.2.7" or "2001:db8::1"; v4-mapped text gives the IPv4 address.
 * Returns 0 or -EINVAL.
 */
int addr_parse(const char *text, struct weir_addr *ret);

/*
 * Parses "ADDRESS" or "ADDRESS/LEN". LEN counts in the family as written.
 * Returns 0, -EINVAL (no address or length), or -EDOM (bits set beyond the
 * length; *ret then holds the prefix with those bits cleared).
 */
int prefix_parse(const char *text, struct prefix *ret);

/* IPv4 (also v4-mapped) prints dotted, IPv6 as in RFC 5952. */
void addr_format(const struct weir_addr *addr, char ret[ADDR_STRLEN]);
void prefix_format(const struct prefix *prefix, char ret[PREFIX_STRLEN]);

#endif
