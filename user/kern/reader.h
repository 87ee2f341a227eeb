/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Readers: the processes that have policies of their own in a set, each with its
 * rings. Serials name the reader of a policy version, so that what a dead one
 * left can be told. For user/kern only; callers hold the lock of the set.
 */
#ifndef WEIR_KERN_READER_H
#define WEIR_KERN_READER_H

#include "kern/state.h"

/* Makes this process a reader, with rings of the sizes that the options say. 0 or -errno. */
int reader_make(struct kern *kern);

/* Its folder is there, and nobody holds it. */
bool reader_dead(const struct kern *kern, uint32_t reader);

/* Takes everything of a reader away: scopes, policy versions, rings, its folder. */
void reader_free(struct kern *kern, uint32_t reader);

/* grant.c: frees the slots of a reader that has no instances any more. */
void grants_drop(struct kern *kern, uint32_t reader);

#endif
