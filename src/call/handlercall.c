/* SPDX-License-Identifier: ISC */
/*
 * handlercall: a call that a warm process answers: its request at the
 * beginning, its input, its end.
 */
#include "config.h"

#include <errno.h>

#include "base/clock.h"
#include "base/loop.h"
#include "call/call.h"
#include "call/callrequest.h"
#include "lease/conversation.h"
#include "lease/lease.h"
#include "lease/leases.h"
#include "net/identity.h"

/* Size of the buffer for requests that is kept from one request to the next. */
#define REQUEST_TEXT_KEEP (64u << 10)

/* The time limit of the call's state: for the queue, or for the whole call. */
static uint64_t
handler_call_due(const struct call *call)
{
	uint64_t waited = call->ready_usec + call->service->queue_timeout_usec;

	if (call->exchange.lease == NULL && !call->gathering && waited < call->run.deadline_usec)
		return waited;
	return call->run.deadline_usec;
}

/* -------------------------------------------------------------- its end --- */

/*
 * Takes a call out of the queue, or back from a lease that has sent nothing of
 * it. False: too late.
 */
static bool
handler_call_leave(struct call *call)
{
	if (call->exchange.lease != NULL)
		return conversation_unsend(call->exchange.lease, &call->exchange);
	if (!call->gathering)
		lease_set_leave(call->leases, &call->exchange);
	call->gathering = false;
	return true;
}

/* Ends a call, together with its process if that has begun to get the request. */
static void
handler_call_stop(struct call *call, enum outcome_kind kind, unsigned reason, const char *why)
{
	struct lease *l = call->exchange.lease;

	if (handler_call_leave(call))
		call_end(call, kind, reason, why);
	else
		lease_break(l, &call->exchange, kind, reason, why);
}

static void
handler_call_cancel(struct call *call, enum cancel_reason reason)
{
	handler_call_stop(call, OUTCOME_CANCELLED, reason, NULL);
}

static void
handler_call_revoke(struct call *call)
{
	if (call->exchange.lease == NULL)
		handler_call_stop(call, OUTCOME_NOAUTH, 0, NULL);
}

static void
handler_call_room(struct call *call)
{
	if (call->exchange.lease != NULL)
		conversation_unpause(call->exchange.lease);
}

/* The call is freed without having ended, because its worker ends. */
static void
handler_call_release(struct call *call)
{
	struct lease *l = call->exchange.lease;

	if (call->ended || handler_call_leave(call))
		return;
	conversation_forget(l, &call->exchange);
	lease_break(l, NULL, OUTCOME_CANCELLED, 0, NULL);
}

static void
handler_call_on_timer(struct loop_timer *t)
{
	struct call *call = CONTAINER_OF(t, struct call, timer);
	struct loop *loop = call->desk->loop;

	if (loop->now_usec < handler_call_due(call))
		loop_arm(loop, t, handler_call_due(call));
	else if (call->exchange.lease == NULL && loop->now_usec < call->run.deadline_usec)
		handler_call_stop(call, OUTCOME_BUSY, BUSY_WAITED, NULL);
	else
		handler_call_stop(call, OUTCOME_TIMEOUT, 0, NULL);
}

/* -------------------------------------- what its request has come to --- */

static struct call *
call_of(const struct exchange *x)
{
	return CONTAINER_OF(x, struct call, exchange);
}

static void
on_given(struct exchange *x)
{
	struct call *call = call_of(x);

	call->end.queued_usec = call->desk->loop->now_usec - call->accepted_usec;
	kept_count(call);
	call_on_given(call);
}

static void
on_put_back(struct exchange *x)
{
	struct call *call = call_of(x);

	loop_arm(call->desk->loop, &call->timer, handler_call_due(call));
}

static void
on_taken(struct exchange *x)
{
	kept_count(call_of(x));
	call_input_taken(call_of(x));
}

static void
on_output(struct exchange *x, enum exchange_stream which, struct slice bytes)
{
	call_output(call_of(x), which == EXCHANGE_STDOUT ? CALL_STDOUT : CALL_STDERR, bytes);
}

static bool
has_room(const struct exchange *x)
{
	struct call *call = call_of(x);

	kept_count(call);
	if (call_is_congested(call))
		return false;
	/* The reply is kept until it is whole, also where output is streamed. */
	return x->reply_kept == 0 || !call->streamed || kept_may_grow(call, CALL_READ);
}

/* Counts the bytes that went through the pipes of the process, for the record. */
static void
take_bytes(struct call *call)
{
	call->bytes_in = call->exchange.bytes_in;
	call->bytes_out = call->exchange.bytes_out;
}

static void
on_answered(struct exchange *x, const struct value *reply, struct slice bytes)
{
	take_bytes(call_of(x));
	call_answer(call_of(x), reply, bytes);
}

static void
on_ended(struct exchange *x, enum outcome_kind kind, unsigned reason, const char *why)
{
	take_bytes(call_of(x));
	call_end(call_of(x), kind, reason, why);
}

static const struct exchange_ops exchange_ops = {
	.given = on_given,
	.put_back = on_put_back,
	.taken = on_taken,
	.output = on_output,
	.has_room = has_room,
	.answered = on_answered,
	.ended = on_ended,
};

/* Gives the request in text to a process; lease NULL: the call waits for a process. */
static void
handler_call_enter(struct call *call, struct lease *lease, struct buf *text)
{
	call->ready_usec = loop_now(call->desk->loop);
	lease_set_enter(call->leases, &call->exchange, lease, text);
	loop_arm(call->desk->loop, &call->timer, handler_call_due(call));
}

/* ---------------------------------------------------------------- input --- */

/* Adds input that belongs into the request; bounded by the size of a request. */
static void
handler_call_gather(struct call *call, struct slice chunk)
{
	size_t have = buf_len(&call->gathered);

	if (chunk.len > call->input_limit || have > call->input_limit - chunk.len ||
	    buf_len(&call->exchange.text) + have + chunk.len > call->request_limit) {
		handler_call_stop(call, OUTCOME_BADARG, 0,
		    "the input is longer than a request may be");
		return;
	}
	if (buf_append_slice(&call->gathered, chunk) < 0) {
		handler_call_stop(call, OUTCOME_NOSTART, 0, "out of memory");
	} else {
		kept_count(call);
		call_input_taken(call);
	}
}

/* Passes input to the process; no bytes: the input has ended. */
static void
handler_call_push(struct call *call, struct slice chunk)
{
	if (exchange_append_input(&call->exchange.text, chunk) < 0)
		handler_call_stop(call, OUTCOME_HANDLER, 0, "out of memory");
	else if (call->exchange.lease != NULL)
		conversation_flush(call->exchange.lease);
}

static int
handler_call_input(struct call *call, struct slice chunk)
{
	if (call->gathering)
		handler_call_gather(call, chunk);
	else
		handler_call_push(call, chunk);
	return 0;
}

/* The input is complete: from now on the call is like any other. */
static void
handler_call_gathered(struct call *call)
{
	struct lease_set *set = call->leases;
	struct exchange *x = &call->exchange;
	struct lease *l;
	int r;

	r = callrequest_append_gathered(&x->text, buf_slice(&call->gathered));
	buf_done(&call->gathered);
	x->request_len = buf_len(&x->text);
	if (r < 0) {
		handler_call_stop(call, OUTCOME_NOSTART, 0, "out of memory");
		return;
	}
	if (!lease_set_fits(set, call->service)) {
		handler_call_stop(call, OUTCOME_UNAVAIL, 0, LEASES_CHANGED);
		return;
	}
	l = lease_set_find_free(set, call->service);
	if (l == NULL && !lease_set_has_room(set, call->service)) {
		handler_call_stop(call, OUTCOME_BUSY, BUSY_QUEUE_FULL, NULL);
		return;
	}
	if (l == NULL && !lease_set_is_fair(set, call->service, x->party)) {
		call->desk->stats->over_share++;
		handler_call_stop(call, OUTCOME_BUSY, BUSY_CROWDED_QUEUE, NULL);
		return;
	}
	call->gathering = false;
	handler_call_enter(call, l, &x->text);
}

static void
handler_call_input_end(struct call *call)
{
	if (call->gathering) {
		handler_call_gathered(call);
		return;
	}
	call->exchange.pushing = false;
	handler_call_push(call, SLICE(""));
}

/* ------------------------------------------------------------- beginning --- */

static const char *
handler_call_complaint(const struct call_request *rq)
{
	if (rq->opt->token.data != NULL)
		return "a handler service takes no --id";
	return call_input_complaint(rq);
}

/* The name under which the call was made, as the handler gets it. */
static const char *
handler_name(const struct service *s, struct slice verb)
{
	for (char **name = s->verbs; verb.data != NULL && *name != NULL; name++) {
		if (slice_is_nocase(verb, *name))
			return *name;
	}
	return s->name;
}

/* Gathers the input, which is part of the request, before the request is sent. */
static void
handler_call_wait_for_input(struct call *call)
{
	call->gathering = true;
	loop_arm(call->desk->loop, &call->timer, handler_call_due(call));
	call_on_given(call);
}

/*
 * A call that has to wait keeps its request; otherwise the request is written
 * at once and not kept.
 */
static int
handler_call_start(struct call *call, const struct call_request *rq,
    const struct values *values, const char **ret_why)
{
	const struct service *s = call->service;
	bool gather = rq->opt->open && s->input != INPUT_PUSHED;
	struct call_desk *desk = call->desk;
	struct exchange *x = &call->exchange;
	struct lease *lease;
	struct buf *text;
	int r;

	(void)ret_why;
	*x = (struct exchange){
		.ops = &exchange_ops,
		.service = s,
		.id = call->id_text,
		.party = &call->who->party_name,
		.deadline_usec = call->run.deadline_usec,
		.reply_max = call_output_max(call),
		.pushing = rq->opt->open && s->input == INPUT_PUSHED,
	};
	call->input_limit = rq->input_limit;
	call->request_limit = rq->request_limit;
	call->leases = lease_set_get(desk->leases, s->name);
	if (call->leases == NULL)
		return -ENOMEM;
	lease = gather ? NULL : lease_set_find_free(call->leases, s);
	if (lease == NULL && !gather && !lease_set_has_room(call->leases, s))
		return -EBUSY;
	if (lease == NULL && !gather && !lease_set_is_fair(call->leases, s, x->party)) {
		desk->stats->over_share++;
		return -EUSERS;
	}
	text = lease != NULL && s->pool.pipeline == 1 ? &desk->request_text : &x->text;
	buf_clear(text);
	r = callrequest_append(call, rq->opt, values, handler_name(s, rq->verb), text);
	if (r >= 0 && text == &x->text && lease == NULL && !kept_admits(call, buf_len(text)))
		r = -EDQUOT;
	if (r >= 0 && gather)
		handler_call_wait_for_input(call);
	else if (r >= 0)
		handler_call_enter(call, lease, text);
	if (desk->request_text.cap > REQUEST_TEXT_KEEP)
		buf_done(&desk->request_text);
	return r;
}

static struct call_times
handler_call_times(const struct call *call, const struct result *res)
{
	uint64_t queued = call->end.queued_usec;

	if (call->exchange.pid == 0)
		return (struct call_times){ .has_queued = true, .queued_usec = res->usec };
	return (struct call_times){
		.has_queued = true, .has_run = true,
		.queued_usec = queued, .run_usec = res->usec - queued,
	};
}

const struct call_backend call_by_handler = {
	.complaint = handler_call_complaint,
	.start = handler_call_start,
	.input = handler_call_input,
	.input_end = handler_call_input_end,
	.cancel = handler_call_cancel,
	.revoke = handler_call_revoke,
	.room = handler_call_room,
	.release = handler_call_release,
	.times = handler_call_times,
	.on_timer = handler_call_on_timer,
	.has_value = true,
	.is_ours = true,
};
