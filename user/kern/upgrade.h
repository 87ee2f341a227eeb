/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Programs of another build with the same maps are replaced one by one, while what
 * they decide goes on being decided: a program of a cgroup is exchanged in its link.
 * The kernel does not know that of other links (bpf_link_ops.update_prog): there the
 * new program is attached beside the old one, and its pin put in the old one's place,
 * with which the old one ends. Both decide for a moment, as they would have each.
 *
 * The set says which build's programs it has; while they are replaced, none's. So who
 * comes next begins anew with what was not finished. For user/kern only; callers
 * hold the lock of the set.
 */
#ifndef WEIR_KERN_UPGRADE_H
#define WEIR_KERN_UPGRADE_H

#include "kern/state.h"

/* Are its programs those of another build? */
bool upgrade_wanted(const struct kern *kern);

/* Says whose they are. 0 or negative errno. */
int upgrade_mark(const struct kern *kern, const char *build);

int upgrade_begin(struct kern *kern, char **ret_message);

/* 0: it has taken the place of the old one; < 0: it has to be attached, and then its link. */
int upgrade_program(struct kern *kern, const char *name, const struct bpf_program *program);
int upgrade_link(struct kern *kern, const char *name, struct bpf_link *link, char **ret_message);

/* Takes away what this build does not have any more. */
int upgrade_end(struct kern *kern, char **ret_message);

#endif
