// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Resetting connections that a policy no longer allows: they are listed by
 * sock_diag(7) in every network namespace a scope's processes are in, asked of
 * the tables that decide packets, and destroyed, so that both ends are told.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "kern/cgroup.h"
#include "kern/namespaces.h"
#include "kern/state.h"

/* Those with another end. A listening socket is not cut: it refuses by itself. */
#define STATES_OPEN \
	(1u << TCP_ESTABLISHED | 1u << TCP_SYN_SENT | 1u << TCP_FIN_WAIT1 | 1u << TCP_FIN_WAIT2 | \
	 1u << TCP_CLOSE_WAIT | 1u << TCP_LAST_ACK | 1u << TCP_CLOSING)

/* A connection to be reset, by what identifies it. */
struct doomed {
	uint8_t family;
	struct inet_diag_sockid id;
};

/* A listing of connections. */
struct listing {
	const struct connection *only;	/* NULL: those of the scopes that are denied */
	struct kern *kern;
	const struct kern_confined *scopes;
	size_t n_scopes;
	struct doomed *list;
	size_t n, cap;
	uint64_t seen_id;	/* cgroup asked for last, */
	char *seen_path;	/* and its path; NULL: it is gone */
};

static void addr_from(uint8_t family, const __be32 words[4], struct weir_addr *ret)
{
	*ret = (struct weir_addr){.bytes = {[10] = 0xff, [11] = 0xff}};
	if (family == AF_INET)
		memcpy(&ret->bytes[12], words, 4);
	else
		memcpy(ret->bytes, words, sizeof(ret->bytes));
}

/* The connections of one cgroup often follow each other. */
static const char *cgroup_seen(struct listing *listing, uint64_t id)
{
	if (id == listing->seen_id)
		return listing->seen_path;
	free(TAKE_PTR(listing->seen_path));
	listing->seen_id = id;
	if (cgroup_path_of(id, &listing->seen_path) < 0)
		listing->seen_path = NULL;
	return listing->seen_path;
}

/* The scope's own cgroup, or one below it. */
static bool scope_holds(const struct kern_confined *scope, uint64_t cgroup_id, const char *path)
{
	return scope->cgroup_id == cgroup_id || (path && cgroup_path_inside(path, scope->path));
}

static void ends_of(const struct inet_diag_msg *msg, struct connection *ret)
{
	addr_from(msg->idiag_family, msg->id.idiag_src, &ret->local);
	addr_from(msg->idiag_family, msg->id.idiag_dst, &ret->peer);
	ret->local_port = ntohs(msg->id.idiag_sport);
	ret->peer_port = ntohs(msg->id.idiag_dport);
}

static bool connection_same(const struct connection *a, const struct connection *b)
{
	return a->local_port == b->local_port && a->peer_port == b->peer_port &&
	       memcmp(&a->local, &b->local, sizeof(a->local)) == 0 &&
	       memcmp(&a->peer, &b->peer, sizeof(a->peer)) == 0;
}

/* Would its next packet be dropped? What cannot be told is left to that packet. */
static bool connection_denied(const struct listing *listing, weir_scope_t scope,
			      const struct connection *ends)
{
	struct weir_ask_open ask = {
		.scope = scope,
		.local = ends->local,
		.peer = ends->peer,
		.local_port = ends->local_port,
		.peer_port = ends->peer_port,
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ask, .ctx_size_in = sizeof(ask));
	int fd = program_call_fd(listing->kern, listing->kern->skel->progs.weir_decide_open);

	return bpf_prog_test_run_opts(fd, &opts) == 0 &&
	       WEIR_DECISION_VERDICT(ask.decision) == WEIR_VERDICT_DENY;
}

static bool connection_wanted(struct listing *listing, const struct inet_diag_msg *msg,
			      uint64_t cgroup_id)
{
	struct connection ends;
	const char *path;

	ends_of(msg, &ends);
	if (listing->only)
		return connection_same(listing->only, &ends);
	path = cgroup_seen(listing, cgroup_id);
	for (size_t i = 0; i < listing->n_scopes; i++)
		if (scope_holds(&listing->scopes[i], cgroup_id, path) &&
		    connection_denied(listing, listing->scopes[i].scope, &ends))
			return true;
	return false;
}

static int attribute_take(const struct nlattr *attribute, void *context)
{
	uint64_t *cgroup_id = context;

	if (mnl_attr_get_type(attribute) == INET_DIAG_CGROUP_ID &&
	    mnl_attr_validate(attribute, MNL_TYPE_U64) >= 0)
		*cgroup_id = mnl_attr_get_u64(attribute);
	return MNL_CB_OK;
}

static int connection_take(const struct nlmsghdr *header, void *context)
{
	const struct inet_diag_msg *msg = mnl_nlmsg_get_payload(header);
	struct listing *listing = context;
	struct doomed *grown;
	uint64_t cgroup_id = 0;

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*msg))
		return MNL_CB_OK;
	mnl_attr_parse(header, sizeof(*msg), attribute_take, &cgroup_id);
	if (!connection_wanted(listing, msg, cgroup_id))
		return MNL_CB_OK;
	if (listing->n == listing->cap) {
		listing->cap = listing->cap ? listing->cap * 2 : 64;
		grown = reallocarray(listing->list, listing->cap, sizeof(*grown));
		if (!grown)
			return MNL_CB_ERROR;
		listing->list = grown;
	}
	listing->list[listing->n++] = (struct doomed){msg->idiag_family, msg->id};
	return MNL_CB_OK;
}

/* Sends one request and takes its answers. Returns 0 or negative errno. */
static int diag_ask(struct mnl_socket *diag, uint16_t type, uint16_t flags,
		    const struct inet_diag_req_v2 *request, mnl_cb_t answer, void *context)
{
	char buffer[MNL_SOCKET_BUFFER_SIZE];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	unsigned int port = mnl_socket_get_portid(diag);
	ssize_t len;
	int r;

	header->nlmsg_type = type;
	header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	memcpy(mnl_nlmsg_put_extra_header(header, sizeof(*request)), request, sizeof(*request));
	if (mnl_socket_sendto(diag, header, header->nlmsg_len) < 0)
		return -errno;
	do {
		len = mnl_socket_recvfrom(diag, buffer, sizeof(buffer));
		if (len < 0)
			return -errno;
		r = mnl_cb_run(buffer, (size_t)len, 0, port, answer, context);
	} while (r > MNL_CB_STOP);
	return r < 0 ? -errno : 0;
}

static int family_list(struct mnl_socket *diag, uint8_t family, struct listing *listing)
{
	const struct inet_diag_req_v2 request = {
		.sdiag_family = family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = STATES_OPEN,
	};

	return diag_ask(diag, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &request, connection_take, listing);
}

/* Returns 1, or 0: it has ended by itself meanwhile. */
static int doomed_destroy(struct mnl_socket *diag, void *context)
{
	const struct doomed *doomed = context;
	const struct inet_diag_req_v2 request = {
		.sdiag_family = doomed->family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = STATES_OPEN,
		.id = doomed->id,
	};
	int r = diag_ask(diag, SOCK_DESTROY, NLM_F_ACK, &request, NULL, NULL);

	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

/* In the network namespace the socket is of. */
static int namespace_reset(struct mnl_socket *diag, void *context)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	struct listing *listing = context;
	int r = 0, sum = 0;

	listing->n = 0;
	for (size_t i = 0; i < ARRAY_SIZE(families) && r >= 0; i++)
		r = family_list(diag, families[i], listing);
	for (size_t i = 0; i < listing->n && r >= 0; i++) {
		r = doomed_destroy(diag, &listing->list[i]);
		sum += r > 0;
	}
	return r < 0 ? r : sum;
}

/* Takes ownership of fd. */
static int diag_use(int fd, int (*use)(struct mnl_socket *diag, void *context), void *context)
{
	struct mnl_socket *diag = mnl_socket_fdopen(fd);
	int r;

	if (!diag) {
		fd_close(fd);
		return -ENOMEM;
	}
	r = mnl_socket_bind(diag, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : use(diag, context);
	mnl_socket_close(diag);
	return r;
}

static int socket_reset(int fd, void *listing)
{
	return diag_use(fd, namespace_reset, listing);
}

static struct namespaces walk_of(struct listing *listing)
{
	return (struct namespaces){.protocol = NETLINK_SOCK_DIAG, .fn = socket_reset,
				   .context = listing};
}

/* One that is gone has no connections. */
static int scope_visit(struct namespaces *walk, const struct kern_confined *scope)
{
	_cleanup_cgroup_ struct cgroup cgroup = {.fd = -1};

	if (cgroup_open(scope->path, &cgroup) < 0 || cgroup.id != scope->cgroup_id)
		return 0;
	return namespaces_of(walk, &cgroup);
}

int kern_connections_reset(struct kern *kern, const struct kern_confined *scopes, size_t n)
{
	struct listing listing = {.kern = kern, .scopes = scopes, .n_scopes = n};
	_cleanup_namespaces_ struct namespaces walk = walk_of(&listing);
	int r, error = n ? namespaces_own(&walk) : 0;

	/* what goes wrong in one namespace does not keep the others from it */
	for (size_t i = 0; i < n; i++) {
		r = scope_visit(&walk, &scopes[i]);
		error = error < 0 ? error : r;
	}
	free(listing.list);
	free(listing.seen_path);
	return error < 0 ? error : walk.sum;
}

int kern_connection_reset(const struct cgroup *cgroup, const struct connection *connection)
{
	struct listing listing = {.only = connection};
	_cleanup_namespaces_ struct namespaces walk = walk_of(&listing);
	int r = namespaces_own(&walk);

	if (r >= 0)
		r = namespaces_of(&walk, cgroup);
	free(listing.list);
	return r < 0 ? r : walk.sum;
}
