/* SPDX-License-Identifier: ISC */
/* httptool: sink of the call of a tool, and its answer. */
#include "config.h"

#include "door/http/httptool.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "call/call.h"
#include "door/http/httpanswer.h"
#include "door/http/httpargs.h"
#include "door/http/httpcall.h"
#include "door/http/resultjson.h"
#include "door/resp/describe.h"
#include "proto/httpreply.h"
#include "proto/mcpcall.h"
#include "proto/mcptool.h"

/* A call that is not over by now is answered with events, so that proxies see life. */
#define PATIENCE_USEC (5 * USEC_PER_SEC)

/* A token is "mcp.", and 32 letters. */
#define TOKEN_TEXT 40

/* The call of a tool, for as long as its request is at hand. */
struct http_tool {
	struct http_extra extra;
	struct mcp_message m;
	struct mcpcall call;
};

static struct http_tool *
tool_of(struct http_session *s)
{
	return CONTAINER_OF(s->extra, struct http_tool, extra);
}

/* -------------------------------------------------------------- answers --- */

/* Answers with the message in the scratch buffer; res NULL: of no call. */
static void
answer(struct http_session *s, unsigned status, const struct result *res)
{
	struct buf *b = &s->http->body, *out;

	if (buf_failed(b)) {
		buf_done(b);
		http_refuse(s, 503, "BUSY", "the server: out of memory");
		return;
	}
	out = http_answer_head(s, status, HTTP_JSON_TYPE);
	if (res != NULL)
		http_put_result(out, res);
	http_answer_scratch(s);
	http_session_finish(s);
}

void
http_tool_answer(struct http_session *s, unsigned status)
{
	answer(s, status, NULL);
}

void
http_tool_refuse(struct http_session *s, const struct mcp_message *m, enum mcp_code code,
    const char *why)
{
	buf_clear(&s->http->body);
	mcp_put_error(&s->http->body, m, code, why);
	answer(s, 200, NULL);
}

void
http_tool_refuse_name(struct http_session *s, const struct mcp_message *m, const char *name)
{
	char why[200];

	(void)snprintf(why, sizeof(why), "Unknown tool: %.128s", name);
	http_tool_refuse(s, m, MCP_BAD_PARAMS, why);
}

void
http_tool_event(struct http_session *s, struct buf *message)
{
	CLEANUP(buf_done) struct buf event = BUF_INIT(0);

	if (!s->is_begun) {
		httpreply_fixed(http_answer_head(s, 200, "text/event-stream"), "X-Accel-Buffering", "no");
		http_answer_pieces(s);
	}
	(void)buf_append_str(&event, "event: message\ndata: ");
	(void)buf_append_slice(&event, buf_slice(message));
	(void)buf_append_str(&event, "\n\n");
	/* Half an event, or one left out, would be a lie. */
	if (buf_failed(message) || buf_failed(&event))
		conn_lose(&s->conn);
	else
		http_answer_piece(s, buf_slice(&event));
}

json_t *
http_tool_describe(const struct service *service)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	if (describe_service(service, &b) < 0)
		return NULL;
	return json_loadb(buf_data(&b), buf_len(&b), 0, NULL);
}

/* --------------------------------------------------- events of the call --- */

static void
take_stderr(struct http_session *s, struct slice bytes)
{
	struct http_tool *x = tool_of(s);
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	while (mcpcall_stderr(&x->call, &bytes, mcp_progress_token(&x->m),
	    s->conn.net->loop->now_usec, &b)) {
		http_tool_event(s, &b);
		buf_clear(&b);
	}
}

static void
on_output(struct call_sink *sink, struct call *call, enum call_stream which, struct slice bytes)
{
	struct http_session *s = http_session_of_sink(sink);

	(void)call;
	if (which == CALL_STDOUT) {
		mcpcall_output(&tool_of(s)->call, bytes);
		return;
	}
	take_stderr(s, bytes);
	conn_flush(&s->conn);
}

/* Leaves out the code that the words of a handler's error begin with. */
static struct slice
words_of(struct slice text)
{
	size_t n = 0;

	while (n < text.len && (isupper((unsigned char)text.data[n]) ||
	    isdigit((unsigned char)text.data[n]) || text.data[n] == '_' || text.data[n] == '-'))
		n++;
	if (n > 0 && n < text.len && text.data[n] == ' ')
		return (struct slice){ text.data + n + 1, text.len - n - 1 };
	return text;
}

/* Takes the answer of a handler: a text as output, all else as JSON. */
static void
take_value(struct http_tool *x, const struct value *v, struct mcpcall_result *r, struct buf *json)
{
	if (v->kind == VALUE_ERROR) {
		r->is_error = true;
		r->detail = words_of(v->text);
	} else if (v->kind == VALUE_BULK || v->kind == VALUE_VERBATIM || v->kind == VALUE_SIMPLE) {
		mcpcall_output(&x->call, v->text);
	} else {
		resultjson_value(json, NULL, v);
		r->value = buf_slice(json);
	}
}

static void
put_result(struct http_session *s, const struct result *res, struct buf *b)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(0);
	struct http_tool *x = tool_of(s);
	struct mcpcall_result r = {
		.outcome = res->outcome, .detail = res->detail, .id = "", .is_cut = res->truncated,
	};
	char id[24];

	(void)snprintf(id, sizeof(id), "%016" PRIx64, res->id);
	if (res->id != 0)
		r.id = id;
	/* All output has come as a stream before, also that of a call that ran before. */
	if (res->is_value && res->value != NULL)
		take_value(x, res->value, &r, &json);
	mcpcall_put(b, &x->m, &x->call, &r);
	b->failed = b->failed || buf_failed(&json);
}

static void
on_ended(struct call_sink *sink, struct call *call, const struct result *res)
{
	struct http_session *s = http_session_of_sink(sink);
	struct buf *b = &s->http->body;

	(void)call;
	s->call = NULL;
	loop_disarm(s->conn.net->loop, &s->beat);
	s->conn.wait = CONN_WAITS;
	s->conn.request_due_usec = 0;
	if (res->outcome.kind == OUTCOME_DRAINING)
		s->goes_on = false;
	buf_clear(b);
	if (res->outcome.kind == OUTCOME_DENIED)
		mcp_put_error(b, &tool_of(s)->m, MCP_BAD_PARAMS, "Unknown tool");
	else
		put_result(s, res, b);
	if (!s->is_begun) {
		answer(s, 200, res);
		return;
	}
	http_tool_event(s, b);
	if (b->cap > NET_READ)
		buf_done(b);
	http_answer_end(s);
	http_session_finish(s);
}

static void
on_news(struct call_sink *sink, struct call *call)
{
	(void)sink;
	(void)call;
}

static void
on_input_taken(struct call_sink *sink, struct call *call, size_t n)
{
	(void)sink;
	(void)call;
	(void)n;
}

static bool
has_room(const struct call_sink *sink)
{
	return !conn_is_congested(&http_session_of_sink(sink)->conn);
}

/* The input of a tool is there whole, so there is no news about it. */
static const struct call_sink_ops sink_ops = {
	.started = on_news,
	.output = on_output,
	.input_taken = on_input_taken,
	.input_over = on_news,
	.ended = on_ended,
	.has_room = has_room,
};

/* --------------------------------------------------------------- tokens --- */

static void
hex_format(const uint8_t bytes[static 16], char ret[static TOKEN_TEXT])
{
	(void)snprintf(ret, TOKEN_TEXT, "mcp.");
	for (size_t i = 0; i < 16; i++)
		(void)snprintf(ret + 4 + 2 * i, 3, "%02x", bytes[i]);
}

/* Makes the token by which another message of the same session can cancel the request. */
static bool
token_format(struct slice session, const json_t *id, char ret[static TOKEN_TEXT])
{
	CLEANUP_FREE char *text = json_dumps(id, JSON_COMPACT | JSON_ENCODE_ANY);
	struct slice parts[2] = { session, { 0 } };
	struct digest digest;

	if (text == NULL)
		return false;
	parts[1] = slice_of(text);
	digest = digest_of(parts, ARRAY_LEN(parts));
	hex_format(digest.bytes, ret);
	return true;
}

/* Chooses the token of the call. A service that is not idempotent wants one with each call. */
static struct slice
choose_token(const struct service *service, const struct mcp_message *m, struct slice session,
    char room[static TOKEN_TEXT])
{
	uint8_t random[16];

	if (service->handler != NULL)
		return (struct slice){ 0 };
	if (!m->is_modern && session.len > 0)
		return token_format(session, m->id, room) ? slice_of(room) : (struct slice){ 0 };
	if (service->idempotent ||
	    getrandom(random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		return (struct slice){ 0 };
	hex_format(random, room);
	return slice_of(room);
}

void
http_tool_accept(struct http_session *s)
{
	(void)http_answer_head(s, 202, NULL);
	http_answer_body(s, SLICE(""));
	http_session_finish(s);
}

static void
on_cancelled(void *who, bool found)
{
	(void)found;
	http_tool_accept(who);
}

/* The answer waits for the news, so that each connection has one cancel under way at most. */
void
http_tool_cancel(struct http_session *s, const struct mcp_message *m, struct slice session)
{
	struct call_desk *desk = s->http->desk;
	const struct peer_identity *who = peer_identity(&s->conn.peer);
	const json_t *id = mcp_cancelled_id(m);
	struct slice parts[2] = { { 0 }, { 0 } };
	char text[TOKEN_TEXT];
	struct digest token;

	if (who == NULL || id == NULL || session.len == 0 || !token_format(session, id, text)) {
		http_tool_accept(s);
		return;
	}
	parts[0] = slice_of(who->text);
	parts[1] = slice_of(text);
	token = digest_of(parts, ARRAY_LEN(parts));
	s->conn.wait = CONN_WAITS;
	if (desk->link->cancel_owned(desk, 0, &token, &who->digest, on_cancelled, s) < 0)
		http_tool_accept(s);
}

/* ----------------------------------------------------------------- call --- */

static void
drop(struct http_session *s, struct http_extra *extra)
{
	struct http_tool *x = CONTAINER_OF(extra, struct http_tool, extra);

	s->sink.ops = &http_sink_ops;
	mcpcall_done(&x->call);
	mcp_done(&x->m);
	free(x);
}

/* Answers a call that is not even tried. */
static void
refuse_arguments(struct http_session *s, const char *why)
{
	struct http_tool *x = tool_of(s);

	buf_clear(&s->http->body);
	mcpcall_put(&s->http->body, &x->m, &x->call, &(struct mcpcall_result){
		.outcome.kind = OUTCOME_BADARG, .detail = slice_of(why), .id = "",
	});
	answer(s, 200, NULL);
}

/* Reads the arguments into words. False: the request is answered. */
static bool
read_arguments(struct http_session *s, struct httpargs *args, struct callopt *opt)
{
	unsigned status = HTTPARGS_OK;
	const json_t *arguments;
	const char *name;
	json_t *v;

	if (!mcpcall_arguments(&tool_of(s)->m, &arguments)) {
		http_tool_refuse(s, &tool_of(s)->m, MCP_BAD_PARAMS, "The arguments are no object");
		return false;
	}
	json_object_foreach((json_t *)arguments, name, v) {
		status = httpargs_add_value(args, slice_of(name), v);
		if (status != HTTPARGS_OK)
			break;
	}
	if (status == HTTPARGS_OK)
		status = httpargs_finish(args, &opt->args, &opt->n_args);
	if (status != HTTPARGS_OK)
		refuse_arguments(s, args->why);
	return status == HTTPARGS_OK;
}

/* Takes the input out of the arguments. False: the request is answered. */
static bool
read_input(struct http_session *s, const struct service *service, struct buf *input,
    struct callopt *opt)
{
	json_t *description = http_tool_describe(service);
	const char *why = "the server: out of memory";
	bool has_input = false;

	if (description != NULL)
		why = mcpcall_take_input(&tool_of(s)->m, mcptool_input_name(description), input,
		    &has_input);
	json_decref(description);
	if (why != NULL) {
		refuse_arguments(s, why);
		return false;
	}
	opt->input = has_input || service->input == INPUT_REQUIRED;
	if (opt->input)
		opt->stdin_data = buf_len(input) > 0 ? buf_slice(input) : SLICE("");
	return true;
}

void
http_tool_call(struct http_session *s, struct mcp_message *m, const struct service *service,
    struct slice session)
{
	struct request_limits limits = http_session_limits(s);
	CLEANUP(buf_done) struct buf input = BUF_INIT(limits.request_limit);
	CLEANUP(httpargs_done) struct httpargs args;
	struct callopt opt = { .named = true, .stream = true, .service = slice_of(service->name) };
	struct http_tool *x = calloc(1, sizeof(*x));
	char token[TOKEN_TEXT];

	httpargs_init(&args, &(struct httpargs_limits){ limits.max_arguments, limits.argument_limit });
	if (x == NULL) {
		http_refuse(s, 503, "BUSY", "the server: out of memory");
		return;
	}
	x->extra.drop = drop;
	x->m = *m;
	*m = (struct mcp_message){ 0 };
	mcpcall_init(&x->call);
	s->extra = &x->extra;
	if (!read_input(s, service, &input, &opt) || !read_arguments(s, &args, &opt))
		return;
	opt.token = choose_token(service, &x->m, session, token);
	s->form = HTTP_SSE;
	s->sink.ops = &sink_ops;
	if (http_call_begin(s, &(struct http_beginning){
		.service = service, .opt = &opt, .who = peer_identity(&s->conn.peer),
		.input_limit = limits.argument_limit, .request_limit = limits.request_limit,
	    }) != NULL)
		loop_arm(s->conn.net->loop, &s->beat, s->conn.net->loop->now_usec + PATIENCE_USEC);
}
