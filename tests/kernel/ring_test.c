// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Rings of one page: what finds no room is counted to the last record, and
 * under `when_full: deny` does not happen. And in which order two rings are read.
 */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ATTEMPTS 3000
#define WORKERS 2
#define FILE_PATH "/scratch/weir-ring"

#define POLICY(when_full, head)                                                       \
	"version: 1\nname: ring\n" head "network:\n  allow:\n    - name: one\n"        \
	"      addresses: [127.0.0.1]\nfiles:\n  allow:\n    - name: open\n"           \
	"      paths: [\"/scratch/**\"]\n      access: [read]\nguard: unrestricted\n" \
	"audit:\n  record: [network, execute, files]\n  when_full: " when_full "\n"

enum kind { SEND_ALLOWED, SEND_DENIED, OPEN_ALLOWED, OPEN_DENIED, KINDS };

static const char *const kind_names[KINDS] = {
	"allowed sends", "denied sends", "allowed opens", "denied opens",
};

/* Returns 0 or the error. attempt: a send that is to be recorded goes where none went lately. */
static int act(int sock, enum kind kind, int attempt)
{
	struct sockaddr_in name = {.sin_family = AF_INET,
				   .sin_port = htons((uint16_t)(1024 + attempt))};
	int fd;

	switch (kind) {
	case SEND_ALLOWED:
	case SEND_DENIED:
		name.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (kind == SEND_DENIED));
		return sendto(sock, "x", 1, 0, (struct sockaddr *)&name, sizeof(name)) == 1 ? 0 :
											      errno;
	case OPEN_ALLOWED:
	case OPEN_DENIED:
		fd = open(FILE_PATH, kind == OPEN_ALLOWED ? O_RDONLY : O_WRONLY);
		if (fd < 0)
			return errno;
		close(fd);
		return 0;
	default:
		return EINVAL;
	}
}

static int workload(int fd, void *context)
{
	enum kind kind = *(const enum kind *)context;
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), i, err;
	unsigned int counts[2] = {0};	/* refused, done */
	int wanted = kind < OPEN_ALLOWED ? EPERM : EACCES;

	for (i = 0; i < ATTEMPTS; i++) {
		err = act(sock, kind, i);
		if (err && err != wanted)
			return 1;
		counts[!err]++;
	}
	pipe_write(fd, counts, sizeof(counts));
	return 0;
}

static bool all_done(const struct rig_child *children)
{
	struct pollfd done[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		done[i] = (struct pollfd){.fd = children[i].fd, .events = POLLIN};
	return poll(done, WORKERS, 0) == WORKERS;
}

struct recorded {
	unsigned int count[WEIR_EVENT_COUNT];
};

static int record_count(void *context, const void *data, size_t size)
{
	struct recorded *recorded = context;
	const struct weir_event_head *head = data;

	(void)size;
	recorded->count[head->type]++;
	return 0;
}

/* draining: the ring is emptied meanwhile, so that room comes and goes */
static void kind_check(struct rig *rig, enum kind kind, bool deny_when_full, bool draining)
{
	uint8_t type = kind < OPEN_ALLOWED ? WEIR_EVENT_SEND : WEIR_EVENT_FILE_OPEN;
	uint64_t before[WEIR_EVENT_COUNT], after[WEIR_EVENT_COUNT], lost;
	unsigned int counts[2], done = 0, refused = 0, attempts = WORKERS * ATTEMPTS;
	struct rig_child children[WORKERS];
	struct recorded recorded = {0};
	bool allowed = kind == SEND_ALLOWED || kind == OPEN_ALLOWED;
	struct ring *ring;
	int i;

	if (ring_open(rig->kern, record_count, &recorded, &ring) < 0 || ring_drain(ring) < 0)
		fatal("cannot read the ring");
	memset(&recorded, 0, sizeof(recorded));
	kern_losses(rig->kern, before);
	for (i = 0; i < WORKERS; i++)
		children[i] = rig_child_start(rig, workload, &kind);
	while (draining && recorded.count[type] < 200 && !all_done(children))
		ring_drain(ring);
	for (i = 0; i < WORKERS; i++) {
		pipe_read(children[i].fd, counts, sizeof(counts));
		refused += counts[0];
		done += counts[1];
		check(rig_child_end(&children[i]) == 0, "a worker failed");
	}
	ring_drain(ring);
	kern_losses(rig->kern, after);
	lost = after[type] - before[type];
	printf("%s, when full: %s%s: %u done, %u refused, %u recorded, %llu lost\n",
	       kind_names[kind], deny_when_full ? "deny" : "count", draining ? ", draining" : "",
	       done, refused, recorded.count[type], (unsigned long long)lost);
	check(done + refused == attempts, "attempts are missing");
	check(recorded.count[type] + lost == attempts, "records are missing: %u + %llu of %u",
	      recorded.count[type], (unsigned long long)lost, attempts);
	check(lost && recorded.count[type], "the ring was not too small");
	if (!allowed)
		check(done == 0, "the policy's refusals depend on the ring");
	else if (deny_when_full)
		check(done == recorded.count[type], "what was not recorded happened");
	else
		check(refused == 0, "refused although losses are only to be counted");
	ring_close(ring);
}

static void ask(const struct rig_child *child, enum kind kind)
{
	pipe_write(child->fd, &kind, sizeof(kind));
	pipe_read(child->fd, &kind, sizeof(kind));
}

/* Acts as it is asked to, and says when it has. */
static int asked_workload(int fd, void *context)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), attempt;
	enum kind kind;

	(void)context;
	for (attempt = 0; pipe_read(fd, &kind, sizeof(kind)), kind != KINDS; attempt++) {
		act(sock, kind, attempt);
		pipe_write(fd, &kind, sizeof(kind));
	}
	return 0;
}

#define ORDERED 3

struct order {
	const struct rig_child *child;
	unsigned int count;
	uint8_t verdicts[ORDERED];
};

/* While the first is being read, another is denied, and then one is allowed. */
static int record_order(void *context, const void *data, size_t size)
{
	const struct weir_event_head *head = data;
	struct order *order = context;

	(void)size;
	if (head->type != WEIR_EVENT_SEND || order->count == ORDERED)
		return 0;
	order->verdicts[order->count++] = head->verdict;
	if (order->count == 1) {
		ask(order->child, SEND_DENIED);
		ask(order->child, SEND_ALLOWED);
	}
	return 0;
}

static void order_check(struct rig *rig)
{
	struct rig_child child = rig_child_start(rig, asked_workload, NULL);
	struct order order = {.child = &child};
	enum kind end = KINDS;
	struct ring *ring;
	int i;

	if (ring_open(rig->kern, record_order, &order, &ring) < 0)
		fatal("cannot read the ring");
	ask(&child, SEND_DENIED);
	for (i = 0; i < ORDERED; i++)
		ring_drain(ring);
	check(order.count == ORDERED, "%u of %d records", order.count, ORDERED);
	check(order.verdicts[0] == WEIR_VERDICT_DENY && order.verdicts[1] == WEIR_VERDICT_DENY &&
		      order.verdicts[2] == WEIR_VERDICT_ALLOW,
	      "a denial is told of after what was allowed after it");
	pipe_write(child.fd, &end, sizeof(end));
	check(rig_child_end(&child) == 0, "the worker failed");
	ring_close(ring);
}

static void version_check(struct rig *rig, const char *text, bool deny_when_full)
{
	uint64_t serial;
	int kind;

	rig_point(rig, rig_load(rig, text, &serial));
	for (kind = 0; kind < KINDS; kind++)
		kind_check(rig, kind, deny_when_full, false);
	kind_check(rig, SEND_ALLOWED, deny_when_full, true);
	kind_check(rig, OPEN_ALLOWED, deny_when_full, true);
}

int main(void)
{
	const struct kern_options options = {
		.files = true, .lsm = true, .ring_allow_bytes = 4096, .ring_deny_bytes = 4096,
	};
	struct rig rig;
	int fd;

	fd = open(FILE_PATH, O_CREAT | O_RDWR, 0644);
	if (fd < 0)
		fatal("cannot make " FILE_PATH);
	close(fd);
	rig_open(&options, &rig);
	version_check(&rig, POLICY("deny", ""), true);
	version_check(&rig, POLICY("count", ""), false);
	order_check(&rig);
	rig_close(&rig);
	unlink(FILE_PATH);
	return checks_end();
}
