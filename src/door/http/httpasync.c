/* SPDX-License-Identifier: ISC */
/* httpasync: calls without a client, each with a name by which its caller finds it again. */
#include "config.h"

#include "door/http/httpasync.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jsonbuf.h"
#include "call/call.h"
#include "door/http/httpaccess.h"
#include "door/http/httpanswer.h"
#include "door/http/httpresult.h"
#include "door/http/resultjson.h"
#include "net/identity.h"
#include "proto/callopt.h"
#include "proto/httpreply.h"

#define WAIT_MAX_SEC 600u

/* A token that reqd makes: 128 bits that nobody guesses, in hexadecimal digits. */
#define TOKEN_BYTES 16

/* A call without a client. */
struct http_detached {
	LIST_ENTRY(http_detached) entry;
	struct call_sink sink;
	struct call *call;
	struct loop *loop;
	struct loop_task task;		/* answers that the call goes on */
	struct loop_timer timer;	/* ... when the client has waited long enough */
	struct http_session *session;	/* is still to be answered; NULL: none */
	bool is_kept;			/* the broker will keep the result */
	bool is_over;			/* the client has waited long enough */
	char token[CALL_TOKEN_MAX + 1];
};

/* --------------------------------------------------------------- Prefer --- */

static struct slice
trimmed(struct slice s)
{
	while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
		s.data++;
		s.len--;
	}
	while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* Reads the digits of "wait=N"; other values count as not sent. */
static uint64_t
wait_parse(struct slice digits)
{
	uint64_t sec = 0;

	for (size_t i = 0; i < digits.len; i++) {
		if (digits.data[i] < '0' || digits.data[i] > '9')
			return 0;
		sec = sec * 10 + (uint64_t)(digits.data[i] - '0');
		sec = sec < WAIT_MAX_SEC ? sec : WAIT_MAX_SEC;
	}
	return sec * USEC_PER_SEC;
}

struct http_prefer
http_prefer_parse(const struct slice *field)
{
	struct http_prefer p = { 0 };
	struct slice rest = field != NULL ? *field : (struct slice){ 0 };

	while (rest.len > 0) {
		const char *comma = memchr(rest.data, ',', rest.len);
		size_t len = comma != NULL ? (size_t)(comma - rest.data) : rest.len;
		struct slice word = trimmed((struct slice){ rest.data, len });

		if (slice_is_nocase(word, "respond-async"))
			p.is_async = true;
		else if (word.len > 5 && strncasecmp(word.data, "wait=", 5) == 0)
			p.wait_usec = wait_parse((struct slice){ word.data + 5, word.len - 5 });
		len += comma != NULL;
		rest.data += len;
		rest.len -= len;
	}
	return p;
}

/* ---------------------------------------------------------------- start --- */

static void
detached_free(struct http_detached *d)
{
	if (d->session != NULL)
		d->session->detached = NULL;
	loop_undefer(d->loop, &d->task);
	loop_disarm(d->loop, &d->timer);
	LIST_REMOVE(d, entry);
	free(d);
}

/* Answers that the call goes on, and where its result will be. */
static void
accept_call(struct http_detached *d)
{
	struct http_session *s = TAKE_PTR(d->session);
	CLEANUP(buf_done) struct buf body = BUF_INIT(0), place = BUF_INIT(0);
	struct buf *b;

	s->detached = NULL;
	loop_disarm(d->loop, &d->timer);
	(void)buf_printf(&place, "/calls/%s:%s", d->call->service->name, d->token);
	jsonbuf_open(&body, NULL, '{');
	jsonbuf_text(&body, "state", "running");
	resultjson_bytes(&body, "location", buf_slice(&place));
	jsonbuf_text(&body, "id", d->call->id_text);
	jsonbuf_close(&body, '}');
	(void)buf_append_char(&body, '\n');
	if (buf_failed(&body) || buf_failed(&place)) {
		conn_lose(&s->conn);
		conn_flush(&s->conn);
		return;
	}
	b = http_answer_head(s, 202, HTTP_JSON_TYPE);
	httpreply_field(b, "Location", buf_slice(&place));
	httpreply_fixed(b, "Preference-Applied", "respond-async");
	httpreply_fixed(b, "Retry-After", "1");
	httpreply_fixed(b, "Reqd-Id", d->call->id_text);
	http_answer_body(s, buf_slice(&body));
	http_session_finish(s);
}

/* A call that has no room ends at the end of this turn, with an answer that says so. */
static void
on_task(struct loop_task *t)
{
	struct http_detached *d = CONTAINER_OF(t, struct http_detached, task);

	if (d->session != NULL && d->is_kept && d->is_over)
		accept_call(d);
}

static void
on_timer(struct loop_timer *t)
{
	struct http_detached *d = CONTAINER_OF(t, struct http_detached, timer);

	d->is_over = true;
	loop_defer(d->loop, &d->task);
}

static void
on_kept(struct call_sink *sink, struct call *call)
{
	struct http_detached *d = CONTAINER_OF(sink, struct http_detached, sink);

	(void)call;
	d->is_kept = true;
	loop_defer(d->loop, &d->task);
}

static void
on_ended(struct call_sink *sink, struct call *call, const struct result *res)
{
	struct http_detached *d = CONTAINER_OF(sink, struct http_detached, sink);
	struct http_session *s = d->session;

	detached_free(d);
	if (s == NULL)
		return;
	http_result_answer(s, call != NULL ? call->service : s->http->start->service, res);
	http_session_finish(s);
}

static bool
has_room(const struct call_sink *sink)
{
	(void)sink;
	return true;
}

static const struct call_sink_ops detached_ops = {
	.ended = on_ended, .has_room = has_room, .kept = on_kept,
};

/* Makes a token where the client has given none. False: there is no randomness. */
static bool
choose_token(struct http_detached *d, struct slice given)
{
	uint8_t random[TOKEN_BYTES];

	if (given.data != NULL) {
		(void)snprintf(d->token, sizeof(d->token), "%.*s", (int)given.len, given.data);
		return true;
	}
	if (getrandom(random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		return false;
	for (size_t i = 0; i < sizeof(random); i++)
		(void)snprintf(d->token + 2 * i, 3, "%02x", random[i]);
	return true;
}

void
http_async_start(struct http_session *s, struct call_request *rq, struct callopt *opt,
    uint64_t wait_usec)
{
	struct http_detached *d = calloc(1, sizeof(*d));
	struct call *call;

	if (d == NULL || !choose_token(d, opt->token)) {
		free(d);
		http_refuse(s, 503, "BUSY", "the server: out of memory");
		return;
	}
	d->sink.ops = &detached_ops;
	d->loop = s->conn.net->loop;
	d->task.fn = on_task;
	d->timer.fn = on_timer;
	d->session = s;
	s->detached = d;
	LIST_INSERT_HEAD(&s->http->detached, d, entry);
	opt->token = slice_of(d->token);
	opt->stream = false;
	rq->sink = &d->sink;
	call = call_start(rq);
	if (call == NULL)
		return;		/* the call has ended, and d is gone */
	d->call = call;
	d->is_over = wait_usec == 0;
	if (!d->is_over)
		loop_arm(d->loop, &d->timer, d->loop->now_usec + wait_usec);
}

void
http_async_leave(struct http_session *s)
{
	struct http_detached *d = TAKE_PTR(s->detached);

	if (d != NULL)
		d->session = NULL;
}

void
http_async_done(struct http_door *door)
{
	struct http_detached *d;

	while ((d = LIST_FIRST(&door->detached)) != NULL)
		detached_free(d);
}

/* --------------------------------------------------------------- look-up --- */

static void
answer_unknown(struct http_session *s)
{
	http_refuse(s, 404, NULL, "there is no such call of yours: it has not begun, or it ended more "
	    "than ten minutes ago");
}

static void
on_cancelled(void *who, bool found)
{
	struct http_session *s = who;

	if (!found) {
		answer_unknown(s);
		return;
	}
	(void)http_answer_head(s, 204, NULL);
	http_answer_body(s, (struct slice){ 0 });
	http_session_finish(s);
}

static void
cancel(struct http_session *s, struct slice token)
{
	const struct peer_identity *who = peer_identity(&s->conn.peer);
	struct call_desk *desk = s->http->desk;
	struct slice parts[2] = { { 0 }, token };
	struct digest digest;

	if (who != NULL) {
		parts[0] = slice_of(who->text);
		digest = digest_of(parts, ARRAY_LEN(parts));
		s->conn.wait = CONN_WAITS;
		if (desk->link->cancel_owned(desk, 0, &digest, &who->digest, on_cancelled, s) >= 0)
			return;
		s->conn.wait = CONN_READY;
	}
	http_refuse(s, 503, "BUSY", "the server: out of memory");
}

static void
look_up(struct http_session *s, const struct service *service, struct slice token)
{
	const struct callopt opt = { .token = token };
	struct http_start start = { service, &opt };
	const struct call_request request = {
		.desk = s->http->desk, .sink = &s->sink, .who = peer_identity(&s->conn.peer),
		.service = service, .opt = &opt, .is_lookup = true,
	};

	s->conn.wait = CONN_WAITS;
	s->http->start = &start;
	s->call = call_start(&request);
	s->http->start = NULL;
}

enum http_next
http_calls(struct http_session *s, const struct http_request *rq)
{
	const char *colon = rq->name.len > 0 ? memchr(rq->name.data, ':', rq->name.len) : NULL;
	const struct service *service;
	struct slice name, token;

	if (colon == NULL) {
		answer_unknown(s);
		return HTTP_DONE;
	}
	name = (struct slice){ rq->name.data, (size_t)(colon - rq->name.data) };
	token = (struct slice){ colon + 1, rq->name.len - name.len - 1 };
	service = http_find_service(s, name);
	if (service == NULL)
		return HTTP_DONE;
	/* Handlers have no tokens, and so no calls that go on alone. */
	if (service->handler != NULL || !callopt_is_token(token)) {
		answer_unknown(s);
		return HTTP_DONE;
	}
	s->form = (uint8_t)http_form_of(rq->head, service);
	if (rq->head->method == HTTPMETHOD_DELETE)
		cancel(s, token);
	else
		look_up(s, service, token);
	return HTTP_DONE;
}

void
http_async_found(struct http_session *s, const struct call *call, const struct result *res)
{
	struct buf *b;

	if (res->outcome.kind != OUTCOME_EXIT || call->found == LOOK_UP_DONE) {
		http_result_answer(s, call->service, res);
		http_session_finish(s);
		return;
	}
	if (call->found == LOOK_UP_UNKNOWN) {
		answer_unknown(s);
		return;
	}
	if (call->found == LOOK_UP_SPENT) {
		http_answer_problem(s, &(struct http_problem){
			.status = 410, .code = "LOST", .ran = "yes",
			.detail = SLICE("the call has run, and its result is not kept any more"),
		});
		http_session_finish(s);
		return;
	}
	b = http_answer_head(s, 202, HTTP_JSON_TYPE);
	httpreply_fixed(b, "Retry-After", "1");
	http_answer_body(s, call->found == LOOK_UP_WAITS ? SLICE("{\"state\":\"waiting\"}\n") :
	    SLICE("{\"state\":\"running\"}\n"));
	http_session_finish(s);
}
