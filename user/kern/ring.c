// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reading the two rings, and the counts of what found no room in them.
 *
 * libbpf gives a record back to the kernel as soon as its callback returns. Here
 * records stay in the ring until they are in the log, so that who is killed in
 * between has lost none: the layout is that of kernel/bpf/ringbuf.c.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>

#include "kern/state.h"

enum { DENY, ALLOW, RINGS };

struct one_ring {
	int fd;				/* kern's */
	size_t size;			/* power of two */
	unsigned long *consumer;	/* what is before it, the kernel may overwrite */
	const unsigned long *producer;	/* the same page, then the data twice over, read-only */
	unsigned long read;		/* behind the last record that was taken */
};

struct ring {
	struct one_ring rings[RINGS];
	ring_record_fn record;
	void *context;
	bool ended;
};

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static const char *ring_data(const struct one_ring *one)
{
	return (const char *)one->producer + page_size();
}

static int one_open(int fd, struct one_ring *ret)
{
	struct bpf_map_info info = {0};
	__u32 len = sizeof(info);
	void *memory;

	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return -errno;
	*ret = (struct one_ring){.fd = fd, .size = info.max_entries};
	memory = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	ret->consumer = memory;
	memory = mmap(NULL, page_size() + 2 * ret->size, PROT_READ, MAP_SHARED, fd,
		      (off_t)page_size());
	if (memory == MAP_FAILED)
		return -errno;
	ret->producer = memory;
	ret->read = __atomic_load_n(ret->consumer, __ATOMIC_ACQUIRE);
	return 0;
}

int ring_open(struct kern *kern, ring_record_fn record, void *context, struct ring **ret)
{
	_cleanup_ring_ struct ring *ring = calloc(1, sizeof(*ring));
	int err;

	if (!ring)
		return -ENOMEM;
	ring->record = record;
	ring->context = context;
	err = one_open(kern->ring_deny_fd, &ring->rings[DENY]);
	if (err >= 0)
		err = one_open(kern->ring_allow_fd, &ring->rings[ALLOW]);
	if (err < 0)
		return err;
	*ret = TAKE_PTR(ring);
	return 0;
}

/* What lies before `end`. *ret_ended: nothing of it is left. */
static int one_read(struct ring *ring, struct one_ring *one, unsigned long end, bool *ret_ended)
{
	int count = 0, r = 0;

	while (r >= 0 && one->read < end) {
		const char *at = ring_data(one) + (one->read & (one->size - 1));
		__u32 word = __atomic_load_n((const __u32 *)(const void *)at, __ATOMIC_ACQUIRE);
		__u32 len = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (word & BPF_RINGBUF_BUSY_BIT)
			break;
		if (!(word & BPF_RINGBUF_DISCARD_BIT)) {
			r = ring->record(ring->context, at + BPF_RINGBUF_HDR_SZ, len);
			count += r >= 0;
		}
		if (r >= 0)
			one->read += (len + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
	}
	*ret_ended = one->read >= end;
	return r < 0 ? r : count;
}

int ring_read(struct ring *ring)
{
	unsigned long ends[RINGS];
	int count = 0, r = 0;

	/* seen last and read first: no denial is told of after what was allowed after it */
	ends[ALLOW] = __atomic_load_n(ring->rings[ALLOW].producer, __ATOMIC_ACQUIRE);
	ends[DENY] = __atomic_load_n(ring->rings[DENY].producer, __ATOMIC_ACQUIRE);
	ring->ended = true;
	for (int i = 0; i < RINGS && r >= 0; i++) {
		bool ended = false;

		r = one_read(ring, &ring->rings[i], ends[i], &ended);
		ring->ended &= ended;
		count += r < 0 ? 0 : r;
	}
	return r < 0 ? r : count;
}

bool ring_ended(const struct ring *ring)
{
	return ring->ended;
}

void ring_release(struct ring *ring)
{
	for (int i = 0; i < RINGS; i++)
		__atomic_store_n(ring->rings[i].consumer, ring->rings[i].read, __ATOMIC_SEQ_CST);
}

int ring_drain(struct ring *ring)
{
	int r = ring_read(ring);

	ring_release(ring);
	return r;
}

void ring_positions(const struct ring *ring, struct ring_positions *ret)
{
	*ret = (struct ring_positions){ring->rings[DENY].read, ring->rings[ALLOW].read};
}

static void one_skip(struct one_ring *one, uint64_t position)
{
	unsigned long end = __atomic_load_n(one->producer, __ATOMIC_ACQUIRE);

	/* never back: the kernel may have written there again */
	if (position > one->read && position <= end)
		one->read = position;
}

void ring_skip(struct ring *ring, const struct ring_positions *positions)
{
	one_skip(&ring->rings[DENY], positions->deny);
	one_skip(&ring->rings[ALLOW], positions->allow);
	ring_release(ring);
}

int ring_wait(struct ring *ring, int wake_fd, int timeout_ms)
{
	struct pollfd fds[] = {
		{.fd = ring->rings[DENY].fd, .events = POLLIN},
		{.fd = ring->rings[ALLOW].fd, .events = POLLIN},
		{.fd = wake_fd, .events = POLLIN},
	};

	if (poll(fds, ARRAY_SIZE(fds), timeout_ms) < 0 && errno != EINTR)
		return -errno;
	return 0;
}

static void one_close(struct one_ring *one)
{
	if (one->consumer)
		munmap(one->consumer, page_size());
	if (one->producer)
		munmap((void *)one->producer, page_size() + 2 * one->size);
}

void ring_close(struct ring *ring)
{
	if (!ring)
		return;
	for (int i = 0; i < RINGS; i++)
		one_close(&ring->rings[i]);
	free(ring);
}

/* Adds one reader's, over all processors. values: room for one of each. */
static int losses_add(struct kern *kern, uint32_t reader, uint64_t *values, int cpus,
		      uint64_t counts[WEIR_EVENT_COUNT])
{
	for (uint32_t type = 0; type < WEIR_EVENT_COUNT; type++) {
		uint32_t key = WEIR_LOST_KEY(reader, type);
		int err = bpf_map__lookup_elem(kern->skel->maps.weir_lost, &key, sizeof(key),
					       values, (size_t)cpus * sizeof(*values), 0);

		if (err < 0)
			return err;
		for (int cpu = 0; cpu < cpus; cpu++)
			counts[type] += values[cpu];
	}
	return 0;
}

int kern_losses(struct kern *kern, uint64_t ret_counts[WEIR_EVENT_COUNT])
{
	int cpus = libbpf_num_possible_cpus(), err;
	_cleanup_free_ uint64_t *values = cpus > 0 ? calloc((size_t)cpus, sizeof(*values)) : NULL;
	uint64_t counts[WEIR_EVENT_COUNT] = {0};

	if (!values)
		return cpus < 0 ? cpus : -ENOMEM;
	err = losses_add(kern, kern->reader, values, cpus, counts);
	if (err >= 0)
		err = losses_add(kern, 0, values, cpus, counts);
	if (err < 0)
		return err;
	for (int type = 0; type < WEIR_EVENT_COUNT; type++)
		ret_counts[type] = counts[type] - kern->lost_before[type];
	return 0;
}

void kern_losses_before(const struct kern *kern, uint64_t ret_counts[WEIR_EVENT_COUNT])
{
	memcpy(ret_counts, kern->lost_before, sizeof(kern->lost_before));
}

void kern_losses_begin(struct kern *kern, const uint64_t counts[WEIR_EVENT_COUNT])
{
	memcpy(kern->lost_before, counts, sizeof(kern->lost_before));
}
