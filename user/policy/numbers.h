/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sets of numbers that grow and are then sorted, so that equal ones have equal bytes. */
#ifndef WEIR_POLICY_NUMBERS_H
#define WEIR_POLICY_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

/* Zero-initialise, numbers_done() frees. */
struct numbers {
	uint32_t *list;
	size_t n;
	size_t cap;
};

int numbers_add(struct numbers *numbers, uint32_t number);

/* In order, each once. */
void numbers_sort(struct numbers *numbers);

void numbers_done(struct numbers *numbers);

#endif
