// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* See stress_rules.h. */
#include "stress_rules.h"

#include <string.h>

#include "policy/explain.h"
#include "rig.h"

const char *const stress_tops[STRESS_TREES] = {
	"/scratch/weir-stress",
	"/tmp/weir-stress",
	"/srv/weir-stress",
};

#define KNOWN_BITS 15

static void pattern_random(struct buf *text)
{
	static const char *const wild[] = {"*", "**", "[ab]", "?", "*.d", "*012"};
	unsigned int depth = random_below(4), i;

	if (random_below(6) == 0)
		buf_add_string(text, "\"**");
	else if (random_below(4) == 0)
		buf_add_string(text, "\"/*/weir-stress");
	else
		buf_printf(text, "\"%s", stress_tops[random_below(STRESS_TREES)]);
	for (i = 0; i < depth; i++)
		buf_printf(text, "/%s",
			   random_below(4) ? moving_names[random_below(NAME_FILE_FIRST)] :
					     wild[random_below(ARRAY_SIZE(wild))]);
	switch (random_below(4)) {
	case 0:
		buf_printf(text, "/%s\"",
			   moving_names[NAME_FILE_FIRST +
					random_below(NAME_COUNT - NAME_FILE_FIRST)]);
		break;
	case 1:
		buf_add_string(text, random_below(2) ? "/*.pem\"" : "/**/?\"");
		break;
	default:
		buf_add_string(text, "/**\"");
	}
}

static void rules_random(struct buf *text, const char *list, unsigned int count)
{
	static const char *const accesses[] = {
		"[read]", "[read, write]", "[read, write, delete]", "[write]", "[delete]",
	};
	unsigned int i, n;

	buf_printf(text, "  %s:\n", list);
	for (i = 0; i < count; i++) {
		buf_printf(text, "    - name: %s%u\n      paths: [", list, i);
		for (n = random_below(3) + 1; n; n--) {
			pattern_random(text);
			buf_add_string(text, n > 1 ? ", " : "]\n");
		}
		if (random_below(4) == 0) {
			buf_add_string(text, "      except: [");
			pattern_random(text);
			buf_add_string(text, "]\n");
		}
		buf_printf(text, "      access: %s\n",
			   accesses[random_below(ARRAY_SIZE(accesses))]);
	}
}

void stress_rules_open(struct stress_rules *ret)
{
	unsigned int i;

	for (i = 0; i < STRESS_POLICIES; i++) {
		_cleanup_buf_ struct buf text = {0};

		/* refused opens are not to fail for want of room in the ring */
		buf_add_string(&text, "version: 1\nname: stress\nnetwork: unrestricted\n"
				      "guard: unrestricted\naudit:\n  when_full: count\nfiles:\n");
		rules_random(&text, "allow", 8 + random_below(8));
		rules_random(&text, "deny", 1 + random_below(3));
		rig_policy(buf_string(&text), &ret->policies[i], &ret->compiled[i]);
		ret->texts[i] = strdup(buf_string(&text));
		ret->known[i] = calloc(1u << KNOWN_BITS, sizeof(*ret->known[i]));
		if (!ret->texts[i] || !ret->known[i])
			fatal("no memory");
	}
}

void stress_rules_close(struct stress_rules *rules)
{
	unsigned int i;

	for (i = 0; i < STRESS_POLICIES; i++) {
		policy_free(rules->policies[i]);
		policy_compiled_free(rules->compiled[i]);
		free(rules->texts[i]);
		free(rules->known[i]);
	}
}

/* Of a path by one policy: which accesses were asked about so far, and which are allowed. */
#define KNOWN_ASKED(word) ((unsigned int)(word)&0xff)
#define KNOWN_ALLOWED(word) ((unsigned int)(word) >> 8 & 0xff)
#define KNOWN_KEY(word) ((word) >> 16)

static uint64_t path_ask(const struct policy *policy, unsigned int tree,
			 const struct moving_path *path, unsigned int access)
{
	struct explanation explanation;
	unsigned int i, allowed = 0;
	char text[1024];

	moving_path_text(stress_tops[tree], path, text, sizeof(text));
	for (i = 0; i < WEIR_ACCESS_COUNT; i++) {
		if (!(access & WEIR_ACCESS_BIT(i)))
			continue;
		policy_explain_path(policy, text, strlen(text), i, &explanation);
		if (explanation.verdict == WEIR_VERDICT_ALLOW)
			allowed |= WEIR_ACCESS_BIT(i);
	}
	return allowed << 8 | access;
}

bool stress_rules_allow(const struct stress_rules *rules, unsigned int policy, unsigned int tree,
			const struct moving_path *path, unsigned int access)
{
	uint64_t key = tree + 1, word;	/* of 3 bits a name */
	_Atomic uint64_t *slot;
	unsigned int i;

	for (i = 0; i < path->count; i++)
		key = key << 3 | path->names[i];
	slot = &rules->known[policy][key * 0x9e3779b97f4a7c15u >> (64 - KNOWN_BITS)];
	word = atomic_load_explicit(slot, memory_order_relaxed);
	if (KNOWN_KEY(word) != key)
		word = key << 16;
	if (access & ~KNOWN_ASKED(word)) {
		word |= path_ask(rules->policies[policy], tree, path, access);
		atomic_store_explicit(slot, word, memory_order_relaxed);
	}
	return !(access & ~KNOWN_ALLOWED(word));
}
