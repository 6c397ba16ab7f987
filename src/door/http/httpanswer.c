/* SPDX-License-Identifier: ISC */
/* httpanswer: writes heads, bodies and problems. */
#include "config.h"

#include "door/http/httpanswer.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/jsonbuf.h"
#include "door/http/resultjson.h"
#include "ipc/stats.h"
#include "proto/httpdate.h"
#include "proto/httpreply.h"

/* ----------------------------------------------------------------- head --- */

/* A body of so many bytes is long. */
#define LONG_BODY (64u << 10)

/* A body that nobody has read is dropped up to this size; else the connection ends. */
#define DROP_MAX (64u << 10)

static const char *
date_text(struct http_door *d)
{
	int64_t now = time(NULL);

	if (now != d->date_sec)
		httpdate_format((uint64_t)now, d->date);
	d->date_sec = now;
	return d->date;
}

/*
 * The body of the request is of no use any more. The client may be about to send it, or it
 * may be long: then the next request could not be found, or not soon.
 */
static void
settle_body(struct http_session *s)
{
	if (s->use != HTTP_DROP)
		return;
	if (!s->has_continued || (!s->is_chunked && s->left > DROP_MAX))
		s->goes_on = false;
	if (s->is_chunked && s->left == 0)
		s->left = DROP_MAX;
}

struct buf *
http_answer_begin(struct http_session *s, unsigned status, const char *type)
{
	struct buf *b = http_session_out(s);

	settle_body(s);
	httpreply_begin(b, status, date_text(s->http));
	if (type != NULL)
		httpreply_fixed(b, "Content-Type", type);
	httpreply_fixed(b, "X-Content-Type-Options", "nosniff");
	httpreply_fixed(b, "Cross-Origin-Resource-Policy", "same-origin");
	if (s->origin != NULL) {
		httpreply_field(b, "Access-Control-Allow-Origin", slice_of(s->origin));
		httpreply_fixed(b, "Access-Control-Expose-Headers", "Location, Retry-After, Reqd-Id, "
		    "Reqd-Outcome, Reqd-Exit, Reqd-Signal, Reqd-Ran, Server-Timing, Mcp-Session-Id");
	}
	if (s->conn.listener->origins != NULL)
		httpreply_fixed(b, "Vary", "Origin");
	return b;
}

/*
 * Output of a program must never run as a page of this server, so browsers are told to guess
 * nothing and to run nothing.
 */
struct buf *
http_answer_head(struct http_session *s, unsigned status, const char *type)
{
	struct buf *b = http_answer_begin(s, status, type);

	httpreply_fixed(b, "Cache-Control", "no-store");
	httpreply_fixed(b, "Content-Security-Policy", "sandbox; default-src 'none'");
	return b;
}

/* Says whether the connection stays open, where that is not understood anyhow. */
static void
put_connection(struct http_session *s, struct buf *b)
{
	if (!s->goes_on)
		httpreply_fixed(b, "Connection", "close");
	else if (s->is_old)
		httpreply_fixed(b, "Connection", "keep-alive");
}

void
http_answer_body(struct http_session *s, struct slice body)
{
	struct buf *b = http_session_out(s);

	if (body.data != NULL)
		httpreply_number(b, "Content-Length", body.len);
	put_connection(s, b);
	httpreply_end(b);
	if (!s->is_head && body.data != NULL)
		(void)buf_append_slice(b, body);
}

void
http_answer_own(struct http_session *s, struct buf *own)
{
	struct slice body = buf_slice(own);
	struct conn *c = &s->conn;

	if (s->is_head || body.len < LONG_BODY) {
		http_answer_body(s, body.data != NULL ? body : SLICE(""));
		return;
	}
	httpreply_number(http_session_out(s), "Content-Length", body.len);
	put_connection(s, http_session_out(s));
	httpreply_end(http_session_out(s));
	/* With the head sent, the body can be the unsent bytes of the connection, without a copy. */
	conn_send(c);
	if (c->state == CONN_LOST || buf_len(&c->out) > 0 || buf_failed(&c->out)) {
		(void)buf_append_slice(http_session_out(s), body);
		return;
	}
	buf_done(&c->out);
	c->out = *own;
	c->out.max = 0;
	*own = BUF_INIT(own->max);
}

void
http_answer_scratch(struct http_session *s)
{
	struct buf *body = &s->http->body;

	http_answer_own(s, body);
	if (body->cap > NET_READ)
		buf_done(body);
}

/* --------------------------------------------------------------- pieces --- */

void
http_answer_pieces(struct http_session *s)
{
	struct buf *b = http_session_out(s);

	if (s->is_old)
		s->goes_on = false;
	else
		httpreply_fixed(b, "Transfer-Encoding", "chunked");
	s->is_begun = true;
	put_connection(s, b);
	httpreply_end(b);
}

void
http_answer_piece(struct http_session *s, struct slice bytes)
{
	struct buf *b = http_session_out(s);

	if (s->is_head)
		return;
	if (s->is_old)
		(void)buf_append_slice(b, bytes);
	else
		httpreply_chunk(b, bytes);
}

void
http_answer_end(struct http_session *s)
{
	struct buf *b = http_session_out(s);

	if (s->is_old || s->is_head)
		return;
	httpreply_chunk_last(b);
	httpreply_end(b);
}

/* -------------------------------------------------------------- problem --- */

static void
put_problem(struct buf *body, const struct httpproblem *p, const struct result *res)
{
	buf_clear(body);
	httpproblem_open(body, p);
	if (res != NULL) {
		jsonbuf_open(body, "result", '{');
		resultjson_members(body, res, true);
		jsonbuf_close(body, '}');
	}
	(void)buf_append_str(body, "}\n");
}

void
http_answer_problem(struct http_session *s, const struct http_problem *p)
{
	struct buf *body = &s->http->body, *b;

	s->http->pages->own->errors_total++;
	put_problem(body, &(struct httpproblem){ p->status, p->code, p->detail, p->ran }, p->result);
	/* The result may be too long, or there is no memory: what is left is short. */
	if (buf_failed(body)) {
		buf_done(body);
		put_problem(body, &(struct httpproblem){ p->status, p->code, { 0 }, p->ran }, NULL);
	}
	b = http_answer_head(s, p->status, HTTPPROBLEM_TYPE);
	if (p->result != NULL)
		http_put_result(b, p->result);
	else if (p->ran != NULL)
		httpreply_fixed(b, "Reqd-Ran", p->ran);
	if (p->status == 503)
		httpreply_number(b, "Retry-After", p->retry_sec != 0 ? p->retry_sec : 1);
	if (p->allow != NULL)
		httpreply_fixed(b, "Allow", p->allow);
	if (p->asks_login)
		httpreply_fixed(b, "WWW-Authenticate", "Bearer realm=\"reqd\"");
	/* A browser would ask for a password itself, in the midst of a page that does. */
	if (p->asks_login && s->http->conf->n_passwords > 0 && !s->is_fetch)
		httpreply_fixed(b, "WWW-Authenticate", "Basic realm=\"reqd\", charset=\"UTF-8\"");
	http_answer_scratch(s);
}

void
http_refuse(struct http_session *s, unsigned status, const char *code, const char *detail)
{
	http_answer_problem(s, &(struct http_problem){
		.status = status, .code = code, .detail = slice_of(detail),
	});
	http_session_finish(s);
}

void
http_refuse_last(struct http_session *s, unsigned status, const char *code, const char *detail)
{
	s->goes_on = false;
	http_refuse(s, status, code, detail);
}

/* -------------------------------------------------------------- results --- */

static const struct {
	unsigned status;
	const char *ran;
} outcomes[OUTCOME_N] = {
	[OUTCOME_EXIT] = { 500, "yes" },
	[OUTCOME_SIGNAL] = { 500, "perhaps" },
	[OUTCOME_CANCELLED] = { 500, "perhaps" },
	[OUTCOME_TIMEOUT] = { 504, "perhaps" },
	[OUTCOME_TOOBIG] = { 502, "perhaps" },
	[OUTCOME_HANDLER] = { 502, "perhaps" },
	[OUTCOME_LOST] = { 502, "perhaps" },
	[OUTCOME_NOSTART] = { 500, "no" },
	[OUTCOME_BADARG] = { 400, "no" },
	[OUTCOME_DENIED] = { 404, "no" },
	[OUTCOME_BUSY] = { 503, "no" },
	[OUTCOME_UNAVAIL] = { 503, "no" },
	[OUTCOME_DRAINING] = { 503, "no" },
	[OUTCOME_NOAUTH] = { 401, "no" },
};

unsigned
http_status_of(const struct outcome *o)
{
	return outcome_is_success(o) ? 200 : outcomes[o->kind].status;
}

const char *
http_ran(const struct outcome *o)
{
	return outcomes[o->kind].ran;
}

void
http_put_result(struct buf *b, const struct result *r)
{
	const struct outcome *o = &r->outcome;
	char text[48];

	if (r->id != 0) {
		(void)snprintf(text, sizeof(text), "%016" PRIx64, r->id);
		httpreply_fixed(b, "Reqd-Id", text);
	}
	httpreply_fixed(b, "Reqd-Outcome", outcome_word(o->kind));
	if (o->kind == OUTCOME_EXIT)
		httpreply_number(b, "Reqd-Exit", (uint64_t)o->status);
	if (o->kind == OUTCOME_SIGNAL)
		httpreply_fixed(b, "Reqd-Signal", outcome_signal_name(o->status));
	httpreply_fixed(b, "Reqd-Ran", http_ran(o));
	if (r->id == 0)
		return;
	(void)snprintf(text, sizeof(text), "call;dur=%" PRIu64 ".%03u", r->usec / 1000,
	    (unsigned)(r->usec % 1000));
	httpreply_fixed(b, "Server-Timing", text);
}
