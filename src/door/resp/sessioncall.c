/* SPDX-License-Identifier: ISC */
/*
 * sessioncall: turns requests of a session into calls, and the events of calls
 * into RESP.
 */
#include "config.h"

#include "door/resp/sessioncall.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "call/call.h"
#include "call/refuse.h"
#include "door/resp/session.h"
#include "net/identity.h"
#include "proto/value.h"

/* A reply with so many bytes is long. */
#define LONG_REPLY (64u << 10)

/* --------------------------------------------------------------- replies --- */

/* Writes the answer of a handler in the form that a client may see. */
static void
reply_value(struct buf *b, enum resp_version v, const struct value *value)
{
	if (value == NULL)
		resp_null(b, v);
	else if (value->kind == VALUE_ERROR)
		(void)value_append_handler_error(b, value->text);
	else
		(void)value_append(b, v, value);
}

static void
reply_map(struct buf *b, enum resp_version v, bool with_output, const struct result *r)
{
	const struct outcome *o = &r->outcome;
	char id[24];

	resp_map(b, v, (with_output ? 8 : 6) + (r->is_value && !with_output));
	resp_bulk(b, SLICE("status"));
	resp_integer(b, o->kind == OUTCOME_EXIT ? o->status : -1);
	resp_bulk(b, SLICE("signal"));
	if (o->kind == OUTCOME_SIGNAL)
		resp_integer(b, o->status);
	else
		resp_null(b, v);
	if (r->is_value) {
		resp_bulk(b, SLICE("value"));
		reply_value(b, v, r->value);
	} else if (with_output) {
		resp_bulk(b, SLICE("stdout"));
		resp_bulk(b, r->out);
	}
	if (with_output) {
		resp_bulk(b, SLICE("stderr"));
		resp_bulk(b, r->err);
	}
	resp_bulk(b, SLICE("truncated"));
	resp_bool(b, v, r->truncated);
	resp_bulk(b, SLICE("usec"));
	resp_integer(b, (int64_t)r->usec);
	resp_bulk(b, SLICE("id"));
	(void)snprintf(id, sizeof(id), "%016" PRIx64, r->id);
	resp_bulk_str(b, id);
	resp_bulk(b, SLICE("outcome"));
	resp_bulk_str(b, outcome_word(o->kind));
}

void
session_write_result(struct buf *b, enum resp_version v, enum reply_form form,
    const struct result *r)
{
	const struct outcome *o = &r->outcome;
	/*
	 * The fault of a handler is told in words only, which are in the error
	 * line.
	 */
	bool is_map = outcome_may_have_run(o->kind) && o->kind != OUTCOME_HANDLER;

	if (form == REPLY_PLAIN && r->value != NULL)
		reply_value(b, v, r->value);
	else if (form == REPLY_PLAIN && outcome_is_success(o))
		resp_bulk(b, r->out);
	else if (form == REPLY_PLAIN || !is_map)
		outcome_error(b, o, r->service, r->detail);
	else
		reply_map(b, v, form == REPLY_FULL, r);
}

/*
 * Makes a long output the unsent bytes of the connection, with no copy. False: something
 * else is unsent, or there is no room for the header.
 */
static bool
give_output(struct session *c, struct buf *out)
{
	struct buf *unsent = &c->conn.out;
	char header[32];
	int n = snprintf(header, sizeof(header), "$%zu\r\n", buf_len(out));

	if (session_out(c) != unsent || buf_len(unsent) > 0 || buf_failed(unsent) || n <= 0 ||
	    (size_t)n > out->start || buf_append_str(out, "\r\n") < 0 ||
	    !buf_prepend(out, (struct slice){ header, (size_t)n }))
		return false;
	buf_done(unsent);
	*unsent = *out;
	*out = BUF_INIT(0);
	return true;
}

static void
reply_result(struct session *c, enum reply_form form, const struct result *res)
{
	if (!outcome_is_success(&res->outcome))
		c->resp->pages->own->errors_total++;
	if (form == REPLY_PLAIN && outcome_is_success(&res->outcome) && res->value == NULL &&
	    res->own_out != NULL && res->out.len >= LONG_REPLY && give_output(c, res->own_out))
		return;
	session_write_result(session_out(c), c->version, form, res);
}

/* --------------------------------------------------- events of the call --- */

static void
on_started(struct call_sink *s, struct call *call)
{
	struct session *c = session_of_sink(s);

	resp_simple(session_out(c), call->id_text);
	session_resume(c);
}

/* Pushes one piece of output. */
static void
on_output(struct call_sink *s, struct call *call, enum call_stream which, struct slice bytes)
{
	struct session *c = session_of_sink(s);
	struct buf *b = session_out(c);

	resp_push(b, 4);
	resp_bulk(b, SLICE("output"));
	resp_bulk_str(b, call->id_text);
	resp_bulk_str(b, which == CALL_STDOUT ? "stdout" : "stderr");
	resp_bulk(b, bytes);
	conn_flush(&c->conn);
}

static void
on_input_taken(struct call_sink *s, struct call *call, size_t n)
{
	struct session *c = session_of_sink(s);

	(void)call;
	c->is_giving = false;
	resp_integer(session_out(c), (int64_t)n);
	session_resume(c);
}

/*
 * A push tells the client that no more input is wanted: the client may be about
 * to send more, or is about to end the input.
 */
static void
on_input_over(struct call_sink *s, struct call *call)
{
	struct session *c = session_of_sink(s);
	struct buf *b;

	if (c->is_giving) {
		on_input_taken(s, call, 0);
		return;
	}
	if (!c->notify)
		return;
	b = session_out(c);
	resp_push(b, 2);
	resp_bulk(b, SLICE("ended"));
	resp_bulk_str(b, call->id_text);
	conn_flush(&c->conn);
}

static void
on_ended(struct call_sink *s, struct call *call, const struct result *res)
{
	struct session *c = session_of_sink(s);

	(void)call;
	c->call = NULL;
	reply_result(c, (enum reply_form)c->form, res);
	session_resume(c);
}

static bool
has_room(const struct call_sink *s)
{
	return !conn_is_congested(&session_of_sink(s)->conn);
}

const struct call_sink_ops session_sink_ops = {
	.started = on_started,
	.output = on_output,
	.input_taken = on_input_taken,
	.input_over = on_input_over,
	.ended = on_ended,
	.has_room = has_room,
};

/* ------------------------------------------------ requests of the client --- */

/* e: tell how the call would run; NULL: run. */
static void
start(struct session *c, const struct service *s, const struct callopt *opt, struct slice verb,
    const struct explanation *e)
{
	struct request_limits limits = session_limits(c);
	const struct call_request rq = {
		.desk = c->resp->desk,
		.sink = &c->sink,
		.who = peer_identity(&c->conn.peer),
		.service = s,
		.explanation = e,
		.opt = opt,
		.verb = verb,
		.is_late = !conn_is_in_time(&c->conn, c->n_asked == 1),
		.input_limit = limits.argument_limit,
		.request_limit = limits.request_limit,
	};

	if (c->call != NULL) {
		session_error(c, "BUSY",
		    "%s this connection has an open call: end it with INPUT %s", s->name, c->call->id_text);
		return;
	}
	if (opt->stream && c->version != RESP3) {
		session_error(c, "NOPROTO", "--stream needs RESP3: say HELLO 3 first");
		return;
	}
	if (opt->notify && c->version != RESP3) {
		session_error(c, "NOPROTO", "--notify needs RESP3: say HELLO 3 first");
		return;
	}
	c->form = opt->stream ? REPLY_STREAM : opt->full ? REPLY_FULL : REPLY_PLAIN;
	c->notify = opt->notify || opt->stream;
	session_wait(c);
	c->call = call_start(&rq);
}

void
session_call(struct session *c, const struct service *s, const struct callopt *opt,
    struct slice verb)
{
	start(c, s, opt, verb, NULL);
}

void
session_explain(struct session *c, const struct service *s, const struct callopt *opt,
    const struct explanation *e)
{
	start(c, s, opt, (struct slice){ 0 }, e);
}

/* The sink of a call that ends before the function that starts it returns. */
struct ask {
	struct call_sink sink;
	struct session *session;
};

static void
on_answered(struct call_sink *s, struct call *call, const struct result *res)
{
	(void)call;
	reply_result(CONTAINER_OF(s, struct ask, sink)->session, REPLY_PLAIN, res);
}

void
session_ask(struct session *c, const struct service *s, const struct builtin *builtin)
{
	static const struct call_sink_ops ops = { .ended = on_answered };
	static const struct callopt none;
	struct ask ask = { .sink.ops = &ops, .session = c };

	(void)call_start(&(struct call_request){
		.desk = c->resp->desk,
		.sink = &ask.sink,
		.who = peer_identity(&c->conn.peer),
		.service = s,
		.builtin = builtin,
		.opt = &none,
	});
}

void
session_input(struct session *c, struct slice chunk)
{
	int r;

	session_wait(c);
	c->is_giving = true;
	r = call_input(c->call, chunk);
	if (r == 0)
		return;
	c->is_giving = false;
	c->conn.wait = CONN_READY;
	if (r == -EDQUOT)
		session_error(c, "BUSY", "%s", CALL_CROWDED);
	else
		resp_error(session_out(c), "ERR", SLICE("out of memory"));
}

void
session_input_end(struct session *c)
{
	session_wait(c);
	call_input_end(c->call);
}

static void
on_cancelled(void *who, bool found)
{
	struct session *c = who;

	resp_integer(session_out(c), found);
	session_resume(c);
}

void
session_cancel(struct session *c, struct slice name)
{
	const struct peer_identity *who = peer_identity(&c->conn.peer);
	struct slice parts[2] = { { 0 }, name };
	struct digest token;
	struct call *call;
	uint64_t id = 0;

	if (who == NULL) {
		session_error(c, "ERR", "out of memory");
		return;
	}
	parts[0] = slice_of(who->text);
	token = digest_of(parts, ARRAY_LEN(parts));
	/* A token may look like a request id, so the id is tried first. */
	(void)call_id_parse(name, &id);
	call = call_find_owned(c->resp->desk, id, &who->digest);
	if (call != NULL) {
		call_cancel(call, CANCEL_BY_CLIENT);
		resp_integer(session_out(c), 1);
		return;
	}
	if (c->resp->desk->link->cancel_owned(c->resp->desk, id, &token, &who->digest,
	    on_cancelled, c) < 0) {
		session_error(c, "ERR", "out of memory");
		return;
	}
	session_wait(c);
}

void
session_abandon(struct session *c)
{
	struct call *call = TAKE_PTR(c->call);

	c->is_giving = false;
	if (call != NULL)
		call_orphan(call);
	c->resp->desk->link->forget(c->resp->desk, c);
}

void
session_refuse(struct session *c, const struct service *s, struct slice name,
    enum outcome_kind kind, const char *why)
{
	const struct result res = {
		.outcome.kind = kind,
		.service = name,
		.detail = slice_of(why),
	};

	call_note_refusal(c->resp->desk, peer_identity(&c->conn.peer), s, name, kind, why);
	reply_result(c, REPLY_PLAIN, &res);
}
