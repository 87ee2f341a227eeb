// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Sets of numbers; see numbers.h. */
#include "policy/numbers.h"

#include <stdlib.h>

#include "policy/compile_parts.h"

int numbers_add(struct numbers *numbers, uint32_t number)
{
	int err = array_reserve(&numbers->list, numbers->n, &numbers->cap, sizeof(*numbers->list));

	if (!err)
		numbers->list[numbers->n++] = number;
	return err;
}

static int number_compare(const void *a, const void *b)
{
	const uint32_t *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

void numbers_sort(struct numbers *numbers)
{
	size_t i, n = 0;

	if (numbers->n < 2)
		return;
	qsort(numbers->list, numbers->n, sizeof(*numbers->list), number_compare);
	for (i = 0; i < numbers->n; i++)
		if (!i || numbers->list[i] != numbers->list[n - 1])
			numbers->list[n++] = numbers->list[i];
	numbers->n = n;
}

void numbers_done(struct numbers *numbers)
{
	free(numbers->list);
	*numbers = (struct numbers){0};
}
