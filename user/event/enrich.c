// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs and ancestors of processes; see enrich.h. */
#include "event/enrich.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* One process. In a hash chain, and in one of two lists by age. */
struct entry {
	struct entry *chain;
	struct entry *older, *newer;
	uint32_t pid;
	uint32_t ppid;
	uint64_t start_ns;
	uint64_t parent_start_ns;
	bool exact;		/* start_ns comes from the kernel, not from a look-up */
	bool ended;
	uint64_t since_ns;	/* what exe and comm are about; older records do not change them */
	char comm[16];		/* empty: not known */
	char *exe;		/* NULL: not known */
	size_t exe_len;
};

struct list {
	struct entry *oldest, *newest;
};

struct process_table {
	process_look_up_fn look_up;
	void *context;
	size_t max;
	size_t count;
	size_t mask;		/* buckets - 1 */
	struct entry **buckets;
	struct list living;	/* by last use */
	struct list ended;	/* by end */
	struct process_found found;	/* too large for the stack of a hot path */
};

static void list_add(struct list *list, struct entry *entry)
{
	entry->older = list->newest;
	entry->newer = NULL;
	if (list->newest)
		list->newest->newer = entry;
	else
		list->oldest = entry;
	list->newest = entry;
}

static void list_remove(struct list *list, struct entry *entry)
{
	if (entry->older)
		entry->older->newer = entry->newer;
	else
		list->oldest = entry->newer;
	if (entry->newer)
		entry->newer->older = entry->older;
	else
		list->newest = entry->older;
}

static struct list *list_of(struct process_table *table, const struct entry *entry)
{
	return entry->ended ? &table->ended : &table->living;
}

/* Entries of one pid share a bucket, whatever their start. */
static struct entry **bucket_of(struct process_table *table, uint32_t pid)
{
	return &table->buckets[(pid * 2654435761u >> 7) & table->mask];
}

static bool is_same(const struct entry *entry, uint32_t pid, uint64_t start_ns, bool exact)
{
	if (entry->pid != pid)
		return false;
	if (exact && entry->exact)
		return entry->start_ns == start_ns;
	return entry->start_ns / PROCESS_TICK_NS == start_ns / PROCESS_TICK_NS;
}

static struct entry *find(struct process_table *table, uint32_t pid, uint64_t start_ns, bool exact)
{
	struct entry *entry = *bucket_of(table, pid);

	while (entry && !is_same(entry, pid, start_ns, exact))
		entry = entry->chain;
	if (entry && exact) {
		entry->start_ns = start_ns;
		entry->exact = true;
	}
	if (entry && !entry->ended) {
		list_remove(&table->living, entry);
		list_add(&table->living, entry);
	}
	return entry;
}

static struct entry *add(struct process_table *table, uint32_t pid, uint64_t start_ns, bool exact)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	struct entry **bucket = bucket_of(table, pid);

	if (!entry)
		return NULL;
	entry->pid = pid;
	entry->start_ns = start_ns;
	entry->exact = exact;
	entry->chain = *bucket;
	*bucket = entry;
	list_add(&table->living, entry);
	table->count++;
	return entry;
}

static void evict(struct process_table *table, struct entry *entry)
{
	struct entry **link = bucket_of(table, entry->pid);

	while (*link != entry)
		link = &(*link)->chain;
	*link = entry->chain;
	list_remove(list_of(table, entry), entry);
	table->count--;
	free(entry->exe);
	free(entry);
}

/* Strings handed out point into entries: room is made before, never during a description. */
static void make_room(struct process_table *table)
{
	while (table->count + EVENT_ANCESTORS_MAX + 1 > table->max)
		evict(table, table->ended.oldest ? table->ended.oldest : table->living.oldest);
}

/* NULL and 0: not known. Without memory it is not known either. */
static void exe_set(struct entry *entry, const char *exe, size_t len)
{
	char *copy = exe && len ? malloc(len) : NULL;

	if (copy)
		memcpy(copy, exe, len);
	free(entry->exe);
	entry->exe = copy;
	entry->exe_len = copy ? len : 0;
}

static int look_up(struct process_table *table, struct entry *entry)
{
	struct process_found *found = &table->found;

	if (!table->look_up ||
	    table->look_up(table->context, entry->pid, entry->start_ns, found) < 0)
		return -ESRCH;
	exe_set(entry, found->exe, found->exe_len);
	memcpy(entry->comm, found->comm, sizeof(entry->comm));
	entry->ppid = found->ppid;
	entry->parent_start_ns = found->parent_start_ns;
	return 0;
}

/*
 * A record of the group leader shows the name its program had. Other threads
 * have names of their own, which say nothing.
 */
static bool comm_fits(const struct entry *entry, const struct weir_event_head *head)
{
	return !entry->comm[0] || head->tid != head->pid ||
	       strncmp(entry->comm, head->comm, sizeof(head->comm)) == 0;
}

static void comm_set(struct entry *entry, const struct weir_event_head *head)
{
	if (head->tid == head->pid)
		strncpy(entry->comm, head->comm, sizeof(entry->comm));
}

/* The parent's program, if it ran it before it forked and kept its name since. */
static void inherit(struct process_table *table, struct entry *entry,
		    const struct weir_event_head *head)
{
	struct entry *parent = find(table, head->ppid, head->parent_start_ns, true);

	if (!parent || parent == entry || parent->since_ns > head->start_ns)
		return;
	if (!parent->comm[0] && look_up(table, parent) < 0)
		return;
	if (parent->comm[0] && strncmp(parent->comm, head->comm, sizeof(head->comm)) == 0)
		exe_set(entry, parent->exe, parent->exe_len);
}

/* The new program of an exec, and the name it was given. */
static void exec_note(struct entry *entry, const struct event *event)
{
	/* the known end of an unresolved path would pass for a program's */
	bool whole = event->path.text[0] == '/';

	exe_set(entry, whole ? event->path.text : NULL, event->path.len);
	entry->since_ns = event->head.time_ns;
	memcpy(entry->comm, event->head.comm, sizeof(entry->comm));
}

/* Brings the entry of who acted up to date. False: its exe is not that of the record's time. */
static bool exe_find(struct process_table *table, struct entry *entry, bool is_new,
		     const struct event *event)
{
	const struct weir_event_head *head = &event->head;

	if (event->has_args && head->time_ns >= entry->since_ns) {
		exec_note(entry, event);
		return true;
	}
	if (!is_new && comm_fits(entry, head)) {
		comm_set(entry, head);
		return true;
	}
	if (!is_new && head->time_ns < entry->since_ns)
		return false;
	entry->since_ns = head->time_ns;
	if (look_up(table, entry) == 0)
		return comm_fits(entry, head);
	exe_set(entry, NULL, 0);
	if (is_new)
		inherit(table, entry, head);
	comm_set(entry, head);
	return true;
}

static void ancestors_find(struct process_table *table, const struct entry *entry,
			   struct event_process *ret)
{
	uint32_t pid = entry->ppid;
	uint64_t start_ns = entry->parent_start_ns;
	bool exact = true;	/* the record's own; those of look-ups compare by tick anyway */
	struct entry *parent;

	ret->n_ancestors = 0;
	while (pid && ret->n_ancestors < EVENT_ANCESTORS_MAX) {
		struct event_ancestor *ancestor = &ret->ancestors[ret->n_ancestors++];

		*ancestor = (struct event_ancestor){.pid = pid};
		parent = find(table, pid, start_ns, exact);
		if (!parent) {
			parent = add(table, pid, start_ns, exact);
			if (!parent)
				return;
			if (look_up(table, parent) < 0)
				return evict(table, parent);
		}
		ancestor->exe = parent->exe;
		ancestor->exe_len = parent->exe_len;
		pid = parent->ppid;
		start_ns = parent->parent_start_ns;
		exact = false;
	}
}

void process_table_describe(struct process_table *table, const struct event *event,
			    struct event_process *ret)
{
	const struct weir_event_head *head = &event->head;
	struct entry *entry;
	bool is_new;

	ret->exe = NULL;
	ret->exe_len = 0;
	ret->n_ancestors = 0;
	if (head->pid == 0)
		return;
	make_room(table);
	entry = find(table, head->pid, head->start_ns, true);
	is_new = !entry;
	if (!entry)
		entry = add(table, head->pid, head->start_ns, true);
	if (!entry)
		return;
	if (exe_find(table, entry, is_new, event)) {
		ret->exe = entry->exe;
		ret->exe_len = entry->exe_len;
	}
	entry->ppid = head->ppid;
	entry->parent_start_ns = head->parent_start_ns;
	ancestors_find(table, entry, ret);
	if (event->has_status && !entry->ended) {
		list_remove(&table->living, entry);
		entry->ended = true;
		list_add(&table->ended, entry);
	}
}

size_t process_table_count(const struct process_table *table)
{
	return table->count;
}

int process_table_new(size_t max, process_look_up_fn look_up_fn, void *context,
		      struct process_table **ret)
{
	struct process_table *table;
	size_t buckets = 64;

	if (max < 64 || max > 1u << 24)
		return -EINVAL;
	while (buckets < max)
		buckets *= 2;
	table = calloc(1, sizeof(*table));
	if (!table)
		return -ENOMEM;
	table->buckets = calloc(buckets, sizeof(*table->buckets));
	if (!table->buckets) {
		free(table);
		return -ENOMEM;
	}
	table->mask = buckets - 1;
	table->max = max;
	table->look_up = look_up_fn;
	table->context = context;
	*ret = table;
	return 0;
}

void process_table_free(struct process_table *table)
{
	if (!table)
		return;
	while (table->living.oldest)
		evict(table, table->living.oldest);
	while (table->ended.oldest)
		evict(table, table->ended.oldest);
	free(table->buckets);
	free(table);
}
