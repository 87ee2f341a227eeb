// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A policy loses a destination while connections to it are open: they are reset
 * at once, others never notice; without anyone to reset them, their packets go
 * nowhere. Here and in a network namespace of the workload's own.
 */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD "version: 1\nname: test\nfiles: unrestricted\nguard: unrestricted\nnetwork:\n"
#define RULE "    - {name: r, addresses: [127.0.0.2, 127.0.0.1, \"::1\"]}\n"
#define WAIT_MS 60000

static const char *const both = HEAD "  unix: unrestricted\n  allow:\n" RULE;
static const char *const one =
	HEAD "  unix: unrestricted\n  allow:\n    - {name: r, addresses: [127.0.0.2]}\n";

/* What the child is told to do; the answer is a result, or negative errno. */
enum order { OPEN, SEND, RECEIVE, SENDTO, END };
struct request {
	enum order order;
	int which;
};

enum which { KEPT, LOST, KEPT_UDP, LOST_UDP, LOST_V6, SOCKETS };

static int address(enum which which, in_port_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (which == LOST_V6) {
		*v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port,
					    .sin6_addr = IN6ADDR_LOOPBACK_INIT};
		return sizeof(*v6);
	}
	*v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
	v4->sin_addr.s_addr =
		htonl(which == KEPT || which == KEPT_UDP ? INADDR_LOOPBACK + 1 : INADDR_LOOPBACK);
	return sizeof(*v4);
}

static bool is_udp(enum which which)
{
	return which == KEPT_UDP || which == LOST_UDP;
}

struct work {
	in_port_t ports[SOCKETS];
	int fds[SOCKETS];
};

static int work_do(struct work *work, const struct request *request)
{
	enum which which = request->which;
	struct sockaddr_storage name;
	socklen_t len = (socklen_t)address(which, work->ports[which], &name);
	int *fd = &work->fds[which], r = 0;
	char byte = 'x';

	switch (request->order) {
	case OPEN:
		*fd = socket(name.ss_family, is_udp(which) ? SOCK_DGRAM : SOCK_STREAM, 0);
		r = connect(*fd, (struct sockaddr *)&name, len);
		break;
	case SEND:
		r = (int)send(*fd, &byte, 1, MSG_NOSIGNAL);
		break;
	case SENDTO:
		r = (int)sendto(*fd, &byte, 1, MSG_NOSIGNAL, (struct sockaddr *)&name, len);
		break;
	case RECEIVE:
		r = (int)recv(*fd, &byte, 1, 0);
		break;
	case END:
		break;
	}
	return r < 0 ? -errno : r;
}

static int workload(int fd, void *context)
{
	struct work *work = context;
	struct request request;
	int answer;

	do {
		pipe_read(fd, &request, sizeof(request));
		answer = work_do(work, &request);
		pipe_write(fd, &answer, sizeof(answer));
	} while (request.order != END);
	return 0;
}

static int tell(struct rig_child *child, enum order order, enum which which)
{
	const struct request request = {order, which};
	int answer;

	pipe_write(child->fd, &request, sizeof(request));
	pipe_read(child->fd, &answer, sizeof(answer));
	return answer;
}

static int server_open(enum which which, in_port_t *ret_port)
{
	struct sockaddr_storage name;
	socklen_t len = (socklen_t)address(which, 0, &name);
	int fd = socket(name.ss_family, is_udp(which) ? SOCK_DGRAM : SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&name, len) < 0 || (!is_udp(which) && listen(fd, 5) < 0) ||
	    getsockname(fd, (struct sockaddr *)&name, &len) < 0)
		fatal("cannot make a server: %s", strerror(errno));
	*ret_port = ((struct sockaddr_in *)&name)->sin_port;	/* at the same place in IPv6 */
	return fd;
}

/* Does something come in time? */
static bool readable(int fd, int timeout_ms)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	return poll(&wait, 1, timeout_ms) == 1;
}

static int receive(int fd)
{
	char byte;
	int r;

	if (!readable(fd, WAIT_MS))
		return -ETIMEDOUT;
	r = (int)recv(fd, &byte, 1, 0);
	return r < 0 ? -errno : r;
}

/* The test's side of every connection. */
struct servers {
	int listening[SOCKETS];
	int fds[SOCKETS];
};

static void all_open(struct rig_child *child, struct servers *servers)
{
	for (int which = 0; which < SOCKETS; which++) {
		check(tell(child, OPEN, which) == 0, "%d cannot connect", which);
		servers->fds[which] = is_udp(which) ? servers->listening[which] :
						      accept(servers->listening[which], NULL, NULL);
		check(tell(child, SEND, which) == 1, "%d cannot send", which);
		check(receive(servers->fds[which]) == 1, "%d: nothing arrives", which);
	}
}

static void all_close(struct servers *servers)
{
	for (int which = 0; which < SOCKETS; which++)
		if (!is_udp(which))
			close(servers->fds[which]);
}

static void kept_check(struct rig_child *child, struct servers *servers)
{
	for (int which = KEPT; which <= KEPT_UDP; which += KEPT_UDP - KEPT) {
		check(tell(child, SEND, which) == 1, "%d: what stays allowed is refused", which);
		check(receive(servers->fds[which]) == 1, "%d: what stays allowed is lost", which);
	}
	check(send(servers->fds[KEPT], "y", 1, MSG_NOSIGNAL) == 1 &&
		      tell(child, RECEIVE, KEPT) == 1,
	      "no answer on what stays allowed");
}

static void udp_check(struct rig_child *child, struct servers *servers)
{
	check(tell(child, SEND, LOST_UDP) == -EPERM, "a datagram is not refused");
	check(tell(child, SENDTO, LOST_UDP) == -EPERM, "an addressed datagram is not refused");
	check(!readable(servers->fds[LOST_UDP], 0), "a refused datagram arrived");
}

/* Returns how many, or negative errno. */
static int connections_reset(const struct rig *rig)
{
	const struct kern_confined confined = {rig->scope, rig->cgroup.id, rig->cgroup.path};

	return kern_connections_reset(rig->kern, &confined, 1);
}

/* A reset at once: both ends learn of it without sending anything. */
static void reset_check(struct rig *rig, struct rig_child *child, struct servers *servers,
			uint32_t instance)
{
	static const enum which lost[] = {LOST, LOST_V6};
	int r;

	rig_point(rig, instance);
	r = connections_reset(rig);
	check(r == 2, "%d connections were reset", r);
	for (size_t i = 0; i < ARRAY_SIZE(lost); i++) {
		r = receive(servers->fds[lost[i]]);
		check(r == -ECONNRESET, "the peer sees %d", r);
		r = tell(child, RECEIVE, lost[i]);
		check(r == -ECONNABORTED, "the caller sees %d", r);
	}
	kept_check(child, servers);
	udp_check(child, servers);
	check(connections_reset(rig) == 0,
	      "more to reset than there was");
}

/* Nobody resets: what is sent arrives nowhere, until somebody does. */
static void drop_check(struct rig *rig, struct rig_child *child, struct servers *servers,
		       uint32_t instance)
{
	int r;

	rig_point(rig, instance);
	check(tell(child, SEND, LOST) == 1, "the send itself fails");
	kept_check(child, servers);
	udp_check(child, servers);
	/* a retransmission or two */
	check(!readable(servers->fds[LOST], 1500), "what is not allowed arrived");
	r = connections_reset(rig);
	check(r == 2, "%d connections were reset", r);
	check(receive(servers->fds[LOST]) == -ECONNRESET, "the peer is not told");
}

/* home: where this process goes back to, once the workload is in its namespace. */
static void rounds(struct rig *rig, struct work *work, struct servers *servers, int home)
{
	struct rig_child child = rig_child_start(rig, workload, work);
	uint32_t allows_both, allows_one;
	uint64_t serial;

	if (setns(home, CLONE_NEWNET) < 0)
		fatal("cannot come back: %s", strerror(errno));
	allows_both = rig_load(rig, both, &serial);
	allows_one = rig_load(rig, one, &serial);
	rig_point(rig, allows_both);
	all_open(&child, servers);
	reset_check(rig, &child, servers, allows_one);
	all_close(servers);
	check(tell(&child, OPEN, LOST) == -EPERM, "a new connection is not refused");

	rig_point(rig, allows_both);
	all_open(&child, servers);
	drop_check(rig, &child, servers, allows_one);
	all_close(servers);
	/* before the scope is lifted and attached anew, as the policy of another */
	rig_point(rig, allows_both);
	all_open(&child, servers);
	check(kern_scope_detach(rig->kern, rig->scope) == 0, "cannot detach");
	check(tell(&child, SEND, LOST) == 1 && receive(servers->fds[LOST]) == 1,
	      "bound without a policy");
	rig->scope = 0;
	reset_check(rig, &child, servers, allows_one);
	all_close(servers);
	tell(&child, END, 0);
	check(rig_child_end(&child) == 0, "the workload failed");
}

static void loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		fatal("cannot bring up lo: %s", strerror(errno));
	close(fd);
}

int main(void)
{
	const struct kern_options options = {.lsm = true};
	struct servers servers = {0};
	struct work work = {0};
	int which, home;
	struct rig rig;

	rig_open(&options, &rig);
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	for (int elsewhere = 0; elsewhere < 2; elsewhere++) {
		if (elsewhere && unshare(CLONE_NEWNET) < 0)
			fatal("cannot make a network namespace: %s", strerror(errno));
		loopback_up();
		for (which = 0; which < SOCKETS; which++)
			servers.listening[which] = server_open(which, &work.ports[which]);
		rounds(&rig, &work, &servers, home);
		for (which = 0; which < SOCKETS; which++)
			close(servers.listening[which]);
	}
	rig_close(&rig);
	return checks_end();
}
