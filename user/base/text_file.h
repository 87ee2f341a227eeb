/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Small files of text, as the kernel shows them in /proc and in cgroups. */
#ifndef WEIR_BASE_TEXT_FILE_H
#define WEIR_BASE_TEXT_FILE_H

#include <stddef.h>

/*
 * What an open file begins with, up to size - 1 bytes and a NUL. The file's place stays.
 *
 * Returns 0 or negative errno; ret is a string only with 0.
 */
int text_file_read(int fd, char *ret, size_t size);

#endif
