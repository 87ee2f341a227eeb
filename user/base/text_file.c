// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Small files of text; see text_file.h. */
#include "base/text_file.h"

#include <errno.h>
#include <unistd.h>

int text_file_read(int fd, char *ret, size_t size)
{
	ssize_t len = pread(fd, ret, size - 1, 0);

	if (len < 0)
		return -errno;
	ret[len] = '\0';
	return 0;
}
