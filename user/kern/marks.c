// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which tasks a policy is still stuck to: those that were moved out of the
 * scope's cgroup live on when it is empty, and must not become free.
 */
#include <errno.h>
#include <string.h>

#include "kern/state.h"

static bool mark_has(const struct weir_mark *mark, weir_scope_t scope)
{
	for (int i = 0; i < WEIR_NEST_MAX; i++)
		if (mark->scopes[i] == scope)
			return true;
	/* more than there is room for: it may be among them */
	return mark->flags & WEIR_MARK_OVERFLOW;
}

/* Notes the slots of a mark's scopes, as far as they are in force. */
static void mark_note(const struct kern *kern, const struct weir_mark *mark,
		      bool slots[WEIR_SCOPES_MAX])
{
	/* more than there is room for: any may be among them */
	if (mark->flags & WEIR_MARK_OVERFLOW)
		memset(slots, true, WEIR_SCOPES_MAX * sizeof(*slots));
	for (int i = 0; i < WEIR_NEST_MAX; i++) {
		uint32_t slot = WEIR_SCOPE_SLOT(mark->scopes[i]);

		slots[slot] = slots[slot] || kern->scopes[slot].handle == mark->scopes[i];
	}
}

int kern_marked(struct kern *kern, bool ret_slots[WEIR_SCOPES_MAX])
{
	int fd = bpf_map__fd(kern->skel->maps.weir_marks);
	uint64_t key, *last = NULL;
	struct weir_mark mark;

	memset(ret_slots, false, WEIR_SCOPES_MAX * sizeof(*ret_slots));
	if (!kern->options.lsm)
		return 0;
	while (bpf_map_get_next_key(fd, last, &key) == 0) {
		if (bpf_map_lookup_elem(fd, &key, &mark) == 0)
			mark_note(kern, &mark, ret_slots);
		last = &key;
	}
	return errno == ENOENT ? 0 : -errno;
}

int kern_marks(struct kern *kern, weir_scope_t scope)
{
	int fd = bpf_map__fd(kern->skel->maps.weir_marks), count = 0;
	uint64_t key, *last = NULL;
	struct weir_mark mark;

	if (!kern->options.lsm || !scope)
		return 0;
	while (bpf_map_get_next_key(fd, last, &key) == 0) {
		/* gone meanwhile: its task has ended */
		if (bpf_map_lookup_elem(fd, &key, &mark) == 0 && mark_has(&mark, scope))
			count++;
		last = &key;
	}
	return errno == ENOENT ? count : -errno;
}
