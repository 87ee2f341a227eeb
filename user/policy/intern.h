/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers for strings of bytes: the same bytes, the same number; from 0, in order of arrival. */
#ifndef WEIR_POLICY_INTERN_H
#define WEIR_POLICY_INTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise; intern_done() frees. Pointers into it hold until something is added. */
struct intern {
	unsigned char *bytes;	/* of all, one behind the other */
	size_t n_bytes;
	size_t cap_bytes;
	size_t *ends;		/* by number: where in bytes it ends */
	size_t n;
	size_t cap;
	uint32_t *slots;	/* hash table of numbers + 1 */
	size_t n_slots;
};

/* Gives the number of these bytes. Returns 1 if they are new, 0 if not, or -ENOMEM. */
int intern_add(struct intern *intern, const void *bytes, size_t len, uint32_t *ret);

/* The same for what is there; false: it is not. */
bool intern_find(const struct intern *intern, const void *bytes, size_t len, uint32_t *ret);

const void *intern_get(const struct intern *intern, uint32_t number, size_t *ret_len);

void intern_done(struct intern *intern);

#endif
