// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Memory that is freed as a whole; see arena.h. */
#include "policy/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)64 * 1024)
#define ALIGN _Alignof(max_align_t)

struct arena_block {
	struct arena_block *next;
	size_t used;
	size_t size;
	_Alignas(max_align_t) char data[];
};

static struct arena_block *block_add(struct arena *arena, size_t need)
{
	size_t size = need > BLOCK_SIZE / 4 ? need : BLOCK_SIZE;
	struct arena_block *block;

	if (size > SIZE_MAX - sizeof(*block))
		return NULL;
	block = calloc(1, sizeof(*block) + size);
	if (!block)
		return NULL;
	block->size = size;
	/* a large piece gets its own block, behind the one that still has room */
	if (size != BLOCK_SIZE && arena->blocks) {
		block->next = arena->blocks->next;
		arena->blocks->next = block;
	} else {
		block->next = arena->blocks;
		arena->blocks = block;
	}
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_block *block = arena->blocks;
	void *ret;

	if (size > SIZE_MAX - ALIGN)
		return NULL;
	size = (size + ALIGN - 1) / ALIGN * ALIGN;
	if (!block || block->size - block->used < size)
		block = block_add(arena, size);
	if (!block)
		return NULL;
	ret = block->data + block->used;
	block->used += size;
	return ret;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	return arena_alloc(arena, total);
}

char *arena_copy(struct arena *arena, const char *text, size_t len)
{
	char *ret = len < SIZE_MAX ? arena_alloc(arena, len + 1) : NULL;

	if (ret && len)
		memcpy(ret, text, len);
	return ret;
}

void arena_done(struct arena *arena)
{
	struct arena_block *block = arena->blocks, *next;

	for (; block; block = next) {
		next = block->next;
		free(block);
	}
	arena->blocks = NULL;
}
