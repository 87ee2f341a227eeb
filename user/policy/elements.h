/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The elements of a glob: bytes it takes one by one, and stars. */
#ifndef WEIR_POLICY_ELEMENTS_H
#define WEIR_POLICY_ELEMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/abi.h"

struct byte_set {
	uint64_t bits[4];
};

static inline bool byte_set_has(const struct byte_set *set, unsigned int byte)
{
	return set->bits[byte / 64] >> byte % 64 & 1;
}

/* Takes one byte of the set; a star any number of them. */
struct element {
	struct byte_set bytes;
	bool star;
};

/* One way to read a glob. */
struct elements {
	struct element *list;
	size_t n;
	size_t cap;
	uint32_t glob;		/* its number */
};

/*
 * Reads a glob, which pattern_parse() has checked, and hands put each way to
 * read it: in abstract names, "**" between two '/' takes one of them as well.
 * Returns 0, -ENOMEM or what put returns.
 */
int elements_read(const char *text, size_t len, uint32_t glob,
		  int (*put)(void *context, const struct elements *elements), void *context);

/* Adds to what is told of a name at a glance that it may be one of these. */
void elements_glance(const struct elements *elements, struct weir_glob *glance);

#endif
