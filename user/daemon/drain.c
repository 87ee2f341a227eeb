// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The thread between the rings and the log; see drain.h. */
#include "daemon/drain.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/log.h"
#include "event/decode.h"
#include "event/enrich.h"
#include "event/procfs.h"
#include "kern/cgroup.h"
#include "kern/select.h"

#define POLL_MS 50		/* records come without wake-up */
#define RETRY_MS 100		/* between attempts at a log that takes nothing */
#define LOSSES_EVERY_NS NS_PER_S
#define RESEED_EVERY_NS (300 * NS_PER_S)
#define PROCESSES_MAX 4096

struct drain {
	struct kern *kern;
	struct journal *journal;
	struct tally *tally;
	struct ring *ring;
	struct process_table *processes;
	struct procfs procfs;
	pthread_t thread;
	bool started;
	int wake_fd;			/* readable: end */
	bool keep;			/* what is left in the end stays where it is */
	bool counting;			/* the log is given up: count what is left */
	uint64_t undecoded;		/* could not be read, or made, since the last report */
	uint64_t unreadable;		/* the same, reported */
	uint64_t losses[WEIR_EVENT_COUNT];	/* reported so far */
	uint64_t settled[WEIR_EVENT_COUNT];	/* the same, of what is in the file */
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
	_cleanup_cgroup_ struct cgroup cgroup = {.fd = -1};
	const char *path;
	int r;

	if (event->protocol != IPPROTO_TCP || event->head.verdict != WEIR_VERDICT_DENY)
		return;
	path = journal_cgroup(drain->journal, event->head.scope_id);
	r = path ? cgroup_open(path, &cgroup) : -ENOENT;
	/* gone, and its connections with it */
	if (r < 0 || cgroup.id != event->head.scope_id)
		return;
	r = kern_connection_reset(&cgroup, &connection);
	if (r >= 0 || drain->reset_failed)
		return;
	drain->reset_failed = true;
	log_warning("cannot reset a connection that is not allowed: %s; its packets are dropped",
		    strerror(-r));
}

/* A selector has made the scope, and the agent has not heard of it yet. */
static void scope_name(struct drain *drain, uint64_t cgroup_id)
{
	char path[WEIR_SELECTED_PATH_MAX];

	if (!journal_cgroup(drain->journal, cgroup_id) &&
	    kern_selected_path(drain->kern, cgroup_id, path) == 0)
		journal_scope_add(drain->journal, cgroup_id, path);
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
	/* what was told of a policy or scope comes before what was done under it */
	r = journal_posts_append(drain->journal);
	if (r < 0)
		return r;
	scope_name(drain, event->head.scope_id);
	r = journal_event(drain->journal, event, &process);
	if (r < 0)
		return r;
	if (event->has_flow && event->head.layer == WEIR_LAYER_PACKET)
		connection_cut(drain, event);
	if (drain->tally && event->head.verdict != WEIR_VERDICT_ALLOW)
		tally_add(drain->tally, event, &drain->journal->context);
	return 0;
}

/* Writes audit.lost when the kernel has counted more since the last time. */
static int losses_report(struct drain *drain)
{
	struct event_self self = {.type = EVENT_SELF_AUDIT_LOST};
	uint64_t counts[WEIR_EVENT_COUNT], now = journal_now(), more;
	int r;

	drain->undecoded += journal_posts_lost(drain->journal);
	more = drain->undecoded;
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
	r = more ? journal_self(drain->journal, &self, 0) : 0;
	if (r < 0)
		return r;
	memcpy(drain->losses, counts, sizeof(counts));
	__atomic_fetch_add(&drain->result.lost, more, __ATOMIC_RELAXED);
	__atomic_fetch_add(&drain->unreadable, drain->undecoded, __ATOMIC_RELAXED);
	drain->undecoded = 0;
	drain->losses_ns = now;
	return 0;
}

/* What is there; in the end all that there is, while there is no more, unless others read on. */
static int rings_read(struct drain *drain, bool end)
{
	bool last = end && !drain->keep;
	int r, error = 0;

	do {
		r = ring_read(drain->ring);
		if (r > 0 && last)
			error = journal_flush(drain->journal);
	} while (last && r > 0 && error == 0);
	return r < 0 ? r : error;
}

/* One round: everything the rings hold, into the file; in the end what was lost, too. */
static int round_do(struct drain *drain, bool end)
{
	int r;

	if (drain->journal->position)
		position_touch(drain->journal->position, journal_now());
	/* first what could not be written before: records stay in the ring until it can */
	r = journal_flush(drain->journal);
	if (r < 0)
		return r;
	journal_clock(drain->journal);
	r = journal_posts_append(drain->journal);
	if (r < 0)
		return r;
	journal_mark(drain->journal);
	r = rings_read(drain, end);
	/* read to their ends: nothing of what was retired before can come any more */
	if (r >= 0 && ring_ended(drain->ring))
		journal_sweep(drain->journal);
	if (r >= 0 && (end || journal_now() - drain->losses_ns >= LOSSES_EVERY_NS))
		r = losses_report(drain);
	return r < 0 ? r : journal_flush(drain->journal);
}

/* Returns whether that is news. */
static bool result_set(struct drain *drain, int error)
{
	return __atomic_exchange_n(&drain->result.log_error, error, __ATOMIC_RELAXED) != error;
}

static void log_failed(struct drain *drain, int error)
{
	if (!result_set(drain, error))
		return;
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
			result_set(drain, 0);
		else
			log_failed(drain, r);
		if (r >= 0)
			ring_wait(drain->ring, drain->wake_fd, POLL_MS);
	}
	r = round_do(drain, true);
	drain->result.log_error = r < 0 ? r : 0;
	if (r < 0 && !drain->keep) {
		drain->counting = true;
		while (ring_drain(drain->ring) > 0)
			;
	}
	return NULL;
}

/* What is true once a batch is in the log, and before; as position_note has it. */
struct progress {
	struct ring_positions rings;
	uint64_t losses_before[WEIR_EVENT_COUNT];
	uint64_t losses[WEIR_EVENT_COUNT];
};
_Static_assert(sizeof(struct progress) <= sizeof(((struct position_note *)0)->words),
	       "a note has room for it");

static void batch_before(void *context, const struct position_batch *batch)
{
	struct drain *drain = context;
	struct position_note note = {.batch = *batch};
	struct progress progress;
	uint64_t begun[WEIR_EVENT_COUNT];

	if (!drain->journal->position)
		return;
	ring_positions(drain->ring, &progress.rings);
	kern_losses_before(drain->kern, begun);
	for (int type = 0; type < WEIR_EVENT_COUNT; type++) {
		progress.losses_before[type] = begun[type] + drain->settled[type];
		progress.losses[type] = begun[type] + drain->losses[type];
	}
	memcpy(note.words, &progress, sizeof(progress));
	position_set(drain->journal->position, &note);
}

static void batch_after(void *context)
{
	struct drain *drain = context;

	ring_release(drain->ring);
	memcpy(drain->settled, drain->losses, sizeof(drain->settled));
}

/* Goes on where the writer before has stopped. */
static void progress_take(struct drain *drain)
{
	const struct position *position = drain->journal->position;
	struct ring_positions now;
	struct position_note note;
	struct progress progress;
	bool whole;

	if (!position || !position_get(position, &note))
		return;
	memcpy(&progress, note.words, sizeof(progress));
	ring_positions(drain->ring, &now);
	/* of another log it is only known that who was at its end gave the records back */
	whole = drain->journal->batch == POSITION_WHOLE ||
		(drain->journal->batch == POSITION_UNKNOWN &&
		 now.deny >= progress.rings.deny && now.allow >= progress.rings.allow);
	if (whole)
		ring_skip(drain->ring, &progress.rings);
	kern_losses_begin(drain->kern, whole ? progress.losses : progress.losses_before);
}

static void log_watch(struct drain *drain, bool on)
{
	const struct audit_log_watch watch = {batch_before, batch_after, drain};

	audit_log_watch(drain->journal->log, on ? &watch : &(struct audit_log_watch){0});
}

static void drain_free(struct drain *drain)
{
	if (!drain)
		return;
	log_watch(drain, false);
	ring_close(drain->ring);
	process_table_free(drain->processes);
	procfs_done(&drain->procfs);
	fd_close(drain->wake_fd);
	free(drain);
}
DEFINE_CLEANUP(struct drain, drain_free);

int drain_open(struct kern *kern, struct journal *journal, struct tally *tally,
	       struct drain **ret)
{
	_cleanup_(cleanup_drain_free) struct drain *drain = calloc(1, sizeof(*drain));
	int r;

	if (!drain)
		return -ENOMEM;
	*drain = (struct drain){
		.kern = kern, .journal = journal, .tally = tally, .procfs.fd = -1,
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
	if (r < 0)
		return r;
	progress_take(drain);
	log_watch(drain, true);
	*ret = TAKE_PTR(drain);
	return 0;
}

bool drain_started(const struct drain *drain)
{
	return drain && drain->started;
}

int drain_start(struct drain *drain)
{
	int r = -pthread_create(&drain->thread, NULL, drain_main, drain);

	drain->started = r == 0;
	return r;
}

void drain_state(struct drain *drain, struct drain_state *ret)
{
	ret->lost = __atomic_load_n(&drain->result.lost, __ATOMIC_RELAXED);
	ret->unreadable = __atomic_load_n(&drain->unreadable, __ATOMIC_RELAXED);
	ret->log_error = __atomic_load_n(&drain->result.log_error, __ATOMIC_RELAXED);
}

void drain_stop(struct drain *drain, bool keep, struct drain_result *ret)
{
	drain->keep = keep;	/* seen by the thread, which the write wakes */
	eventfd_write(drain->wake_fd, 1);
	if (drain->started)
		pthread_join(drain->thread, NULL);
	*ret = drain->result;
	drain_free(drain);
}
