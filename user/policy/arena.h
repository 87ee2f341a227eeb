/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Memory that is freed as a whole: everything a policy tree holds lives in one arena. */
#ifndef WEIR_POLICY_ARENA_H
#define WEIR_POLICY_ARENA_H

#include <stddef.h>

struct arena_block;

/* Zero-initialise; arena_done() frees all that was allocated. */
struct arena {
	struct arena_block *blocks;
};

/* Zeroed memory, aligned for any type; NULL when there is none left. */
void *arena_alloc(struct arena *arena, size_t size);

/* The same for an array; NULL also when count * size overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/* A NUL-terminated copy of len bytes; NULL when there is no memory. */
char *arena_copy(struct arena *arena, const char *text, size_t len);

void arena_done(struct arena *arena);

#endif
