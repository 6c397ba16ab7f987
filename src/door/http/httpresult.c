/* SPDX-License-Identifier: ISC */
/* httpresult: the result of a call, in the form that the client asks for. */
#include "config.h"

#include "door/http/httpresult.h"

#include <ctype.h>

#include "base/cleanup.h"
#include "base/jsonbuf.h"
#include "call/call.h"
#include "conf/arguments.h"
#include "door/http/httpanswer.h"
#include "door/http/resultjson.h"
#include "proto/httpaccept.h"
#include "proto/httpreply.h"

/* Bytes of output in one event. */
#define EVENT_MAX (256u << 10)

/* ---------------------------------------------------------------- forms --- */

/* The type of the output of a service. */
static const char *
output_type(const struct service *service)
{
	return service != NULL && service->web.type != NULL ? service->web.type : HTTP_TEXT;
}

enum http_form
http_form_of(const struct httphead *h, const struct service *service)
{
	static const enum http_form forms[HTTPACCEPT_COUNT] = {
		[HTTPACCEPT_BYTES] = HTTP_BYTES,
		[HTTPACCEPT_JSON] = HTTP_JSON,
		[HTTPACCEPT_NDJSON] = HTTP_NDJSON,
		[HTTPACCEPT_EVENTS] = HTTP_SSE,
	};

	enum http_form form = forms[httpaccept_choose(httphead_get(h, HTTPKNOWN_ACCEPT),
	    slice_of(output_type(service)))];

	return form == HTTP_BYTES && service->web.stream ? HTTP_RAW : form;
}

bool
http_form_is_streamed(enum http_form form)
{
	return form == HTTP_RAW || form == HTTP_NDJSON || form == HTTP_SSE;
}

const char *
http_form_type(enum http_form form, const struct service *service)
{
	switch (form) {
	case HTTP_JSON: return httpaccept_type(HTTPACCEPT_JSON);
	case HTTP_NDJSON: return httpaccept_type(HTTPACCEPT_NDJSON);
	case HTTP_SSE: return httpaccept_type(HTTPACCEPT_EVENTS);
	case HTTP_BYTES:
	case HTTP_RAW: break;
	}
	return output_type(service);
}

/* Begins an answer in pieces, whose head has these fields: id of the call, or its result. */
void
http_result_begin(struct http_session *s, const struct service *service, const char *id,
    const struct result *res)
{
	struct buf *b = http_answer_head(s, 200, http_form_type((enum http_form)s->form, service));

	if (s->form == HTTP_SSE)
		httpreply_fixed(b, "X-Accel-Buffering", "no");
	if (s->form == HTTP_RAW && s->wants_trailers && !s->is_old)
		httpreply_fixed(b, "Trailer", "Reqd-Outcome, Reqd-Exit");
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

void
http_result_output(struct http_session *s, const char *stream, struct slice bytes)
{
	CLEANUP(buf_done) struct buf object = BUF_INIT(0);

	jsonbuf_open(&object, NULL, '{');
	jsonbuf_text(&object, "event", stream);
	resultjson_bytes(&object, "text", bytes);
	jsonbuf_close(&object, '}');
	put_event(s, stream, &object);
}

/* Writes output that is there whole, in pieces that do not cut characters. */
static void
put_output(struct http_session *s, const char *stream, struct slice bytes)
{
	while (bytes.len > 0) {
		struct slice piece = bytes;

		if (piece.len > EVENT_MAX) {
			piece.len = EVENT_MAX;
			for (size_t i = 0; i < 3 && ((uint8_t)bytes.data[piece.len] & 0xc0) == 0x80; i++)
				piece.len--;
		}
		http_result_output(s, stream, piece);
		bytes.data += piece.len;
		bytes.len -= piece.len;
	}
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

/* True if the client must notice that the output is not whole. */
static bool
is_cut(const struct result *res)
{
	return res->outcome.kind != OUTCOME_EXIT || res->truncated;
}

/* Ends the bytes of a program that has exited: behind them is how, for clients that read it. */
static void
end_raw(struct http_session *s, const struct result *res)
{
	struct buf *b = http_session_out(s);

	if (!s->wants_trailers || s->is_old || s->is_head) {
		http_answer_end(s);
		return;
	}
	httpreply_chunk_last(b);
	httpreply_fixed(b, "Reqd-Outcome", outcome_word(res->outcome.kind));
	httpreply_number(b, "Reqd-Exit", (uint64_t)res->outcome.status);
	httpreply_end(b);
}

static void
end_stream(struct http_session *s, const struct result *res)
{
	if (s->form != HTTP_RAW)
		put_end(s, res);
	else if (is_cut(res))
		s->goes_on = false;
	/* Without the last chunk every client notices that something is missing. */
	if (s->form != HTTP_RAW)
		http_answer_end(s);
	else if (!is_cut(res))
		end_raw(s, res);
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

/* The status for an exit status, if the service has one. */
static unsigned
status_of(const struct outcome *o, const struct service *service)
{
	for (size_t i = 0; o->kind == OUTCOME_EXIT && service != NULL &&
	    i < service->web.n_statuses; i++) {
		if (service->web.statuses[i].exit == o->status)
			return service->web.statuses[i].status;
	}
	return http_status_of(o);
}

static void
answer_failure(struct http_session *s, const struct service *service, const struct result *res)
{
	const struct outcome *o = &res->outcome;
	struct http_problem p = {
		.status = status_of(o, service),
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
answer_value(struct http_session *s, const struct service *service, const struct result *res)
{
	const struct value *v = res->value;
	struct buf *body = &s->http->body;

	if (v->kind == VALUE_BULK || v->kind == VALUE_VERBATIM || v->kind == VALUE_SIMPLE) {
		http_put_result(http_answer_head(s, 200, output_type(service)), res);
		http_answer_body(s, v->text);
		return;
	}
	buf_clear(body);
	resultjson_value(body, NULL, v);
	(void)buf_append_char(body, '\n');
	answer_json(s, res);
}

static void
answer_success(struct http_session *s, const struct service *service, const struct result *res)
{
	struct buf *body = &s->http->body;

	if (s->form == HTTP_JSON) {
		buf_clear(body);
		jsonbuf_open(body, NULL, '{');
		resultjson_members(body, res, true);
		(void)buf_append_str(body, "}\n");
		answer_json(s, res);
	} else if (res->is_value && res->value != NULL) {
		answer_value(s, service, res);
	} else {
		http_put_result(http_answer_head(s, 200, output_type(service)), res);
		if (res->own_out != NULL)
			http_answer_own(s, res->own_out);
		else
			http_answer_body(s, res->out.data != NULL ? res->out : SLICE(""));
	}
}

void
http_result_answer(struct http_session *s, const struct service *service, const struct result *res)
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
		answer_failure(s, service, res);
		return;
	}
	if (s->form != HTTP_NDJSON && s->form != HTTP_SSE) {
		answer_success(s, service, res);
		return;
	}
	http_result_begin(s, service, NULL, res);
	put_output(s, "stdout", res->out);
	put_output(s, "stderr", res->err);
	end_stream(s, res);
}
