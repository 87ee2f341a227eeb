// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The elements of a glob; see elements.h. */
#include "policy/elements.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/compile_parts.h"
#include "policy/pattern.h"

struct reading {
	struct elements elements;
	int (*put)(void *context, const struct elements *elements);
	void *context;
};

static void bytes_take(struct byte_set *set, unsigned int byte)
{
	set->bits[byte / 64] |= (uint64_t)1 << byte % 64;
}

static struct element any_bytes(bool slash)
{
	struct element element = {0};

	memset(&element.bytes, 0xff, sizeof(element.bytes));
	if (!slash)
		element.bytes.bits['/' / 64] &= ~((uint64_t)1 << '/' % 64);
	return element;
}

static struct element class_bytes(const char *text, size_t len)
{
	struct element element = {0};
	unsigned int byte;

	for (byte = 0; byte < 256; byte++) {
		if (byte != '/' && pattern_class_takes(text, len, (char)byte))
			bytes_take(&element.bytes, byte);
	}
	return element;
}

/* The element at text, whose length is returned. */
static size_t element_at(const char *text, struct element *ret)
{
	size_t len = pattern_element_len(text);

	*ret = (struct element){0};
	switch (*text) {
	case '*':
		*ret = any_bytes(len > 1);
		ret->star = true;
		break;
	case '?':
		*ret = any_bytes(false);
		break;
	case '[':
		*ret = class_bytes(text, len);
		break;
	default:
		bytes_take(&ret->bytes, (unsigned char)text[len - 1]);
	}
	return len;
}

static int element_add(struct elements *elements, struct element element)
{
	int err = array_reserve(&elements->list, elements->n, &elements->cap,
				sizeof(*elements->list));

	if (!err)
		elements->list[elements->n++] = element;
	return err;
}

static int way_read(struct reading *reading, const char *text);

/* A '/' and "**" up to the next '/' or the end may also take nothing at all. */
static int tree_read(struct reading *reading, const char *text)
{
	size_t n = reading->elements.n;
	struct element slash, any = any_bytes(true);
	int err;

	any.star = true;
	element_at("/", &slash);
	err = way_read(reading, text + 3);
	reading->elements.n = n;
	if (!err)
		err = element_add(&reading->elements, slash);
	if (!err)
		err = element_add(&reading->elements, any);
	return err ? err : way_read(reading, text + 3);
}

/* Reads on from text, behind the elements there are. */
static int way_read(struct reading *reading, const char *text)
{
	struct element element;
	int err = 0;

	while (*text && !err) {
		if (strncmp(text, "/**", 3) == 0 && (!text[3] || text[3] == '/'))
			return tree_read(reading, text);
		text += element_at(text, &element);
		err = element_add(&reading->elements, element);
	}
	return err ? err : reading->put(reading->context, &reading->elements);
}

int elements_read(const char *text, size_t len, uint32_t glob,
		  int (*put)(void *context, const struct elements *elements), void *context)
{
	struct reading reading = {.elements.glob = glob, .put = put, .context = context};
	_cleanup_free_ char *whole = strndup(text, len);
	int err = whole ? way_read(&reading, whole) : -ENOMEM;

	free(reading.elements.list);
	return err;
}

/* Which bytes an element takes, as bits by their low six. Returns how many those are. */
static int bytes_glance(const struct element *element, uint64_t *ret)
{
	const uint64_t *bits = element->bytes.bits;

	*ret = element->star ? UINT64_MAX : bits[0] | bits[1] | bits[2] | bits[3];
	return __builtin_popcountll(*ret);
}

void elements_glance(const struct elements *elements, struct weir_glob *glance)
{
	uint64_t first, last;
	unsigned int len = 0;
	bool star = false;
	size_t i;

	for (i = 0; i < elements->n; i++) {
		star |= elements->list[i].star;
		len += !elements->list[i].star;
	}
	glance->lengths |= star ? ~(WEIR_LENGTH_BIT(len) - 1) : WEIR_LENGTH_BIT(len);
	if (!elements->n)
		return;
	/* whichever tells more of other names */
	if (bytes_glance(&elements->list[0], &first) <
	    bytes_glance(&elements->list[elements->n - 1], &last))
		glance->first |= first;
	else
		glance->last |= last;
}
