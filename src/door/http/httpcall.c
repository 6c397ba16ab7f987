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
#include "conf/arguments.h"
#include "conf/webpath.h"
#include "door/http/httpaccess.h"
#include "door/http/httpanswer.h"
#include "door/http/httpargs.h"
#include "door/http/httpasync.h"
#include "door/http/httpresult.h"
#include "ipc/stats.h"
#include "proto/httpreply.h"

/* The words of CALL that the fields of a request become: see proto/callopt.h. */
#define WORDS_MAX (4 + CALL_MAX_META)

#define REQUEST_ID_MAX 128	/* bytes of X-Request-Id */
#define TRACESTATE_MAX 512

/* Silence after which a stream of events has a comment. */
#define BEAT_USEC (15 * USEC_PER_SEC)

#define FORM_TYPE "application/x-www-form-urlencoded"

/* --------------------------------------------------- events of the call --- */

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
		http_result_begin(s, s->call->service, s->call->id_text, NULL);
	if (!s->is_begun)
		return;
	http_answer_piece(s, SLICE(":\n\n"));
	conn_flush(&s->conn);
	http_call_arm_beat(s);
}

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
		http_result_begin(s, call->service, call->id_text, NULL);
	if (s->form == HTTP_RAW)
		http_answer_piece(s, bytes);
	else
		http_result_output(s, which == CALL_STDOUT ? "stdout" : "stderr", bytes);
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
	const struct service *service = call != NULL ? call->service :
	    s->http->start != NULL ? s->http->start->service : NULL;

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
	if (call != NULL && call->backend == &call_by_lookup) {
		http_async_found(s, call, res);
		return;
	}
	http_result_answer(s, service, res);
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
	http_async_leave(s);
	http_session_forget_login(s);
	s->http->desk->link->forget(s->http->desk, s);
}

/* -------------------------------------------------------------- request --- */

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
http_call_set_form(struct http_session *s, const struct httphead *h,
    const struct service *service, struct callopt *opt)
{
	s->form = (uint8_t)http_form_of(h, service);
	opt->stream = http_form_is_streamed((enum http_form)s->form);
}

/* Reads the options of the call from fields. False: the request is refused. */
static bool
read_options(struct http_session *s, const struct httphead *h, const struct service *service,
    struct words *w, struct callopt *ret)
{
	const struct slice *stream = httphead_get(h, HTTPKNOWN_REQD_STREAM);
	struct slice words[WORDS_MAX + 1];
	const char *wrong = words_make(w, h);
	char why[CALLOPT_WHY];

	s->form = (uint8_t)http_form_of(h, service);
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
	ret->stream = http_form_is_streamed((enum http_form)s->form);
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

/* Adds the arguments in a path that fits the template. */
static unsigned
add_path(const struct http_request *rq, const char *template, struct httpargs *args)
{
	unsigned status = HTTPARGS_OK;
	struct slice part;
	bool is_name;

	for (size_t i = 0; status == HTTPARGS_OK && webpath_next(&template, &part, &is_name); i++) {
		if (is_name)
			status = httpargs_add(args, part, rq->segments[i]);
	}
	return status;
}

/* Reads the arguments of path, query and body. False: the request is refused. */
static bool
read_arguments(struct http_session *s, const struct http_request *rq, const char *template,
    bool has_body, struct httpargs *args)
{
	unsigned status = template != NULL ? add_path(rq, template, args) : HTTPARGS_OK;

	if (status == HTTPARGS_OK)
		status = httpargs_add_form(args, rq->head->target.query);
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
		(void)http_answer_head(s, 200, http_form_type((enum http_form)s->form, service));
		http_answer_body(s, (struct slice){ 0 });
	} else {
		http_answer_problem(s, &(struct http_problem){
			.status = r > 0 ? 422 : 503, .code = r > 0 ? "BADARG" : "BUSY", .ran = "no",
			.detail = slice_of(r > 0 ? why : "the server: out of memory"),
		});
	}
	http_session_finish(s);
}

static struct call_request
request_of(struct http_session *s, const struct http_beginning *b)
{
	return (struct call_request){
		.desk = s->http->desk,
		.sink = &s->sink,
		.who = b->who,
		.service = b->service,
		.opt = b->opt,
		.is_late = !conn_is_in_time(&s->conn, !s->has_asked),
		.input_limit = b->input_limit,
		.request_limit = b->request_limit,
	};
}

struct call *
http_call_begin(struct http_session *s, const struct http_beginning *b)
{
	struct http_start start = { b->service, b->opt };
	const struct call_request request = request_of(s, b);

	s->conn.wait = CONN_WAITS;
	s->http->start = &start;
	s->call = call_start(&request);
	s->http->start = NULL;
	if (s->call != NULL)
		http_call_arm_beat(s);
	return s->call;
}

/* The same for a call that goes on without its client. */
static void
begin_async(struct http_session *s, const struct http_beginning *b, uint64_t wait_usec)
{
	struct http_start start = { b->service, b->opt };
	struct call_request request = request_of(s, b);

	s->conn.wait = CONN_WAITS;
	s->http->start = &start;
	http_async_start(s, &request, b->opt, wait_usec);
	s->http->start = NULL;
}

static enum http_next
start_call(struct http_session *s, const struct service *service, struct callopt *opt,
    const struct http_request *rq)
{
	struct request_limits limits = http_session_limits(s);
	const struct http_beginning beginning = {
		.service = service, .opt = opt, .who = peer_identity(&s->conn.peer),
		.input_limit = limits.argument_limit, .request_limit = limits.request_limit,
	};
	struct http_prefer prefer = http_prefer_parse(httphead_get(rq->head, HTTPKNOWN_PREFER));
	struct call *call;

	opt->open = service->input != INPUT_NONE && rq->body_is == HTTP_BODY_COMING;
	/* No body at all is an input without bytes, for a service that must have one. */
	if (service->input != INPUT_NONE && !opt->open &&
	    (rq->body.len > 0 || service->input == INPUT_REQUIRED)) {
		opt->input = true;
		opt->stdin_data = rq->body.data != NULL ? rq->body : SLICE("");
	}
	/*
	 * Input that is still to come comes from a client that waits; handlers take no tokens;
	 * and a token that reqd makes keeps no retry from running twice.
	 */
	if (prefer.is_async && !opt->open && service->handler == NULL &&
	    (service->idempotent || opt->token.data != NULL)) {
		begin_async(s, &beginning, prefer.wait_usec);
		return HTTP_DONE;
	}
	call = http_call_begin(s, &beginning);
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

/* Calls a service. template: of the path, which has arguments; NULL: the path has none. */
static enum http_next
call_service(struct http_session *s, const struct http_request *rq,
    const struct service *service, const char *template)
{
	CLEANUP(httpargs_done) struct httpargs args;
	CLEANUP(words_done) struct words words = { .text = BUF_INIT(0) };
	struct request_limits limits = http_session_limits(s);
	bool is_gathered;
	struct callopt opt;

	httpargs_init(&args, &(struct httpargs_limits){ limits.max_arguments, limits.argument_limit });
	if (rq->head->method != HTTPMETHOD_POST && service->effects != EFFECTS_NONE) {
		http_answer_problem(s, &(struct http_problem){
			.status = 405, .code = "BADARG", .ran = "no", .allow = "POST, OPTIONS",
			.detail = SLICE("a service is called with POST; GET is for one with "
			    "'effects = none'"),
		});
		http_session_finish(s);
		return HTTP_DONE;
	}
	if (!check_body(s, service, rq) || !read_options(s, rq->head, service, &words, &opt))
		return HTTP_DONE;
	is_gathered = service->input == INPUT_NONE;
	if (is_gathered && rq->body_is == HTTP_BODY_COMING)
		return HTTP_WANTS_BODY;
	if (!read_arguments(s, rq, template, is_gathered, &args))
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

enum http_next
http_call(struct http_session *s, const struct http_request *rq)
{
	const struct service *service = http_find_service(s, rq->name);

	return service != NULL ? call_service(s, rq, service, NULL) : HTTP_DONE;
}

enum http_next
http_call_path(struct http_session *s, const struct http_request *rq)
{
	const struct service *service = webpath_find(s->http->conf, rq->segments, rq->n_segments);

	if (service != NULL && http_session_may_call(s, service))
		return call_service(s, rq, service, service->web.path);
	http_deny(s, service, rq->head->target.path);
	return HTTP_DONE;
}
