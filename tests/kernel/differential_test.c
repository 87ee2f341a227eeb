// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel's own tables against the rules themselves, on generated policies:
 * flows and paths through the programs that ask them, a million decisions; some
 * paths also by really opening files.
 */
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "event/names.h"
#include "policy/explain.h"

/* over all guests, but for the opens */
#define FLOW_POLICIES 120
#define FLOWS 1000
#define PATH_POLICIES 90
#define PATHS 2000	/* a policy, each for every access */
#define OPEN_POLICIES 10
#define OPENS 300
#define TOP "/scratch/weir-differential"
#define DEPTH 3
#define NAMES 5

/* --- flows */

/* Few bits vary, so that prefixes and requests meet. */
static void address_random(struct weir_addr *ret)
{
	unsigned int i, kind = random_below(3);

	memset(ret, 0, sizeof(*ret));
	if (kind < 2) {
		memset(&ret->bytes[10], 0xff, 2);
		ret->bytes[12] = kind ? 10 : 127;
	} else {
		memcpy(ret->bytes, "\x20\x01\x0d\xb8", 4);
	}
	for (i = kind < 2 ? 13 : 14; i < 16; i++)
		ret->bytes[i] = (uint8_t)(random_below(4) << (random_below(2) ? 6 : 0));
}

static void prefix_random(struct buf *text)
{
	static const char *const wide[] = {"loopback", "\"::/0\"", "\"0.0.0.0/0\"",
					   "\"0.0.0.0/1\""};
	struct weir_addr addr;
	char string[ADDR_STRLEN];
	unsigned int bits, host, i;

	if (random_below(10) == 0) {
		buf_add_string(text, wide[random_below(ARRAY_SIZE(wide))]);
		return;
	}
	address_random(&addr);
	bits = addr_is_v4(&addr) ? 32 : 128;
	host = random_below(3) * 7;
	for (i = 0; i < host; i++)
		addr.bytes[15 - i / 8] &= (uint8_t) ~(1u << i % 8);
	addr_format(&addr, string);
	buf_printf(text, "\"%s/%u\"", string, bits - host);
}

static void flow_rules(struct buf *text, const char *list)
{
	unsigned int count = 1 + random_below(8), i, n;

	buf_printf(text, "  %s:\n", list);
	for (i = 0; i < count; i++) {
		buf_printf(text, "    - name: %s%u\n      addresses: [", list, i);
		for (n = random_below(3) + 1; n; n--) {
			prefix_random(text);
			buf_add_string(text, n > 1 ? ", " : "]\n");
		}
		if (random_below(2)) {
			unsigned int first = 1 + random_below(40);

			buf_printf(text, "      ports: [%u, \"%u-%u\"]\n", 1 + random_below(40),
				   first, first + random_below(20));
			buf_printf(text, "      protocol: %s\n", random_below(2) ? "tcp" : "udp");
		} else if (random_below(2)) {
			buf_printf(text, "      protocol: %s\n", random_below(3) ? "any" : "tcp");
		}
	}
}

/* A wildcard asks for a rule that covers every address. */
static void listen_address_random(struct weir_addr *ret)
{
	if (random_below(4)) {
		address_random(ret);
		return;
	}
	memset(ret, 0, sizeof(*ret));
	if (random_below(2))
		memset(&ret->bytes[10], 0xff, 2);
}

/* What the rules say, and what the question is: a random one. */
static enum weir_proto flow_random(const struct policy *policy, struct weir_addr *ret_addr,
				   uint16_t *ret_port, struct explanation *ret)
{
	enum weir_proto proto = random_below(WEIR_PROTO_COUNT);

	*ret_port = (uint16_t)(random_below(20) ? random_below(64) : random_below(65536));
	if (proto != WEIR_PROTO_LISTEN_TCP && proto != WEIR_PROTO_LISTEN_UDP) {
		address_random(ret_addr);
		policy_explain_flow(policy, proto, ret_addr, *ret_port, ret);
		return proto;
	}
	listen_address_random(ret_addr);
	policy_explain_listen(policy,
			      proto == WEIR_PROTO_LISTEN_UDP ? WEIR_PROTO_UDP : WEIR_PROTO_TCP,
			      ret_addr, *ret_port, ret);
	return proto;
}

static void flows_compare(struct rig *rig)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = NULL;
	_cleanup_policy_ struct policy *policy = NULL;
	_cleanup_buf_ struct buf text = {0};
	uint32_t instance, decision;
	struct explanation wanted;
	struct weir_addr addr;
	uint64_t serial;
	uint16_t port;
	int i;

	buf_add_string(&text, "version: 1\nname: flows\nfiles: unrestricted\nguard: unrestricted\n"
			      "network:\n");
	flow_rules(&text, "allow");
	if (random_below(4))
		flow_rules(&text, "deny");
	if (random_below(4))
		flow_rules(&text, "listen");
	rig_policy(buf_string(&text), &policy, &compiled);
	if (kern_instance_load(rig->kern, compiled, 0, &instance, &serial) < 0)
		fatal("cannot load a policy");
	for (i = 0; i < FLOWS; i++) {
		enum weir_proto proto = flow_random(policy, &addr, &port, &wanted);

		if (kern_ask_flow(rig->kern, instance, proto, &addr, port, &decision) < 0)
			fatal("cannot ask");
		check(decision == WEIR_DECISION(wanted.verdict, wanted.reason, wanted.rule),
		      "protocol %d port %u: kernel %x, rules %x (%s)\n%s", proto, port, decision,
		      WEIR_DECISION(wanted.verdict, wanted.reason, wanted.rule),
		      wanted.name ? wanted.name : "none", buf_string(&text));
	}
	if (kern_instance_free(rig->kern, instance) < 0)
		fatal("cannot free an instance");
}

/* --- paths */

/* Names around the 28 bytes that one step through the tables takes. */
static const char *const names[NAMES] = {
	"a", "b.txt", "abcdefghijklmnopqrstuvwxyz01", "abcdefghijklmnopqrstuvwxyz012",
	"abcdefghijklmnopqrstuvwxyz01abcdefghijklmnopqrstuvwxyz01",
};

/* A tree in which each directory has a directory and a file (".f") of each name. */
static void tree_make(const char *top, int depth)
{
	char path[1024];
	int i, fd;

	if (mkdir(top, 0755) < 0 && errno != EEXIST)
		fatal("cannot make %s", top);
	for (i = 0; i < NAMES; i++) {
		snprintf(path, sizeof(path), "%s/%s.f", top, names[i]);
		fd = open(path, O_CREAT | O_RDWR, 0644);
		if (fd < 0)
			fatal("cannot make %s", path);
		close(fd);
		snprintf(path, sizeof(path), "%s/%s", top, names[i]);
		if (depth > 1)
			tree_make(path, depth - 1);
	}
}

static void path_random(char path[1024], bool file)
{
	int depth = (int)random_below(DEPTH), i;
	size_t len = (size_t)snprintf(path, 1024, TOP);

	for (i = 0; i < depth; i++)
		len += (size_t)snprintf(path + len, 1024 - len, "/%s", names[random_below(NAMES)]);
	if (file)
		snprintf(path + len, 1024 - len, "/%s.f", names[random_below(NAMES)]);
}

/* A path in which some names are wild. */
static void wild_random(char path[1024])
{
	static const char *const globs[] = {
		"*",	 "a*", "*.f",	  "b.???", "[ab]*", "*xyz*",
		"[!a]*", "**", "abc**01", "*01.f", "**.f",  "?",
	};
	int depth = (int)random_below(DEPTH), i;
	size_t len = (size_t)snprintf(path, 1024, "%s", random_below(4) ? TOP : "**");

	for (i = 0; i <= depth; i++)
		len += (size_t)snprintf(path + len, 1024 - len, "/%s",
					random_below(2) ? globs[random_below(ARRAY_SIZE(globs))] :
							  names[random_below(NAMES)]);
}

/* any: of all five accesses; otherwise of those that the test's opens are for. */
static void access_random(struct buf *text, bool any)
{
	unsigned int bits = 1 + random_below((1u << WEIR_ACCESS_COUNT) - 1), i;
	const char *before = "[";

	if (!any) {
		buf_printf(text, "[%s]\n",
			   random_below(3) ? "read, write" : random_below(2) ? "read" : "write");
		return;
	}
	for (i = 0; i < WEIR_ACCESS_COUNT; i++) {
		if (!(bits & WEIR_ACCESS_BIT(i)))
			continue;
		buf_printf(text, "%s%s", before, event_access_name(i));
		before = ", ";
	}
	buf_add_string(text, "]\n");
}

static void path_rules(struct buf *text, const char *list, bool any)
{
	unsigned int count = 1 + random_below(6), i, n;
	char path[1024];

	buf_printf(text, "  %s:\n", list);
	for (i = 0; i < count; i++) {
		buf_printf(text, "    - name: %s%u\n      paths: [", list, i);
		for (n = random_below(3) + 1; n; n--) {
			bool below = random_below(2);

			if (random_below(4) == 0)
				wild_random(path);
			else
				path_random(path, random_below(3) == 0 && !below);
			buf_printf(text, "\"%s%s\"%s", path, below ? "/**" : "",
				   n > 1 ? ", " : "]\n");
		}
		if (random_below(3) == 0) {
			if (random_below(3) == 0)
				wild_random(path);
			else
				path_random(path, random_below(2));
			buf_printf(text, "      except: [\"%s\"]\n", path);
		}
		buf_add_string(text, "      access: ");
		access_random(text, any);
	}
}

static void path_policy(struct buf *text, bool any)
{
	buf_add_string(text,
		       "version: 1\nname: paths\nnetwork: unrestricted\nguard: unrestricted\n"
		       "files:\n");
	path_rules(text, "allow", any);
	if (random_below(4))
		path_rules(text, "deny", any);
}

/* One of the tree's, or something like it that no file has to be. */
static void asked_random(char path[1024])
{
	static const char *const others[] = {"", "a", "ab", "c.f", "xyz", "b.tx", ".f", "01"};
	unsigned int more = random_below(3);
	size_t len;

	path_random(path, random_below(2));
	if (random_below(12) == 0)
		snprintf(path, 1024, random_below(2) ? "/scratch" : "/a");
	for (len = strlen(path); more; more--)
		len += (size_t)snprintf(path + len, 1024 - len, "/%s%s",
					others[random_below(ARRAY_SIZE(others))],
					names[random_below(NAMES)]);
}

static void asked_compare(struct rig *rig)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = NULL;
	_cleanup_policy_ struct policy *policy = NULL;
	_cleanup_buf_ struct buf text = {0};
	uint32_t instance, decisions[WEIR_ACCESS_COUNT], wanted;
	struct explanation explanation;
	char path[1024];
	uint64_t serial;
	int i, access;

	path_policy(&text, true);
	rig_policy(buf_string(&text), &policy, &compiled);
	if (kern_instance_load(rig->kern, compiled, 0, &instance, &serial) < 0)
		fatal("cannot load a policy");
	for (i = 0; i < PATHS; i++) {
		asked_random(path);
		if (kern_ask_path(rig->kern, instance, path, decisions) < 0)
			fatal("cannot ask for %s", path);
		for (access = 0; access < WEIR_ACCESS_COUNT; access++) {
			policy_explain_path(policy, path, strlen(path), (enum weir_access)access,
					    &explanation);
			wanted = WEIR_DECISION(explanation.verdict, explanation.reason,
					       explanation.rule);
			check(decisions[access] == wanted, "%s, %s: kernel %x, rules %x\n%s",
			      path, event_access_name(access), decisions[access], wanted,
			      buf_string(&text));
		}
	}
	if (kern_instance_free(rig->kern, instance) < 0)
		fatal("cannot free an instance");
}

struct request {
	char path[1024];
	int flags;
};

/* Opens what it is asked to and answers with the error. */
static int workload(int fd, void *context)
{
	struct request request;
	int err, file;

	(void)context;
	for (;;) {
		pipe_read(fd, &request, sizeof(request));
		if (!request.path[0])
			return 0;
		file = open(request.path, request.flags | O_CLOEXEC);
		err = file < 0 ? errno : 0;
		if (file >= 0)
			close(file);
		pipe_write(fd, &err, sizeof(err));
	}
}

static bool allows(const struct policy *policy, const char *path, enum weir_access access)
{
	struct explanation explanation;

	policy_explain_path(policy, path, strlen(path), access, &explanation);
	return explanation.verdict == WEIR_VERDICT_ALLOW;
}

static void opens_compare(struct rig *rig, struct rig_child *child)
{
	static const int modes[] = {O_RDONLY, O_WRONLY, O_RDWR};
	_cleanup_policy_compiled_ struct policy_compiled *compiled = NULL;
	_cleanup_policy_ struct policy *policy = NULL;
	_cleanup_buf_ struct buf text = {0};
	struct request request = {0};
	uint32_t instance;
	uint64_t serial;
	int i, err;

	path_policy(&text, false);
	rig_policy(buf_string(&text), &policy, &compiled);
	if (kern_instance_load(rig->kern, compiled, 0, &instance, &serial) < 0)
		fatal("cannot load a policy");
	rig_point(rig, instance);
	for (i = 0; i < OPENS; i++) {
		bool file = random_below(4), wanted;

		path_random(request.path, file);
		request.flags = file ? modes[random_below(3)] : O_RDONLY | O_DIRECTORY;
		wanted = ((request.flags & O_ACCMODE) == O_WRONLY ||
			  allows(policy, request.path, WEIR_ACCESS_READ)) &&
			 ((request.flags & O_ACCMODE) == O_RDONLY ||
			  allows(policy, request.path, WEIR_ACCESS_WRITE));
		pipe_write(child->fd, &request, sizeof(request));
		pipe_read(child->fd, &err, sizeof(err));
		check(err == (wanted ? 0 : EACCES),
		      "open %s, flags %o: %s, but the rules %s it\n%s", request.path, request.flags,
		      strerror(err), wanted ? "allow" : "deny", buf_string(&text));
	}
}

int main(void)
{
	const struct kern_options options = {.files = true, .ask_paths = true, .lsm = true};
	struct request none = {0};
	struct rig_child child;
	struct rig rig;
	uint64_t serial;
	unsigned int shares = rig_shares(), i;

	rig_open(&options, &rig);
	for (i = 0; i < FLOW_POLICIES / shares; i++)
		flows_compare(&rig);
	for (i = 0; i < PATH_POLICIES / shares; i++)
		asked_compare(&rig);
	printf("%u flows, %u paths for %d accesses each, %d opens\n",
	       FLOW_POLICIES / shares * FLOWS, PATH_POLICIES / shares * PATHS, WEIR_ACCESS_COUNT,
	       OPEN_POLICIES * OPENS);
	tree_make(TOP, DEPTH);
	rig_point(&rig, rig_load(&rig, "version: 1\nname: start\nguard: unrestricted\n", &serial));
	child = rig_child_start(&rig, workload, NULL);
	for (i = 0; i < OPEN_POLICIES; i++)
		opens_compare(&rig, &child);
	pipe_write(child.fd, &none, sizeof(none));
	check(rig_child_end(&child) == 0, "the workload failed");
	rig_close(&rig);
	return checks_end();
}
