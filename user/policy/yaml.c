// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The text of a policy as a tree; see yaml.h. libfyaml gives events; the tree
 * is ours, so that every node has its place and nothing recurses.
 */
#include "policy/yaml.h"

#include <errno.h>
#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/scalar.h"
#include "policy/skim.h"
#include "policy/yaml_diag.h"

/* A list or map that is still open. */
struct level {
	struct yaml *node;
	struct yaml *last;	/* child added last */
	struct yaml *key;	/* of a map: the key whose value comes next */
};

struct builder {
	const struct source *source;
	struct arena *arena;
	struct report *report;
	struct yaml *root;
	struct level levels[YAML_DEPTH_MAX];
	unsigned int depth;
	unsigned int documents;
	uint32_t end;		/* of the event before */
	bool stop;		/* reported, and nothing more can be read */
	struct yaml **keys;	/* scratch of the check for duplicates */
	size_t n_keys;
};

const char *yaml_kind_name(enum yaml_kind kind)
{
	static const char *const names[] = {
		[YAML_BAD] = "nothing",	 [YAML_NULL] = "nothing",      [YAML_BOOL] = "true/false",
		[YAML_INT] = "a number", [YAML_FLOAT] = "a fraction",  [YAML_STRING] = "text",
		[YAML_LIST] = "a list",	 [YAML_MAP] = "a map of keys",
	};

	_Static_assert(ARRAY_SIZE(names) == YAML_MAP + 1, "a name for every kind");
	return names[kind];
}

size_t yaml_count(const struct yaml *node)
{
	const struct yaml *child;
	size_t n = 0;

	for (child = node->first; child; child = child->next)
		n++;
	return n;
}

static struct place place_between(const struct builder *builder, const struct fy_mark *start,
				  const struct fy_mark *end)
{
	struct place place = {.source = builder->source, .offset = builder->end, .width = 1};

	if (start && start->input_pos <= builder->source->len)
		place.offset = (uint32_t)start->input_pos;
	if (start && end && end->input_pos > start->input_pos)
		place.width = (uint32_t)(end->input_pos - start->input_pos);
	return place;
}

/* libfyaml leaves the quotes out; people do not. */
static void quotes_include(struct place *place, enum fy_scalar_style style)
{
	const struct source *source = place->source;

	if (style != FYSS_SINGLE_QUOTED && style != FYSS_DOUBLE_QUOTED)
		return;
	if (place->offset && strchr("\"'", source->text[place->offset - 1])) {
		place->offset--;
		place->width += 2;
	}
}

static struct place token_place(const struct builder *builder, struct fy_token *token)
{
	return place_between(builder, fy_token_start_mark(token), fy_token_end_mark(token));
}

static int keys_compare(const void *a, const void *b)
{
	const struct yaml *x = (*(struct yaml *const *)a)->key;
	const struct yaml *y = (*(struct yaml *const *)b)->key;
	int order = strcmp(x->text, y->text);

	if (order)
		return order;
	return x->place.offset < y->place.offset ? -1 : 1;
}

/* Reports keys that stand twice in a map, and takes the later ones out. */
static int duplicates_check(struct builder *builder, struct yaml *map)
{
	size_t n = yaml_count(map), i, first = 0;
	struct yaml *child, **link;
	unsigned int line, column;
	struct yaml **keys;

	if (n > builder->n_keys) {
		keys = realloc(builder->keys, n * sizeof(struct yaml *));
		if (!keys)
			return -ENOMEM;
		builder->keys = keys;
		builder->n_keys = n;
	}
	keys = builder->keys;
	for (child = map->first, i = 0; child; child = child->next)
		keys[i++] = child;
	if (n > 1)
		qsort(keys, n, sizeof(*keys), keys_compare);
	for (i = 1; i < n; i++) {
		if (strcmp(keys[i]->key->text, keys[first]->key->text) != 0) {
			first = i;
			continue;
		}
		source_position(builder->source, keys[first]->key->place.offset, &line, &column);
		report_add(builder->report, &keys[i]->key->place,
			   "the key \"%s\" stands here a second time", keys[i]->key->text);
		report_hint(builder->report, "the first one is on line %u", line);
		keys[i]->key->kind = YAML_BAD;
	}
	for (link = &map->first; *link;) {
		if ((*link)->key->kind == YAML_BAD)
			*link = (*link)->next;
		else
			link = &(*link)->next;
	}
	return 0;
}

/* A scalar where a key is expected. */
static void key_take(struct builder *builder, struct level *level, struct yaml *key, bool plain)
{
	if (key->kind == YAML_STRING && plain && strcmp(key->text, "<<") == 0) {
		report_add(builder->report, &key->place,
			   "merge keys are not part of the policy language");
		report_hint(builder->report,
			    "write out what the merge would bring, or use include");
		key->kind = YAML_BAD;
	} else if (key->kind != YAML_STRING && key->kind != YAML_BAD) {
		report_add(builder->report, &key->place, "a key is text, this is %s",
			   yaml_kind_name(key->kind));
		report_hint(builder->report,
			    key->kind == YAML_NULL ? "write KEY: VALUE" : "quote it");
		key->kind = YAML_BAD;
	}
	level->key = key;
}

/* Puts a value into the list or map that is open. */
static void value_take(struct builder *builder, struct yaml *node)
{
	struct level *level = builder->depth ? &builder->levels[builder->depth - 1] : NULL;

	if (!level) {
		builder->root = node;
		return;
	}
	if (level->node->kind == YAML_MAP) {
		node->key = level->key;
		level->key = NULL;
	}
	if (level->last)
		level->last->next = node;
	else
		level->node->first = node;
	level->last = node;
}

static bool key_expected(const struct builder *builder)
{
	const struct level *level = builder->depth ? &builder->levels[builder->depth - 1] : NULL;

	return level && level->node->kind == YAML_MAP && !level->key;
}

static int scalar_take(struct builder *builder, struct fy_event *event)
{
	struct yaml *node = arena_alloc(builder->arena, sizeof(*node));
	struct fy_token *token = event->scalar.value;
	const struct level *level;
	const char *text;
	size_t len = 0;
	bool plain;

	if (!node)
		return -ENOMEM;
	text = token ? fy_token_get_text(token, &len) : "";
	if (!text)
		return -ENOMEM;
	node->text = arena_copy(builder->arena, text, len);
	if (!node->text)
		return -ENOMEM;
	node->len = (uint32_t)len;
	node->place = place_between(builder, fy_event_start_mark(event), fy_event_end_mark(event));
	if (token)
		quotes_include(&node->place, fy_token_scalar_style(token));
	plain = !token || fy_token_scalar_style(token) == FYSS_PLAIN;
	node->kind = plain ? scalar_kind(node->text) : YAML_STRING;
	if (!scalar_text_ok(node->text, node->len)) {
		report_add(builder->report, &node->place,
			   "this text holds a NUL or is not valid UTF-8");
		report_hint(builder->report,
			    "\\0 and \\ud800 to \\udfff write what no name or path can hold");
		node->kind = YAML_BAD;
	}
	if (key_expected(builder)) {
		key_take(builder, &builder->levels[builder->depth - 1], node, plain);
		return 0;
	}
	/* an absent value has no place of its own: the key's stands for it */
	level = builder->depth ? &builder->levels[builder->depth - 1] : NULL;
	if (!fy_event_start_mark(event) && level && level->key)
		node->place = level->key->place;
	value_take(builder, node);
	return 0;
}

static int collection_start(struct builder *builder, struct fy_event *event, enum yaml_kind kind)
{
	struct yaml *node = arena_alloc(builder->arena, sizeof(*node));

	if (!node)
		return -ENOMEM;
	node->kind = kind;
	node->text = "";
	node->place = place_between(builder, fy_event_start_mark(event), NULL);
	if (key_expected(builder)) {
		report_add(builder->report, &node->place, "a key is text, this is %s",
			   yaml_kind_name(kind));
		report_hint(builder->report, "write KEY: VALUE");
		builder->stop = true;
		return 0;
	}
	if (builder->depth == YAML_DEPTH_MAX) {
		report_add(builder->report, &node->place,
			   "lists and maps inside each other, deeper than %u", YAML_DEPTH_MAX);
		report_hint(builder->report, "no value of a policy needs more than a few");
		builder->stop = true;
		return 0;
	}
	value_take(builder, node);
	builder->levels[builder->depth++] = (struct level){.node = node};
	return 0;
}

static int collection_end(struct builder *builder)
{
	struct yaml *node = builder->levels[--builder->depth].node;

	return node->kind == YAML_MAP ? duplicates_check(builder, node) : 0;
}

static void document_start(struct builder *builder, struct fy_event *event)
{
	struct fy_document_state *state = event->document_start.document_state;
	const struct fy_version *version = fy_document_state_version(state);
	struct place place = place_between(builder, fy_event_start_mark(event),
					   fy_event_end_mark(event));

	if (++builder->documents > 1) {
		report_add(builder->report, &place, "a second document starts here");
		report_hint(builder->report, "a policy is one YAML document in a file");
		builder->stop = true;
		return;
	}
	place.offset = 0;
	if (fy_document_state_version_explicit(state) &&
	    (version->major != 1 || version->minor != 2)) {
		report_add(builder->report, &place, "a policy is YAML 1.2, this says %%YAML %d.%d",
			   version->major, version->minor);
		report_hint(builder->report, "leave the directive out");
	}
	if (fy_document_state_tags_explicit(state)) {
		report_add(builder->report, &place,
			   "tag directives are not part of the policy language");
		report_hint(builder->report, "leave the directive out");
	}
}

/* What may stand on any node and never in a policy. */
static void properties_check(struct builder *builder, struct fy_event *event)
{
	struct fy_token *anchor = fy_event_get_anchor_token(event);
	struct fy_token *tag = fy_event_get_tag_token(event);
	struct place place;

	if (event->type == FYET_ALIAS)
		return;
	if (anchor) {
		place = token_place(builder, anchor);
		report_add(builder->report, &place, "anchors are not part of the policy language");
		report_hint(builder->report,
			    "write the value out where it is needed, or use a parameter");
	}
	if (tag) {
		place = token_place(builder, tag);
		report_add(builder->report, &place, "tags are not part of the policy language");
		report_hint(builder->report, "leave it out; quote a value that is to be text");
	}
}

static int alias_take(struct builder *builder, struct fy_event *event)
{
	struct yaml *node = arena_alloc(builder->arena, sizeof(*node));

	if (!node)
		return -ENOMEM;
	node->kind = YAML_BAD;
	node->text = "";
	node->place = place_between(builder, fy_event_start_mark(event), fy_event_end_mark(event));
	report_add(builder->report, &node->place, "aliases are not part of the policy language");
	report_hint(builder->report, "write the value out where it is needed, or use a parameter");
	if (key_expected(builder))
		key_take(builder, &builder->levels[builder->depth - 1], node, false);
	else
		value_take(builder, node);
	return 0;
}

static int event_take(struct builder *builder, struct fy_event *event)
{
	const struct fy_mark *end;
	int err = 0;

	switch (event->type) {
	case FYET_DOCUMENT_START:
		document_start(builder, event);
		break;
	case FYET_SCALAR:
		properties_check(builder, event);
		err = scalar_take(builder, event);
		break;
	case FYET_SEQUENCE_START:
		properties_check(builder, event);
		err = collection_start(builder, event, YAML_LIST);
		break;
	case FYET_MAPPING_START:
		properties_check(builder, event);
		err = collection_start(builder, event, YAML_MAP);
		break;
	case FYET_SEQUENCE_END:
	case FYET_MAPPING_END:
		err = collection_end(builder);
		break;
	case FYET_ALIAS:
		err = alias_take(builder, event);
		break;
	default:
		break;
	}
	end = fy_event_end_mark(event);
	if (end && end->input_pos <= builder->source->len)
		builder->end = (uint32_t)end->input_pos;
	return err;
}

static int events_read(struct builder *builder, struct fy_parser *parser, struct fy_diag *diag)
{
	struct fy_event *event;
	int err = 0;

	while (!err && !builder->stop && (event = fy_parser_parse(parser))) {
		err = event_take(builder, event);
		fy_parser_event_free(parser, event);
	}
	if (!err && !builder->stop && fy_parser_get_stream_error(parser)) {
		yaml_diag_report(diag, builder->source, builder->end, builder->report);
		builder->stop = true;
	}
	return err;
}

int yaml_parse(const struct source *source, struct arena *arena, struct report *report,
	       struct yaml **ret)
{
	struct builder builder = {.source = source, .arena = arena, .report = report};
	struct fy_parse_cfg config = {
		.search_path = "",
		.flags = FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE | FYPCF_ALLOW_DUPLICATE_KEYS,
	};
	struct fy_parser *parser = NULL;
	int err = -ENOMEM;

	if (!source_check(source, report) || !skim_check(source, report)) {
		*ret = NULL;
		return 0;
	}
	config.diag = yaml_diag_create();
	if (config.diag)
		parser = fy_parser_create(&config);
	if (parser && fy_parser_set_string(parser, source->text, source->len) == 0)
		err = events_read(&builder, parser, config.diag);
	if (parser)
		fy_parser_destroy(parser);
	if (config.diag)
		fy_diag_destroy(config.diag);
	free(builder.keys);
	if (err < 0)
		return err;
	*ret = builder.stop ? NULL : builder.root;
	return 0;
}
