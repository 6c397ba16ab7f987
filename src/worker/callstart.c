/* SPDX-License-Identifier: ISC */
/*
 * callstart: from a checked request to a frame for the runner.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "conf/access.h"
#include "conf/arguments.h"
#include "ipc/channel.h"
#include "ipc/job.h"
#include "worker/call.h"
#include "worker/callenv.h"
#include "worker/callio.h"
#include "worker/conn.h"
#include "worker/runnerlink.h"
#include "worker/worker.h"

/* Arguments shown in a record and by ps. */
#define ARGUMENTS_LOG 1024

static void
start_refuse(struct conn *c, enum outcome_kind kind, const struct service *s,
    struct slice name, const char *why)
{
	struct outcome o = { .kind = kind };
	struct worker *w = c->worker;

	w->stats->errors_total++;
	if (s != NULL && w->stats->generation == w->conf->generation)
		stats_count(&w->stats->service[s->number], &o, 0);
	outcome_error(conn_out(c), &o, name, slice_of(why));
}

static uint64_t
next_id(struct worker *w)
{
	uint64_t id;

	do {
		id = w->id_high | w->id_low++;
	} while (call_find(w, id) != NULL);
	return id;
}

/* Pipes and job, handed to the runner. 0 or -errno. */
static int
call_launch(struct call *call, const struct buf *strings, size_t n_argv, size_t n_env)
{
	bool has_input = (call->run.flags & RUN_HAS_INPUT) != 0;
	int fds[CALL_FDS] = { -1, -1, -1, -1 };
	int r;

	r = job_seal(strings, n_argv, n_env);
	if (r >= 0) {
		fds[0] = r;
		r = callio_open(call, fds);
	}
	if (r < 0) {
		channel_close_fds(fds, CALL_FDS);
		return r;
	}
	return runnerlink_run(call->worker, call, fds, has_input ? 4 : 3);
}

static int
call_describe(struct call *call, struct conn *c, const struct values *values)
{
	struct buf arguments = BUF_INIT(2 * ARGUMENTS_LOG);
	struct caller who;
	char text[ADDR_TEXT];
	struct slice owner;
	size_t len;

	conn_caller(c, &who);
	caller_format(&who, text, sizeof(text));
	call->caller = strdup(text);
	conn_peer(c, text, sizeof(text));
	call->peer = strdup(text);
	if (arguments_format_log(values, &arguments, ARGUMENTS_LOG) < 0 ||
	    buf_append_char(&arguments, '\0') < 0) {
		buf_done(&arguments);
		return -ENOMEM;
	}
	call->arguments = buf_take(&arguments, &len);
	if (call->caller == NULL || call->peer == NULL)
		return -ENOMEM;
	owner = slice_of(call->caller);
	call->run.owner = digest_of(&owner, 1);
	return 0;
}

static struct digest
token_digest(const struct call *call, struct slice token)
{
	struct slice parts[] = { slice_of(call->caller), token };

	return token.data == NULL ? (struct digest){ 0 } : digest_of(parts, ARRAY_LEN(parts));
}

static struct call *
call_new(struct conn *c, const struct service *s, const struct callopt *opt)
{
	struct worker *w = c->worker;
	struct call *call = calloc(1, sizeof(*call));
	uint64_t timeout = s->timeout_usec;

	if (call == NULL)
		return NULL;
	call->worker = w;
	call->conn = c;
	call->conf = conf_ref(w->conf);
	call->service = s;
	call->id = next_id(w);
	(void)snprintf(call->id_text, sizeof(call->id_text), "%016" PRIx64, call->id);
	call->out.io.fd = call->err.io.fd = call->in.fd = -1;
	call->timer.fn = call_on_timer;
	call->accepted_usec = w->loop.now_usec;
	call->form = opt->stream ? RESULT_STREAM : opt->full ? RESULT_FULL : RESULT_PLAIN;
	call->open = opt->open;
	if (opt->has_timeout && opt->timeout_ms < timeout / USEC_PER_MSEC)
		timeout = opt->timeout_ms * USEC_PER_MSEC;
	call->run = (struct frame_run){
		.deadline_usec = call->accepted_usec + timeout,
		.service = s->number,
		.flags = (opt->open ? RUN_WANT_STARTED : 0u) |
		    (opt->open || opt->input ? RUN_HAS_INPUT : 0u),
	};
	RB_INSERT(calls, &w->calls, call);
	w->n_calls++;
	w->stats->running++;
	return call;
}

/* What the options and the service's input setting make of each other. */
static const char *
input_complaint(const struct service *s, const struct callopt *opt)
{
	bool given = opt->open || opt->input;

	if (s->input == INPUT_NONE && given)
		return "this service takes no input";
	if (s->input == INPUT_REQUIRED && !given)
		return "this service wants input (--stdin or --open)";
	if (!s->idempotent && opt->token.data == NULL)
		return "this service wants --id=TOKEN, so that a retry cannot run it twice";
	return NULL;
}

static int
lock_digest(struct call *call, const struct values *values)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(0);
	struct slice part;
	int r;

	if (call->service->lock == NULL)
		return 0;
	r = arguments_expand_text(call->service->lock, values, &text);
	if (r < 0)
		return r;
	part = buf_slice(&text);
	call->run.lock = digest_of(&part, 1);
	return 0;
}

/* The part of a start that may fail for want of resources. */
static int
call_prepare(struct call *call, struct conn *c, const struct callopt *opt,
    const struct values *values, const char **ret_why)
{
	CLEANUP(buf_done) struct buf strings = BUF_INIT(JOB_MAX_BYTES);
	size_t n_argv = 0, n_env = 0;
	int r;

	*ret_why = NULL;
	r = call_describe(call, c, values);
	if (r < 0)
		return r;
	call->run.token = token_digest(call, opt->token);
	r = lock_digest(call, values);
	if (r >= 0)
		r = arguments_expand(call->service->command, values, &strings, &n_argv);
	if (r >= 0)
		r = callenv_append(call, opt, values, &strings, &n_env, ret_why);
	if (r < 0)
		return r;
	if (opt->input) {
		r = buf_append_slice(&call->in_data, opt->stdin_data);
		if (r < 0)
			return r;
		call->in_end = true;
	}
	return call_launch(call, &strings, n_argv, n_env);
}

void
call_start(struct conn *c, const struct service *s, const struct callopt *opt)
{
	CLEANUP(values_done) struct values values = { 0 };
	struct slice name = slice_of(s->name);
	char why[ARGUMENTS_WHY];
	const char *complaint;
	struct call *call;
	int r;

	if (c->worker->stopping) {
		start_refuse(c, OUTCOME_DRAINING, s, name, "");
		return;
	}
	complaint = input_complaint(s, opt);
	if (complaint != NULL) {
		start_refuse(c, OUTCOME_BADARG, s, name, complaint);
		return;
	}
	r = arguments_check(s, opt->args, opt->n_args, opt->named, &values, why);
	if (r == ARGUMENTS_BAD) {
		start_refuse(c, OUTCOME_BADARG, s, name, why);
		return;
	}
	call = r < 0 ? NULL : call_new(c, s, opt);
	if (call == NULL) {
		start_refuse(c, OUTCOME_NOSTART, s, name, "out of memory");
		return;
	}
	r = call_prepare(call, c, opt, &values, &complaint);
	if (r != 0) {
		bool bad = complaint != NULL;

		(void)snprintf(why, sizeof(why), "%s",
		    bad ? complaint : r == -E2BIG || r == -EMSGSIZE
		    ? "the arguments are too long together" : strerror(-r));
		call->conn = NULL;
		call_die(call);
		start_refuse(c, bad || r == -E2BIG || r == -EMSGSIZE ? OUTCOME_BADARG :
		    OUTCOME_NOSTART, s, name, why);
		return;
	}
	c->call = call;
	c->wait = call->open ? CONN_WAIT_START : CONN_WAIT_CALL;
	loop_arm(&c->worker->loop, &call->timer, call_overdue_usec(call));
	if (call->in_end)
		(void)callio_feed(call);
}
