/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Makes a tree of struct moving real, and changes it at random: directories are
 * renamed, exchanged, made and removed, mounted and unmounted; files renamed,
 * linked, made and removed.
 */
#ifndef WEIR_TESTS_KERNEL_MOVER_H
#define WEIR_TESTS_KERNEL_MOVER_H

#include "moving.h"

struct mover {
	struct moving *moving;
	const char *top;	/* its path */
	int dirs[NODE_MOUNT + 1];	/* descriptors of the directories that stay */
	bool removes;		/* what comes and goes is on its way out */
	unsigned long changes;
};

/* Makes the tree below a folder, which must not be there. Ends the program when it cannot. */
void mover_open(const char *top, struct moving *moving, struct mover *ret);

/*
 * One change. calm: none that the kernel's counts of renames and mounts tell,
 * so that what is remembered stays in force.
 */
void mover_step(struct mover *mover, bool calm);

/* Descriptors of the directories that stay, for look-ups from there, in the order of nodes. */
void mover_dirs_open(const char *top, const struct moving_state *state, int dirs[NODE_MOUNT + 1]);

/* Unmounts what is mounted. */
void mover_close(struct mover *mover);

#endif
