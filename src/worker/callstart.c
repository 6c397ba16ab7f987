/* SPDX-License-Identifier: ISC */
/*
 * callstart: from a checked request to a frame for the broker.
 */
#include "config.h"

#include <errno.h>
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
#include "worker/callrequest.h"
#include "worker/conn.h"
#include "worker/handlercall.h"
#include "worker/kits.h"
#include "worker/leases.h"
#include "worker/refuse.h"
#include "worker/brokerlink.h"
#include "worker/worker.h"

/* Arguments shown in a record and by ps. */
#define ARGUMENTS_LOG 1024

/* Room for a request to a handler that is kept from one to the next. */
#define REQUEST_TEXT_KEEP (64u << 10)

static void
id_format(uint64_t id, char ret[static CALL_ID_TEXT])
{
	for (size_t i = CALL_ID_TEXT - 1; i-- > 0; id >>= 4)
		ret[i] = "0123456789abcdef"[id & 15];
	ret[CALL_ID_TEXT - 1] = '\0';
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

/* Job and pipes are those of this kit: off it goes. Takes its descriptors. 0 or -errno. */
static int
kit_use(struct call *call, struct kit *kit, const struct buf *strings, size_t n_argv,
    size_t n_env)
{
	int r = job_write(kit->fds[0], strings, n_argv, n_env);

	if (r >= 0)
		r = callio_open(call, kit->fds);
	channel_close_fds(kit->fds, CALL_FDS);
	return r < 0 ? r : brokerlink_run(call->worker, call, kit->number);
}

/* With a kit at once, else when there is one. 0 or -errno. */
static int
call_launch(struct call *call, struct buf *strings, size_t n_argv, size_t n_env)
{
	struct kits *k = &call->worker->kits;
	struct kit kit;
	int r = job_check(strings, n_argv, n_env);

	if (r < 0)
		return r;
	if (kits_take(k, (call->run.flags & RUN_HAS_INPUT) != 0, &kit))
		return kit_use(call, &kit, strings, n_argv, n_env);
	call->job = *strings;
	*strings = BUF_INIT(JOB_MAX_BYTES);
	call->job_argv = n_argv;
	call->job_env = n_env;
	kits_wait(k, call);
	return 0;
}

void
call_equip(struct call *call, struct kit *kit)
{
	int r = kit_use(call, kit, &call->job, call->job_argv, call->job_env);

	buf_done(&call->job);
	if (r < 0) {
		call->why = "the server: out of memory";
		callio_close(call);
		call_on_ended(call, &(struct frame_ended){ .outcome = OUTCOME_NOSTART });
		return;
	}
	if ((buf_len(&call->in_data) > 0 || call->in_end) && callio_feed(call))
		call_input_taken(call);
}

void
call_know_client(struct call *call)
{
	struct caller who;
	char text[ADDR_TEXT];

	if (call->caller != NULL || call->conn == NULL)
		return;
	conn_caller(call->conn, &who);
	caller_format(&who, text, sizeof(text));
	call->caller = strdup(text);
	conn_peer(call->conn, text, sizeof(text));
	call->peer = strdup(text);
}

static int
call_describe(struct call *call, const struct values *values)
{
	struct buf arguments = BUF_INIT(2 * ARGUMENTS_LOG);
	size_t len;

	if (call->service->n_args == 0)
		return 0;
	if (arguments_format_log(values, &arguments, ARGUMENTS_LOG) < 0 ||
	    buf_append_char(&arguments, '\0') < 0) {
		buf_done(&arguments);
		return -ENOMEM;
	}
	call->arguments = buf_take(&arguments, &len);
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
	call->kind = s->handler != NULL ? &call_of_handler : &call_of_command;
	call->worker = w;
	call->conn = c;
	call->conf = conf_ref(w->conf);
	call->service = s;
	call->id = next_id(w);
	id_format(call->id, call->id_text);
	call->out.io.fd = call->err.io.fd = call->in.fd = call->paper = -1;
	call->timer.fn = call->kind->on_timer;
	call->accepted_usec = loop_now(&w->loop);
	call->form = opt->stream ? RESULT_STREAM : opt->full ? RESULT_FULL : RESULT_PLAIN;
	call->open = opt->open;
	call->notify = opt->notify || opt->stream;
	call->pushing = opt->open && s->input == INPUT_PUSHED;
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

/* What the options and the service make of each other. */
static const char *
option_complaint(const struct service *s, const struct callopt *opt)
{
	bool given = opt->open || opt->input;

	if (s->handler != NULL && opt->token.data != NULL)
		return "a handler service takes no --id";
	if (s->input == INPUT_NONE && given)
		return "this service takes no input";
	if (s->input == INPUT_REQUIRED && !given)
		return "this service wants input (--stdin or --open)";
	if (!s->idempotent && s->handler == NULL && opt->token.data == NULL)
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

/* Who may cancel it, and join it with --id. */
static int
call_sign(struct call *call, const struct callopt *opt)
{
	struct slice owner;

	call_know_client(call);
	if (call->caller == NULL || call->peer == NULL)
		return -ENOMEM;
	owner = slice_of(call->caller);
	call->run.owner = digest_of(&owner, 1);
	call->run.token = token_digest(call, opt->token);
	return 0;
}

/* The part of a start that may fail for want of resources. */
static int
command_launch(struct call *call, const struct callopt *opt, const struct values *values,
    const char **ret_why)
{
	CLEANUP(buf_done) struct buf strings = BUF_INIT(JOB_MAX_BYTES);
	size_t n_argv = 0, n_env = 0;
	int r;

	r = call_sign(call, opt);
	if (r >= 0)
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
	r = call_launch(call, &strings, n_argv, n_env);
	if (r < 0)
		return r;
	loop_arm(&call->worker->loop, &call->timer, call_overdue_usec(call));
	if (call->in_end)
		(void)callio_feed(call);
	return 0;
}

/* ---------------------------------------------------------- of a handler --- */

/* The name under which it was called, as the handler gets it. */
static const char *
handler_name(const struct service *s, struct slice verb)
{
	for (char **name = s->verbs; verb.data != NULL && *name != NULL; name++) {
		if (slice_is_nocase(verb, *name))
			return *name;
	}
	return s->name;
}

/* When it has to wait its request is kept with it, else it is written and gone. */
static int
handler_launch(struct call *call, const struct callopt *opt, const struct values *values,
    struct slice verb)
{
	const struct service *s = call->service;
	bool gather = opt->open && s->input != INPUT_PUSHED;
	struct worker *w = call->worker;
	struct lease *lease;
	struct buf *text;
	int r;

	call->leases = leases_get(w, s->name);
	if (call->leases == NULL)
		return -ENOMEM;
	if (s->pool.context) {
		call_know_client(call);
		if (call->caller == NULL || call->peer == NULL)
			return -ENOMEM;
	}
	lease = gather ? NULL : leases_find_free(call->leases, s);
	if (lease == NULL && !gather && !leases_has_room(call->leases, s))
		return -EBUSY;
	text = lease != NULL && s->pool.pipeline == 1 ? &w->request_text : &call->in_data;
	buf_clear(text);
	r = callrequest_append(call, opt, values, handler_name(s, verb), text);
	if (r >= 0 && gather)
		handler_call_wait_for_input(call);
	else if (r >= 0)
		leases_enter(call->leases, call, lease, text);
	if (w->request_text.cap > REQUEST_TEXT_KEEP)
		buf_done(&w->request_text);
	return r;
}

/* --------------------------------------------------------------- of both --- */

static void
start_fail(struct conn *c, const struct service *s, int r, const char *complaint)
{
	enum outcome_kind kind = OUTCOME_NOSTART;
	char reason[80];
	const char *why = reason;

	(void)snprintf(reason, sizeof(reason), "the server: %s", strerror(-r));
	if (complaint != NULL) {
		kind = OUTCOME_BADARG;
		why = complaint;
	} else if (r == -E2BIG || r == -EMSGSIZE) {
		kind = OUTCOME_BADARG;
		why = "the arguments are too long together";
	} else if (r == -EBUSY) {
		kind = OUTCOME_BUSY;
		why = "queue full";
	}
	call_refuse(c, s, slice_of(s->name), kind, why);
}

void
call_start(struct conn *c, const struct service *s, const struct callopt *opt,
    struct slice verb)
{
	CLEANUP(values_done) struct values values = { 0 };
	struct slice name = slice_of(s->name);
	char why[ARGUMENTS_WHY];
	const char *complaint;
	struct call *call;
	int r;

	c->worker->stats->executing_service = s->number + 1u;
	if (!conn_may_call(c)) {
		call_refuse(c, s, name, OUTCOME_DRAINING, "");
		return;
	}
	complaint = option_complaint(s, opt);
	if (complaint != NULL) {
		call_refuse(c, s, name, OUTCOME_BADARG, complaint);
		return;
	}
	r = arguments_check(s, opt->args, opt->n_args, opt->named, &values, why);
	if (r == ARGUMENTS_BAD) {
		call_refuse(c, s, name, OUTCOME_BADARG, why);
		return;
	}
	call = r < 0 ? NULL : call_new(c, s, opt);
	if (call == NULL) {
		start_fail(c, s, -ENOMEM, NULL);
		return;
	}
	complaint = NULL;
	c->call = call;
	c->wait = call->open ? CONN_WAIT_START : CONN_WAIT_CALL;
	r = call_describe(call, &values);
	if (r >= 0 && s->handler != NULL)
		r = handler_launch(call, opt, &values, verb);
	else if (r >= 0)
		r = command_launch(call, opt, &values, &complaint);
	if (r < 0) {
		c->call = NULL;
		c->wait = CONN_WAIT_NONE;
		call->conn = NULL;
		call->ended = true;
		call_die(call);
		start_fail(c, s, r, complaint);
	}
}
