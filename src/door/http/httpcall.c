/* SPDX-License-Identifier: ISC */
/* httpcall: makes calls of requests, and answers of results. */
#include "config.h"

#include "door/http/httpcall.h"

#include <ctype.h>
#include <errno.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jsonbuf.h"
#include "call/call.h"
#include "call/refuse.h"
#include "conf/arguments.h"
#include "door/http/httpanswer.h"
#include "door/http/httpargs.h"
#include "door/http/resultjson.h"
#include "ipc/stats.h"
#include "net/login.h"
#include "proto/httpaccept.h"
#include "proto/httpreply.h"

/* The words of CALL that the fields of a request become: see proto/callopt.h. */
#define WORDS_MAX (4 + CALL_MAX_META)

#define REQUEST_ID_MAX 128	/* bytes of X-Request-Id */
#define TRACESTATE_MAX 512

/* Silence after which a stream of events has a comment. */
#define BEAT_USEC (15 * USEC_PER_SEC)

#define FORM_TYPE "application/x-www-form-urlencoded"

/* ---------------------------------------------------------------- forms --- */

static enum http_form
form_of(const struct httphead *h)
{
	static const enum http_form forms[HTTPACCEPT_COUNT] = {
		[HTTPACCEPT_BYTES] = HTTP_BYTES,
		[HTTPACCEPT_JSON] = HTTP_JSON,
		[HTTPACCEPT_NDJSON] = HTTP_NDJSON,
		[HTTPACCEPT_EVENTS] = HTTP_SSE,
	};

	return forms[httpaccept_choose(httphead_get(h, HTTPKNOWN_ACCEPT), slice_of(HTTP_TEXT))];
}

static bool
is_streamed(enum http_form form)
{
	return form == HTTP_RAW || form == HTTP_NDJSON || form == HTTP_SSE;
}

static const char *
type_of(enum http_form form)
{
	switch (form) {
	case HTTP_JSON: return httpaccept_type(HTTPACCEPT_JSON);
	case HTTP_NDJSON: return httpaccept_type(HTTPACCEPT_NDJSON);
	case HTTP_SSE: return httpaccept_type(HTTPACCEPT_EVENTS);
	case HTTP_BYTES:
	case HTTP_RAW: break;
	}
	return HTTP_TEXT;
}

/* Begins an answer in pieces, whose head has these fields: id of the call, or its result. */
static void
begin_stream(struct http_session *s, const char *id, const struct result *res)
{
	struct buf *b = http_answer_head(s, 200, type_of((enum http_form)s->form));

	if (s->form == HTTP_SSE)
		httpreply_fixed(b, "X-Accel-Buffering", "no");
	if (res != NULL)
		http_put_result(b, res);
	else
		httpreply_fixed(b, "Reqd-Id", id);
	http_answer_pieces(s);
}

/* --------------------------------------------------------------- answers --- */

/* Writes one event, in the form of the session. */
static void
put_event(struct http_session *s, const char *event, struct buf *object)
{
	struct buf *text = &s->http->body;

	buf_clear(text);
	if (s->form == HTTP_SSE)
		(void)buf_printf(text, "event: %s\ndata: ", event);
	(void)buf_append_slice(text, buf_slice(object));
	(void)buf_append_str(text, s->form == HTTP_SSE ? "\n\n" : "\n");
	/* Half an event, or one left out, would be a lie. */
	if (buf_failed(object) || buf_failed(text))
		conn_lose(&s->conn);
	else
		http_answer_piece(s, buf_slice(text));
}

static void
put_output(struct http_session *s, const char *stream, struct slice bytes)
{
	CLEANUP(buf_done) struct buf object = BUF_INIT(0);

	jsonbuf_open(&object, NULL, '{');
	jsonbuf_text(&object, "event", stream);
	resultjson_bytes(&object, "text", bytes);
	jsonbuf_close(&object, '}');
	put_event(s, stream, &object);
}

static void
put_end(struct http_session *s, const struct result *res)
{
	CLEANUP(buf_done) struct buf object = BUF_INIT(0);

	jsonbuf_open(&object, NULL, '{');
	jsonbuf_text(&object, "event", "end");
	resultjson_members(&object, res, false);
	if (!outcome_is_success(&res->outcome) && res->detail.len > 0)
		resultjson_bytes(&object, "detail", res->detail);
	jsonbuf_close(&object, '}');
	put_event(s, "end", &object);
}

void
http_call_arm_beat(struct http_session *s)
{
	if (s->form == HTTP_SSE)
		loop_arm(s->conn.net->loop, &s->beat, s->conn.net->loop->now_usec + BEAT_USEC);
}

void
http_call_beat(struct http_session *s)
{
	if (!s->is_begun && s->call != NULL)
		begin_stream(s, s->call->id_text, NULL);
	if (!s->is_begun)
		return;
	http_answer_piece(s, SLICE(":\n\n"));
	conn_flush(&s->conn);
	http_call_arm_beat(s);
}

/* True if the client must notice that the output is not whole. */
static bool
is_cut(const struct result *res)
{
	return res->outcome.kind != OUTCOME_EXIT || res->truncated;
}

static void
end_stream(struct http_session *s, const struct result *res)
{
	if (s->form != HTTP_RAW)
		put_end(s, res);
	else if (is_cut(res))
		s->goes_on = false;
	/* Without the last chunk every client notices that something is missing. */
	if (s->form != HTTP_RAW || !is_cut(res))
		http_answer_end(s);
}

/* Writes the error of a handler, which has words and a code of its own. */
static void
answer_handler_error(struct http_session *s, const struct result *res)
{
	struct slice text = res->value->text;
	const char *blank = memchr(text.data, ' ', text.len);
	char code[VALUE_CODE_MAX + 1] = "ERR";
	size_t len = blank != NULL ? (size_t)(blank - text.data) : 0;
	bool has_code = len > 0 && len <= VALUE_CODE_MAX;

	for (size_t i = 0; i < len && has_code; i++)
		has_code = isupper((unsigned char)text.data[i]) || isdigit((unsigned char)text.data[i]) ||
		    text.data[i] == '_' || text.data[i] == '-';
	if (has_code) {
		memcpy(code, text.data, len);
		code[len] = '\0';
		text.data += len + 1;
		text.len -= len + 1;
	}
	http_answer_problem(s, &(struct http_problem){
		.status = 500, .code = code, .detail = text, .ran = "yes", .result = res,
	});
}

/* True if the mistake of a refused call is in its arguments, and not in the request around them. */
static bool
is_about_arguments(const struct http_session *s)
{
	const struct http_start *start = s->http->start;
	CLEANUP(values_done) struct values values = { 0 };
	char why[ARGUMENTS_WHY];

	return start != NULL && arguments_check(start->service, start->opt->args,
	    start->opt->n_args, start->opt->named, &values, why) == ARGUMENTS_BAD;
}

static void
answer_failure(struct http_session *s, const struct result *res)
{
	const struct outcome *o = &res->outcome;
	struct http_problem p = {
		.status = http_status_of(o),
		.code = outcome_code(o->kind),
		.detail = res->detail.len > 0 ? res->detail : slice_of(outcome_word(o->kind)),
		.ran = http_ran(o),
		.result = res->id != 0 ? res : NULL,
		.asks_login = o->kind == OUTCOME_NOAUTH,
	};

	if (o->kind == OUTCOME_BADARG && is_about_arguments(s))
		p.status = 422;
	if (o->kind == OUTCOME_DRAINING)
		s->goes_on = false;
	http_answer_problem(s, &p);
}

/* Writes the JSON in the scratch buffer, if it is whole. */
static void
answer_json(struct http_session *s, const struct result *res)
{
	struct buf *body = &s->http->body;
	bool is_full = body->is_full;

	if (!buf_failed(body)) {
		http_put_result(http_answer_head(s, 200, HTTP_JSON_TYPE), res);
		http_answer_scratch(s);
		return;
	}
	buf_done(body);
	http_answer_problem(s, &(struct http_problem){
		.status = is_full ? 502 : 503,
		.code = is_full ? "TOOBIG" : "BUSY",
		.detail = is_full ? SLICE("the result is too long for JSON: ask for the bytes") :
		    SLICE("the server: out of memory"),
		.ran = http_ran(&res->outcome),
	});
}

/* Writes the value of a handler: a text to the byte, all else as JSON. */
static void
answer_value(struct http_session *s, const struct result *res)
{
	const struct value *v = res->value;
	struct buf *body = &s->http->body;

	if (v->kind == VALUE_BULK || v->kind == VALUE_VERBATIM || v->kind == VALUE_SIMPLE) {
		http_put_result(http_answer_head(s, 200, HTTP_TEXT), res);
		http_answer_body(s, v->text);
		return;
	}
	buf_clear(body);
	resultjson_value(body, NULL, v);
	(void)buf_append_char(body, '\n');
	answer_json(s, res);
}

static void
answer_success(struct http_session *s, const struct result *res)
{
	struct buf *body = &s->http->body;

	if (s->form == HTTP_JSON) {
		buf_clear(body);
		jsonbuf_open(body, NULL, '{');
		resultjson_members(body, res, true);
		(void)buf_append_str(body, "}\n");
		answer_json(s, res);
	} else if (res->is_value && res->value != NULL) {
		answer_value(s, res);
	} else {
		http_put_result(http_answer_head(s, 200, HTTP_TEXT), res);
		if (res->own_out != NULL)
			http_answer_own(s, res->own_out);
		else
			http_answer_body(s, res->out.data != NULL ? res->out : SLICE(""));
	}
}

static void
answer_result(struct http_session *s, const struct result *res)
{
	bool is_error = res->value != NULL && res->value->kind == VALUE_ERROR;

	if (s->is_begun) {
		end_stream(s, res);
		return;
	}
	if (is_error) {
		answer_handler_error(s, res);
		return;
	}
	if (!outcome_is_success(&res->outcome)) {
		answer_failure(s, res);
		return;
	}
	if (s->form != HTTP_NDJSON && s->form != HTTP_SSE) {
		answer_success(s, res);
		return;
	}
	begin_stream(s, NULL, res);
	end_stream(s, res);
}

/* --------------------------------------------------- events of the call --- */

/* More input may come, in time. What the program takes is not the time of the client. */
static void
await_input(struct http_session *s)
{
	if (s->is_all_given) {
		loop_defer(s->conn.net->loop, &s->task);
		return;
	}
	conn_expect_within(&s->conn, s->left_usec);
	conn_resume(&s->conn);
}

/* The call is ready for input: the client may send it, if it waits for that. */
static void
on_started(struct call_sink *sink, struct call *call)
{
	struct http_session *s = http_session_of_sink(sink);

	(void)call;
	if (!s->has_continued && !s->is_begun)
		httpreply_continue(http_session_out(s));
	s->has_continued = true;
	s->left_usec = HTTP_BODY_USEC;
	await_input(s);
}

static void
on_output(struct call_sink *sink, struct call *call, enum call_stream which, struct slice bytes)
{
	struct http_session *s = http_session_of_sink(sink);

	/* Standard error has no place among bytes. */
	if (s->form == HTTP_RAW && which == CALL_STDERR)
		return;
	if (!s->is_begun)
		begin_stream(s, call->id_text, NULL);
	if (s->form == HTTP_RAW)
		http_answer_piece(s, bytes);
	else
		put_output(s, which == CALL_STDOUT ? "stdout" : "stderr", bytes);
	conn_flush(&s->conn);
	http_call_arm_beat(s);
}

static void
on_input_taken(struct call_sink *sink, struct call *call, size_t n)
{
	struct http_session *s = http_session_of_sink(sink);

	(void)call;
	(void)n;
	s->is_giving = false;
	await_input(s);
}

/* The rest of the body is of no use to the call, which ends when its input does. */
static void
on_input_over(struct call_sink *sink, struct call *call)
{
	struct http_session *s = http_session_of_sink(sink);

	(void)call;
	s->is_giving = false;
	s->is_sated = true;
	s->conn.wait = CONN_WAITS;
	loop_defer(s->conn.net->loop, &s->task);
}

static void
on_ended(struct call_sink *sink, struct call *call, const struct result *res)
{
	struct http_session *s = http_session_of_sink(sink);

	(void)call;
	s->call = NULL;
	loop_undefer(s->conn.net->loop, &s->task);
	loop_disarm(s->conn.net->loop, &s->beat);
	s->conn.wait = CONN_WAITS;
	s->conn.request_due_usec = 0;
	if (s->use == HTTP_INPUT)
		s->use = s->is_all_given ? HTTP_NO_BODY : HTTP_DROP;
	/* The head has been sent without a thought of the body that may never be whole. */
	if (s->is_begun && s->use == HTTP_DROP)
		s->goes_on = false;
	answer_result(s, res);
	http_session_finish(s);
}

static bool
has_room(const struct call_sink *sink)
{
	return !conn_is_congested(&http_session_of_sink(sink)->conn);
}

const struct call_sink_ops http_sink_ops = {
	.started = on_started,
	.output = on_output,
	.input_taken = on_input_taken,
	.input_over = on_input_over,
	.ended = on_ended,
	.has_room = has_room,
};

/* ---------------------------------------------------------------- input --- */

/* The input is all given, or no more of it is wanted. */
void
http_call_end_input(struct http_session *s)
{
	if (s->call == NULL || s->is_ended)
		return;
	s->is_ended = true;
	call_input_end(s->call);
}

/* Notes what is left of the time for the body, which goes on when this piece is taken. */
static void
stop_clock(struct http_session *s)
{
	uint64_t due = s->conn.request_due_usec, now = s->conn.net->loop->now_usec;

	if (due != 0)
		s->left_usec = due > now ? due - now : 1;
	s->conn.request_due_usec = 0;
}

void
http_call_feed(struct http_session *s, struct slice piece, bool is_last)
{
	int r;

	s->is_all_given = is_last;
	s->conn.wait = CONN_WAITS;
	stop_clock(s);
	if (piece.len == 0) {
		loop_defer(s->conn.net->loop, &s->task);
		return;
	}
	s->is_giving = true;
	r = call_input(s->call, piece);
	if (r == 0)
		return;
	http_call_abandon(s);
	/* Without the last chunk the client notices that the answer is not whole. */
	if (s->is_begun) {
		s->conn.wait = CONN_READY;
		conn_end(&s->conn);
		return;
	}
	s->use = is_last ? HTTP_NO_BODY : HTTP_DROP;
	http_answer_problem(s, &(struct http_problem){
		.status = 503, .code = "BUSY", .ran = "perhaps",
		.detail = slice_of(r == -EDQUOT ? CALL_CROWDED : "the server: out of memory"),
	});
	http_session_finish(s);
}

void
http_call_abandon(struct http_session *s)
{
	struct call *call = TAKE_PTR(s->call);

	s->is_giving = false;
	loop_undefer(s->conn.net->loop, &s->task);
	loop_disarm(s->conn.net->loop, &s->beat);
	if (call != NULL)
		call_orphan(call);
}

/* -------------------------------------------------------------- request --- */

/* Refuses a call that is not even tried. */
static void
deny(struct http_session *s, const struct service *service, struct slice name)
{
	bool may_log_in = login_may_help(&s->conn);
	bool is_revoked = peer_is_revoked(&s->conn.peer, s->http->conf);

	call_note_refusal(s->http->desk, peer_identity(&s->conn.peer), service, name,
	    OUTCOME_DENIED, "");
	http_answer_problem(s, &(struct http_problem){
		.status = may_log_in ? 401 : 404,
		.code = "NOSERVICE",
		.ran = "no",
		.detail = is_revoked ? SLICE("what you were known by is no longer good for anything here") :
		    may_log_in ? SLICE("there is no service of that name for callers without a "
		    "credential: send 'Authorization: Bearer TOKEN'") :
		    SLICE("there is no service of that name, or your roles do not open it"),
		.asks_login = may_log_in,
	});
	http_session_finish(s);
}

const struct service *
http_find_service(struct http_session *s, struct slice name)
{
	const struct service *service = conf_find_service(s->http->conf, name.data, name.len);

	if (service != NULL && http_session_may_call(s, service))
		return service;
	deny(s, service, name);
	return NULL;
}

/* The words of CALL, made of fields. */
struct words {
	struct buf text;
	size_t at[WORDS_MAX + 1];
	size_t n;
};

static void
words_done(struct words *w)
{
	buf_done(&w->text);
}

static void
words_add(struct words *w, const char *option, struct slice value)
{
	if (w->n >= WORDS_MAX)
		return;
	w->at[w->n++] = buf_len(&w->text);
	(void)buf_append_str(&w->text, option);
	(void)buf_append_slice(&w->text, value);
	w->at[w->n] = buf_len(&w->text);
}

/* Adds --meta=KEY:VALUE. In a key that came as the name of a field, '-' stands for '_'. */
static void
words_add_meta(struct words *w, struct slice key, struct slice value)
{
	if (w->n >= WORDS_MAX)
		return;
	words_add(w, "--meta=", key);
	for (size_t i = 0; i < key.len && !buf_failed(&w->text); i++) {
		char *c = w->text.data + w->text.end - key.len + i;

		*c = *c == '-' ? '_' : (char)tolower((unsigned char)*c);
	}
	(void)buf_append_char(&w->text, ':');
	(void)buf_append_slice(&w->text, value);
	w->at[w->n] = buf_len(&w->text);
}

static bool
is_visible(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] < '!' || s.data[i] > '~')
			return false;
	}
	return s.len > 0;
}

/* "00-32 digits-16 digits-2 digits", as of W3C Trace Context. */
static bool
is_traceparent(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		bool is_dash = i == 2 || i == 35 || i == 52;

		if (is_dash ? s.data[i] != '-' : !isxdigit((unsigned char)s.data[i]) ||
		    isupper((unsigned char)s.data[i]))
			return false;
	}
	return s.len == 55 && !slice_starts(s, "ff");
}

/* Names that other systems gave to this request go to the program; wrong ones are left out. */
static void
words_add_names(struct words *w, const struct httphead *h)
{
	const struct slice *id = httphead_get(h, HTTPKNOWN_X_REQUEST_ID);
	const struct slice *parent = httphead_get(h, HTTPKNOWN_TRACEPARENT);
	const struct slice *state = httphead_find(h, SLICE("tracestate"));

	if (id != NULL && id->len <= REQUEST_ID_MAX && is_visible(*id))
		words_add_meta(w, SLICE("request_id"), *id);
	if (parent == NULL || !is_traceparent(*parent))
		return;
	words_add_meta(w, SLICE("traceparent"), *parent);
	if (state != NULL && state->len > 0 && state->len <= TRACESTATE_MAX)
		words_add_meta(w, SLICE("tracestate"), *state);
}

/* Makes the words. NULL, or what is wrong with a field. */
static const char *
words_make(struct words *w, const struct httphead *h)
{
	static const char prefix[] = "Reqd-Meta-";
	const struct slice *timeout = httphead_get(h, HTTPKNOWN_REQD_TIMEOUT);
	const struct slice *key = httphead_get(h, HTTPKNOWN_IDEMPOTENCY_KEY);

	words_add(w, "CALL", (struct slice){ 0 });
	words_add(w, "--named", (struct slice){ 0 });
	if (timeout != NULL) {
		if (timeout->len == 0 || timeout->len > 15 || timeout->data[0] == '0')
			return "Reqd-Timeout has milliseconds, 1 or more";
		words_add(w, "--timeout=", *timeout);
	}
	if (key != NULL) {
		struct slice bare = *key;

		if (bare.len >= 2 && bare.data[0] == '"' && bare.data[bare.len - 1] == '"') {
			bare.data++;
			bare.len -= 2;
		}
		words_add(w, "--id=", bare);
	}
	words_add_names(w, h);
	for (size_t i = 0; i < h->n_fields; i++) {
		struct slice name = h->fields[i].name;
		size_t len = sizeof(prefix) - 1;

		if (name.len <= len || strncasecmp(name.data, prefix, len) != 0)
			continue;
		if (w->n + 1 >= WORDS_MAX)
			return "there are too many Reqd-Meta- fields";
		words_add_meta(w, (struct slice){ name.data + len, name.len - len },
		    h->fields[i].value);
	}
	return NULL;
}

void
http_call_set_form(struct http_session *s, const struct httphead *h, struct callopt *opt)
{
	s->form = (uint8_t)form_of(h);
	opt->stream = is_streamed((enum http_form)s->form);
}

/* Reads the options of the call from fields. False: the request is refused. */
static bool
read_options(struct http_session *s, const struct httphead *h, struct words *w,
    struct callopt *ret)
{
	const struct slice *stream = httphead_get(h, HTTPKNOWN_REQD_STREAM);
	struct slice words[WORDS_MAX + 1];
	const char *wrong = words_make(w, h);
	char why[CALLOPT_WHY];

	s->form = (uint8_t)form_of(h);
	if (stream != NULL && slice_is_nocase(*stream, "raw"))
		s->form = HTTP_RAW;
	else if (stream != NULL)
		wrong = "Reqd-Stream has the value raw only";
	if (wrong != NULL) {
		http_refuse(s, 400, "BADARG", wrong);
		return false;
	}
	if (buf_failed(&w->text)) {
		http_refuse(s, 503, "BUSY", "the server: out of memory");
		return false;
	}
	for (size_t i = 0; i < w->n; i++)
		words[i] = (struct slice){ buf_data(&w->text) + w->at[i], w->at[i + 1] - w->at[i] };
	words[w->n] = SLICE("service");
	if (callopt_parse(words, w->n + 1, ret, why) != 0) {
		http_refuse(s, 400, "BADARG", why);
		return false;
	}
	ret->stream = is_streamed((enum http_form)s->form);
	return true;
}

/* The type of the body, without parameters, in the cases that are known. */
static bool
is_type(const struct httphead *h, const char *type)
{
	const struct slice *text = httphead_get(h, HTTPKNOWN_CONTENT_TYPE);
	struct slice name;

	if (text == NULL)
		return false;
	name = *text;
	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] == ';')
			name.len = i;
	}
	while (name.len > 0 && (name.data[name.len - 1] == ' ' || name.data[name.len - 1] == '\t'))
		name.len--;
	return slice_is_nocase(name, type);
}

/* Reads the arguments of query and body. False: the request is refused. */
static bool
read_arguments(struct http_session *s, const struct http_request *rq, bool has_body,
    struct httpargs *args)
{
	unsigned status = httpargs_add_form(args, rq->head->target.query);

	if (status == HTTPARGS_OK && has_body && rq->body.len > 0)
		status = is_type(rq->head, FORM_TYPE) ? httpargs_add_form(args, rq->body) :
		    httpargs_add_json(args, rq->body);
	if (status == HTTPARGS_OK)
		return true;
	http_answer_problem(s, &(struct http_problem){
		.status = status, .code = status < 500 ? "BADARG" : "NOSTART",
		.detail = slice_of(args->why), .ran = "no",
	});
	http_session_finish(s);
	return false;
}

/* Answers a HEAD: the arguments are checked, and nothing runs. */
static void
answer_head(struct http_session *s, const struct service *service, const struct callopt *opt)
{
	CLEANUP(values_done) struct values values = { 0 };
	char why[ARGUMENTS_WHY];
	int r = arguments_check(service, opt->args, opt->n_args, opt->named, &values, why);

	if (r == 0) {
		(void)http_answer_head(s, 200, type_of((enum http_form)s->form));
		http_answer_body(s, (struct slice){ 0 });
	} else {
		http_answer_problem(s, &(struct http_problem){
			.status = r > 0 ? 422 : 503, .code = r > 0 ? "BADARG" : "BUSY", .ran = "no",
			.detail = slice_of(r > 0 ? why : "the server: out of memory"),
		});
	}
	http_session_finish(s);
}

struct call *
http_call_begin(struct http_session *s, const struct http_beginning *b)
{
	struct http_start start = { b->service, b->opt };
	const struct call_request request = {
		.desk = s->http->desk,
		.sink = &s->sink,
		.who = b->who,
		.service = b->service,
		.opt = b->opt,
		.is_late = !conn_is_in_time(&s->conn, !s->has_asked),
		.input_limit = b->input_limit,
		.request_limit = b->request_limit,
	};

	s->conn.wait = CONN_WAITS;
	s->http->start = &start;
	s->call = call_start(&request);
	s->http->start = NULL;
	if (s->call != NULL)
		http_call_arm_beat(s);
	return s->call;
}

static enum http_next
start_call(struct http_session *s, const struct service *service, struct callopt *opt,
    const struct http_request *rq)
{
	struct request_limits limits = http_session_limits(s);
	struct call *call;

	opt->open = service->input != INPUT_NONE && rq->body_is == HTTP_BODY_COMING;
	/* No body at all is an input without bytes, for a service that must have one. */
	if (service->input != INPUT_NONE && !opt->open &&
	    (rq->body.len > 0 || service->input == INPUT_REQUIRED)) {
		opt->input = true;
		opt->stdin_data = rq->body.data != NULL ? rq->body : SLICE("");
	}
	call = http_call_begin(s, &(struct http_beginning){
		.service = service, .opt = opt, .who = peer_identity(&s->conn.peer),
		.input_limit = limits.argument_limit, .request_limit = limits.request_limit,
	});
	return call != NULL && opt->open ? HTTP_TAKES_INPUT : HTTP_DONE;
}

/* Looks at what must be right before the body is read. False: the request is refused. */
static bool
check_body(struct http_session *s, const struct service *service, const struct http_request *rq)
{
	const struct httphead *h = rq->head;
	size_t limit = http_session_limits(s).request_limit;

	if (httphead_get(h, HTTPKNOWN_CONTENT_ENCODING) != NULL) {
		http_refuse(s, 415, "BADARG", "a body with a Content-Encoding is not taken");
		return false;
	}
	if (service->input != INPUT_NONE || h->body == HTTPBODY_NONE)
		return true;
	if (!is_type(h, HTTP_JSON_TYPE) && !is_type(h, FORM_TYPE)) {
		http_refuse(s, 415, "BADARG", "the body has the arguments of this service, which takes no "
		    "input: send " HTTP_JSON_TYPE " or " FORM_TYPE);
		return false;
	}
	if (h->body == HTTPBODY_LENGTH && h->content_length > limit) {
		http_refuse(s, 413, "BADARG", "the body is longer than request-limit of the listener");
		return false;
	}
	return true;
}

bool
http_call_check_json(struct http_session *s, const struct httphead *h, struct slice body)
{
	if (httphead_get(h, HTTPKNOWN_CONTENT_ENCODING) != NULL || !is_type(h, HTTP_JSON_TYPE)) {
		http_refuse(s, 415, "BADARG", "the body is " HTTP_JSON_TYPE " here, without a "
		    "Content-Encoding");
		return false;
	}
	if (h->body == HTTPBODY_LENGTH && h->content_length > http_session_limits(s).request_limit) {
		http_refuse(s, 413, "BADARG", "the body is longer than request-limit of the listener");
		return false;
	}
	/* JSON in memory takes up to 25 times its text. */
	if (body.len > HTTPARGS_JSON_MAX ||
	    (h->body == HTTPBODY_LENGTH && h->content_length > HTTPARGS_JSON_MAX)) {
		http_refuse(s, 413, "BADARG", "a body of JSON has at most 1 MiB");
		return false;
	}
	return true;
}

enum http_next
http_call(struct http_session *s, const struct http_request *rq)
{
	CLEANUP(httpargs_done) struct httpargs args;
	CLEANUP(words_done) struct words words = { .text = BUF_INIT(0) };
	const struct service *service = http_find_service(s, rq->name);
	struct request_limits limits = http_session_limits(s);
	bool is_gathered;
	struct callopt opt;

	httpargs_init(&args, &(struct httpargs_limits){ limits.max_arguments, limits.argument_limit });
	if (service == NULL)
		return HTTP_DONE;
	if (rq->head->method != HTTPMETHOD_POST && service->effects != EFFECTS_NONE) {
		http_answer_problem(s, &(struct http_problem){
			.status = 405, .code = "BADARG", .ran = "no", .allow = "POST, OPTIONS",
			.detail = SLICE("a service is called with POST; GET is for one with "
			    "'effects = none'"),
		});
		http_session_finish(s);
		return HTTP_DONE;
	}
	if (!check_body(s, service, rq) || !read_options(s, rq->head, &words, &opt))
		return HTTP_DONE;
	is_gathered = service->input == INPUT_NONE;
	if (is_gathered && rq->body_is == HTTP_BODY_COMING)
		return HTTP_WANTS_BODY;
	if (!read_arguments(s, rq, is_gathered, &args))
		return HTTP_DONE;
	if (httpargs_finish(&args, &opt.args, &opt.n_args) != HTTPARGS_OK) {
		http_refuse(s, 503, "BUSY", "the server: out of memory");
		return HTTP_DONE;
	}
	if (rq->head->method == HTTPMETHOD_HEAD) {
		answer_head(s, service, &opt);
		return HTTP_DONE;
	}
	return start_call(s, service, &opt, rq);
}
