/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Selectors: cgroups that are under a policy from the moment they are made. Part of abi.h. */
#ifndef WEIR_SELECT_H
#define WEIR_SELECT_H

#define WEIR_SELECTORS_MAX 4096
#define WEIR_SELECTOR_PATH_MAX 512	/* bytes of its path, the zero at its end included */
#define WEIR_SELECTED_PATH_MAX 768	/* the same of a cgroup in its folder */

/* A path below the hierarchy's root, or that of a folder and the component "*"; zeros follow. */
struct weir_selector_key {
	char path[WEIR_SELECTOR_PATH_MAX];
};

struct weir_selector {
	__u32 instance;		/* what a cgroup of that path is put under; 0: it is left alone */
	__u32 owner;		/* who armed it: unlike those before and after */
};

/* A scope that a selector has made, and that user space has not heard of yet. */
struct weir_selected {
	__u32 scope;		/* its handle */
	__u32 pad;
	char path[WEIR_SELECTED_PATH_MAX];
};

_Static_assert(sizeof(struct weir_selector) == 8, "layout");
_Static_assert(sizeof(struct weir_selected) == 776, "layout");

#endif
