// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Start and end of the daemon; see agent_start.h. */
#include "daemon/agent_start.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "audit/position.h"
#include "base/log.h"
#include "daemon/agent.h"
#include "daemon/agent_keep.h"
#include "daemon/agent_remove.h"
#include "daemon/agent_scopes.h"
#include "daemon/agent_select.h"
#include "daemon/agent_takeover.h"
#include "daemon/enforce.h"
#include "daemon/hierarchy.h"
#include "daemon/leftover.h"
#include "daemon/load.h"
#include "kern/others.h"
#include "kern/select.h"
#include "weir/ctl.h"

/* The loop must not wait for another weir that loads programs, which may take seconds. */
#define LOCK_WAIT_MS 2000

int agent_config(const char *path, struct config **ret)
{
	const struct config_defaults defaults = {
		.log = AGENT_LOG,
		.socket = WEIR_CTL_SOCKET,
		.policies = load_folders.list,
		.n_policies = load_folders.n,
	};
	_cleanup_(policy_errors_done) struct policy_errors errors = {0};
	int r;

	if (!path && access(AGENT_CONFIG, F_OK) < 0 && errno == ENOENT)
		return config_read_text(AGENT_CONFIG, "version: 1\n", strlen("version: 1\n"),
					&defaults, &errors, ret);
	r = config_read(path ? path : AGENT_CONFIG, &defaults, &errors, ret);
	/* its carets only stand right without anything in front */
	if (errors.text.len)
		fwrite(errors.text.data, 1, errors.text.len, stderr);
	if (r < 0)
		log_error("%s: this configuration cannot be used", path ? path : AGENT_CONFIG);
	return r;
}

/* One daemon at a time, wherever its socket is. */
static int lock_take(struct agent *agent)
{
	int r = 0;

	mkdir("/run/weir", 0700);
	agent->lock_fd = open(AGENT_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (agent->lock_fd < 0)
		r = -errno;
	else if (flock(agent->lock_fd, LOCK_EX | LOCK_NB) < 0)
		r = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (r == -EBUSY)
		log_error("another daemon runs, process %d (it holds %s)",
			  (int)lock_holder(agent->lock_fd), AGENT_LOCK);
	else if (r < 0)
		log_error("cannot lock %s: %s", AGENT_LOCK, strerror(-r));
	return r;
}

static int kernel_ask(struct agent *agent)
{
	int r;

	kern_probe(&agent->kernel);
	if (!agent->kernel.privileged) {
		log_error("this user may not load BPF programs; run it as root");
		return -EPERM;
	}
	r = hierarchy_check();
	if (r < 0)
		return r;
	agent->root_fd = cgroup_root_open();
	return agent->root_fd < 0 ? agent->root_fd : 0;
}

static int log_open(struct agent *agent)
{
	_cleanup_free_ char *message = NULL;
	int r = journal_open(agent->config->log, true, agent->position, &agent->journal, &message);

	if (r < 0)
		log_error("%s", message ? message : strerror(-r));
	return r;
}

static int bindings_make(struct agent *agent)
{
	for (size_t i = 0; i < agent->config->n_attach; i++) {
		struct binding *binding = binding_for_entry(&agent->config->attach[i]);

		if (!binding)
			return -ENOMEM;
		binding_add(agent, binding);
	}
	return 0;
}

/*
 * Everything is read and checked before anything is confined; what is in force
 * already is read again later, and stays if it cannot be used.
 */
static int policies_read(struct agent *agent)
{
	enum ctl_outcome outcome = CTL_DONE, one;

	for (struct binding *binding = agent->bindings; binding; binding = binding->next) {
		_cleanup_buf_ struct buf text = {0};

		if (binding->version)
			continue;
		one = version_read(agent, binding, &text, &binding->version);
		if (text.len)
			fwrite(text.data, 1, text.len, stderr);
		if (one != CTL_DONE)
			log_error("%s: policy %s cannot be used", binding->entry->place,
				  binding->policy);
		if (outcome == CTL_DONE)
			outcome = one;
	}
	return outcome == CTL_DONE ? 0 : outcome == CTL_UNENFORCEABLE ? -ENOTSUP : -EINVAL;
}

static int policies_load(struct agent *agent)
{
	for (struct binding *binding = agent->bindings; binding; binding = binding->next) {
		int r;

		if (binding->version->instance)
			continue;
		r = version_load(agent, binding, binding->version);
		if (r < 0) {
			log_error("cannot load policy %s into the kernel: %s", binding->policy,
				  strerror(-r));
			return r;
		}
		version_record(agent, binding->version);
	}
	return 0;
}

/* What a killed weir left is cleared up where nothing of it lives. */
static void leftovers_sweep(struct agent *agent)
{
	_cleanup_leftovers_ struct leftovers leftovers = {0};

	if (leftovers_find(agent->kern, true, &leftovers) < 0)
		return;
	for (size_t i = 0; i < leftovers.n; i++)
		log_warning("%s", leftovers.items[i].text);
}

static int kernel_open(struct agent *agent, bool remove)
{
	/* to take all away, what is there is enough */
	struct kern_options options = remove ? (struct kern_options){.lsm = agent->kernel.lsm} :
					       enforce_options_all(&agent->kernel);
	_cleanup_free_ char *message = NULL;
	int r;

	options.daemon = true;
	options.upgrade = options.selectors = !remove;
	options.ring_allow_bytes = agent->config->ring_allow_bytes;
	options.ring_deny_bytes = agent->config->ring_deny_bytes;
	r = kern_open(&options, &agent->kern, &message);
	if (r < 0) {
		log_error("%s", message ? message : strerror(-r));
		return r;
	}
	kern_patience(agent->kern, LOCK_WAIT_MS);
	leftovers_sweep(agent);
	return 0;
}

/* Written before anything else happens, so that a log that takes nothing is known now. */
static int start_record(struct agent *agent)
{
	struct event_self start = {
		.type = EVENT_SELF_AGENT_START,
		.version = WEIR_VERSION,
		.kernel = agent->kernel.release,
		.away_ns = agent->away_ns,
	};
	int r = journal_self(&agent->journal, &start, 0);

	if (r >= 0)
		r = journal_flush(&agent->journal);
	if (r < 0)
		log_error("cannot write the audit log %s: %s", agent->journal.path, strerror(-r));
	return r;
}

/* Its first batch is the record of the start, so that a log that takes nothing is known now. */
static int drain_begin(struct agent *agent)
{
	int r = drain_open(agent->kern, &agent->journal, NULL, &agent->drain);

	if (r < 0) {
		log_error("cannot read records: %s", strerror(-r));
		return r;
	}
	r = start_record(agent);
	if (r < 0)
		return r;
	r = drain_start(agent->drain);
	if (r < 0)
		log_error("cannot start: %s", strerror(-r));
	return r;
}

/* What is there before policies matter. */
static int ground_open(struct agent *agent, const char *config)
{
	int r;

	agent->started_s = time(NULL);
	r = agent_config(config, &agent->config);
	if (r >= 0)
		r = kernel_ask(agent);
	if (r >= 0)
		r = lock_take(agent);
	return r;
}

static int log_begin(struct agent *agent, bool remove)
{
	int r = kernel_open(agent, remove);

	if (r >= 0)
		r = keep_open(agent);
	return r < 0 ? r : log_open(agent);
}

int agent_open(struct agent *agent, const char *config)
{
	_cleanup_takeover_ struct takeover takeover = {0};
	int r;

	r = ground_open(agent, config);
	if (r >= 0)
		r = others_refuse();
	if (r >= 0)
		r = log_begin(agent, false);
	if (r >= 0)
		r = bindings_make(agent);
	if (r >= 0)
		r = takeover_begin(agent, &takeover);
	if (r >= 0)
		r = policies_read(agent);
	if (r >= 0)
		r = drain_begin(agent);
	if (r >= 0)
		r = policies_load(agent);
	/* before cgroups that are there are looked at, so that none comes in between */
	if (r >= 0)
		select_arm(agent);
	if (r >= 0)
		r = takeover_finish(agent, &takeover);
	return r;
}

int agent_open_remove(struct agent *agent, const char *config)
{
	_cleanup_takeover_ struct takeover takeover = {0};
	int r;

	r = ground_open(agent, config);
	if (r >= 0)
		r = log_begin(agent, true);
	/* first what makes new scopes */
	if (r >= 0)
		kern_selectors_disarm(agent->kern);
	if (r >= 0)
		r = takeover_begin(agent, &takeover);
	if (r >= 0)
		r = drain_begin(agent);
	if (r >= 0)
		scopes_tell(agent);
	return r;
}

static void stop_record(struct agent *agent, bool keep)
{
	struct event_self stop = {
		.type = EVENT_SELF_AGENT_STOP,
		.message = keep ? "the daemon was stopped; what it confined stays confined" :
				  "the daemon was stopped",
	};
	struct drain_result result;
	int r;

	drain_stop(agent->drain, keep, &result);
	r = journal_posts_append(&agent->journal);
	if (r >= 0)
		r = journal_self(&agent->journal, &stop, 0);
	if (r >= 0)
		r = journal_flush(&agent->journal);
	if (r < 0 || result.log_error)
		log_error("the log is not complete: %s; at least %llu records could not be written",
			  strerror(result.log_error ? -result.log_error : -r),
			  (unsigned long long)result.unwritten);
}

/*
 * Whether anything is in force, or will be when a cgroup is made, or may be: it could not be
 * looked at.
 */
static bool keep_wanted(const struct agent *agent)
{
	bool taken = agent->kern && kern_taken(agent->kern);

	/* nor is it thrown away what waits for somebody to write it */
	return agent->scopes || (agent->kern && kern_selectors_armed(agent->kern)) ||
	       (taken && (!agent->adopted || !drain_started(agent->drain)));
}

void agent_close(struct agent *agent)
{
	bool keep = keep_wanted(agent);

	if (keep && !agent->ready && !kern_taken(agent->kern))
		log_warning("cgroups of the configuration are confined already, and those that are "
			    "made come under their policy; \"weir daemon --remove\" frees them");
	if (keep && agent->changed)
		keep_save(agent, NULL);
	if (!keep)
		scopes_end(agent, "");
	if (agent->drain)
		stop_record(agent, keep);
	scopes_forget(agent);
	if (keep) {
		kern_leave(agent->kern);
	} else if (agent->kern) {
		kern_close(agent->kern);
		keep_forget();
	}
	journal_close(&agent->journal);
	position_close(agent->position);
	config_free(agent->config);
	fd_close(agent->lock_fd);
	fd_close(agent->root_fd);
}
