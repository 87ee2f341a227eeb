// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The thread between the rings and the log; see drain.h. */
#include "daemon/drain.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/log.h"
#include "event/decode.h"
#include "event/enrich.h"
#include "event/procfs.h"

#define POLL_MS 50		/* records come without wake-up */
#define RETRY_MS 100		/* between attempts at a log that takes nothing */
#define LOSSES_EVERY_NS 1000000000u
#define RESEED_EVERY_NS (300 * 1000000000ull)
#define PROCESSES_MAX 4096

struct drain {
	struct kern *kern;
	const struct cgroup *cgroup;
	struct journal *journal;
	struct tally *tally;
	struct ring *ring;
	struct process_table *processes;
	struct procfs procfs;
	pthread_t thread;
	int wake_fd;			/* readable: end */
	bool counting;			/* the log is given up: count what is left */
	uint64_t undecoded;		/* records that could not be read, since the last report */
	uint64_t losses[WEIR_EVENT_COUNT];	/* reported so far */
	uint64_t losses_ns;		/* when they were last asked for */
	uint64_t seeded_ns;
	bool reset_failed;		/* said once */
	struct drain_result result;
	struct event event;		/* large: not on the stack */
};

/*
 * A packet of a connection was refused: it is over. A listening socket refuses
 * who asks for one in the same way, and there is nothing to reset then.
 */
static void connection_cut(struct drain *drain, const struct event *event)
{
	bool accepted = event->head.type == WEIR_EVENT_ACCEPT;
	const struct connection connection = {
		.local = accepted ? event->dest : event->source,
		.peer = accepted ? event->source : event->dest,
		.local_port = accepted ? event->dport : event->sport,
		.peer_port = accepted ? event->sport : event->dport,
	};
	int r;

	if (event->protocol != IPPROTO_TCP || event->head.verdict != WEIR_VERDICT_DENY)
		return;
	r = kern_connection_reset(drain->cgroup, &connection);
	if (r >= 0 || drain->reset_failed)
		return;
	drain->reset_failed = true;
	log_warning("cannot reset a connection that is not allowed: %s; its packets are dropped",
		    strerror(-r));
}

static int record_take(void *context, const void *data, size_t size)
{
	struct drain *drain = context;
	struct event *event = &drain->event;
	struct event_process process;
	int r;

	if (drain->counting) {
		drain->result.unwritten++;
		return 0;
	}
	if (event_decode(data, size, event) < 0) {
		drain->undecoded++;
		return 0;
	}
	process_table_describe(drain->processes, event, &process);
	if (event->head.quiet)
		return 0;
	r = journal_event(drain->journal, event, &process);
	if (r < 0)
		return r;
	if (event->has_flow && event->head.layer == WEIR_LAYER_PACKET)
		connection_cut(drain, event);
	if (event->head.verdict != WEIR_VERDICT_ALLOW)
		tally_add(drain->tally, event, &drain->journal->context);
	return 0;
}

/* Writes audit.lost when the kernel has counted more since the last time. */
static int losses_report(struct drain *drain)
{
	struct event_self self = {.type = EVENT_SELF_AUDIT_LOST};
	uint64_t counts[WEIR_EVENT_COUNT], now = journal_now(), more = drain->undecoded;
	int r;

	r = kern_losses(drain->kern, counts);
	if (r < 0)
		return 0;	/* asked again; a count is never taken back */
	for (int type = 0; type < WEIR_EVENT_COUNT; type++) {
		self.lost[type] = counts[type] - drain->losses[type];
		more += self.lost[type];
	}
	self.lost[EVENT_LOST_UNKNOWN] = drain->undecoded;
	self.from_ns = drain->losses_ns;
	self.to_ns = now;
	r = more ? journal_self(drain->journal, &self) : 0;
	if (r < 0)
		return r;
	memcpy(drain->losses, counts, sizeof(counts));
	drain->result.lost += more;
	drain->undecoded = 0;
	drain->losses_ns = now;
	return 0;
}

/* One round: everything the rings hold, into the file. */
static int round_do(struct drain *drain, bool last)
{
	int r;

	/* first what could not be written before: records stay in the ring until it can */
	r = journal_flush(drain->journal);
	if (r < 0)
		return r;
	journal_clock(drain->journal);
	do
		r = ring_drain(drain->ring);
	while (last && r > 0);
	if (r >= 0 && (last || journal_now() - drain->losses_ns >= LOSSES_EVERY_NS))
		r = losses_report(drain);
	return r < 0 ? r : journal_flush(drain->journal);
}

static void log_failed(struct drain *drain, int error)
{
	if (drain->result.log_error == error)
		return;
	drain->result.log_error = error;
	log_error("cannot write the audit log: %s; records wait in the kernel", strerror(-error));
}

static bool stop_wanted(struct drain *drain, int timeout_ms)
{
	struct pollfd wait = {.fd = drain->wake_fd, .events = POLLIN};

	return poll(&wait, 1, timeout_ms) > 0;
}

/*
 * What the kernel side remembers of directories goes with the counts of renames
 * and mounts, of 32 bits each: it must not live until they have come round.
 */
static void seed_renew(struct drain *drain)
{
	uint64_t now = journal_now();

	if (now - drain->seeded_ns < RESEED_EVERY_NS)
		return;
	kern_reseed(drain->kern);
	drain->seeded_ns = now;
}

static void *drain_main(void *context)
{
	struct drain *drain = context;
	int r = 0;

	while (!stop_wanted(drain, r < 0 ? RETRY_MS : 0)) {
		seed_renew(drain);
		r = round_do(drain, false);
		if (r >= 0)
			drain->result.log_error = 0;
		else
			log_failed(drain, r);
		if (r >= 0)
			ring_wait(drain->ring, drain->wake_fd, POLL_MS);
	}
	r = round_do(drain, true);
	drain->result.log_error = r < 0 ? r : 0;
	if (r < 0) {
		drain->counting = true;
		while (ring_drain(drain->ring) > 0)
			;
	}
	return NULL;
}

static void drain_free(struct drain *drain)
{
	if (!drain)
		return;
	ring_close(drain->ring);
	process_table_free(drain->processes);
	procfs_done(&drain->procfs);
	fd_close(drain->wake_fd);
	free(drain);
}
DEFINE_CLEANUP(struct drain, drain_free);

int drain_start(struct kern *kern, const struct cgroup *cgroup, struct journal *journal,
		struct tally *tally, struct drain **ret)
{
	_cleanup_(cleanup_drain_free) struct drain *drain = calloc(1, sizeof(*drain));
	int r;

	if (!drain)
		return -ENOMEM;
	*drain = (struct drain){
		.kern = kern, .cgroup = cgroup, .journal = journal, .tally = tally, .procfs.fd = -1,
		.losses_ns = journal_now(), .seeded_ns = journal_now(),
	};
	drain->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (drain->wake_fd < 0)
		return -errno;
	r = procfs_open("/proc", &drain->procfs);
	if (r >= 0)
		r = process_table_new(PROCESSES_MAX, procfs_look_up, &drain->procfs,
				      &drain->processes);
	if (r >= 0)
		r = ring_open(kern, record_take, drain, &drain->ring);
	if (r >= 0)
		r = -pthread_create(&drain->thread, NULL, drain_main, drain);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(drain);
	return 0;
}

void drain_stop(struct drain *drain, struct drain_result *ret)
{
	eventfd_write(drain->wake_fd, 1);
	pthread_join(drain->thread, NULL);
	*ret = drain->result;
	drain_free(drain);
}
