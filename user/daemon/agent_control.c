// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Commands from the control socket; see agent_control.h. */
#include "daemon/agent_control.h"

#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>

#include "base/escape.h"
#include "base/log.h"
#include "daemon/agent_look.h"
#include "daemon/agent_passed.h"
#include "daemon/agent_scopes.h"
#include "daemon/agent_select.h"
#include "daemon/place.h"
#include "kern/others.h"

void text_say(struct buf *text, const char *what, const char *path, const char *rest)
{
	buf_printf(text, "%s ", what);
	escape_word_add(text, path, strlen(path));
	buf_printf(text, " %s\n", rest);
}

/* Reads the policy, fills its tables, and puts the cgroup under it: all or nothing. */
static enum ctl_outcome binding_attach(struct agent *agent, const struct cgroup *cgroup,
				       struct binding *binding, struct buf *text)
{
	enum ctl_outcome outcome;
	int r;

	if (scope_check(agent, cgroup, text) < 0)
		return CTL_REFUSED;
	outcome = version_read(agent, binding, text, &binding->version);
	if (outcome != CTL_DONE)
		return outcome;
	r = version_load(agent, binding, binding->version);
	if (r < 0) {
		buf_printf(text, "cannot load the policy into the kernel: %s\n", strerror(-r));
		return CTL_REFUSED;
	}
	version_record(agent, binding->version);
	return scope_confine(agent, cgroup, binding, text);
}

/*
 * Before its cgroup is confined: what it still does by itself is its runtime's doing. One
 * whose attach fails then is free as it was, and who asked for this does not go on with it.
 */
static int process_arm(struct agent *agent, pid_t pid, struct buf *text)
{
	int r = kern_process_arm(agent->kern, pid);

	if (r < 0)
		buf_printf(text, "process %d cannot be confined from its next exec on: %s\n",
			   (int)pid,
			   r == -EBUSY ? "it is confined already" :
			   r == -ESRCH ? "there is none" :
					 strerror(-r));
	return r;
}

/*
 * What a container's runtime holds: its process is the same one all the time, and alone in
 * its cgroup. Others that are in there had nobody ask for a policy.
 */
static int container_hold(struct agent *agent, const struct cgroup *cgroup, pid_t pid, int pidfd,
			  struct buf *text)
{
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};
	int r;

	if (cgroup_holds_only(cgroup, pid) != 1) {
		text_say(text, "the cgroup", cgroup->path,
			 "holds other processes than the container's");
		return -EBUSY;
	}
	r = process_arm(agent, pid, text);
	if (r >= 0 && (pidfd < 0 || poll(&ended, 1, 0) != 0)) {
		buf_printf(text, "process %d has ended\n", (int)pid);
		r = -ESRCH;
	}
	return r;
}

static void control_attach(struct agent *agent, const struct ctl_request *request,
			   struct answer *ret)
{
	_cleanup_cgroup_ struct cgroup cgroup = {.fd = -1};
	_cleanup_binding_ struct binding *binding = NULL;
	_cleanup_close_ int pidfd = -1;

	ret->outcome = CTL_REFUSED;
	/* what is not recorded soon is better not done */
	if (journal_posts_full(&agent->journal)) {
		buf_add_string(&ret->text, "the audit log takes nothing now\n");
		return;
	}
	if (binding_count(agent) >= BINDINGS_MAX) {
		buf_printf(&ret->text,
			   "the daemon has %d policies in force already, the most it can "
			   "reload at once\n",
			   BINDINGS_MAX);
		return;
	}
	pidfd = request->at_exec ? pidfd_open(request->pid, 0) : -1;
	if (place_find(request, &cgroup, &ret->text) < 0)
		return;
	if (request->at_exec &&
	    container_hold(agent, &cgroup, request->pid, pidfd, &ret->text) < 0)
		return;
	binding = binding_for_request(request);
	if (!binding)
		return;
	ret->outcome = binding_attach(agent, &cgroup, binding, &ret->text);
	if (ret->outcome != CTL_DONE) {
		version_drop(agent, binding->version);
		return;
	}
	text_say(&ret->text, "the cgroup", cgroup.path, "is confined now");
	ret->result = json_pack("{s:o*, s:I, s:s, s:s}", "cgroup", ctl_text(cgroup.path),
				"cgroup_id", (json_int_t)cgroup.id, "policy",
				binding->version->name, "digest", binding->version->digest);
	binding_add(agent, TAKE_PTR(binding));
	look_around(agent);
}

static void control_detach(struct agent *agent, const struct ctl_request *request,
			   struct answer *ret)
{
	static const char why[] = "an operator asked for it";
	_cleanup_cgroup_ struct cgroup cgroup = {.fd = -1};
	struct scope *scope;
	int r;

	ret->outcome = CTL_REFUSED;
	if (place_find(request, &cgroup, &ret->text) < 0)
		return;
	scope = scope_find(agent, cgroup.id);
	r = scope ? scope_lift(agent, scope, why) : select_lift(agent, &cgroup, why);
	if (!scope && r == -ENOENT) {
		text_say(&ret->text, "the cgroup", cgroup.path,
			 "is not under a policy of the daemon");
		return;
	}
	if (r < 0) {
		text_say(&ret->text, "the cgroup", cgroup.path,
			 "stays confined: another weir is starting; try again");
		return;
	}
	/* the configuration may ask for it: until it is made anew it is left alone */
	passed_detached(agent, cgroup.id);
	ret->outcome = CTL_DONE;
	text_say(&ret->text, "the cgroup", cgroup.path, "is free now");
	look_around(agent);
}

static void command_do(struct agent *agent, const struct ucred *peer,
		       const struct ctl_request *request, struct answer *ret)
{
	/* what is there by now is known to all of them */
	select_adopt(agent);
	switch (request->command) {
	case CTL_ATTACH:
		control_attach(agent, request, ret);
		break;
	case CTL_DETACH:
		control_detach(agent, request, ret);
		break;
	case CTL_RELOAD:
		control_reload(agent, request, ret);
		break;
	case CTL_GRANT:
		control_grant(agent, peer, request, ret);
		break;
	default:
		control_status(agent, ret);
		break;
	}
}

/* By a weir of another ABI, whose programs and marks this one does not know. */
static bool confined_elsewhere(const char *cgroup)
{
	_cleanup_others_ struct other_sets sets = {0};

	if (others_find(&sets) < 0)
		return true;
	for (size_t i = 0; i < sets.n; i++) {
		const struct other_set *set = &sets.list[i];

		for (size_t j = 0; j < set->n_cgroups && !set->own; j++) {
			_cleanup_free_ char *path = NULL;
			int r = cgroup_path_of(set->cgroups[j], &path);

			/* one that is gone has nobody in it */
			if (r == 0 ? cgroup_path_inside(cgroup, path) : r != -ESTALE)
				return true;
		}
	}
	return false;
}

/*
 * May the daemon be told what to do by this process? Root, and the daemon's own user; and
 * nobody who is confined, by whichever weir: they could lift their own policy. What cannot
 * be found out counts as confined. NULL: they may.
 */
static const char *peer_obstacle(struct agent *agent, const struct server_peer *peer)
{
	struct pollfd ended = {.fd = peer->pidfd, .events = POLLIN};
	_cleanup_free_ char *cgroup = NULL;

	if (peer->cred.uid != 0 && peer->cred.uid != geteuid())
		return "only root may ask the daemon\n";
	if (peer->pidfd < 0 || cgroup_of_process(peer->cred.pid, &cgroup) < 0)
		return "who asks has ended, or cannot be seen\n";
	if (kern_confines(agent->kern, cgroup) != 0 || confined_elsewhere(cgroup) ||
	    kern_process_bound(agent->kern, peer->cred.pid) != 0)
		return "who is confined may not ask the daemon\n";
	/* it was this process that was looked at all the time, if it lives now */
	if (poll(&ended, 1, 0) != 0)
		return "who asks has ended, or cannot be seen\n";
	return NULL;
}

static void answer_format(struct answer *answer, struct buf *reply)
{
	const struct ctl_reply say = {.outcome = answer->outcome,
				      .text = (char *)buf_string(&answer->text),
				      .result = answer->result};

	if (!say.text || ctl_reply_format(&say, reply) < 0)
		log_error("cannot answer on the control socket: %s", strerror(ENOMEM));
	json_decref(answer->result);
	buf_done(&answer->text);
}

bool control_peer(void *context, const struct server_peer *peer, struct buf *reply)
{
	const char *obstacle = peer_obstacle(context, peer);
	struct answer answer = {.outcome = CTL_FORBIDDEN};

	if (!obstacle)
		return true;
	buf_add_string(&answer.text, obstacle);
	answer_format(&answer, reply);
	return false;
}

static void request_do(struct agent *agent, const struct server_peer *peer, const char *line,
		       size_t len, struct answer *ret)
{
	_cleanup_ctl_request_ struct ctl_request request = {0};
	_cleanup_free_ char *error = NULL;
	int r;

	ret->outcome = CTL_REFUSED;
	if (!line) {
		buf_add_string(&ret->text, "the request is too long\n");
		return;
	}
	r = ctl_request_parse(line, len, &request, &error);
	if (r < 0)
		buf_printf(&ret->text, "%s\n", error ? error : strerror(-r));
	else
		command_do(agent, &peer->cred, &request, ret);
}

void control_request(void *context, const struct server_peer *peer, const char *line, size_t len,
		     struct buf *reply)
{
	struct answer answer = {0};

	request_do(context, peer, line, len, &answer);
	answer_format(&answer, reply);
}

int control_protect(void *context, int fd)
{
	struct agent *agent = context;

	return kern_socket_protect(agent->kern, fd);
}
