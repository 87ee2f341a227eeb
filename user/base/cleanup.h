/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ownership by attribute: a variable marked _cleanup_*_ is released when it
 * goes out of scope, unless TAKE_PTR/TAKE_FD has handed it on.
 */
#ifndef WEIR_BASE_CLEANUP_H
#define WEIR_BASE_CLEANUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Closes fd if it is one, keeps errno, and returns -1: `fd = fd_close(fd);`. */
static inline int fd_close(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
	return -1;
}

static inline void cleanup_close(int *fd)
{
	*fd = fd_close(*fd);
}

static inline void cleanup_free(void *ptr)
{
	free(*(void **)ptr);
}

static inline void cleanup_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define _cleanup_(fn) __attribute__((cleanup(fn)))
#define _cleanup_close_ _cleanup_(cleanup_close)
#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_fclose_ _cleanup_(cleanup_fclose)

/* Defines the cleanup function of a type that has `void fn(type *)`. */
#define DEFINE_CLEANUP(type, fn)                     \
	static inline void cleanup_##fn(type **ptr)  \
	{                                            \
		fn(*ptr);                            \
	}                                            \
	struct cleanup_##fn##_needs_semicolon

#define TAKE(var, nil)                        \
	({                                    \
		__typeof__(var) taken_ = (var); \
		(var) = (nil);                \
		taken_;                       \
	})
#define TAKE_PTR(ptr) TAKE(ptr, NULL)
#define TAKE_FD(fd) TAKE(fd, -1)

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
