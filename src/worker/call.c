/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "worker/call.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/fd.h"
#include "ipc/logrec.h"
#include "proto/resp.h"
#include "worker/callio.h"
#include "worker/conn.h"
#include "worker/leases.h"
#include "worker/runnerlink.h"
#include "worker/talk.h"
#include "worker/worker.h"

/* Past deadline and kill-grace the runner has so long to report. */
#define RUNNER_SLACK_USEC (10 * USEC_PER_SEC)
/* Grace for a twin of a call with --id whose client is gone. */
#define TWIN_GRACE_USEC (1 * USEC_PER_SEC)

int
call_compare(const struct call *a, const struct call *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_GENERATE(calls, call, node, call_compare)

struct call *
call_find(struct worker *w, uint64_t id)
{
	struct call key = { .id = id };

	return RB_FIND(calls, &w->calls, &key);
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
	buf_done(&call->gathered);
	buf_done(&call->answer);
	free(call->caller);
	free(call->peer);
	free(call->arguments);
	conf_unref(call->conf);
	free(call);
}

void
call_die(struct call *call)
{
	struct worker *w = call->worker;

	call->kind->release(call);
	loop_disarm(&w->loop, &call->timer);
	loop_undefer(&w->loop, &call->task);
	RB_REMOVE(calls, &w->calls, call);
	w->n_calls--;
	w->stats->running--;
	TAILQ_INSERT_TAIL(&w->dead_calls, call, link);
	worker_check_drained(w);
}

void
calls_bury(struct worker *w)
{
	struct call *call;

	while ((call = TAILQ_FIRST(&w->dead_calls)) != NULL) {
		TAILQ_REMOVE(&w->dead_calls, call, link);
		call_free(call);
	}
	leases_bury(w);
}

/* ---------------------------------------------------------------- end --- */

/* Writes the final reply and parts the call from its connection. */
static void
call_reply(struct call *call, const struct result *res)
{
	struct conn *c = call->conn;

	if (!outcome_is_success(&res->outcome))
		call->worker->stats->errors_total++;
	result_reply(conn_out(c), c->version, call->form, res, slice_of(call->service->name));
	c->call = NULL;
	call->conn = NULL;
	call_die(call);
}

/* Does the runner keep the result? A lost one it knows of itself. */
static bool
call_is_for_twins(const struct call *call, enum outcome_kind outcome)
{
	return call->sent && !digest_is_none(&call->run.token) && outcome != OUTCOME_LOST &&
	    outcome_may_have_run(outcome);
}

/* Everything is known: count, log, keep for a twin, answer. */
static void
call_finish(struct call *call)
{
	struct worker *w = call->worker;
	struct conn *c = call->conn;
	char detail[256];
	struct result res;

	call->finished = true;
	loop_disarm(&w->loop, &call->timer);
	callio_close_input(call);
	call_log_stderr(call, true);
	res = call_result(call, detail, sizeof(detail));
	call_count(call, &res);
	call_log(call, &res);
	if (call_is_for_twins(call, res.outcome.kind)) {
		int fd = result_seal(&res);

		if (fd >= 0)
			runnerlink_deposit(w, call->id, fd);
	}

	if (c == NULL) {
		call_die(call);
		return;
	}
	switch ((enum conn_wait)c->wait) {
	case CONN_WAIT_INPUT:
		/* The chunk was not wanted any more; the end is asked for next. */
		resp_integer(conn_out(c), 0);
		conn_resume(c);
		return;
	case CONN_WAIT_CALL:
	case CONN_WAIT_START:
		call_reply(call, &res);
		conn_resume(c);
		return;
	case CONN_WAIT_CANCEL:
	case CONN_WAIT_TURN:
	case CONN_WAIT_NONE:
		/* An open call: the reply belongs to the end of its input. */
		if (call->notify) {
			result_push_ended(conn_out(c), call->id_text);
			conn_flush(c);
		}
		return;
	}
}

void
call_check_finished(struct call *call)
{
	if (call->ended && !call->finished && call->out.io.fd < 0 && call->err.io.fd < 0)
		call_finish(call);
}

/* ------------------------------------------------ what the client says --- */

/* There was one, and no memory to keep it. */
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
	bool is_open = call->open && call->conn != NULL;

	call->ended = true;
	call->end.outcome = OUTCOME_EXIT;
	call->reply = reply;
	call_finish(call);
	call->reply = NULL;
	/* Its client still has the end of its input to send, and is answered then. */
	if (is_open && buf_append_slice(&call->answer, bytes) < 0)
		call_forget_answer(call);
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
call_unblock(struct call *call)
{
	call->kind->unblock(call);
}

/* Reads (again) while it runs; what it has left, when it has ended. */
static void
command_read(struct call *call)
{
	if (!call->ended)
		callio_watch(call);
	else if (callio_drain(call))
		call_check_finished(call);
}

static void
on_task(struct loop_task *t)
{
	command_read(CONTAINER_OF(t, struct call, task));
}

/* The pipes are read into what a connection may just be executing from: later. */
static void
command_unblock(struct call *call)
{
	call->task.fn = on_task;
	loop_defer(&call->worker->loop, &call->task);
}

void
call_input_taken(struct call *call)
{
	struct conn *c = call->conn;

	if (c == NULL || c->wait != CONN_WAIT_INPUT)
		return;
	resp_integer(conn_out(c), (int64_t)call->chunk);
	conn_resume(c);
}

void
call_on_given(struct call *call)
{
	struct conn *c = call->conn;

	if (c != NULL && c->wait == CONN_WAIT_START)
		resp_simple(conn_out(c), call->id_text);
	else if (c != NULL && c->wait == CONN_WAIT_INPUT && buf_len(&call->in_data) == 0)
		resp_integer(conn_out(c), (int64_t)call->chunk);
	else
		return;
	conn_resume(c);
}

void
call_input(struct call *call, struct slice chunk)
{
	struct conn *c = call->conn;

	if (call->finished || chunk.len == 0) {
		resp_integer(conn_out(c), 0);
		return;
	}
	call->chunk = chunk.len;
	c->wait = CONN_WAIT_INPUT;
	call->kind->input(call, chunk);
}

static void
command_input(struct call *call, struct slice chunk)
{
	struct conn *c = call->conn;

	if (call->in.fd < 0) {
		call->chunk = 0;
	} else if (buf_append_slice(&call->in_data, chunk) < 0) {
		resp_error(conn_out(c), "ERR", SLICE("out of memory"));
		c->wait = CONN_WAIT_NONE;
		return;
	} else if (!callio_feed(call)) {
		return;
	}
	call_input_taken(call);
}

/* The reply of a call that has ended before its input has. */
static void
call_reply_late(struct call *call)
{
	struct value *value = NULL;
	char detail[256];
	struct result res;

	if (buf_len(&call->answer) > 0) {
		value = talk_reply_again(buf_slice(&call->answer));
		if (value == NULL)
			call_forget_answer(call);
	}
	call->reply = value;
	res = call_result(call, detail, sizeof(detail));
	call_reply(call, &res);
	call->reply = NULL;
	(void)value_free(value);
}

void
call_input_end(struct call *call)
{
	struct conn *c = call->conn;

	call->open = false;
	if (call->finished) {
		call_reply_late(call);
		return;
	}
	c->wait = CONN_WAIT_CALL;
	call->kind->input_end(call);
}

static void
command_input_end(struct call *call)
{
	call->in_end = true;
	callio_close_input(call);
}

/* ------------------------------------------------- what the runner says --- */

/* Its client is gone: who still wants the result? */
static void
call_forsake(struct call *call)
{
	if (call->service->finish_on_disconnect || call->attached)
		return;
	if (!digest_is_none(&call->run.token)) {
		/* Its client may be back at once, on another connection. */
		loop_arm(&call->worker->loop, &call->timer,
		    loop_now(&call->worker->loop) + TWIN_GRACE_USEC);
		return;
	}
	call_cancel(call, CANCEL_BY_DISCONNECT);
}

void
call_on_started(struct call *call)
{
	struct conn *c = call->conn;

	if (c == NULL || c->wait != CONN_WAIT_START)
		return;
	resp_simple(conn_out(c), call->id_text);
	conn_resume(c);
}

void
call_on_ended(struct call *call, const struct frame_ended *end)
{
	if (call->ended)
		return;
	call->ended = true;
	call->end = *end;
	command_read(call);
}

void
call_on_lost(struct call *call)
{
	struct frame_ended end = { .outcome = OUTCOME_LOST };

	call_on_ended(call, &end);
}

void
call_on_attached(struct call *call, bool is_awaited)
{
	call->attached = is_awaited;
	if (call->conn == NULL && !is_awaited)
		call_forsake(call);
}

void
call_on_result(struct call *call, int fd)
{
	CLEANUP_CLOSE int owned = fd;
	struct conn *c = call->conn;
	struct result_map map;
	struct result res;

	if (owned < 0 || result_map(owned, &res, &map) < 0) {
		call_on_lost(call);
		return;
	}
	call->finished = true;
	if (c == NULL) {
		call_die(call);
	} else {
		if (call_is_streamed(call) && res.out.len > 0)
			result_push(conn_out(c), call->id_text, "stdout", res.out);
		if (call_is_streamed(call) && res.err.len > 0)
			result_push(conn_out(c), call->id_text, "stderr", res.err);
		call_reply(call, &res);
	}
	result_unmap(&map);
	if (c != NULL)
		conn_resume(c);
}

/* -------------------------------------------------------------- cancel --- */

void
call_cancel(struct call *call, enum cancel_reason reason)
{
	if (call->ended || call->cancelling)
		return;
	call->cancelling = true;
	call->kind->cancel(call, reason);
}

static void
command_cancel(struct call *call, enum cancel_reason reason)
{
	if (call->sent) {
		runnerlink_cancel(call->worker, call->id, reason);
		return;
	}
	runnerlink_withdraw(call->worker, call);
	call->ended = true;
	call->end = (struct frame_ended){
		.outcome = OUTCOME_CANCELLED,
		.reason = (uint8_t)reason,
	};
	call_unblock(call);
}

struct call *
call_find_owned(struct worker *w, uint64_t id, const struct digest *owner)
{
	struct call *call = call_find(w, id);
	struct slice caller;
	struct digest its;

	if (call == NULL || call->kind != &call_of_handler || call->ended)
		return NULL;
	call_know_client(call);
	if (call->caller == NULL)
		return NULL;
	caller = slice_of(call->caller);
	its = digest_of(&caller, 1);
	return digest_eq(&its, owner) ? call : NULL;
}

void
call_orphan(struct call *call)
{
	call_know_client(call);
	call->conn = NULL;
	if (call->finished) {
		call_die(call);
		return;
	}
	if (call->open) {
		/* Nobody will bring the rest of its input, and half of it may mislead. */
		callio_close_input(call);
		call_cancel(call, CANCEL_BY_DISCONNECT);
		call_unblock(call);
		return;
	}
	call_unblock(call);
	call_forsake(call);
}

uint64_t
call_overdue_usec(const struct call *call)
{
	return call->run.deadline_usec + call->service->kill_grace_usec + RUNNER_SLACK_USEC +
	    call->stalled_usec;
}

void
calls_on_stall(struct worker *w, uint64_t usec)
{
	struct call *call;

	RB_FOREACH(call, calls, &w->calls)
		call->stalled_usec += usec;
}

static void
command_on_timer(struct loop_timer *t)
{
	struct call *call = CONTAINER_OF(t, struct call, timer);
	struct worker *w = call->worker;

	/* The grace for a twin is over and none has come. */
	if (call->conn == NULL && !call->attached && !call->service->finish_on_disconnect)
		call_cancel(call, CANCEL_BY_DISCONNECT);
	if (call->ended)
		return;
	if (w->loop.now_usec < call_overdue_usec(call)) {
		loop_arm(&w->loop, t, call_overdue_usec(call));
		return;
	}
	log_err("request %s: no word from the runner, giving up", call->id_text);
	if (call->sent) {
		call_on_lost(call);
		return;
	}
	runnerlink_withdraw(w, call);
	call_on_ended(call, &(struct frame_ended){
		.outcome = OUTCOME_BUSY,
		.reason = BUSY_WAITED,
	});
}

const struct call_kind call_of_command = {
	.input = command_input,
	.input_end = command_input_end,
	.cancel = command_cancel,
	.unblock = command_unblock,
	.release = callio_close,
	.on_timer = command_on_timer,
};

/* ------------------------------------------------------------------ ps --- */

static const char *
call_state(const struct call *call)
{
	if (call->finished)
		return "done";
	if (call->ended)
		return "ending";
	if (call->cancelling)
		return "cancelling";
	return call->sent || call->lease != NULL ? "running" : "waiting";
}

int
calls_list(struct worker *w, int fd)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1u << 20);
	struct call *call;

	RB_FOREACH(call, calls, &w->calls) {
		size_t before = buf_len(&b);

		call_know_client(call);
		(void)buf_printf(&b, "{\"id\":\"%s\",\"service\":\"%s\",\"caller\":\"%s\","
		    "\"peer\":\"%s\",\"state\":\"%s\",\"age_usec\":%" PRIu64 ",\"worker\":%u,"
		    "\"arguments\":", call->id_text, call->service->name,
		    call->caller != NULL ? call->caller : "", call->peer != NULL ? call->peer : "",
		    call_state(call), w->loop.now_usec - call->accepted_usec, w->slot);
		(void)escape_json(&b, slice_of(call->arguments != NULL ? call->arguments : ""));
		(void)buf_append_str(&b, "}\n");
		if (buf_failed(&b)) {
			/* As many whole lines as there is room for. */
			b.end = before;
			break;
		}
	}
	return fd_write_all(fd, buf_data(&b), buf_len(&b));
}
