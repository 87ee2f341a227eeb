// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reading the two rings, and the counts of what found no room in them. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "kern/state.h"

/* The longest record: an exec with a whole path and all its arguments. */
#define RECORD_MAX (sizeof(struct weir_event_exec) + WEIR_PATH_MAX + WEIR_ARGS_MAX)

struct ring {
	struct ring_buffer *rings;
	ring_record_fn record;
	void *context;
	size_t held_size;	/* 0: none */
	char held[RECORD_MAX];	/* refused by the callback, to be delivered again */
};

/* libbpf counts a record as read even when the callback refuses it, so that one is kept here. */
static int record_one(void *context, void *data, size_t size)
{
	struct ring *ring = context;
	int r = ring->record(ring->context, data, size);

	if (r < 0 && size <= sizeof(ring->held)) {
		memcpy(ring->held, data, size);
		ring->held_size = size;
	}
	return r;
}

static int held_deliver(struct ring *ring)
{
	int r;

	if (!ring->held_size)
		return 0;
	r = ring->record(ring->context, ring->held, ring->held_size);
	if (r < 0)
		return r;
	ring->held_size = 0;
	return 1;
}

int ring_open(struct kern *kern, ring_record_fn record, void *context, struct ring **ret)
{
	_cleanup_ring_ struct ring *ring = calloc(1, sizeof(*ring));
	int err;

	if (!ring)
		return -ENOMEM;
	ring->record = record;
	ring->context = context;
	ring->rings = ring_buffer__new(kern->ring_deny_fd, record_one, ring, NULL);
	if (!ring->rings)
		return -errno;
	err = ring_buffer__add(ring->rings, kern->ring_allow_fd, record_one, ring);
	if (err < 0)
		return err;
	*ret = TAKE_PTR(ring);
	return 0;
}

int ring_drain(struct ring *ring)
{
	int held = held_deliver(ring), r;

	if (held < 0)
		return held;
	r = ring_buffer__consume(ring->rings);
	return r < 0 ? r : r + held;
}

int ring_wait(struct ring *ring, int wake_fd, int timeout_ms)
{
	struct pollfd fds[] = {
		{.fd = ring_buffer__epoll_fd(ring->rings), .events = POLLIN},
		{.fd = wake_fd, .events = POLLIN},
	};

	if (poll(fds, ARRAY_SIZE(fds), timeout_ms) < 0 && errno != EINTR)
		return -errno;
	return 0;
}

void ring_close(struct ring *ring)
{
	if (!ring)
		return;
	ring_buffer__free(ring->rings);
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
