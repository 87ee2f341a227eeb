// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Versions of a policy alternate while threads act: every decision is wholly
 * one version's, what both agree on never changes, and old versions are freed.
 */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define VERSIONS 40
#define SWITCHES 14	/* between a version and the one before it */
#define THREADS 3
#define PORT 4300
#define TABLES 7	/* maps of a version */

/* The last number of 127.0.0.x: what version one allows, two, both, none. */
enum target { ONE = 1, TWO, BOTH, NONE, TARGETS };

static const char *const texts[] = {
	"version: 1\nname: one\nfiles: unrestricted\nguard: unrestricted\n"
	"network:\n  allow:\n    - name: r1\n      addresses: [127.0.0.1, 127.0.0.3]\n",
	"version: 1\nname: two\nfiles: unrestricted\nguard: unrestricted\n"
	"network:\n  allow:\n    - name: r2\n      addresses: [127.0.0.2, 127.0.0.3]\n",
};

/* Shared by the threads of the workload. */
struct work {
	atomic_bool stop;
	atomic_uint done[TARGETS][2];	/* refused, allowed */
	atomic_uint odd;		/* neither */
};

static int act(int sock, int connecting, enum target target)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	const struct sockaddr *addr = (const struct sockaddr *)&name;

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + target);
	if (connecting ? connect(sock, addr, sizeof(name)) == 0 :
			 sendto(sock, "x", 1, 0, addr, sizeof(name)) == 1)
		return 0;
	/* the answer to an earlier datagram: nobody listens */
	return errno == ECONNREFUSED ? 0 : errno;
}

static void *work_run(void *context)
{
	struct work *work = context;
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned int round;

	for (round = 0; !work->stop; round++) {
		enum target target = ONE + round % (TARGETS - 1);
		int err = act(sock, round & 8, target);

		if (err && err != EPERM)
			work->odd++;
		else
			work->done[target][!err]++;
	}
	close(sock);
	return NULL;
}

static int workload(int fd, void *context)
{
	static struct work work;
	pthread_t threads[THREADS];
	int i, odd;
	char byte;

	(void)context;
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work_run, &work) != 0)
			return 1;
	pipe_write(fd, "r", 1);
	pipe_read(fd, &byte, 1);
	work.stop = true;
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	odd = (int)work.odd;
	pipe_write(fd, &odd, sizeof(odd));
	for (i = ONE; i < TARGETS; i++)
		pipe_write(fd, work.done[i], sizeof(work.done[i]));
	return 0;
}

/* What the records say; the serials of the versions by parity of their load. */
struct seen {
	uint64_t serials[VERSIONS + 1];
	unsigned int n_serials;
	unsigned long records;
	unsigned long by_version[2];
};

static int record_check(void *context, const void *data, size_t size)
{
	const struct weir_event_flow *flow = data;
	struct seen *seen = context;
	unsigned int i, version, target;
	bool allowed;

	(void)size;
	if (flow->head.type != WEIR_EVENT_CONNECT && flow->head.type != WEIR_EVENT_SEND)
		return 0;
	seen->records++;
	for (i = seen->n_serials; i > 0; i--)
		if (seen->serials[i - 1] == flow->head.instance_serial)
			break;
	if (i == 0) {
		check(false, "a decision under no version (serial %llu)",
		      (unsigned long long)flow->head.instance_serial);
		return 0;
	}
	version = (i - 1) % 2;
	seen->by_version[version]++;
	target = flow->dest.bytes[15];
	allowed = target == BOTH || target == ONE + version;
	if ((flow->head.verdict == WEIR_VERDICT_ALLOW) != allowed ||
	    flow->head.reason != (allowed ? WEIR_REASON_RULE : WEIR_REASON_NO_RULE))
		check(false, "version %u decided %u for 127.0.0.%u, reason %u", version,
		      flow->head.verdict, target, flow->head.reason);
	return 0;
}

static void refused_half_way(struct rig *rig)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = NULL;
	unsigned int before = rig_maps();
	uint32_t instance = 77;
	uint64_t serial = 77;
	size_t n_nodes;
	int err;

	rig_policy(texts[0], NULL, &compiled);
	n_nodes = compiled->n_nodes;
	compiled->n_nodes = UINT32_MAX;	/* the last table, which no kernel can make */
	err = kern_instance_load(rig->kern, compiled, 0, &instance, &serial);
	compiled->n_nodes = n_nodes;
	check(err < 0, "a table of four billion nodes was made");
	check(instance == 77 && serial == 77, "outputs of a refused load were touched");
	check(rig_maps_settle(before), "a refused load leaves %u maps", rig_maps() - before);
}

static void versions(struct rig *rig, struct ring *ring, struct seen *seen, uint32_t old)
{
	uint32_t instance;
	unsigned int i, n;

	for (i = 0; i < VERSIONS; i++) {
		/* known before anything is decided by it */
		instance = rig_load(rig, texts[seen->n_serials % 2],
				    &seen->serials[seen->n_serials]);
		seen->n_serials++;
		for (n = 0; n < SWITCHES; n++) {
			rig_point(rig, n % 2 ? old : instance);
			if (ring_drain(ring) < 0)
				fatal("cannot read the ring");
		}
		rig_point(rig, instance);
		check(kern_instance_free(rig->kern, instance) == -EBUSY,
		      "the version in force was freed");
		check(kern_instance_free(rig->kern, old) == 0, "an old version stays");
		if (i % 10 == 5)
			refused_half_way(rig);
		old = instance;
	}
}

static void outcome_check(struct rig_child *child)
{
	unsigned int done[TARGETS][2] = {0}, i;
	int odd;

	pipe_write(child->fd, "s", 1);
	pipe_read(child->fd, &odd, sizeof(odd));
	for (i = ONE; i < TARGETS; i++) {
		pipe_read(child->fd, done[i], sizeof(done[i]));
		printf("127.0.0.%u: %u refused, %u allowed\n", i, done[i][0], done[i][1]);
	}
	check(rig_child_end(child) == 0, "the workload failed");
	check(odd == 0, "%d calls failed with another error", odd);
	check(done[BOTH][0] == 0 && done[BOTH][1], "what both allow was refused");
	check(done[NONE][1] == 0 && done[NONE][0], "what both refuse was allowed");
	check(done[ONE][0] && done[ONE][1] && done[TWO][0] && done[TWO][1],
	      "the switch was not seen");
}

int main(void)
{
	const struct kern_options options = {.lsm = true, .ring_allow_bytes = 16u << 20,
					     .ring_deny_bytes = 16u << 20};
	static struct seen seen;
	uint64_t lost[WEIR_EVENT_COUNT];
	struct rig_child child;
	struct ring *ring;
	struct rig rig;
	uint32_t first;
	unsigned int maps;
	char byte;

	rig_open(&options, &rig);
	if (ring_open(rig.kern, record_check, &seen, &ring) < 0)
		fatal("cannot open the ring");
	maps = rig_maps();
	first = rig_load(&rig, texts[0], &seen.serials[0]);
	seen.n_serials = 1;
	rig_point(&rig, first);
	child = rig_child_start(&rig, workload, NULL);
	pipe_read(child.fd, &byte, 1);
	versions(&rig, ring, &seen, first);
	outcome_check(&child);
	ring_drain(ring);
	check(kern_losses(rig.kern, lost) == 0 && !lost[WEIR_EVENT_CONNECT] &&
		      !lost[WEIR_EVENT_SEND],
	      "records were lost: the test shows less than it should");
	check(seen.by_version[0] && seen.by_version[1], "only one version decided");
	printf("%u switches, %lu records\n", VERSIONS * (SWITCHES + 1), seen.records);
	check(rig_maps_settle(maps + TABLES), "%u maps stay", rig_maps() - maps);
	ring_close(ring);
	rig_close(&rig);
	return checks_end();
}
