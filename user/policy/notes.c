// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is right in a policy and may still surprise; see notes.h. */
#include "policy/notes.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "policy/explain.h"
#include "policy/tree.h"

/* The walk over the patterns of one rule. */
struct walk {
	const struct policy *policy;
	const char *rule;
	unsigned int access;	/* WEIR_ACCESS_BIT()s; 0: the rule is about unix sockets */
	enum weir_verdict verdict;	/* what the rule is for; _COUNT: its exceptions */
	char before[PATH_MAX];	/* the pattern looked at before */
	size_t checked;		/* bytes of it that are known to be no links */
	char link[PATH_MAX];	/* the link noted last */
	struct buf *ret;
};

static bool decided_alike(const struct walk *walk, const char *path, size_t len)
{
	struct explanation explanation;

	if (!walk->access) {
		policy_explain_unix(walk->policy, path, len, &explanation);
		return explanation.verdict == walk->verdict;
	}
	for (int access = 0; access < WEIR_ACCESS_COUNT; access++) {
		if (!(walk->access & WEIR_ACCESS_BIT(access)))
			continue;
		policy_explain_path(walk->policy, path, len, access, &explanation);
		if (explanation.verdict != walk->verdict)
			return false;
	}
	return true;
}

/* Do other patterns do under the real name what this one is for? Then there is nothing to say. */
static bool covered(const struct walk *walk, const char *real, const char *rest)
{
	char path[2 * PATH_MAX];
	int len;

	if (strcmp(rest, "/**") == 0)
		rest = "/*";	/* a name below that no pattern means in particular */
	else if (strpbrk(rest, "*?[\\"))
		return false;
	len = snprintf(path, sizeof(path), "%s%s", real, rest);
	return decided_alike(walk, path, (size_t)len);
}

static void link_note(struct walk *walk, const struct pattern *pattern, const char *link)
{
	const char *rest = pattern->text + strlen(link);
	char target[PATH_MAX], real[PATH_MAX];
	ssize_t len = readlink(link, target, sizeof(target));
	bool found = realpath(link, real) != NULL;

	if (len < 0 || strcmp(walk->link, link) == 0 || (found && covered(walk, real, rest)))
		return;
	snprintf(walk->link, sizeof(walk->link), "%s", link);
	place_format(&pattern->place, walk->ret);
	buf_printf(walk->ret, ": note: rule \"%s\": ", walk->rule);
	text_show(link, strlen(link), walk->ret);
	buf_add_string(walk->ret, " is a link to ");
	text_show(target, (size_t)len, walk->ret);
	buf_add_string(walk->ret, "; what lies behind it is matched under its real name only");
	if (found) {
		buf_add_string(walk->ret, ", \"");
		text_show(real, strlen(real), walk->ret);
		text_show(rest, strlen(rest), walk->ret);
		buf_add_char(walk->ret, '"');
	}
	buf_add_char(walk->ret, '\n');
}

/* Bytes of a pattern in front of its first special character, back to a whole component. */
static size_t literal_len(const char *text)
{
	size_t len = strcspn(text, "*?[\\");

	if (!text[len])
		return len;
	while (len && text[len] != '/')
		len--;
	return len;
}

static void pattern_note(struct walk *walk, const struct pattern *pattern)
{
	char path[PATH_MAX];
	size_t len = literal_len(pattern->text), shared = 0, at;
	struct stat stat;

	if (pattern->text[0] != '/' || len == 0 || len >= sizeof(path) ||
	    pattern_is_proc_self(pattern))
		return;
	memcpy(path, pattern->text, len);
	path[len] = '\0';
	while (shared < walk->checked && path[shared] == walk->before[shared])
		shared++;
	for (at = 1; at <= len; at++) {
		char c = path[at];

		if (c && c != '/')
			continue;
		/* the pattern before went through here */
		if (at <= shared && (at == walk->checked || walk->before[at] == '/'))
			continue;
		path[at] = '\0';
		if (lstat(path, &stat) < 0)
			return;
		if (S_ISLNK(stat.st_mode)) {
			link_note(walk, pattern, path);
			return;
		}
		path[at] = c;
		memcpy(walk->before, path, at);
		walk->checked = at;
	}
}

static void patterns_note(struct walk *walk, const struct pattern *patterns, size_t n,
			  enum weir_verdict verdict)
{
	size_t i;

	walk->verdict = verdict;
	for (i = 0; i < n; i++)
		pattern_note(walk, &patterns[i]);
}

static void file_notes(struct walk *walk, const struct file_rules *rules, enum weir_verdict verdict)
{
	size_t i;

	for (i = 0; i < rules->n; i++) {
		const struct file_rule *rule = &rules->list[i];

		walk->rule = rule->head.name;
		walk->access = rule->access;
		walk->link[0] = '\0';
		patterns_note(walk, rule->paths, rule->n_paths, verdict);
		patterns_note(walk, rule->except, rule->n_except, WEIR_VERDICT_COUNT);
	}
}

static void unix_notes(struct walk *walk, const struct unix_rules *rules)
{
	size_t i;

	walk->access = 0;
	for (i = 0; i < rules->n; i++) {
		walk->rule = rules->list[i].head.name;
		walk->link[0] = '\0';
		patterns_note(walk, rules->list[i].paths, rules->list[i].n_paths,
			      WEIR_VERDICT_ALLOW);
	}
}

void policy_notes(const struct policy *policy, struct buf *ret)
{
	enum weir_verdict denied = policy->audit_mode ? WEIR_VERDICT_WOULD_DENY : WEIR_VERDICT_DENY;
	struct walk walk = {.policy = policy, .ret = ret};

	unix_notes(&walk, &policy->unix_allow);
	file_notes(&walk, &policy->file_allow, WEIR_VERDICT_ALLOW);
	file_notes(&walk, &policy->file_deny, denied);
}
