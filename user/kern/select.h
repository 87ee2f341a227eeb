/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Selectors: new cgroups that the kernel side puts under an instance as they are made,
 * before anything can be in them. They stay in force when this process dies.
 */
#ifndef WEIR_KERN_SELECT_H
#define WEIR_KERN_SELECT_H

#include "kern/kern.h"

/*
 * Arms one. path: of a cgroup, or of a folder and the component "*", for
 * each cgroup in it. Cgroups that are there already are the caller's to attach, after
 * this. Needs kern_options.selectors.
 *
 * instance 0: a cgroup of this path is left alone, whatever selects all of its folder. To
 * be armed first: what is freed when another selector is replaced may be used again at
 * once, and must not come to say this to who is just reading it.
 *
 * Returns 0, -ENAMETOOLONG (WEIR_SELECTOR_PATH_MAX, or too deep: it can be no selector),
 * -E2BIG (WEIR_SELECTORS_MAX) or another errno.
 */
int kern_selector_arm(struct kern *kern, const char *path, uint32_t instance);

/*
 * Another version of a policy: selectors and all scopes under the first instance are
 * under the second when it returns; also those that no caller knows of yet. On failure
 * there may be selectors that still are as they were.
 */
int kern_selectors_switch(struct kern *kern, uint32_t from, uint32_t to);

/* Are there any of this reader's, armed by this process or one before it? */
bool kern_selectors_armed(const struct kern *kern);

/* Disarms all of them; those that others, which are dead, have left. */
void kern_selectors_disarm(struct kern *kern);
void kern_selectors_disarm_others(struct kern *kern);

/* A scope that a selector has made. */
struct kern_selected {
	uint64_t cgroup_id;
	weir_scope_t scope;
	uint32_t instance;
	bool own;				/* the instance is this reader's */
	char path[WEIR_SELECTED_PATH_MAX];	/* empty: not known */
};

/*
 * One that the caller has not heard of yet, after the cgroup `after` (0: the first).
 * Returns 0, or -ENOENT: no more. kern_selected_take() makes it known.
 */
int kern_selected_next(struct kern *kern, uint64_t after, struct kern_selected *ret);
void kern_selected_take(struct kern *kern, uint64_t cgroup_id);

/* The path of such a scope's cgroup, from any thread. 0, or -ENOENT. */
int kern_selected_path(const struct kern *kern, uint64_t cgroup_id,
		       char ret[WEIR_SELECTED_PATH_MAX]);

/* The scope of a cgroup, whoever made it. 0, or -ENOENT. */
int kern_scope_find(struct kern *kern, uint64_t cgroup_id, struct kern_selected *ret);

/* Is everything denied in it until it is attached? */
bool kern_cgroup_unknown(const struct kern *kern, uint64_t cgroup_id);

/* It is free again, unless it is a scope by now. 0, or negative errno (-ENOENT: it was not so). */
int kern_unknown_end(struct kern *kern, uint64_t cgroup_id);

/*
 * Of the cgroups in which everything is denied until they are attached, keeps those that are
 * wanted: nobody would attach the others.
 */
void kern_unknown_keep(struct kern *kern, bool (*wanted)(void *context, uint64_t cgroup_id),
		       void *context);

/* Raised whenever the cgroup of a scope was removed. Needs kern_options.selectors. */
uint32_t kern_cgroups_removed(const struct kern *kern);

/*
 * Cgroups in which everything is denied until they are attached, and that were missed, since
 * somebody asked last, whichever daemon that was.
 */
void kern_selectors_failed(const struct kern *kern, uint32_t *ret_unknown, uint32_t *ret_missed);

#endif
