// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From globs to automata; see globs.h. The globs of a set become a trie of
 * steps, those that begin alike sharing them; sets of steps become states; and
 * states that cannot be told apart become one row.
 */
#include "policy/globs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile_parts.h"
#include "policy/elements.h"
#include "policy/numbers.h"

/* A step of the trie: by one byte, or, a star, by none and then by any number of bytes. */
struct step {
	uint32_t child;		/* first; 0: none */
	uint32_t sibling;
	uint32_t bytes;		/* number of its set of bytes */
	bool star;
	struct numbers globs;	/* that end here */
};

/* One set on its way to rows. */
struct builder {
	struct globs *globs;
	struct glob_set *set;
	struct intern byte_sets;
	struct step *steps;	/* 0 is the root */
	struct intern children;	/* of a step, with bytes and star; by number, the steps but 0 */
	size_t n_steps, cap_steps;
	uint8_t classes[256];	/* of bytes that no glob tells apart */
	uint8_t of_class[256];	/* a byte of each */
	unsigned int n_classes;
	struct intern states;	/* sets of steps */
	uint32_t *matches;	/* by state */
	size_t cap_matches;
	uint32_t *moves;	/* by state and class: the next state + 1; 0: nothing is taken */
	size_t cap_moves;
	uint32_t *rows;		/* by state: which of those told apart it is */
	struct numbers next;	/* a set of steps in the making */
};

static void builder_done(struct builder *builder)
{
	size_t i;

	for (i = 0; i < builder->n_steps; i++)
		numbers_done(&builder->steps[i].globs);
	free(builder->steps);
	free(builder->matches);
	free(builder->moves);
	free(builder->rows);
	intern_done(&builder->byte_sets);
	intern_done(&builder->children);
	intern_done(&builder->states);
	numbers_done(&builder->next);
}

static const struct byte_set *step_bytes(const struct builder *builder, const struct step *step)
{
	size_t len;

	return intern_get(&builder->byte_sets, step->bytes, &len);
}

static int step_add(struct builder *builder, uint32_t parent, struct step step)
{
	size_t at = builder->n_steps;

	if (array_reserve(&builder->steps, at, &builder->cap_steps, sizeof(*builder->steps)) < 0)
		return -ENOMEM;
	if (at) {
		step.sibling = builder->steps[parent].child;
		builder->steps[parent].child = (uint32_t)at;
	}
	builder->steps[builder->n_steps++] = step;
	return 0;
}

static int step_get(struct builder *builder, uint32_t *at, const struct element *element)
{
	struct step step = {.star = element->star};
	uint32_t key[] = {*at, 0, step.star}, number;
	int added;

	added = intern_add(&builder->byte_sets, &element->bytes, sizeof(element->bytes),
			   &step.bytes);
	if (added < 0)
		return added;
	key[1] = step.bytes;
	added = intern_add(&builder->children, key, sizeof(key), &number);
	if (added < 0 || (added && step_add(builder, *at, step) < 0))
		return -ENOMEM;
	*at = number + 1;	/* behind the root */
	return 0;
}

/* A way to read a glob goes into the trie, and into what is told of names at a glance. */
static int elements_put(void *context, const struct elements *elements)
{
	struct builder *builder = context;
	uint32_t at = 0;
	size_t i;

	elements_glance(elements, &builder->set->head);
	for (i = 0; i < elements->n; i++) {
		if (step_get(builder, &at, &elements->list[i]) < 0)
			return -ENOMEM;
	}
	return numbers_add(&builder->steps[at].globs, elements->glob);
}

/* Bytes are told apart where one set of bytes has the one and not the other. */
static int classes_make(struct builder *builder)
{
	_cleanup_(intern_done) struct intern pairs = {0};
	uint32_t i, byte, number;
	size_t len;

	for (i = 0; i < builder->byte_sets.n; i++) {
		const struct byte_set *set = intern_get(&builder->byte_sets, i, &len);

		intern_done(&pairs);
		for (byte = 0; byte < 256; byte++) {
			const uint8_t pair[] = {builder->classes[byte], byte_set_has(set, byte)};

			if (intern_add(&pairs, pair, sizeof(pair), &number) < 0)
				return -ENOMEM;
			builder->classes[byte] = (uint8_t)number;
		}
	}
	for (byte = 0; byte < 256; byte++) {
		builder->of_class[builder->classes[byte]] = (uint8_t)byte;
		if (builder->classes[byte] >= builder->n_classes)
			builder->n_classes = builder->classes[byte] + 1u;
	}
	return 0;
}

/* A step, and the stars behind it, which need no byte. */
static int next_add(struct builder *builder, uint32_t step)
{
	uint32_t child;

	for (;;) {
		uint32_t star = 0;

		if (numbers_add(&builder->next, step) < 0)
			return -ENOMEM;
		for (child = builder->steps[step].child; child;
		     child = builder->steps[child].sibling) {
			if (!builder->steps[child].star)
				continue;
			if (star && next_add(builder, star) < 0)
				return -ENOMEM;
			star = child;
		}
		if (!star)
			return 0;
		step = star;
	}
}

/* The match of a state: which globs end there. */
static int match_get(struct builder *builder, uint32_t state, uint32_t *ret)
{
	_cleanup_(numbers_done) struct numbers globs = {0};
	const uint32_t *steps;
	size_t len, i, j;

	steps = intern_get(&builder->states, state, &len);
	for (i = 0; i < len / sizeof(*steps); i++) {
		const struct numbers *end = &builder->steps[steps[i]].globs;

		for (j = 0; j < end->n; j++)
			if (numbers_add(&globs, end->list[j]) < 0)
				return -ENOMEM;
	}
	*ret = 0;
	if (!globs.n)
		return 0;
	numbers_sort(&globs);
	if (intern_add(&builder->set->matches, globs.list, globs.n * sizeof(*globs.list), ret) < 0)
		return -ENOMEM;
	++*ret;
	return 0;
}

/* The set in the making as a state. */
static int state_get(struct builder *builder, uint32_t *ret)
{
	int added;

	if (path_steps_add(builder->globs->limits, builder->next.n) < 0)
		return -E2BIG;
	numbers_sort(&builder->next);
	added = intern_add(&builder->states, builder->next.list,
			   builder->next.n * sizeof(*builder->next.list), ret);
	if (added <= 0)
		return added;
	if (array_reserve(&builder->matches, *ret, &builder->cap_matches,
			  sizeof(*builder->matches)) < 0)
		return -ENOMEM;
	return match_get(builder, *ret, &builder->matches[*ret]);
}

static int state_move(struct builder *builder, uint32_t state, uint8_t byte, uint32_t *ret)
{
	const uint32_t *steps;
	size_t len, i, tried = 0;
	uint32_t child;

	builder->next.n = 0;
	steps = intern_get(&builder->states, state, &len);
	for (i = 0; i < len / sizeof(*steps); i++) {
		const struct step *step = &builder->steps[steps[i]];

		if (step->star && byte_set_has(step_bytes(builder, step), byte) &&
		    next_add(builder, steps[i]) < 0)
			return -ENOMEM;
		for (child = step->child; child; child = builder->steps[child].sibling, tried++) {
			if (!builder->steps[child].star &&
			    byte_set_has(step_bytes(builder, &builder->steps[child]), byte) &&
			    next_add(builder, child) < 0)
				return -ENOMEM;
		}
	}
	if (path_steps_add(builder->globs->limits, tried / 4) < 0)
		return -E2BIG;
	*ret = 0;
	if (!builder->next.n)
		return 0;
	if (state_get(builder, ret) < 0)
		return -ENOMEM;
	++*ret;
	return 0;
}

/* States in order of arrival, each with its moves. */
static int states_make(struct builder *builder)
{
	struct path_limits *limits = builder->globs->limits;
	size_t room = PATH_ROWS_MAX - builder->globs->n_rows;
	uint32_t state, move;
	unsigned int class;

	if (next_add(builder, 0) < 0 || state_get(builder, &state) < 0)
		return -ENOMEM;
	for (state = 0; state < builder->states.n; state++) {
		/* minimal automata are rarely much smaller: what is not nearly in is out */
		if (builder->states.n > 2 * room)
			return path_limit_pass(limits, PATH_LIMIT_ROWS);
		for (class = 0; class < builder->n_classes; class ++) {
			size_t at = (size_t)state * builder->n_classes + class;

			if (state_move(builder, state, builder->of_class[class], &move) < 0 ||
			    array_reserve(&builder->moves, at, &builder->cap_moves,
					  sizeof(*builder->moves)) < 0)
				return -ENOMEM;
			builder->moves[at] = move;
		}
	}
	return 0;
}

/* Tells states apart by where they lead, until that tells no more of them apart. */
static int states_merge(struct builder *builder, size_t *ret_n)
{
	size_t n = builder->states.n, before = 0, width = builder->n_classes + 1, i, j;
	_cleanup_free_ uint32_t *key = calloc(width, sizeof(*key));
	_cleanup_free_ uint32_t *rows = calloc(n, sizeof(*rows));
	_cleanup_(intern_done) struct intern kinds = {0};

	builder->rows = calloc(n, sizeof(*builder->rows));
	if (!key || !rows || !builder->rows)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		builder->rows[i] = builder->matches[i];
	for (;;) {
		intern_done(&kinds);
		if (path_steps_add(builder->globs->limits, n * width / 16) < 0)
			return -E2BIG;
		for (i = 0; i < n; i++) {
			key[0] = builder->rows[i];
			for (j = 0; j + 1 < width; j++) {
				uint32_t to = builder->moves[i * (width - 1) + j];

				key[j + 1] = to ? builder->rows[to - 1] + 1 : 0;
			}
			if (intern_add(&kinds, key, width * sizeof(*key), &rows[i]) < 0)
				return -ENOMEM;
		}
		memcpy(builder->rows, rows, n * sizeof(*rows));
		if (kinds.n == before)
			break;
		before = kinds.n;
	}
	*ret_n = kinds.n;
	return 0;
}

static void row_write(const struct builder *builder, uint32_t first, uint32_t state)
{
	uint32_t at = first + builder->rows[state];
	struct weir_row *row = &builder->globs->rows[at];
	unsigned int byte;

	row->match = (uint16_t)builder->matches[state];
	row->stays = true;
	for (byte = 0; byte < 256; byte++) {
		uint32_t to = builder->moves[(size_t)state * builder->n_classes +
					     builder->classes[byte]];

		row->next[byte] = (uint16_t)(to ? first + builder->rows[to - 1] : 0);
		row->stays &= row->next[byte] == at;
	}
}

static int rows_write(struct builder *builder)
{
	struct globs *globs = builder->globs;
	uint32_t first = (uint32_t)globs->n_rows, state;
	size_t n;

	if (states_merge(builder, &n) < 0)
		return -ENOMEM;
	/* each match has a row that no other has, so that its number fits like theirs */
	if (first + n > PATH_ROWS_MAX)
		return path_limit_pass(globs->limits, PATH_LIMIT_ROWS);
	for (; globs->n_rows < first + n; globs->n_rows++) {
		if (array_reserve(&globs->rows, globs->n_rows, &globs->cap_rows,
				  sizeof(*globs->rows)) < 0)
			return -ENOMEM;
		globs->rows[globs->n_rows] = (struct weir_row){0};
	}
	for (state = 0; state < builder->states.n; state++)
		row_write(builder, first, state);
	builder->set->head.start = first + builder->rows[0];
	return 0;
}

static int set_make(struct globs *globs, struct glob_set *set, const uint32_t *numbers, size_t n)
{
	_cleanup_(builder_done) struct builder builder = {.globs = globs, .set = set};
	size_t len, i;
	int err = step_add(&builder, 0, (struct step){0});

	for (i = 0; i < n && !err; i++) {
		const char *text = intern_get(globs->texts, numbers[i], &len);

		err = elements_read(text, len, numbers[i], elements_put, &builder);
	}
	if (!err)
		err = classes_make(&builder);
	if (!err)
		err = states_make(&builder);
	if (!err)
		err = rows_write(&builder);
	return err;
}

int globs_get(struct globs *globs, const uint32_t *numbers, size_t n, uint32_t *ret)
{
	int added;

	*ret = 0;
	if (!n)
		return 0;
	_Static_assert(sizeof(globs->rows->next[0]) == sizeof(uint16_t), "rows have 16 bits");
	if (!globs->n_rows) {
		if (array_reserve(&globs->rows, 0, &globs->cap_rows, sizeof(*globs->rows)) < 0)
			return -ENOMEM;
		globs->rows[globs->n_rows++] = (struct weir_row){0};
	}
	/* first, so that there is a set for every key whatever fails */
	if (array_reserve(&globs->sets, globs->keys.n, &globs->cap_sets, sizeof(*globs->sets)) < 0)
		return -ENOMEM;
	added = intern_add(&globs->keys, numbers, n * sizeof(*numbers), ret);
	if (added < 0)
		return added;
	++*ret;
	if (!added)
		return 0;
	globs->sets[*ret - 1] = (struct glob_set){0};
	return set_make(globs, &globs->sets[*ret - 1], numbers, n);
}

uint32_t globs_match(const struct globs *globs, uint32_t set, const char *name, size_t len)
{
	uint32_t row = set ? globs->sets[set - 1].head.start : 0;
	size_t i;

	for (i = 0; i < len && row; i++)
		row = globs->rows[row].next[(unsigned char)name[i]];
	return row ? globs->rows[row].match : 0;
}

const uint32_t *globs_taken(const struct globs *globs, uint32_t set, uint32_t match, size_t *ret_n)
{
	const uint32_t *numbers;
	size_t len;

	*ret_n = 0;
	if (!set || !match)
		return NULL;
	numbers = intern_get(&globs->sets[set - 1].matches, match - 1, &len);
	*ret_n = len / sizeof(*numbers);
	return numbers;
}

void globs_done(struct globs *globs)
{
	size_t i;

	for (i = 0; i < globs->keys.n; i++)
		intern_done(&globs->sets[i].matches);
	free(globs->sets);
	free(globs->rows);
	intern_done(&globs->keys);
}
