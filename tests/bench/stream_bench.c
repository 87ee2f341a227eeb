// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a large write to an established TCP connection takes until the other end
 * has read it: stream_bench [-n COUNT] [-r ROUNDS] [one] <LISTENER
 *
 * Standard input is a listening socket, as `net_bench peer connect` gives it.
 * Loopback, IPv4. One thread sends and another receives; with `one` a single
 * thread does both in turn, which with -c is steady enough to compare closely.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "measure.h"

#define WRITE (256 << 10)	/* bytes; network.py knows */

static char sent[WRITE], received[WRITE];

struct ends {
	int local;
	int peer;
	unsigned int count;	/* writes in a round */
	int err;		/* of the sender */
};

static void *sender_main(void *context)
{
	struct ends *ends = context;
	ssize_t did;

	for (unsigned int i = 0; i < ends->count && !ends->err; i++) {
		for (size_t at = 0; at < sizeof(sent) && !ends->err; at += did) {
			did = send(ends->local, sent + at, sizeof(sent) - at, MSG_NOSIGNAL);
			if (did < 0)
				ends->err = -errno;
		}
	}
	if (ends->err)
		shutdown(ends->local, SHUT_RDWR);	/* the receiver waits for nothing more */
	return NULL;
}

static int64_t two_round(void *context, const struct measure *measure)
{
	uint64_t left = (uint64_t)measure->count * WRITE;
	int64_t start = measure_now_ns(measure);
	struct ends *ends = context;
	pthread_t sender;
	ssize_t did;

	ends->count = measure->count;
	if (pthread_create(&sender, NULL, sender_main, ends))
		return -EAGAIN;
	for (; left; left -= did) {
		did = recv(ends->peer, received, sizeof(received), 0);
		if (did <= 0)
			break;
	}
	pthread_join(sender, NULL);
	if (ends->err)
		return ends->err;
	return left ? -EPIPE : measure_now_ns(measure) - start;
}

/* As much as there is room for, then as much as has come. */
static int write_alone(const struct ends *ends)
{
	size_t in = 0, out = 0;
	ssize_t did;

	while (in < WRITE) {
		did = send(ends->local, sent + out, WRITE - out, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (did < 0 && errno != EAGAIN)
			return -errno;
		out += did < 0 ? 0 : did;
		while (in < out) {
			did = recv(ends->peer, received, sizeof(received), MSG_DONTWAIT);
			if (did <= 0)
				break;
			in += did;
		}
	}
	return 0;
}

static int64_t one_round(void *context, const struct measure *measure)
{
	int64_t start = measure_now_ns(measure);
	int err;

	for (unsigned int i = 0; i < measure->count; i++) {
		err = write_alone(context);
		if (err)
			return err;
	}
	return measure_now_ns(measure) - start;
}

static int ends_open(struct ends *ret)
{
	struct sockaddr_in to;
	socklen_t len = sizeof(to);

	ret->local = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (ret->local < 0 || fcntl(STDIN_FILENO, F_SETFL, 0) ||
	    getsockname(STDIN_FILENO, (struct sockaddr *)&to, &len))
		return -errno;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(ret->local, (struct sockaddr *)&to, len))
		return -errno;
	ret->peer = accept4(STDIN_FILENO, NULL, NULL, SOCK_CLOEXEC);
	return ret->peer < 0 ? -errno : 0;
}

int main(int argc, char **argv)
{
	struct measure measure = {.count = 1000, .rounds = 9};
	int first = measure_options(argc, argv, &measure), err;
	bool one = argc > first;
	struct ends ends = {0};

	if (one && (argc - first > 1 || strcmp(argv[first], "one") != 0))
		return 2;
	err = ends_open(&ends);
	if (!err)
		err = measure_run(&measure, "stream", one ? one_round : two_round, &ends);
	if (err < 0) {
		fprintf(stderr, "stream: %s\n", strerror(-err));
		return 1;
	}
	return 0;
}
