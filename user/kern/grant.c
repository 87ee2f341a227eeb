// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The slots of grants; see kern.h. The lock on the set keeps others from the same one.
 * Uses are counted down by the kernel side: no word is written that it may write.
 */
#include <errno.h>

#include "kern/reader.h"
#include "kern/set.h"

static bool end_taken(const struct kern *kern, uint64_t expires_ns)
{
	for (uint32_t slot = 0; slot < WEIR_GRANTS_MAX; slot++)
		if (kern->grants[slot].reader && kern->grants[slot].expires_ns == expires_ns)
			return true;
	return false;
}

/* Has a version in the kernel rules for it? */
static bool slot_named(const struct weir_instance *instance, uint32_t slot)
{
	return instance->serial && instance->grants[slot / 64] >> slot % 64 & 1;
}

/* Not while a version has rules for it, whoever gave it back: they would be about another. */
static bool slot_free(const struct kern *kern, uint32_t slot)
{
	for (uint32_t index = 1; index < WEIR_INSTANCES_MAX; index++)
		if (slot_named(&kern->instances[index], slot))
			return false;
	return !kern->grants[slot].reader;
}

int kern_grant_begin(struct kern *kern, uint64_t *expires_ns, bool once, uint32_t *ret_slot)
{
	struct weir_grant *grant;
	uint32_t slot = 0;
	int r = set_lock(kern);

	if (r < 0)
		return r;
	while (slot < WEIR_GRANTS_MAX && !slot_free(kern, slot))
		slot++;
	if (slot == WEIR_GRANTS_MAX) {
		set_unlock(kern);
		return -ENOSPC;
	}
	while (end_taken(kern, *expires_ns))
		(*expires_ns)++;
	grant = &kern->grants[slot];
	grant->uses = once ? 1 : 0;
	grant->reader = kern->reader;
	__atomic_store_n(&grant->expires_ns, *expires_ns, __ATOMIC_SEQ_CST);
	set_unlock(kern);
	*ret_slot = slot;
	return 0;
}

bool kern_grant_has(const struct kern *kern, uint32_t slot, uint64_t expires_ns)
{
	const struct weir_grant *grant = &kern->grants[slot];

	return grant->reader == kern->reader && grant->expires_ns == expires_ns;
}

void kern_grants_tidy(struct kern *kern, const uint64_t known[WEIR_GRANTS_MAX / 64])
{
	for (uint32_t slot = 0; slot < WEIR_GRANTS_MAX; slot++)
		if (kern->grants[slot].reader == kern->reader &&
		    !(known[slot / 64] >> slot % 64 & 1))
			kern_grant_free(kern, slot);
}

uint32_t kern_grant_uses(const struct kern *kern, uint32_t slot)
{
	return __atomic_load_n(&kern->grants[slot].uses, __ATOMIC_SEQ_CST);
}

void kern_grant_revoke(struct kern *kern, uint32_t slot)
{
	__atomic_store_n(&kern->grants[slot].expires_ns, 0, __ATOMIC_SEQ_CST);
	/* what was decided by it is forgotten: see epoch_add() */
	for (uint32_t index = 1; index < WEIR_INSTANCES_MAX; index++)
		if (slot_named(&kern->instances[index], slot))
			__atomic_store_n(&kern->instances[index].deadline_ns, 1, __ATOMIC_SEQ_CST);
}

void kern_grant_free(struct kern *kern, uint32_t slot)
{
	kern_grant_revoke(kern, slot);
	__atomic_store_n(&kern->grants[slot].reader, 0, __ATOMIC_SEQ_CST);
}

void grants_drop(struct kern *kern, uint32_t reader)
{
	for (uint32_t slot = 0; slot < WEIR_GRANTS_MAX; slot++)
		if (kern->grants[slot].reader == reader)
			kern_grant_free(kern, slot);
}
