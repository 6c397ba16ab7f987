/* SPDX-License-Identifier: ISC */
/* callstart: checks a request, and begins its call or refuses it. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "call/call.h"
#include "call/refuse.h"
#include "conf/arguments.h"
#include "net/identity.h"
#include "net/net.h"
#include "net/quota.h"

/* Arguments shown in a record and by ps. */
#define ARGUMENTS_LOG 1024

static void
id_format(uint64_t id, char ret[static CALL_ID_TEXT])
{
	for (size_t i = CALL_ID_TEXT - 1; i-- > 0; id >>= 4)
		ret[i] = "0123456789abcdef"[id & 15];
	ret[CALL_ID_TEXT - 1] = '\0';
}

static uint64_t
next_id(struct call_desk *desk)
{
	uint64_t id;

	do {
		id = desk->id_high | desk->id_low++;
	} while (call_find(desk, id) != NULL);
	return id;
}

static int
call_describe(struct call *call, const struct values *values)
{
	struct buf arguments = BUF_INIT(2 * ARGUMENTS_LOG);
	size_t len;

	/* A builtin has no arguments, whatever its service has. */
	if (values->service == NULL || call->service->n_args == 0)
		return 0;
	if (arguments_format_log(values, &arguments, ARGUMENTS_LOG) < 0 ||
	    buf_append_char(&arguments, '\0') < 0) {
		buf_done(&arguments);
		return -ENOMEM;
	}
	call->arguments = buf_take(&arguments, &len);
	return 0;
}

/* The backend that serves a request. */
static const struct call_backend *
backend_of(const struct call_request *rq)
{
	if (rq->builtin != NULL)
		return &call_by_builtin;
	if (rq->explanation != NULL)
		return &call_by_explain;
	if (rq->is_lookup)
		return &call_by_lookup;
	return rq->service->handler != NULL ? &call_by_handler : &call_by_command;
}

static struct call *
call_new(const struct call_request *rq)
{
	const struct service *s = rq->service;
	const struct callopt *opt = rq->opt;
	struct call_desk *desk = rq->desk;
	struct call *call = calloc(1, sizeof(*call));
	uint64_t timeout = s->timeout_usec;

	if (call == NULL)
		return NULL;
	call->backend = backend_of(rq);
	call->desk = desk;
	call->sink = rq->sink;
	call->who = identity_ref(rq->who);
	call->conf = conf_ref(desk->conf);
	call->service = s;
	call->id = next_id(desk);
	id_format(call->id, call->id_text);
	call->out.io.fd = call->err.io.fd = call->in.fd = call->paper = call->result = -1;
	call->timer.fn = call->backend->on_timer;
	call->accepted_usec = loop_now(desk->loop);
	call->streamed = opt->stream;
	call->open = opt->open;
	if (opt->has_timeout && opt->timeout_ms < timeout / USEC_PER_MSEC)
		timeout = opt->timeout_ms * USEC_PER_MSEC;
	call->run = (struct frame_run){
		.deadline_usec = call->accepted_usec + timeout,
		.service = s->number,
		.flags = (opt->open ? RUN_WANT_STARTED : 0u) |
		    (opt->open || opt->input ? RUN_HAS_INPUT : 0u),
	};
	RB_INSERT(calls, &desk->calls, call);
	desk->n_calls++;
	desk->stats->running++;
	return call;
}

/* Refuses a request: the sink gets a result, though no call has begun. */
static struct call *
refuse(const struct call_request *rq, enum outcome_kind kind, const char *why)
{
	const struct result res = {
		.outcome.kind = kind,
		.service = slice_of(rq->service->name),
		.detail = slice_of(why),
	};

	call_note_refusal(rq->desk, rq->who, rq->service, res.service, kind, why);
	rq->sink->ops->ended(rq->sink, NULL, &res);
	return NULL;
}

/* Refuses a request that cannot begin; complaint: the caller's mistake, NULL: none. */
static struct call *
start_fail(const struct call_request *rq, int r, const char *complaint)
{
	char why[80];

	if (complaint != NULL)
		return refuse(rq, OUTCOME_BADARG, complaint);
	if (r == -E2BIG || r == -EMSGSIZE)
		return refuse(rq, OUTCOME_BADARG, "the arguments are too long together");
	if (r == -EBUSY)
		return refuse(rq, OUTCOME_BUSY, "queue full");
	if (r == -EUSERS)
		return refuse(rq, OUTCOME_BUSY, CALL_CROWDED_QUEUE);
	if (r == -EDQUOT)
		return refuse(rq, OUTCOME_BUSY, CALL_CROWDED);
	if (r == -ENOSPC)
		return refuse(rq, OUTCOME_BUSY, CALL_CROWDED_JOBS);
	(void)snprintf(why, sizeof(why), "the server: %s", strerror(-r));
	return refuse(rq, OUTCOME_NOSTART, why);
}

/* Makes the call of a checked request. Takes holder, which may be NULL. */
static struct call *
call_begin(const struct call_request *rq, const struct values *values, struct holder *holder)
{
	const char *complaint = NULL;
	struct call *call;
	int r;

	call = rq->who != NULL ? call_new(rq) : NULL;
	if (call == NULL) {
		(void)quota_end_call(holder);
		return start_fail(rq, -ENOMEM, NULL);
	}
	call->holder = holder;
	r = call_describe(call, values);
	if (r >= 0)
		r = call->backend->start(call, rq, values, &complaint);
	if (r >= 0 && !call->finished)
		kept_count(call);
	if (r >= 0)
		return call->finished ? NULL : call;
	call->sink = NULL;
	call->ended = true;
	call_die(call);
	return start_fail(rq, r, complaint);
}

/* Begins the call, if the roles of its caller let it have one more. */
static struct call *
call_begin_limited(const struct call_request *rq, const struct values *values)
{
	struct holder *holder = NULL;
	char why[QUOTA_TEXT];
	int r = rq->who == NULL ? 0 :
	    quota_begin_call(rq->desk->net, rq->who, rq->service, &holder, why);

	if (r == -EBUSY) {
		rq->desk->stats->over_limit++;
		return refuse(rq, OUTCOME_BUSY, why);
	}
	return r < 0 ? start_fail(rq, r, NULL) : call_begin(rq, values, holder);
}

struct call *
call_start(const struct call_request *rq)
{
	CLEANUP(values_done) struct values values = { 0 };
	const struct service *s = rq->service;
	const struct callopt *opt = rq->opt;
	char why[ARGUMENTS_WHY];
	const char *complaint;
	int r;

	/* Nothing runs, so neither arguments nor limits of calls are looked at. */
	if (rq->builtin != NULL || rq->is_lookup)
		return call_begin(rq, &values, NULL);
	rq->desk->stats->executing_service = s->number + 1u;
	if (rq->is_late)
		return refuse(rq, OUTCOME_DRAINING, "");
	if (s->state == SERVICE_DRAINED && rq->explanation == NULL)
		return refuse(rq, OUTCOME_DRAINING, s->state_text != NULL ? s->state_text :
		    "an administrator has drained it");
	if (s->unavailable != NULL && rq->explanation == NULL)
		return refuse(rq, OUTCOME_UNAVAIL, s->unavailable);
	complaint = backend_of(rq)->complaint(rq);
	if (complaint != NULL)
		return refuse(rq, OUTCOME_BADARG, complaint);
	r = arguments_check(s, opt->args, opt->n_args, opt->named, &values, why);
	if (r == ARGUMENTS_BAD)
		return refuse(rq, OUTCOME_BADARG, why);
	if (r < 0)
		return start_fail(rq, r, NULL);
	/* An explanation runs nothing, so it is no call of those that are counted. */
	return rq->explanation != NULL ? call_begin(rq, &values, NULL) :
	    call_begin_limited(rq, &values);
}
