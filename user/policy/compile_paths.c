// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The path trie, of files and of unix sockets, each below a root of its own.
 * Every pattern is put in; then one walk from each root down keeps, for each
 * rule, how many of its patterns and exceptions cover the place, and writes
 * down the first rule that covers it by access.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile_parts.h"

#define WORD_BITS 64
#define RULE_WORDS (POLICY_RULES_MAX / WORD_BITS)
#define SUMMARY_WORDS ((RULE_WORDS + WORD_BITS - 1) / WORD_BITS)

/* A set of rules in which the first one is found fast. */
struct rule_set {
	uint64_t summary[SUMMARY_WORDS];
	uint64_t words[RULE_WORDS];
};

/* Where a rule stands. */
enum list {
	LIST_FILES_ALLOW,
	LIST_FILES_DENY,
	LIST_UNIX,
	LIST_COUNT,
};

/* A pattern put at a node. */
struct mark {
	uint32_t next;		/* index + 1 of the next one at this node; 0: none */
	uint16_t rule;
	uint8_t list;		/* enum list */
	bool except;
	bool tree;
};

struct cover {
	uint32_t paths;		/* patterns of this rule that cover the place */
	uint32_t except;
};

/* A node while the trie is built. */
struct link {
	uint32_t parent;
	uint32_t child;		/* first */
	uint32_t sibling;	/* next */
	uint32_t marks;		/* index + 1 of the first; 0: none */
	uint32_t lengths;	/* as in struct weir_node */
};

struct trie {
	struct weir_edge_key *keys;
	uint32_t *children;
	size_t n_edges, cap_keys, cap_children;
	struct link *links;
	size_t n_nodes, cap_links;
	struct mark *marks;
	size_t n_marks, cap_marks;
	uint32_t *table;	/* hash of edges: index + 1 */
	size_t n_table;
	struct cover *covers[LIST_COUNT];	/* by rule */
	const struct file_rules *rules[LIST_COUNT];
	struct file_rules sockets;	/* those of network.unix as rules that read */
	/* allow, deny: those that cover the place, all of them from the lists of its root */
	struct rule_set sets[2][WEIR_ACCESS_COUNT];
	struct weir_node *nodes;
};

static void trie_done(struct trie *trie)
{
	unsigned int i;

	free(trie->keys);
	free(trie->children);
	free(trie->links);
	free(trie->marks);
	free(trie->table);
	for (i = 0; i < LIST_COUNT; i++)
		free(trie->covers[i]);
	free(trie->sockets.list);
	free(trie->nodes);
}

static uint64_t key_hash(const struct weir_edge_key *key)
{
	uint64_t words[sizeof(*key) / sizeof(uint64_t)], hash = 0;
	size_t i;

	memcpy(words, key, sizeof(words));
	for (i = 0; i < ARRAY_SIZE(words); i++)
		hash = hash_add(hash, words[i]);
	return hash;
}

static int table_grow(struct trie *trie)
{
	size_t n = trie->n_table ? trie->n_table * 2 : 1024, i, at;
	uint32_t *table = calloc(n, sizeof(*table));

	if (!table)
		return -ENOMEM;
	for (i = 0; i < trie->n_edges; i++) {
		for (at = key_hash(&trie->keys[i]) & (n - 1); table[at]; at = (at + 1) & (n - 1))
			;
		table[at] = (uint32_t)i + 1;
	}
	free(trie->table);
	trie->table = table;
	trie->n_table = n;
	return 0;
}

static int node_add(struct trie *trie, uint32_t parent, uint32_t *ret)
{
	struct link *link;

	if (array_reserve(&trie->links, trie->n_nodes, &trie->cap_links, sizeof(*trie->links)) < 0)
		return -ENOMEM;
	link = &trie->links[trie->n_nodes];
	*link = (struct link){.parent = parent};
	if (parent) {
		link->sibling = trie->links[parent].child;
		trie->links[parent].child = (uint32_t)trie->n_nodes;
	}
	*ret = (uint32_t)trie->n_nodes++;
	return 0;
}

/* The child of a node behind one chunk; made if it is not there. */
static int child_get(struct trie *trie, const struct weir_edge_key *key, uint32_t *ret)
{
	size_t at;
	uint32_t child;

	if (trie->n_edges * 2 >= trie->n_table && table_grow(trie) < 0)
		return -ENOMEM;
	for (at = key_hash(key) & (trie->n_table - 1); trie->table[at];
	     at = (at + 1) & (trie->n_table - 1)) {
		if (memcmp(&trie->keys[trie->table[at] - 1], key, sizeof(*key)) == 0) {
			*ret = trie->children[trie->table[at] - 1];
			return 0;
		}
	}
	if (array_reserve(&trie->keys, trie->n_edges, &trie->cap_keys, sizeof(*trie->keys)) < 0 ||
	    array_reserve(&trie->children, trie->n_edges, &trie->cap_children,
			  sizeof(*trie->children)) < 0 ||
	    node_add(trie, key->node, &child) < 0)
		return -ENOMEM;
	trie->keys[trie->n_edges] = *key;
	trie->children[trie->n_edges] = child;
	trie->table[at] = (uint32_t)++trie->n_edges;
	*ret = child;
	return 0;
}

/* Follows one component from a node, chunk by chunk. */
static int component_get(struct trie *trie, const char *text, size_t len, uint32_t *node)
{
	size_t at, n;

	/* a length that is a multiple of the chunk ends with an all-zero one */
	for (at = 0; at <= len; at += WEIR_CHUNK) {
		struct weir_edge_key key = {.node = *node};

		n = len - at < WEIR_CHUNK ? len - at : WEIR_CHUNK;
		memcpy(key.chunk, text + at, n);
		if (child_get(trie, &key, node) < 0)
			return -ENOMEM;
	}
	return 0;
}

static uint32_t root_of(const struct pattern *pattern, enum list list)
{
	if (list != LIST_UNIX)
		return WEIR_NODE_ROOT;
	return pattern_is_abstract(pattern) ? WEIR_NODE_ABSTRACT : WEIR_NODE_UNIX;
}

static int pattern_put(struct trie *trie, const struct pattern *pattern, struct mark mark)
{
	uint32_t node = root_of(pattern, mark.list);
	size_t at, len;

	/* past the limit the caller reports: no need to build what is refused */
	if (!pattern_is_compiled(pattern) || trie->n_nodes > COMPILE_NODES_MAX)
		return 0;
	/* a path is a '/' and a component, again and again; an abstract name '@' and one alone */
	for (at = 0; at < pattern->len; at += len + 1) {
		len = pattern->len - at - 1;
		if (!pattern_is_abstract(pattern))
			len = strcspn(pattern->path + at + 1, "/");
		trie->links[node].lengths |= WEIR_LENGTH_BIT(len);
		if (component_get(trie, pattern->path + at + 1, len, &node) < 0)
			return -ENOMEM;
	}
	if (array_reserve(&trie->marks, trie->n_marks, &trie->cap_marks, sizeof(*trie->marks)) < 0)
		return -ENOMEM;
	mark.tree = pattern->kind == PATTERN_SUBTREE;
	mark.next = trie->links[node].marks;
	trie->marks[trie->n_marks++] = mark;
	trie->links[node].marks = (uint32_t)trie->n_marks;
	return 0;
}

static int rules_put(struct trie *trie, enum list list)
{
	const struct file_rules *rules = trie->rules[list];
	size_t i, j;

	for (i = 0; i < rules->n; i++) {
		const struct file_rule *rule = &rules->list[i];
		struct mark mark = {.rule = (uint16_t)i, .list = (uint8_t)list};

		for (j = 0; j < rule->n_paths; j++) {
			if (pattern_put(trie, &rule->paths[j], mark) < 0)
				return -ENOMEM;
		}
		mark.except = true;
		for (j = 0; j < rule->n_except; j++) {
			if (pattern_put(trie, &rule->except[j], mark) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static void set_change(struct rule_set *set, unsigned int rule, bool in)
{
	unsigned int word = rule / WORD_BITS;
	uint64_t bit = (uint64_t)1 << rule % WORD_BITS;
	uint64_t summary_bit = (uint64_t)1 << word % WORD_BITS;

	if (in)
		set->words[word] |= bit;
	else
		set->words[word] &= ~bit;
	if (set->words[word])
		set->summary[word / WORD_BITS] |= summary_bit;
	else
		set->summary[word / WORD_BITS] &= ~summary_bit;
}

/* The first rule of the set, counted from 1; 0: it is empty. */
static unsigned int set_first(const struct rule_set *set)
{
	unsigned int i, word;

	for (i = 0; i < SUMMARY_WORDS; i++) {
		if (!set->summary[i])
			continue;
		word = i * WORD_BITS + (unsigned int)__builtin_ctzll(set->summary[i]);
		return word * WORD_BITS + (unsigned int)__builtin_ctzll(set->words[word]) + 1;
	}
	return 0;
}

/* Lets a pattern cover, or cover no longer. */
static void mark_apply(struct trie *trie, const struct mark *mark, bool in)
{
	struct cover *cover = &trie->covers[mark->list][mark->rule];
	struct rule_set *sets = trie->sets[mark->list == LIST_FILES_DENY];
	uint32_t *count = mark->except ? &cover->except : &cover->paths;
	bool before = cover->paths && !cover->except, after;
	unsigned int access = trie->rules[mark->list]->list[mark->rule].access, i;

	*count += in ? 1 : (uint32_t)-1;
	after = cover->paths && !cover->except;
	if (before == after)
		return;
	for (i = 0; i < WEIR_ACCESS_COUNT; i++) {
		if (access & WEIR_ACCESS_BIT(i))
			set_change(&sets[i], mark->rule, after);
	}
}

static void marks_apply(struct trie *trie, uint32_t node, bool tree, bool in)
{
	uint32_t at;

	for (at = trie->links[node].marks; at; at = trie->marks[at - 1].next) {
		if (trie->marks[at - 1].tree == tree)
			mark_apply(trie, &trie->marks[at - 1], in);
	}
}

static void decisions_write(const struct trie *trie, weir_rule_t ret[WEIR_ACCESS_COUNT])
{
	unsigned int i, first;

	for (i = 0; i < WEIR_ACCESS_COUNT; i++) {
		first = set_first(&trie->sets[true][i]);
		if (first)
			ret[i] = (weir_rule_t)(WEIR_RULE_DENY | first);
		else
			ret[i] = (weir_rule_t)set_first(&trie->sets[false][i]);
	}
}

static void node_enter(struct trie *trie, uint32_t node)
{
	struct weir_node *ret = &trie->nodes[node];

	if (!trie->links[node].marks && trie->links[node].parent) {
		/* nothing ends here: as below the parent */
		*ret = trie->nodes[trie->links[node].parent];
		memcpy(ret->self, ret->below, sizeof(ret->self));
		ret->lengths = trie->links[node].lengths;
		return;
	}
	ret->lengths = trie->links[node].lengths;
	marks_apply(trie, node, true, true);
	decisions_write(trie, ret->below);
	marks_apply(trie, node, false, true);
	decisions_write(trie, ret->self);
	marks_apply(trie, node, false, false);
}

/*
 * Depth first, without recursion: a path may have two thousand components.
 * At the end of a walk from a root no rule covers anything any more.
 */
static void trie_decide(struct trie *trie, uint32_t node)
{
	node_enter(trie, node);
	while (node) {
		if (trie->links[node].child) {
			node = trie->links[node].child;
			node_enter(trie, node);
			continue;
		}
		while (node) {
			marks_apply(trie, node, true, false);
			if (trie->links[node].sibling) {
				node = trie->links[node].sibling;
				node_enter(trie, node);
				break;
			}
			node = trie->links[node].parent;
		}
	}
}

/* As far as patterns go, a rule of network.unix is one of files that allows to read. */
static int sockets_make(struct trie *trie, const struct unix_rules *rules)
{
	size_t i;

	trie->sockets.list = calloc(rules->n + 1, sizeof(*trie->sockets.list));
	if (!trie->sockets.list)
		return -ENOMEM;
	trie->sockets.n = rules->n;
	for (i = 0; i < rules->n; i++)
		trie->sockets.list[i] = (struct file_rule){
			.paths = rules->list[i].paths,
			.n_paths = rules->list[i].n_paths,
			.access = WEIR_ACCESS_BIT(WEIR_ACCESS_READ),
		};
	trie->rules[LIST_UNIX] = &trie->sockets;
	return 0;
}

static int trie_build(struct trie *trie, const struct policy *policy)
{
	unsigned int i;
	uint32_t node;

	trie->rules[LIST_FILES_ALLOW] = &policy->file_allow;
	trie->rules[LIST_FILES_DENY] = &policy->file_deny;
	if (sockets_make(trie, &policy->unix_allow) < 0 || table_grow(trie) < 0)
		return -ENOMEM;
	/* node 0, which is unused, and the roots */
	for (i = 0; i <= WEIR_NODE_ABSTRACT; i++) {
		if (node_add(trie, 0, &node) < 0)
			return -ENOMEM;
	}
	for (i = 0; i < LIST_COUNT; i++) {
		trie->covers[i] = calloc(trie->rules[i]->n + 1, sizeof(*trie->covers[i]));
		if (!trie->covers[i] || rules_put(trie, i) < 0)
			return -ENOMEM;
	}
	trie->nodes = calloc(trie->n_nodes, sizeof(*trie->nodes));
	return trie->nodes ? 0 : -ENOMEM;
}

int paths_compile(const struct policy *policy, struct report *report, struct policy_compiled *ret)
{
	_cleanup_(trie_done) struct trie trie = {0};

	_Static_assert(POLICY_RULES_MAX <= WEIR_RULES_MAX, "a rule's number fits the record");
	_Static_assert(POLICY_RULES_MAX % WORD_BITS == 0, "whole words");
	_Static_assert(WEIR_NODE_ROOT == 1 && WEIR_NODE_UNIX == 2 && WEIR_NODE_ABSTRACT == 3,
		       "the roots come first");
	if (trie_build(&trie, policy) < 0)
		return -ENOMEM;
	if (trie.n_nodes > COMPILE_NODES_MAX) {
		limit_report(report, &policy->name_place, "parts of paths in a policy",
			     trie.n_nodes, COMPILE_NODES_MAX);
		return 0;
	}
	trie_decide(&trie, WEIR_NODE_ROOT);
	trie_decide(&trie, WEIR_NODE_UNIX);
	trie_decide(&trie, WEIR_NODE_ABSTRACT);
	ret->edge_keys = TAKE_PTR(trie.keys);
	ret->edge_values = TAKE_PTR(trie.children);
	ret->n_edges = trie.n_edges;
	ret->nodes = TAKE_PTR(trie.nodes);
	ret->n_nodes = trie.n_nodes;
	return 0;
}
