/* SPDX-License-Identifier: ISC */
/*
 * httphook: from a delivery to a call, whose caller is "hook:SERVICE/NAME".
 *
 * The head is looked at before the body is read, and the body is believed in nothing before
 * its signature is checked. Who sends something forged is told 401; who sends something that
 * is not for us 200, as senders switch off a webhook that fails often.
 */
#include "config.h"

#include "door/http/httphook.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/jsonbuf.h"
#include "call/call.h"
#include "door/http/hookdelivery.h"
#include "door/http/httpanswer.h"
#include "net/refusal.h"
#include "proto/httpreply.h"

#define HOOK_TEXT (2 * 64 + 2)	/* "SERVICE/NAME" and NUL */

/* ---------------------------------------------------- nobody who waits --- */

static void
on_nothing(struct call_sink *sink, struct call *call)
{
	(void)sink;
	(void)call;
}

static void
on_output(struct call_sink *sink, struct call *call, enum call_stream which, struct slice bytes)
{
	(void)sink;
	(void)call;
	(void)which;
	(void)bytes;
}

static void
on_input_taken(struct call_sink *sink, struct call *call, size_t n)
{
	(void)sink;
	(void)call;
	(void)n;
}

static void
on_ended(struct call_sink *sink, struct call *call, const struct result *res)
{
	(void)sink;
	(void)call;
	(void)res;
}

static bool
has_room(const struct call_sink *sink)
{
	(void)sink;
	return true;
}

/*
 * The sink of calls whose deliveries are answered already. Such a call has no client that
 * could go, so it ends by itself, and its record tells how.
 */
static struct call_sink *
nobody(void)
{
	static const struct call_sink_ops ops = {
		.started = on_nothing, .output = on_output, .input_taken = on_input_taken,
		.input_over = on_nothing, .ended = on_ended, .has_room = has_room,
	};
	static struct call_sink sink = { .ops = &ops };

	return &sink;
}

/* ------------------------------------------------------------- answers --- */

static enum http_next
refuse(struct http_session *s, unsigned status, const char *code, struct slice detail)
{
	http_answer_problem(s, &(struct http_problem){
		.status = status, .code = code, .detail = detail, .ran = "no",
	});
	http_session_finish(s);
	return HTTP_DONE;
}

/* A delivery that is not what it should be is for the eyes of an administrator, too. */
static void
note(struct http_session *s, const struct service *service, struct slice name, const char *why)
{
	char peer[ADDR_TEXT], reason[HOOKDELIVERY_WHY + HOOK_TEXT + 32];

	peer_format(&s->conn.peer, peer, sizeof(peer));
	(void)snprintf(reason, sizeof(reason), "a delivery for webhook %s/%.*s: %s", service->name,
	    (int)name.len, name.data, why);
	refusal_log(s->conn.net, s->conn.listener, peer, reason);
}

/* Answers with an object of one member. */
static enum http_next
answer(struct http_session *s, unsigned status, const char *key, const char *text, const char *id)
{
	struct buf *body = &s->http->body, *head;

	buf_clear(body);
	jsonbuf_open(body, NULL, '{');
	jsonbuf_text(body, key, text);
	jsonbuf_close(body, '}');
	(void)buf_append_char(body, '\n');
	if (buf_failed(body)) {
		buf_done(body);
		return refuse(s, 503, "BUSY", SLICE("the server: out of memory"));
	}
	head = http_answer_head(s, status, HTTP_JSON_TYPE);
	if (id != NULL)
		httpreply_fixed(head, "Reqd-Id", id);
	http_answer_scratch(s);
	http_session_finish(s);
	return HTTP_DONE;
}

static enum http_next
answer_verdict(struct http_session *s, const struct service *service, struct slice name,
    const struct hookdelivery *d)
{
	switch (d->verdict) {
	case HOOKVERDICT_UNSIGNED:
	case HOOKVERDICT_FORGED:
	case HOOKVERDICT_STALE:
		note(s, service, name, d->why);
		return refuse(s, 401, "DENIED", slice_of(d->why));
	case HOOKVERDICT_IGNORED:
		return answer(s, 200, "ignored", d->ignored, NULL);
	case HOOKVERDICT_UNREADABLE:
		note(s, service, name, d->why);
		return refuse(s, 400, "BADARG", slice_of(d->why));
	case HOOKVERDICT_UNFIT:
		note(s, service, name, d->why);
		return refuse(s, 422, "BADARG", slice_of(d->why));
	case HOOKVERDICT_NONE:
	case HOOKVERDICT_FAILED:
	case HOOKVERDICT_GOOD:
		break;
	}
	return refuse(s, 503, "BUSY", SLICE("the server: out of memory"));
}

/* --------------------------------------------------------------- start --- */

/* The caller is the webhook; its connections and bytes are those of whoever delivers. */
static struct peer_identity *
identity_of(struct http_session *s, const struct service *service, const struct hook *h)
{
	struct peer *peer = &s->conn.peer;
	char text[HOOK_TEXT], at[ADDR_TEXT];
	struct peer_identity *id;
	struct caller who;

	(void)snprintf(text, sizeof(text), "%s/%s", service->name, h->name);
	http_session_caller(s, &who);
	who.hook = text;
	peer_format(peer, at, sizeof(at));
	id = identity_new(&who, at);
	if (id == NULL)
		return NULL;
	if (peer->via != NULL && (id->via = strdup(peer->via)) == NULL)
		return identity_unref(id);
	id->party = party_ref(peer->party);
	return id;
}

/* Asks, before anything runs, whether the caller may have this connection. True: it may. */
static bool
let_in(struct http_session *s)
{
	char why[QUOTA_TEXT];

	if (conn_lets_caller_in(&s->conn, why))
		return true;
	s->goes_on = false;
	(void)refuse(s, 503, "BUSY", slice_of(why));
	return false;
}

static enum http_next
start(struct http_session *s, const struct service *service, const struct hookdelivery *d,
    const struct http_request *rq)
{
	struct peer_identity *who;
	struct callopt opt = {
		.named = true, .service = slice_of(service->name), .args = d->words, .n_args = d->n_words,
	};
	struct call *call;

	/* With 202 the sender would forget what waits here without a limit of time. */
	if (service->state == SERVICE_PAUSED && d->hook->reply == HOOK_ACCEPTED)
		return refuse(s, 503, "UNAVAIL", SLICE("the service is paused"));
	if (!let_in(s))
		return HTTP_DONE;
	who = identity_of(s, service, d->hook);
	if (who == NULL)
		return refuse(s, 503, "BUSY", SLICE("the server: out of memory"));
	/* The same delivery again finds its call, so that it runs once. Handlers know no ids. */
	if (*d->id != '\0' && service->handler == NULL)
		opt.token = slice_of(d->id);
	if (service->input != INPUT_NONE) {
		opt.input = true;
		opt.stdin_data = rq->body.data != NULL ? rq->body : SLICE("");
	}
	if (d->hook->reply == HOOK_RESULT)
		http_call_set_form(s, rq->head, service, &opt);
	call = http_call_begin(s, &(struct http_beginning){
		.service = service, .opt = &opt, .who = who,
		.input_limit = d->hook->limit, .request_limit = d->hook->limit,
	});
	(void)identity_unref(who);
	if (call == NULL || d->hook->reply == HOOK_RESULT)
		return HTTP_DONE;
	s->call = NULL;
	s->conn.wait = CONN_READY;
	call_tell(call, nobody());
	return answer(s, 202, "id", call->id_text, call->id_text);
}

/* ------------------------------------------------------------- request --- */

/* Denied and unknown are one answer; credentials of callers help nobody here. */
static enum http_next
refuse_unknown(struct http_session *s)
{
	return refuse(s, 404, "NOSERVICE", SLICE("there is no webhook of that name, or none for the "
	    "place that this comes from"));
}

static void
displace(struct hookroom_guest *g)
{
	struct http_session *s = CONTAINER_OF(g, struct http_session, guest);

	s->is_displaced = true;
	loop_defer(s->conn.net->loop, &s->task);
}

/* Looks at what must be right before the body is read. True: it is. */
static bool
check_head(struct http_session *s, const struct hookdelivery_request *rq)
{
	const struct httphead *h = rq->head;
	char why[HOOKDELIVERY_WHY] = "";
	uint32_t limit;

	switch (hookdelivery_look(rq, why, &limit)) {
	case HOOKVERDICT_NONE:
		(void)refuse_unknown(s);
		return false;
	case HOOKVERDICT_GOOD:
		break;
	default:
		note(s, rq->service, rq->name, why);
		(void)refuse(s, 401, "DENIED", slice_of(why));
		return false;
	}
	if (httphead_get(h, HTTPKNOWN_CONTENT_ENCODING) != NULL) {
		(void)refuse(s, 415, "BADARG", SLICE("a body with a Content-Encoding is not taken"));
		return false;
	}
	if (h->body == HTTPBODY_LENGTH && h->content_length > limit) {
		(void)refuse(s, 413, "BADARG", SLICE("the body is longer than limit of the webhook"));
		return false;
	}
	s->body_max = limit;
	return true;
}

/* True if the service is at this listener, for callers and for webhooks alike. */
static bool
is_here(struct http_session *s, const struct service *service)
{
	struct caller who;

	http_session_caller(s, &who);
	return *service->listen_names == NULL || (service->listeners & who.listeners) != 0;
}

enum http_next
http_hook(struct http_session *s, const struct http_request *rq)
{
	const struct service *service = conf_find_service(s->http->conf, rq->name.data,
	    rq->name.len);
	struct peer *peer = &s->conn.peer;
	struct hookdelivery_request d_rq = {
		.service = service, .name = rq->segments[2], .head = rq->head, .body = rq->body,
		.secrets = &s->http->secrets, .now_sec = (int64_t)time(NULL),
		.limits = { s->conn.listener->max_arguments, s->conn.listener->argument_limit },
	};
	CLEANUP(hookdelivery_done) struct hookdelivery d = { .verdict = HOOKVERDICT_NONE };

	/* A token counts for its own request only. */
	if (peer->login != NULL && !peer->login->is_key)
		peer_log_out(peer);
	if (service == NULL || !is_here(s, service))
		return refuse_unknown(s);
	d_rq.roles = http_session_roles(s);
	if (!check_head(s, &d_rq))
		return HTTP_DONE;
	if (rq->body_is == HTTP_BODY_COMING) {
		s->guest.displace = displace;
		return HTTP_WANTS_BODY;
	}
	hookroom_leave(&s->http->room, &s->guest);
	hookdelivery_judge(&d_rq, &d);
	if (d.verdict != HOOKVERDICT_GOOD)
		return answer_verdict(s, service, rq->segments[2], &d);
	return start(s, service, &d, rq);
}
