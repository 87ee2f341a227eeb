// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a datagram to a given address, and a TCP connection, cost the one who
 * makes them: net_bench [-n COUNT] [-r ROUNDS] send|connect
 *
 * Loopback, IPv4. The other end is this process too: after every batch it takes
 * what has come, untimed. Destinations change from one to the next, so that
 * none is a repeat of one just recorded.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "measure.h"

#define BATCH 64
#define DESTINATIONS 250	/* 127.0.0.1 and up */

struct ends {
	int local;		/* sends; unused by connect */
	int peer;		/* receives or listens, on every address */
	struct sockaddr_in to;
	unsigned int next;
};

static const struct sockaddr *destination_next(struct ends *ends)
{
	ends->to.sin_addr.s_addr = htonl(INADDR_LOOPBACK + ends->next++ % DESTINATIONS);
	return (const struct sockaddr *)&ends->to;
}

static int64_t send_batch(struct ends *ends, const struct measure *measure, unsigned int count)
{
	int64_t start = measure_now_ns(measure), took;
	char data[64] = "";

	for (unsigned int i = 0; i < count; i++) {
		if (sendto(ends->local, data, sizeof(data), 0, destination_next(ends),
			   sizeof(ends->to)) < 0)
			return -errno;
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

typedef int64_t (*batch_fn)(struct ends *ends, const struct measure *measure, unsigned int count);

static int64_t batches_add(struct ends *ends, const struct measure *measure, batch_fn batch)
{
	unsigned int left, part;
	int64_t sum = 0, took;

	for (left = measure->count; left; left -= part) {
		part = left < BATCH ? left : BATCH;
		took = batch(ends, measure, part);
		if (took < 0)
			return took;
		sum += took;
	}
	return sum;
}

static int64_t send_round(void *context, const struct measure *measure)
{
	return batches_add(context, measure, send_batch);
}

static int64_t connect_round(void *context, const struct measure *measure)
{
	return batches_add(context, measure, connect_batch);
}

static int ends_open(int type, struct ends *ret)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	socklen_t len = sizeof(any);
	int room = 1 << 20;

	ret->peer = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ret->local = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	if (ret->peer < 0 || ret->local < 0 || bind(ret->peer, (struct sockaddr *)&any, len) ||
	    (type == SOCK_STREAM && listen(ret->peer, 2 * BATCH)) ||
	    getsockname(ret->peer, (struct sockaddr *)&any, &len))
		return -errno;
	setsockopt(ret->peer, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	ret->to = any;
	return 0;
}

int main(int argc, char **argv)
{
	struct measure measure = {.count = 6400, .rounds = 9};
	int first = measure_options(argc, argv, &measure), err;
	struct ends ends = {0};
	int is_send;

	if (argc - first != 1)
		return 2;
	is_send = !strcmp(argv[first], "send");
	if (!is_send && strcmp(argv[first], "connect"))
		return 2;
	err = ends_open(is_send ? SOCK_DGRAM : SOCK_STREAM, &ends);
	if (!err)
		err = measure_run(&measure, argv[first], is_send ? send_round : connect_round,
				  &ends);
	if (err < 0) {
		fprintf(stderr, "%s: %s\n", argv[first], strerror(-err));
		return 1;
	}
	return 0;
}
