// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How the kernel side fares; see stats.h. */
#include "kern/stats.h"

#include <errno.h>
#include <sys/mman.h>

#include "kern/set.h"

/* The first words of a ring's two pages (kernel/bpf/ringbuf.c): read up to, written up to. */
static int position_read(int fd, size_t page, uint64_t *ret)
{
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *mapped = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, (off_t)(page * size));

	if (mapped == MAP_FAILED)
		return -errno;
	*ret = __atomic_load_n((unsigned long *)mapped, __ATOMIC_ACQUIRE);
	munmap(mapped, size);
	return 0;
}

static int fill_read(int fd, struct kern_fill *ret)
{
	struct bpf_map_info info = {0};
	uint64_t read_to, written_to;
	__u32 len = sizeof(info);
	int r;

	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return -errno;
	/* the reader's first: it cannot be ahead of what is read here next */
	r = position_read(fd, 0, &read_to);
	if (r >= 0)
		r = position_read(fd, 1, &written_to);
	if (r < 0)
		return r;
	*ret = (struct kern_fill){.bytes = written_to - read_to, .size = info.max_entries};
	/* what was written and read in between is not waiting */
	if (ret->bytes > ret->size)
		ret->bytes = ret->size;
	return 0;
}

int kern_fills(struct kern *kern, struct kern_fills *ret)
{
	int r = fill_read(kern->ring_allow_fd, &ret->allow);

	return r < 0 ? r : fill_read(kern->ring_deny_fd, &ret->deny);
}

bool kern_costs_counted(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/sys/kernel/bpf_stats_enabled", "re");

	return file && fgetc(file) == '1';
}

/* The program behind a link, whoever has attached it. -ENOENT: it is not attached at all. */
static int linked_program(const struct kern *kern, const char *name)
{
	_cleanup_close_ int link = set_link_open(kern, name);
	struct bpf_link_info info = {0};
	__u32 len = sizeof(info);
	int fd;

	if (link < 0)
		return link;
	if (bpf_obj_get_info_by_fd(link, &info, &len) < 0)
		return -errno;
	fd = bpf_prog_get_fd_by_id(info.prog_id);
	return fd < 0 ? -errno : fd;
}

static int cost_read(const struct kern *kern, const struct bpf_prog_skeleton *entry,
		     struct kern_cost *ret)
{
	_cleanup_close_ int fd = linked_program(kern, entry->name);
	struct bpf_prog_info info = {0};
	__u32 len = sizeof(info);

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return -errno;
	*ret = (struct kern_cost){entry->name, info.run_cnt, info.run_time_ns};
	return 0;
}

int kern_costs(struct kern *kern, struct kern_cost **ret, size_t *ret_n)
{
	const struct bpf_object_skeleton *skeleton = kern->skel->skeleton;
	_cleanup_free_ struct kern_cost *costs = calloc((size_t)skeleton->prog_cnt,
							sizeof(*costs));
	size_t n = 0;

	if (!costs)
		return -ENOMEM;
	for (int i = 0; i < skeleton->prog_cnt; i++) {
		const struct bpf_prog_skeleton *entry = &skeleton->progs[i];
		int r;

		/* those that are run by hand belong to no hook */
		if (bpf_program__type(*entry->prog) == BPF_PROG_TYPE_SYSCALL)
			continue;
		r = cost_read(kern, entry, &costs[n]);
		if (r >= 0)
			n++;
		else if (r != -ENOENT)
			return r;
	}
	*ret = TAKE_PTR(costs);
	*ret_n = n;
	return 0;
}
