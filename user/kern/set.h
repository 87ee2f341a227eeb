/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The set of pinned programs and maps that all weirs of one ABI share: a folder
 * of the bpffs, named by the ABI. Whoever uses it holds a shared lock on it, and
 * the last to leave takes it away, unless something is still confined by it. A
 * lock on the folder above is held while the set, or what is in its maps, changes.
 */
#ifndef WEIR_KERN_SET_H
#define WEIR_KERN_SET_H

#include <limits.h>
#include <stdbool.h>

#include "kern/state.h"

#define SET_FOLDER "/sys/fs/bpf/weir"
#define SET_READERS "readers"	/* folder in a set: see reader.c */
#define SET_LINKS "links"	/* folders of pins */
#define SET_CALLS "calls"
#define SET_NEXT "next"		/* pins that are about to take the place of others */
#define SET_BUILD "build"	/* symbolic link: which build's programs they are */
#define SET_CONFIG "config"	/* the map of struct weir_config, pinned last */

extern const char set_build[];	/* of this process's programs */

/* The path of a pin, or of a folder of pins (kind ""). Returns ret. */
const char *set_path(const struct kern *kern, const char *kind, const char *name,
		     char ret[PATH_MAX]);

/* Removes a folder in another with its pins; what is not there is no error. */
int set_folder_clear(int parent, const char *name);

/*
 * Enters the set, locked. *ret_there: it is there; its maps have been taken, and
 * programs that it has are not to be loaded again. Otherwise its folder is empty.
 * -ENOENT with `look`: there is none, and none was made.
 */
int set_enter(struct kern *kern, bool look, bool *ret_there, char **ret_message);

/* Pins all maps but the one that makes a set whole. */
int set_pin_maps(struct kern *kern, char **ret_message);

/* A link of the set, whoever has pinned it: a descriptor, -ENOENT or another errno. */
int set_link_open(const struct kern *kern, const char *name);
int set_pin_link(struct kern *kern, const char *name, struct bpf_link *link, char **ret_message);
int set_pin_program(struct kern *kern, const char *name, int fd, char **ret_message);

/* The last pin: from here on others may enter. */
int set_complete(struct kern *kern, char **ret_message);

/* They do not nest. 0, -EBUSY (lock_wait_ms), -errno. */
int set_lock(const struct kern *kern);
void set_unlock(const struct kern *kern);

/* Takes the set away if nobody else uses it and nothing is confined by it. Locked. */
void set_leave(struct kern *kern);

/* Takes away what is pinned in a set that is not whole. Locked. */
int set_clear(struct kern *kern);

#endif
