/* SPDX-License-Identifier: ISC */
/*
 * call: the part that all calls share, whatever serves them: the way of their
 * input, their end, the right to cancel them, and their line in ps.
 */
#include "config.h"

#include "call/call.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/fd.h"
#include "call/kits.h"
#include "ipc/logrec.h"
#include "net/identity.h"
#include "net/quota.h"
#include "proto/value.h"

/* Grace for a twin of a call with --id whose client is gone. */
#define TWIN_GRACE_USEC (1 * USEC_PER_SEC)

int
call_compare(const struct call *a, const struct call *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_GENERATE(calls, call, node, call_compare)

struct call *
call_find(struct call_desk *desk, uint64_t id)
{
	struct call key = { .id = id };

	return RB_FIND(calls, &desk->calls, &key);
}

bool
call_id_parse(struct slice text, uint64_t *ret)
{
	uint64_t id = 0;

	if (text.len != CALL_ID_TEXT - 1)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		unsigned digit;

		if (c >= '0' && c <= '9')
			digit = (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (unsigned)(c - 'a') + 10;
		else
			return false;
		id = id << 4 | digit;
	}
	*ret = id;
	return true;
}

/* -------------------------------------------------------------- memory --- */

static void
call_free(struct call *call)
{
	buf_done(&call->out.data);
	buf_done(&call->err.data);
	buf_done(&call->in_data);
	buf_done(&call->exchange.text);
	buf_done(&call->gathered);
	buf_done(&call->answer);
	buf_done(&call->job);
	free(call->arguments);
	free(call->lock);
	identity_unref(call->who);
	conf_unref(call->conf);
	free(call);
}

void
call_die(struct call *call)
{
	struct call_desk *desk = call->desk;

	call->backend->release(call);
	call->holder = quota_end_call(call->holder);
	kits_leave(desk->kits, call);
	kept_leave(call);
	/* The reply has been written, and its memory is wanted before the turn ends. */
	buf_done(&call->out.data);
	if (call->result >= 0)
		(void)close(TAKE_FD(call->result));
	if (call->paper >= 0)
		(void)close(TAKE_FD(call->paper));
	loop_disarm(desk->loop, &call->timer);
	loop_undefer(desk->loop, &call->task);
	RB_REMOVE(calls, &desk->calls, call);
	desk->n_calls--;
	desk->stats->running--;
	TAILQ_INSERT_TAIL(&desk->dead, call, link);
	desk->on_less(desk);
}

void
calls_bury(struct call_desk *desk)
{
	struct call *call;

	while ((call = TAILQ_FIRST(&desk->dead)) != NULL) {
		TAILQ_REMOVE(&desk->dead, call, link);
		call_free(call);
	}
}

void
calls_init(struct call_desk *desk, struct loop *loop, char *read)
{
	*desk = (struct call_desk){ .loop = loop, .read = read };
	RB_INIT(&desk->calls);
	TAILQ_INIT(&desk->dead);
	TAILQ_INIT(&desk->hungry);
}

void
calls_end(struct call_desk *desk)
{
	while (!RB_EMPTY(&desk->calls))
		call_die(RB_MIN(calls, &desk->calls));
}

void
calls_done(struct call_desk *desk)
{
	calls_bury(desk);
	buf_done(&desk->request_text);
}

/* ---------------------------------------------------------------- end --- */

void
call_deliver(struct call *call, const struct result *res)
{
	struct call_sink *sink = TAKE_PTR(call->sink);

	call->ended = call->finished = true;
	if (sink != NULL)
		sink->ops->ended(sink, call, res);
	call_die(call);
}

/* True if the broker keeps the result. The broker notices a lost result without being told. */
static bool
call_is_for_twins(const struct call *call, enum outcome_kind outcome)
{
	return call->paper >= 0 && outcome != OUTCOME_LOST &&
	    outcome_may_have_run(outcome);
}

void
call_finish(struct call *call)
{
	char detail[256];
	struct result res;

	call->finished = true;
	loop_disarm(call->desk->loop, &call->timer);
	if (call->backend->close_input != NULL)
		call->backend->close_input(call);
	if (buf_len(&call->err.data) > 0)
		call_log_stderr(call, true);
	res = call_result(call, detail, sizeof(detail));
	call_count(call, &res);
	call_log(call, &res);
	if (call_is_for_twins(call, res.outcome.kind) && result_write(call->paper, &res, call->papered) == 0)
		call->desk->link->deposit(call);
	call->papered = 0;

	/* An open call ends for its client only when the client ends the input. */
	if (call->sink != NULL && call->open && call->started) {
		call->has_chunk = false;
		call->sink->ops->input_over(call->sink, call);
		return;
	}
	call_deliver(call, &res);
}

/* ------------------------------------------------ what the client says --- */

/* Drops a kept answer for which there is no memory. */
static void
call_forget_answer(struct call *call)
{
	buf_done(&call->answer);
	call->end.outcome = OUTCOME_HANDLER;
	call->why = "out of memory";
}

void
call_answer(struct call *call, const struct value *reply, struct slice bytes)
{
	bool is_open = call->open && call->sink != NULL;

	call->ended = true;
	call->end.outcome = OUTCOME_EXIT;
	call->reply = reply;
	call_finish(call);
	call->reply = NULL;
	/* The client has not ended the input yet; the answer is kept until then. */
	if (is_open && buf_append_slice(&call->answer, bytes) < 0)
		call_forget_answer(call);
	if (is_open)
		kept_count(call);
}

void
call_end(struct call *call, enum outcome_kind kind, unsigned reason, const char *why)
{
	call->ended = true;
	call->end.outcome = (uint8_t)kind;
	call->end.reason = (uint8_t)reason;
	call->why = why;
	call_finish(call);
}

void
call_on_room(struct call *call)
{
	call->backend->room(call);
}

void
call_input_taken(struct call *call)
{
	if (call->sink == NULL || !call->has_chunk)
		return;
	call->has_chunk = false;
	call->sink->ops->input_taken(call->sink, call, call->chunk);
}

void
call_on_given(struct call *call)
{
	if (call->open && !call->started)
		call_on_started(call);
	else if (buf_len(&call->exchange.text) == 0)
		call_input_taken(call);
}

int
call_input(struct call *call, struct slice chunk)
{
	int r;

	call->has_chunk = true;
	call->chunk = call->finished ? 0 : chunk.len;
	if (call->chunk == 0) {
		call_input_taken(call);
		return 0;
	}
	r = kept_admits(call, chunk.len) ? call->backend->input(call, chunk) : -EDQUOT;
	if (r < 0)
		call->has_chunk = false;
	else if (!call->finished)
		kept_count(call);
	return r;
}

/* Delivers the result of a call that ended before its input did. */
static void
call_deliver_late(struct call *call)
{
	struct value *value = NULL;
	char detail[256];
	struct result res;

	if (buf_len(&call->answer) > 0) {
		value = exchange_reply_again(buf_slice(&call->answer));
		if (value == NULL)
			call_forget_answer(call);
	}
	call->reply = value;
	res = call_result(call, detail, sizeof(detail));
	call_deliver(call, &res);
	call->reply = NULL;
	(void)value_free(value);
}

void
call_input_end(struct call *call)
{
	call->open = false;
	if (call->finished)
		call_deliver_late(call);
	else
		call->backend->input_end(call);
}

/* --------------------------------------------------------- its beginning --- */

const char *
call_input_complaint(const struct call_request *rq)
{
	const struct service *s = rq->service;
	bool given = rq->opt->open || rq->opt->input;

	if (s->input == INPUT_NONE && given)
		return "this service takes no input";
	if (s->input == INPUT_REQUIRED && !given)
		return "this service wants input (--stdin or --open)";
	return NULL;
}

void
call_on_waiting(struct call *call, enum waiting what)
{
	call->waiting = (uint8_t)what;
	if (what == WAITING_TWIN && call->sink != NULL && call->sink->ops->kept != NULL)
		call->sink->ops->kept(call->sink, call);
	if (what == WAITING_NONE)
		call->waited_usec = call->desk->loop->now_usec - call->accepted_usec;
}

void
call_on_started(struct call *call)
{
	if (call->sink == NULL || !call->open || call->started)
		return;
	call->started = true;
	call->sink->ops->started(call->sink, call);
}

/* -------------------------------------------------------------- cancel --- */

void
call_cancel(struct call *call, enum cancel_reason reason)
{
	if (call->ended || call->cancelling)
		return;
	call->cancelling = true;
	call->backend->cancel(call, reason);
}

void
calls_judge_anew(struct call_desk *desk)
{
	int64_t now = (int64_t)time(NULL);
	struct call *call, *next;

	RB_FOREACH_SAFE(call, calls, &desk->calls, next) {
		if (!call->ended && call->backend->revoke != NULL &&
		    !access_is_in_force(desk->conf, call->who->credential_id, now))
			call->backend->revoke(call);
	}
}

/* Cancels a call that no client waits for any more, unless its result is still wanted. */
static void
call_forsake(struct call *call)
{
	if (call->service->finish_on_disconnect || call->attached)
		return;
	if (!digest_is_none(&call->run.token)) {
		/* The client may be back at once, on another connection. */
		loop_arm(call->desk->loop, &call->timer,
		    loop_now(call->desk->loop) + TWIN_GRACE_USEC);
		return;
	}
	call_cancel(call, CANCEL_BY_DISCONNECT);
}

void
call_on_attached(struct call *call, bool is_awaited)
{
	call->attached = is_awaited;
	if (call->sink == NULL && !is_awaited)
		call_forsake(call);
}

struct call *
call_find_owned(struct call_desk *desk, uint64_t id, const struct digest *owner)
{
	struct call *call = call_find(desk, id);

	if (call == NULL || !call->backend->is_ours || call->ended)
		return NULL;
	return digest_eq(&call->who->digest, owner) ? call : NULL;
}

void
call_orphan(struct call *call)
{
	call->sink = NULL;
	if (call->finished) {
		call_die(call);
		return;
	}
	if (call->open) {
		/*
		 * The rest of the input will not come. The program must not take the half for
		 * the whole, so it sees no end before it is killed.
		 */
		if (call->backend->cut_input != NULL)
			call->backend->cut_input(call);
		call_cancel(call, CANCEL_BY_DISCONNECT);
		call_on_room(call);
		return;
	}
	call_on_room(call);
	call_forsake(call);
}

void
calls_on_lost(struct call_desk *desk)
{
	struct call *call, *next;

	RB_FOREACH_SAFE(call, calls, &desk->calls, next) {
		if (call->sent && !call->ended)
			call->backend->lost(call);
	}
}

void
calls_on_stall(struct call_desk *desk, uint64_t usec)
{
	struct call *call;

	RB_FOREACH(call, calls, &desk->calls)
		call->stalled_usec += usec;
}

/* ------------------------------------------------------------------ ps --- */

/* A word for what the call waits for; NULL: it runs. */
static const char *
call_waits_for(const struct call *call)
{
	static const char *const words[WAITING_N] = {
		[WAITING_QUEUE] = "queue", [WAITING_LOCK] = "lock", [WAITING_TWIN] = "twin",
	};

	if (call->gathering)
		return "input";
	if (call->backend->is_ours)
		return call->exchange.lease == NULL ? "handler" : NULL;
	if (call->awaits_kit)
		return "pipes";
	return words[call->waiting];
}

static const char *
call_state(const struct call *call)
{
	if (call->finished)
		return "done";
	if (call->ended)
		return "ending";
	if (call->cancelling)
		return "cancelling";
	return call_waits_for(call) != NULL ? "waiting" : "running";
}

/* Time that the call has waited, up to now or to its begin. */
static uint64_t
call_waited_usec(const struct call *call, uint64_t now)
{
	if (call_waits_for(call) != NULL)
		return now - call->accepted_usec;
	return call->backend->is_ours ? call->end.queued_usec : call->waited_usec;
}

int
calls_list(struct call_desk *desk, const char *service, int fd)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1u << 20);
	uint64_t now = desk->loop->now_usec;
	struct call *call;

	RB_FOREACH(call, calls, &desk->calls) {
		const char *state = call_state(call);
		size_t before = buf_len(&b);

		if (*service != '\0' && strcmp(call->service->name, service) != 0)
			continue;
		(void)buf_printf(&b, "{\"id\":\"%s\",\"service\":\"%s\",\"caller\":\"%s\","
		    "\"peer\":\"%s\",\"state\":\"%s\",", call->id_text, call->service->name,
		    call->who->text, call->who->peer, state);
		if (strcmp(state, "waiting") == 0)
			(void)buf_printf(&b, "\"waits_for\":\"%s\",", call_waits_for(call));
		(void)buf_printf(&b, "\"age_usec\":%" PRIu64 ",\"waited_usec\":%" PRIu64
		    ",\"worker\":%u,\"web\":%s,\"arguments\":", now - call->accepted_usec,
		    call_waited_usec(call, now), role_slot_index(desk->slot),
		    role_slot_protocol(desk->slot) == PROTOCOL_HTTP ? "true" : "false");
		(void)escape_json(&b, slice_of(call->arguments != NULL ? call->arguments : ""));
		(void)buf_append_str(&b, "}\n");
		if (buf_failed(&b)) {
			/* The text ends with the last whole line that fits. */
			b.end = before;
			break;
		}
	}
	return fd_write_all(fd, buf_data(&b), buf_len(&b));
}
