/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "worker/handlercall.h"

#include "base/loop.h"
#include "proto/resp.h"
#include "worker/call.h"
#include "worker/callrequest.h"
#include "worker/conn.h"
#include "worker/lease.h"
#include "worker/leases.h"
#include "worker/talk.h"
#include "worker/worker.h"

uint64_t
handler_call_due(const struct call *call)
{
	uint64_t waited = call->ready_usec + call->service->queue_timeout_usec;

	if (call->lease == NULL && !call->gathering && waited < call->run.deadline_usec)
		return waited;
	return call->run.deadline_usec;
}

/* -------------------------------------------------------------- its end --- */

/* Out of the queue, or of flight if nothing of it has been sent. False: too late. */
static bool
handler_call_leave(struct call *call)
{
	if (call->lease != NULL)
		return talk_unsend(call->lease, call);
	if (!call->gathering)
		leases_leave(call->leases, call);
	call->gathering = false;
	return true;
}

/* Ends it, with its process when that has begun to get it. */
static void
handler_call_stop(struct call *call, enum outcome_kind kind, unsigned reason, const char *why)
{
	struct lease *l = call->lease;

	if (handler_call_leave(call))
		call_end(call, kind, reason, why);
	else
		lease_break(l, call, kind, reason, why);
}

static void
handler_call_cancel(struct call *call, enum cancel_reason reason)
{
	handler_call_stop(call, OUTCOME_CANCELLED, reason, NULL);
}

static void
handler_call_unblock(struct call *call)
{
	if (call->lease != NULL)
		talk_unpause(call->lease);
}

/* It dies without having ended: with its worker. */
static void
handler_call_release(struct call *call)
{
	struct lease *l = call->lease;

	if (call->ended || handler_call_leave(call))
		return;
	talk_forget(l, call);
	lease_break(l, NULL, OUTCOME_CANCELLED, 0, NULL);
}

static void
handler_call_on_timer(struct loop_timer *t)
{
	struct call *call = CONTAINER_OF(t, struct call, timer);
	struct worker *w = call->worker;

	if (w->loop.now_usec < handler_call_due(call))
		loop_arm(&w->loop, t, handler_call_due(call));
	else if (call->lease == NULL && w->loop.now_usec < call->run.deadline_usec)
		handler_call_stop(call, OUTCOME_BUSY, BUSY_WAITED, NULL);
	else
		handler_call_stop(call, OUTCOME_TIMEOUT, 0, NULL);
}

/* ---------------------------------------------------------------- input --- */

void
handler_call_wait_for_input(struct call *call)
{
	call->gathering = true;
	loop_arm(&call->worker->loop, &call->timer, handler_call_due(call));
	call_on_given(call);
}

/* More of what its request ends with; no more than a request may bring. */
static void
handler_call_gather(struct call *call, struct slice chunk)
{
	struct request_limits limits = conn_limits(call->conn);
	size_t have = buf_len(&call->gathered);

	if (chunk.len > limits.argument_limit || have > limits.argument_limit - chunk.len ||
	    buf_len(&call->in_data) + have + chunk.len > limits.request_limit) {
		handler_call_stop(call, OUTCOME_BADARG, 0,
		    "the input is longer than a request may be");
		return;
	}
	if (buf_append_slice(&call->gathered, chunk) < 0)
		handler_call_stop(call, OUTCOME_NOSTART, 0, "out of memory");
	else
		call_input_taken(call);
}

/* Input for the process itself, its end when there are no bytes. */
static void
handler_call_push(struct call *call, struct slice chunk)
{
	if (callrequest_append_input(&call->in_data, chunk) < 0)
		handler_call_stop(call, OUTCOME_HANDLER, 0, "out of memory");
	else if (call->lease != NULL)
		talk_flush(call->lease);
}

static void
handler_call_input(struct call *call, struct slice chunk)
{
	if (call->gathering)
		handler_call_gather(call, chunk);
	else
		handler_call_push(call, chunk);
}

/* The input is whole: a request like any other. */
static void
handler_call_gathered(struct call *call)
{
	struct leases *ls = call->leases;
	struct lease *l;

	resp_bulk(&call->in_data, buf_slice(&call->gathered));
	buf_done(&call->gathered);
	call->request_len = buf_len(&call->in_data);
	if (buf_failed(&call->in_data)) {
		handler_call_stop(call, OUTCOME_NOSTART, 0, "out of memory");
		return;
	}
	if (!leases_fit(ls, call->service)) {
		handler_call_stop(call, OUTCOME_UNAVAIL, 0, LEASES_CHANGED);
		return;
	}
	l = leases_find_free(ls, call->service);
	if (l == NULL && !leases_has_room(ls, call->service)) {
		handler_call_stop(call, OUTCOME_BUSY, BUSY_QUEUE_FULL, NULL);
		return;
	}
	call->gathering = false;
	leases_enter(ls, call, l, &call->in_data);
}

static void
handler_call_input_end(struct call *call)
{
	if (call->gathering) {
		handler_call_gathered(call);
		return;
	}
	call->pushing = false;
	handler_call_push(call, SLICE(""));
}

const struct call_kind call_of_handler = {
	.input = handler_call_input,
	.input_end = handler_call_input_end,
	.cancel = handler_call_cancel,
	.unblock = handler_call_unblock,
	.release = handler_call_release,
	.on_timer = handler_call_on_timer,
};
