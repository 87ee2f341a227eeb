// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Numbers for strings of bytes; see intern.h. */
#include "policy/intern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile_parts.h"

static uint64_t bytes_hash(const unsigned char *bytes, size_t len)
{
	uint64_t hash = len, word;

	for (; len >= sizeof(word); bytes += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		hash = hash_add(hash, word);
	}
	word = 0;
	memcpy(&word, bytes, len);
	return hash_add(hash, word);
}

const void *intern_get(const struct intern *intern, uint32_t number, size_t *ret_len)
{
	size_t begin = number ? intern->ends[number - 1] : 0;

	*ret_len = intern->ends[number] - begin;
	return intern->bytes + begin;
}

/* The slot that has these bytes, or the free one where they belong. */
static size_t slot_of(const struct intern *intern, const void *bytes, size_t len)
{
	size_t at = bytes_hash(bytes, len) & (intern->n_slots - 1), there;
	const void *other;

	for (; intern->slots[at]; at = (at + 1) & (intern->n_slots - 1)) {
		other = intern_get(intern, intern->slots[at] - 1, &there);
		if (there == len && memcmp(other, bytes, len) == 0)
			break;
	}
	return at;
}

static int slots_grow(struct intern *intern)
{
	struct intern grown = *intern;
	const void *bytes;
	uint32_t i;
	size_t len;

	grown.n_slots = intern->n_slots ? intern->n_slots * 2 : 256;
	grown.slots = calloc(grown.n_slots, sizeof(*grown.slots));
	if (!grown.slots)
		return -ENOMEM;
	for (i = 0; i < intern->n; i++) {
		bytes = intern_get(intern, i, &len);
		grown.slots[slot_of(&grown, bytes, len)] = i + 1;
	}
	free(intern->slots);
	*intern = grown;
	return 0;
}

static int bytes_reserve(struct intern *intern, size_t len)
{
	size_t need = intern->n_bytes + len, cap = intern->cap_bytes ? intern->cap_bytes : 4096;
	unsigned char *bytes;

	while (cap < need)
		cap *= 2;
	if (cap == intern->cap_bytes)
		return 0;
	bytes = realloc(intern->bytes, cap);
	if (!bytes)
		return -ENOMEM;
	intern->bytes = bytes;
	intern->cap_bytes = cap;
	return 0;
}

int intern_add(struct intern *intern, const void *bytes, size_t len, uint32_t *ret)
{
	size_t slot;

	if ((intern->n + 1) * 2 > intern->n_slots && slots_grow(intern) < 0)
		return -ENOMEM;
	slot = slot_of(intern, bytes, len);
	if (intern->slots[slot]) {
		*ret = intern->slots[slot] - 1;
		return 0;
	}
	if (bytes_reserve(intern, len) < 0 ||
	    array_reserve(&intern->ends, intern->n, &intern->cap, sizeof(*intern->ends)) < 0)
		return -ENOMEM;
	memcpy(intern->bytes + intern->n_bytes, bytes, len);
	intern->n_bytes += len;
	intern->ends[intern->n] = intern->n_bytes;
	*ret = (uint32_t)intern->n++;
	intern->slots[slot] = *ret + 1;
	return 1;
}

bool intern_find(const struct intern *intern, const void *bytes, size_t len, uint32_t *ret)
{
	size_t slot;

	if (!intern->n_slots)
		return false;
	slot = slot_of(intern, bytes, len);
	if (!intern->slots[slot])
		return false;
	*ret = intern->slots[slot] - 1;
	return true;
}

void intern_done(struct intern *intern)
{
	free(intern->bytes);
	free(intern->ends);
	free(intern->slots);
	*intern = (struct intern){0};
}
