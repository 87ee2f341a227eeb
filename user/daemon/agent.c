// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The daemon's event loop, from start to stop; see agent.h. */
#include "daemon/agent.h"

#include <signal.h>
#include <string.h>

#include "base/log.h"
#include "daemon/agent_control.h"
#include "daemon/agent_grant.h"
#include "daemon/agent_keep.h"
#include "daemon/agent_look.h"
#include "daemon/agent_remove.h"
#include "daemon/agent_scopes.h"
#include "daemon/agent_start.h"
#include "daemon/figures.h"
#include "daemon/metrics_server.h"
#include "daemon/notify.h"
#include "daemon/server.h"

static void reload_log(struct agent *agent)
{
	const struct ctl_request request = {.command = CTL_RELOAD};
	struct answer answer = {0};

	control_reload(agent, &request, &answer);
	if (answer.outcome == CTL_DONE)
		log_notice("policies were read again");
	else
		log_error("policies were read again and cannot be used; those in force stay");
	log_lines(&answer.text);
	json_decref(answer.result);
	buf_done(&answer.text);
}

static void signal_came(uv_signal_t *handle, int number)
{
	struct agent *agent = handle->data;

	if (number == SIGHUP)
		reload_log(agent);
	else
		uv_stop(&agent->loop);
}

static int signals_start(struct agent *agent)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
	int r = 0;

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < ARRAY_SIZE(numbers) && r >= 0; i++) {
		uv_signal_init(&agent->loop, &agent->signals[i]);
		agent->signals[i].data = agent;
		r = uv_signal_start(&agent->signals[i], signal_came, numbers[i]);
	}
	return r;
}

static void watchdog_came(uv_timer_t *timer)
{
	(void)timer;
	notify_send("WATCHDOG=1");
}

static int watchdog_start(struct agent *agent)
{
	uint64_t every_ms = notify_watchdog_ms();

	uv_timer_init(&agent->loop, &agent->watchdog_timer);
	return every_ms ? uv_timer_start(&agent->watchdog_timer, watchdog_came, 0, every_ms) : 0;
}

static int server_open(struct agent *agent)
{
	_cleanup_free_ char *message = NULL;
	const struct server_calls calls = {control_peer, control_request, control_protect,
					   agent};
	int r = server_start(&agent->loop, agent->config->socket, &calls, &agent->server, &message);

	if (r < 0)
		log_error("%s", message ? message : strerror(-r));
	return r;
}

static int metrics_give(void *context, struct buf *out)
{
	_cleanup_figures_ struct figures figures = {0};
	int r = figures_take(context, &figures);

	if (r < 0)
		return r;
	metrics_format(&figures, out);
	return out->error;
}

static int metrics_open(struct agent *agent)
{
	_cleanup_free_ char *message = NULL;
	int r = metrics_start(&agent->loop, agent->config, metrics_give, agent, &agent->metrics,
			      &message);

	if (r < 0)
		log_error("%s", message ? message : strerror(-r));
	return r;
}

/*
 * What is confined comes first; then who asks is answered; then another version has nothing
 * more to do, and the manager is told.
 */
static int loop_start(struct agent *agent)
{
	int r;

	r = signals_start(agent);
	if (r >= 0)
		r = watchdog_start(agent);
	if (r >= 0)
		r = grants_start(agent);
	if (r >= 0)
		r = look_start(agent);
	if (r >= 0)
		r = keep_start(agent);
	if (r < 0)
		log_error("cannot start the event loop: %s", strerror(-r));
	else
		r = server_open(agent);
	if (r >= 0)
		r = metrics_open(agent);
	if (r < 0)
		return r;
	others_replace(agent);
	agent->ready = true;
	r = notify_send("READY=1");
	if (r < 0)
		log_warning("cannot tell the service manager: %s", strerror(-r));
	log_notice("ready; the control socket is %s", agent->config->socket);
	return 0;
}

/* What was not reached at the start is not open. */
static void handle_close(void *handle)
{
	if (((uv_handle_t *)handle)->loop)
		uv_close(handle, NULL);
}

static void loop_stop(struct agent *agent)
{
	notify_send("STOPPING=1");
	server_stop(agent->server);
	metrics_stop(agent->metrics);
	look_stop(agent);
	grants_stop(agent);
	for (size_t i = 0; i < ARRAY_SIZE(agent->signals); i++)
		handle_close(&agent->signals[i]);
	handle_close(&agent->watchdog_timer);
	handle_close(&agent->keep_timer);
	uv_run(&agent->loop, UV_RUN_DEFAULT);
	uv_loop_close(&agent->loop);
}

static int loop_run(struct agent *agent)
{
	int r = uv_loop_init(&agent->loop);

	if (r < 0) {
		log_error("cannot make an event loop: %s", strerror(-r));
		return r;
	}
	r = loop_start(agent);
	if (r >= 0)
		uv_run(&agent->loop, UV_RUN_DEFAULT);
	loop_stop(agent);
	return r;
}

int agent_run(const char *config)
{
	struct agent agent = {.lock_fd = -1, .root_fd = -1};
	int r;

	r = agent_open(&agent, config);
	if (r >= 0)
		r = loop_run(&agent);
	agent_close(&agent);
	return r;
}
