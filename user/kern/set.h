/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The set of pinned programs and maps that all weirs of one ABI share: a folder
 * of the bpffs, named by the ABI. Whoever uses it holds a shared lock on it, and
 * the last to leave takes it away, unless something is still confined by it. A
 * lock on the folder above is held while the set, or what is in its maps, changes.
 */
#ifndef WEIR_KERN_SET_H
#define WEIR_KERN_SET_H

#include <stdbool.h>

#include "kern/state.h"

#define SET_FOLDER "/sys/fs/bpf/weir"
#define SET_READERS "readers"	/* folder in a set: see reader.c */

/*
 * Enters the set, locked. *ret_there: it is there; its maps have been taken, and
 * programs that it has are not to be loaded again. Otherwise its folder is empty.
 * -ENOENT with `look`: there is none, and none was made.
 */
int set_enter(struct kern *kern, bool look, bool *ret_there, char **ret_message);

/* Pins all maps but the one that makes a set whole. */
int set_pin_maps(struct kern *kern, char **ret_message);
int set_pin_link(struct kern *kern, const char *name, struct bpf_link *link, char **ret_message);
int set_pin_program(struct kern *kern, const char *name, int fd, char **ret_message);

/* The last pin: from here on others may enter. */
int set_complete(struct kern *kern, char **ret_message);

/* Without effect where nothing is shared. They do not nest. */
int set_lock(const struct kern *kern);
void set_unlock(const struct kern *kern);

/* Takes the set away if nobody else uses it and nothing is confined by it. Locked. */
void set_leave(struct kern *kern);

/* Takes away what is pinned in a set that is not whole. Locked. */
int set_clear(struct kern *kern);

#endif
