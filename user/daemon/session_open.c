// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The way to a scope that waits for its command: policy, checks, log, cgroup, kernel side. */
#include <limits.h>
#include <malloc.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "daemon/enforce.h"
#include "daemon/hierarchy.h"
#include "daemon/leftover.h"
#include "daemon/load.h"
#include "daemon/session_state.h"

/* Errors of a policy come with carets that only stand right without anything in front. */
static void text_print(struct buf *text)
{
	if (text->len)
		fwrite(text->data, 1, text->len, stderr);
}

static int policy_open(struct session *session)
{
	const struct session_options *options = session->options;
	_cleanup_buf_ struct buf text = {0};
	int r;

	r = load_find(&load_folders, options->policy, &session->policy_path);
	if (r == -ENOENT)
		log_error("there is no policy \"%s\" in %s or %s; a file's name holds a \"/\" or ends in \".yaml\"",
			  options->policy, load_folders.list[0], load_folders.list[1]);
	else if (r < 0)
		log_error("%s", strerror(-r));
	if (r < 0)
		return r;
	r = load_file(&load_folders, session->policy_path, options->set, options->n_set, NULL, 0,
		      &text, &session->compiled, NULL);
	text_print(&text);
	if (r < 0) {
		log_error("%s: this policy cannot be used", session->policy_path);
		return r;
	}
	if (options->mode == SESSION_MODE_AUDIT)
		session->compiled->flags |= WEIR_INSTANCE_AUDIT;
	if (options->mode == SESSION_MODE_ENFORCE)
		session->compiled->flags &= ~(uint32_t)WEIR_INSTANCE_AUDIT;
	session->audit = session->compiled->flags & WEIR_INSTANCE_AUDIT;
	session->policy_name = strdup(session->compiled->name);
	return session->policy_name ? 0 : -ENOMEM;
}

static int enforceable(struct session *session)
{
	const unsigned int without = session->options->without;
	_cleanup_buf_ struct buf why = {0}, pending = {0};

	kern_probe(&session->kernel);
	if (!enforce_check(session->compiled, &session->kernel, without, &why)) {
		log_lines(&why);
		log_error("%s cannot be enforced here, and nothing was run (\"weir doctor\" tells more)",
			  session->policy_path);
		return -ENOTSUP;
	}
	enforce_pending(session->compiled, &session->kernel, without, &pending);
	if (pending.len && buf_string(&pending))
		log_notice("not denied yet by this version: %s", pending.data);
	return 0;
}

static int message_say(char *message, int error)
{
	log_error("%s", message ? message : strerror(-error));
	free(message);
	return error;
}

static int log_open(struct session *session)
{
	const struct session_options *options = session->options;
	char *message = NULL;
	int r;

	if (journal_labels_check(session->compiled, options->labels, options->n_labels) < 0) {
		log_error("a --label has a key that the policy's identity has already");
		return -EEXIST;
	}
	r = journal_open(options->log, false, NULL, &session->journal, &message);
	return r < 0 ? message_say(message, r) : 0;
}

static int cgroup_make(struct session *session)
{
	uint32_t salt;
	char name[64];
	int r;

	do {
		if (getrandom(&salt, sizeof(salt), 0) != sizeof(salt))
			return -EIO;
		snprintf(name, sizeof(name), SESSION_CGROUP "%d-%08x", getpid(), salt);
		r = cgroup_create(name, &session->cgroup);
	} while (r == -EEXIST);
	if (r < 0) {
		log_error("cannot make a cgroup: %s", strerror(-r));
		return r;
	}
	session->cgroup_made = true;
	if (session->cgroup.level > WEIR_CGROUP_DEPTH_MAX) {
		log_error("the cgroup %s lies %u levels deep, and weir confines down to %d (WEIR_CGROUP_DEPTH_MAX)",
			  session->cgroup.path, session->cgroup.level, WEIR_CGROUP_DEPTH_MAX);
		return -E2BIG;
	}
	return 0;
}

/* Not worth refusing over: what cannot be cleared up stays confined. */
static void leftovers_sweep(struct kern *kern)
{
	_cleanup_leftovers_ struct leftovers leftovers = {0};

	leftovers_find(kern, true, &leftovers);
}

/* The kernel side, pinned: a killed weir leaves what it confined confined. */
static int kernel_open(struct session *session)
{
	const struct kern_options options = enforce_options(session->compiled, &session->kernel,
							    session->options->without);
	char *message = NULL;
	int r;

	r = kern_open(&options, &session->kern, &message);
	if (r < 0)
		return message_say(message, r);
	leftovers_sweep(session->kern);
	return 0;
}

static int scope_open(struct session *session)
{
	const struct session_options *options = session->options;
	uint32_t instance;
	int r;

	r = kern_instance_load(session->kern, session->compiled, enforce_flags(options->without),
			       &instance, &session->serial);
	if (r >= 0)
		r = journal_version_add(&session->journal, session->serial, session->compiled,
					options->labels, options->n_labels, options->without);
	if (r < 0) {
		log_error("cannot load %s into the kernel: %s", session->policy_path, strerror(-r));
		return r;
	}
	/* made when all is ready, so that it is never there unconfined for long */
	r = cgroup_make(session);
	if (r < 0)
		return r;
	r = journal_scope_add(&session->journal, session->cgroup.id, session->cgroup.path);
	if (r >= 0)
		r = kern_scope_attach(session->kern, session->cgroup.id, session->cgroup.level,
				      instance, &session->scope);
	if (r >= 0 && cgroup_populated(&session->cgroup) != 0)
		r = kern_scope_occupied(session->kern);
	if (r < 0)
		log_error("cannot put %s under %s: %s", session->cgroup.path, session->policy_path,
			  strerror(-r));
	return r;
}

/* The files behind the standard descriptors the command inherits, opened before its policy was. */
struct adopted {
	struct event_pair pairs[3];
	size_t n;
	char files[3][PATH_MAX];
};

static void adopted_fill(unsigned int stdio, struct adopted *ret)
{
	static const char *const names[] = {"0", "1", "2"};

	ret->n = 0;
	for (size_t fd = 0; fd < ARRAY_SIZE(names); fd++) {
		char *file = ret->files[ret->n], link[32];
		ssize_t len;

		if (!(stdio & 1u << fd))
			continue;
		snprintf(link, sizeof(link), "/proc/self/fd/%s", names[fd]);
		len = readlink(link, file, PATH_MAX - 1);
		file[len > 0 ? len : 0] = '\0';
		ret->pairs[ret->n++] = (struct event_pair){names[fd], file};
	}
}

static int attach_record(struct session *session, struct event_self *self)
{
	_cleanup_free_ struct adopted *adopted = malloc(sizeof(*adopted));

	if (!adopted)
		return -ENOMEM;
	adopted_fill(session->options->stdio, adopted);
	self->type = EVENT_SELF_SCOPE_ATTACH;
	self->command = (const char *const *)session->options->argv;
	self->descriptors = adopted->pairs;
	self->n_descriptors = adopted->n;
	return journal_self(&session->journal, self, session->serial);
}

/* agent.start, policy.load, scope.attach. */
static int start_append(struct session *session, const struct event_pair *parameters, size_t n)
{
	struct event_self start = {
		.type = EVENT_SELF_AGENT_START,
		.cgroup_id = session->cgroup.id,
		.version = WEIR_VERSION,
		.kernel = session->kernel.release,
	};
	struct event_self self = {
		.type = EVENT_SELF_POLICY_LOAD,
		.cgroup_id = session->cgroup.id,
		.mode = session->audit ? "audit" : "enforce",
		.file = session->policy_path,
		.parameters = parameters,
		.n_parameters = n,
	};
	int r;

	r = journal_self(&session->journal, &start, session->serial);
	if (r >= 0)
		r = journal_self(&session->journal, &self, session->serial);
	self.file = NULL;
	return r < 0 ? r : attach_record(session, &self);
}

/* On disk before the command starts. */
static int start_record(struct session *session)
{
	const struct policy_compiled *compiled = session->compiled;
	_cleanup_free_ struct event_pair *parameters =
		calloc(compiled->n_parameters + 1, sizeof(*parameters));
	int r;

	if (!parameters)
		return -ENOMEM;
	for (size_t i = 0; i < compiled->n_parameters; i++)
		parameters[i] = (struct event_pair){compiled->parameters[i].key,
						    compiled->parameters[i].value};
	r = start_append(session, parameters, compiled->n_parameters);
	if (r >= 0)
		r = journal_flush(&session->journal);
	if (r < 0)
		log_error("cannot write the audit log %s: %s",
			  session->journal.path ? session->journal.path : "", strerror(-r));
	return r;
}

static int user_find(struct session *session)
{
	char *message = NULL;
	int r = launch_user_find(session->options->user, &session->user, &message);

	return r < 0 ? message_say(message, r) : 0;
}

int session_open(struct session *session)
{
	int r;

	r = policy_open(session);
	if (r >= 0)
		r = enforceable(session);
	if (r >= 0)
		r = user_find(session);
	if (r >= 0)
		r = log_open(session);
	if (r < 0)
		return r;
	r = hierarchy_check();
	if (r >= 0)
		r = kernel_open(session);
	if (r >= 0)
		r = scope_open(session);
	if (r >= 0)
		r = start_record(session);
	if (r < 0)
		return r;
	/* the tables are in the kernel now; weir stays small beside the command */
	policy_compiled_free(TAKE_PTR(session->compiled));
	malloc_trim(0);
	return 0;
}
