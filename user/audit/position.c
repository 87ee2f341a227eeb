// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which batch was being written; see position.h. */
#include "audit/position.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define MAGIC 0x31736f7072696577ull	/* "weirpos1" */

struct position_file {
	uint64_t magic;
	uint64_t key[2];
	uint64_t touched_ns;
	uint64_t count;			/* of notes; the last is in slots[count & 1] */
	struct position_note slots[2];
};

struct position {
	struct position_file *file;
};

static bool key_same(const struct position_file *file, const uint64_t key[2])
{
	return file->magic == MAGIC && memcmp(file->key, key, sizeof(file->key)) == 0;
}

/* The magic is taken away first and given last: half a file is none. */
static void file_begin(struct position_file *file, const uint64_t key[2])
{
	__atomic_store_n(&file->magic, 0, __ATOMIC_SEQ_CST);
	file->touched_ns = 0;
	file->count = 0;
	memcpy(file->key, key, sizeof(file->key));
	__atomic_store_n(&file->magic, MAGIC, __ATOMIC_SEQ_CST);
}

int position_open(const char *path, const uint64_t key[2], struct position **ret)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	_cleanup_free_ struct position *position = malloc(sizeof(*position));
	void *memory;

	if (fd < 0)
		return -errno;
	if (!position)
		return -ENOMEM;
	/* with its blocks: a page that cannot be had later would be a SIGBUS */
	if (ftruncate(fd, sizeof(struct position_file)) < 0)
		return -errno;
	if (fallocate(fd, 0, 0, sizeof(struct position_file)) < 0 && errno != EOPNOTSUPP)
		return -errno;
	memory = mmap(NULL, sizeof(struct position_file), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		      0);
	if (memory == MAP_FAILED)
		return -errno;
	position->file = memory;
	if (!key_same(position->file, key))
		file_begin(position->file, key);
	*ret = TAKE_PTR(position);
	return 0;
}

void position_close(struct position *position)
{
	if (!position)
		return;
	munmap(position->file, sizeof(*position->file));
	free(position);
}

bool position_get(const struct position *position, struct position_note *ret)
{
	const struct position_file *file = position->file;

	if (!file->count)
		return false;
	*ret = file->slots[file->count & 1];
	return true;
}

void position_set(struct position *position, const struct position_note *note)
{
	struct position_file *file = position->file;
	uint64_t next = file->count + 1;

	file->slots[next & 1] = *note;
	__atomic_store_n(&file->count, next, __ATOMIC_SEQ_CST);
}

void position_touch(struct position *position, uint64_t now_ns)
{
	__atomic_store_n(&position->file->touched_ns, now_ns, __ATOMIC_RELAXED);
}

uint64_t position_touched(const struct position *position)
{
	return __atomic_load_n(&position->file->touched_ns, __ATOMIC_RELAXED);
}

int position_settle(const struct position_batch *batch, int log_fd, enum position_end *ret)
{
	struct stat status;
	uint64_t size;

	if (fstat(log_fd, &status) < 0)
		return -errno;
	size = (uint64_t)status.st_size;
	*ret = POSITION_UNKNOWN;
	/* shorter than it was: somebody has cut it off */
	if (!S_ISREG(status.st_mode) || status.st_dev != batch->device ||
	    status.st_ino != batch->inode || size < batch->before)
		return 0;
	if (size > batch->before && size < batch->after &&
	    ftruncate(log_fd, (off_t)batch->before) < 0)
		return -errno;
	*ret = size >= batch->after ? POSITION_WHOLE : POSITION_NONE;
	return 0;
}
