// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a datagram, and a TCP connection, cost the one who makes them:
 * net_bench [-n COUNT] [-r ROUNDS] send|send-many|send-connected|connect [given]
 * net_bench peer send|send-many|send-connected|connect COMMAND [ARG...]
 *
 * Loopback, IPv4. The other end is in this process too: after every batch it
 * takes what has come, untimed. With `given` it is the socket that standard
 * input is, as `peer` makes it before it becomes COMMAND: so it can be outside
 * of what confines the sender. Destinations change from one to the next.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "measure.h"

#define BATCH 64

struct ends {
	const struct bench *bench;
	int local;		/* sends; unused by connect */
	int peer;		/* receives or listens, on every address of IPv4 */
	struct sockaddr_in to;
	unsigned int next;
};

struct bench {
	const char *name;
	int type;
	unsigned int destinations;	/* in turn, 127.0.0.1 and up */
	bool connected;
	/* Returns the nanoseconds it took, or negative errno. */
	int64_t (*batch)(struct ends *ends, const struct measure *measure, unsigned int count);
};

static const struct sockaddr *destination_next(struct ends *ends)
{
	unsigned int number = ends->next++ % ends->bench->destinations;

	ends->to.sin_addr.s_addr = htonl(INADDR_LOOPBACK + number);
	return (const struct sockaddr *)&ends->to;
}

static int send_once(struct ends *ends, const char *data, size_t len)
{
	ssize_t did = ends->bench->connected ? send(ends->local, data, len, 0) :
					       sendto(ends->local, data, len, 0,
						      destination_next(ends), sizeof(ends->to));

	return did < 0 ? -errno : 0;
}

static int64_t send_batch(struct ends *ends, const struct measure *measure, unsigned int count)
{
	int64_t start = measure_now_ns(measure), took;
	char data[64] = "";
	int err;

	for (unsigned int i = 0; i < count; i++) {
		err = send_once(ends, data, sizeof(data));
		if (err)
			return err;
	}
	took = measure_now_ns(measure) - start;
	while (recv(ends->peer, data, sizeof(data), MSG_DONTWAIT) >= 0)
		;
	return took;
}

/* Closed by a reset, so that no port stays behind. */
static int connect_once(struct ends *ends)
{
	const struct linger linger = {.l_onoff = 1};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err = 0;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	if (connect(fd, destination_next(ends), sizeof(ends->to)))
		err = -errno;
	close(fd);
	return err;
}

static int64_t connect_batch(struct ends *ends, const struct measure *measure, unsigned int count)
{
	int64_t start = measure_now_ns(measure), took;
	int fd, err;

	for (unsigned int i = 0; i < count; i++) {
		err = connect_once(ends);
		if (err)
			return err;
	}
	took = measure_now_ns(measure) - start;
	while ((fd = accept4(ends->peer, NULL, NULL, SOCK_NONBLOCK)) >= 0)
		close(fd);
	return took;
}

static const struct bench benches[] = {
	{"send", SOCK_DGRAM, 10, false, send_batch},
	{"send-many", SOCK_DGRAM, 250, false, send_batch},
	{"send-connected", SOCK_DGRAM, 1, true, send_batch},
	{"connect", SOCK_STREAM, 10, false, connect_batch},
};

static int64_t bench_round(void *context, const struct measure *measure)
{
	struct ends *ends = context;
	unsigned int left, part;
	int64_t sum = 0, took;

	for (left = measure->count; left; left -= part) {
		part = left < BATCH ? left : BATCH;
		took = ends->bench->batch(ends, measure, part);
		if (took < 0)
			return took;
		sum += took;
	}
	return sum;
}

static int peer_open(const struct bench *bench)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	int fd = socket(AF_INET, bench->type | SOCK_NONBLOCK, 0), room = 1 << 20;

	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) ||
	    (bench->type == SOCK_STREAM && listen(fd, 2 * BATCH)))
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return fd;
}

static int ends_open(const struct bench *bench, bool given, struct ends *ret)
{
	socklen_t len = sizeof(ret->to);

	ret->bench = bench;
	ret->peer = given ? STDIN_FILENO : peer_open(bench);
	ret->local = socket(AF_INET, bench->type | SOCK_CLOEXEC, 0);
	if (ret->peer < 0 || ret->local < 0 ||
	    getsockname(ret->peer, (struct sockaddr *)&ret->to, &len))
		return -errno;
	if (bench->connected && connect(ret->local, destination_next(ret), sizeof(ret->to)))
		return -errno;
	return 0;
}

static const struct bench *bench_find(const char *name)
{
	for (size_t i = 0; i < sizeof(benches) / sizeof(*benches); i++)
		if (name && !strcmp(benches[i].name, name))
			return &benches[i];
	return NULL;
}

/* Only returns where it fails. */
static int peer_give(const struct bench *bench, char **command)
{
	int fd = peer_open(bench);

	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0 || close(fd))
		return 1;
	execvp(command[0], command);
	return 127;
}

int main(int argc, char **argv)
{
	struct measure measure = {.count = 6400, .rounds = 9};
	int first = measure_options(argc, argv, &measure), err;
	bool given = argc - first == 2 && !strcmp(argv[first + 1], "given");
	const struct bench *bench = bench_find(argv[first]);
	struct ends ends = {0};

	if (argc - first > 2 && !strcmp(argv[first], "peer") && bench_find(argv[first + 1]))
		return peer_give(bench_find(argv[first + 1]), argv + first + 2);
	if (!bench || (argc - first != 1 && !given))
		return 2;
	err = ends_open(bench, given, &ends);
	if (!err)
		err = measure_run(&measure, bench->name, bench_round, &ends);
	if (err < 0) {
		fprintf(stderr, "%s: %s\n", bench->name, strerror(-err));
		return 1;
	}
	return 0;
}
