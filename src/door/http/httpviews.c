/* SPDX-License-Identifier: ISC */
/* httpviews: answers that no program makes. */
#include "config.h"

#include "door/http/httpviews.h"

#include "base/cleanup.h"
#include "base/jsonbuf.h"
#include "call/call.h"
#include "door/http/httpaccess.h"
#include "door/http/httpanswer.h"
#include "door/http/httpargs.h"
#include "door/http/resultjson.h"
#include "door/resp/describe.h"
#include "door/resp/why.h"
#include "ipc/figures.h"
#include "ipc/stats.h"
#include "proto/httpform.h"
#include "proto/httpreply.h"

static enum http_next
answer(struct http_session *s, unsigned status, const char *type, struct slice body)
{
	(void)http_answer_head(s, status, type);
	http_answer_body(s, body);
	http_session_finish(s);
	return HTTP_DONE;
}

/* Answers with the object in the scratch buffer. */
static enum http_next
answer_json(struct http_session *s)
{
	struct buf *b = &s->http->body;

	(void)buf_append_char(b, '\n');
	if (buf_failed(b))
		http_refuse(s, 503, "BUSY", "the server: out of memory");
	else
		(void)answer(s, 200, HTTP_JSON_TYPE, buf_slice(b));
	if (b->cap > NET_READ)
		buf_done(b);
	return HTTP_DONE;
}

enum http_next
http_healthz(struct http_session *s, const struct http_request *rq)
{
	(void)rq;
	return answer(s, 200, HTTP_TEXT, SLICE("ok\n"));
}

/*
 * The page. A browser may keep it, and asks each time whether it is still this one. With
 * "no-referrer" browsers would send "Origin: null", and the page could call nothing.
 */
enum http_next
http_console(struct http_session *s, const struct http_request *rq)
{
	const struct slice *known = httphead_get(rq->head, HTTPKNOWN_IF_NONE_MATCH);
	const struct httpconsole *console = &s->http->console;
	bool is_known = known != NULL && httpconsole_is_known(console, *known);
	struct buf *b = http_answer_begin(s, is_known ? 304 : 200,
	    is_known ? NULL : "text/html; charset=utf-8");

	httpreply_fixed(b, "Cache-Control", "no-cache");
	httpreply_fixed(b, "ETag", console->etag);
	httpreply_fixed(b, "Content-Security-Policy", console->policy);
	httpreply_fixed(b, "Cross-Origin-Opener-Policy", "same-origin");
	httpreply_fixed(b, "Referrer-Policy", "same-origin");
	http_answer_body(s, is_known ? (struct slice){ 0 } : httpconsole_page());
	http_session_finish(s);
	return HTTP_DONE;
}

/* The pool of a service, if the broker's page is of these rules. */
static const struct pool_stats *
pool_of(struct http_session *s, const struct service *service)
{
	const struct stats *of = s->http->pages->others[ROLE_PROCESS(ROLE_BROKER, 0)];

	return service->handler != NULL && of != NULL && of->generation == s->http->conf->generation ?
	    &of->pool[service->number] : NULL;
}

enum http_next
http_readyz(struct http_session *s, const struct http_request *rq)
{
	CLEANUP(buf_done) struct buf why = BUF_INIT(0);
	char room[SERVICE_NAME_MAX * 4];
	const struct service *service;
	struct httppair pair;
	size_t n = 0;

	if (s->conn.net->stopping || s->conn.net->is_leaving || s->http->conf->is_drained)
		return answer(s, 503, HTTP_TEXT, SLICE("draining\n"));
	if (!rq->head->target.has_query)
		return answer(s, 200, HTTP_TEXT, SLICE("ok\n"));
	if (rq->head->target.query.len > sizeof(room) ||
	    httpform_parse(rq->head->target.query, room, &pair, 1, &n) != NULL || n != 1 ||
	    !slice_is(pair.name, "service")) {
		http_refuse(s, 400, "BADARG", "the query is service=NAME");
		return HTTP_DONE;
	}
	service = http_find_service(s, pair.value);
	if (service == NULL)
		return HTTP_DONE;
	if (service_explain_outage(service, pool_of(s, service), s->conn.net->loop->now_usec, &why))
		return answer(s, 503, HTTP_TEXT, buf_slice(&why));
	return answer(s, 200, HTTP_TEXT, SLICE("ok\n"));
}

enum http_next
http_services(struct http_session *s, const struct http_request *rq)
{
	const struct conf *conf = s->http->conf;
	struct buf *b = &s->http->body;

	(void)rq;
	buf_clear(b);
	jsonbuf_open(b, NULL, '{');
	for (size_t i = 0; i < conf->n_services; i++) {
		if (http_session_may_call(s, &conf->services[i]))
			jsonbuf_text(b, conf->services[i].name, conf->services[i].summary);
	}
	jsonbuf_close(b, '}');
	return answer_json(s);
}

enum http_next
http_service(struct http_session *s, const struct http_request *rq)
{
	const struct service *service = http_find_service(s, rq->name);
	struct buf *b = &s->http->body;

	if (service == NULL)
		return HTTP_DONE;
	buf_clear(b);
	(void)describe_service(service, b);
	return answer_json(s);
}

enum http_next
http_why(struct http_session *s, const struct http_request *rq)
{
	CLEANUP(buf_done) struct buf why = BUF_INIT(0);
	enum outcome_kind refused = why_explain(&s->conn, rq->name, &why);
	struct buf *b = &s->http->body;

	buf_clear(b);
	jsonbuf_open(b, NULL, '{');
	jsonbuf_text(b, "outcome", refused != OUTCOME_N ? outcome_word(refused) : NULL);
	resultjson_bytes(b, "why", buf_slice(&why));
	jsonbuf_close(b, '}');
	return answer_json(s);
}

/* The workers of all protocols, and the queues of the broker. */
static void
put_workers(struct buf *b, const struct figures *f)
{
	const struct stats *broker = figures_page(f, ROLE_PROCESS(ROLE_BROKER, 0));
	uint64_t running = 0;

	for (enum listener_protocol p = 0; p < PROTOCOL_N; p++) {
		jsonbuf_open(b, p == PROTOCOL_HTTP ? "web" : "workers", '[');
		for (unsigned slot = 0; slot < CONF_MAX_WORKERS; slot++) {
			const struct stats *page = figures_page(f, ROLE_PROCESS(ROLE_WORKER, slot));

			if (role_slot_protocol(slot) != p || page == NULL ||
			    role_slot_index(slot) >= role_class_wanted(f->conf, p))
				continue;
			jsonbuf_open(b, NULL, '{');
			jsonbuf_number(b, "slot", role_slot_index(slot));
			jsonbuf_number(b, "connections", page->connections_open);
			jsonbuf_number(b, "requests", page->requests_total);
			jsonbuf_number(b, "running", page->running);
			jsonbuf_close(b, '}');
			running += page->running;
		}
		jsonbuf_close(b, ']');
	}
	jsonbuf_number(b, "running", running);
	jsonbuf_number(b, "queued", broker != NULL ? broker->queued : 0);
}

static void
put_listeners(struct buf *b, const struct figures *f)
{
	jsonbuf_open(b, "listeners", '[');
	for (size_t i = 0; i < f->conf->n_listeners; i++) {
		uint64_t n = 0;

		for (unsigned slot = 0; slot < CONF_MAX_WORKERS; slot++) {
			const struct stats *page = figures_page(f, ROLE_PROCESS(ROLE_WORKER, slot));

			n += page != NULL ? page->port_connections[i] : 0;
		}
		jsonbuf_open(b, NULL, '{');
		jsonbuf_text(b, "url", f->conf->listeners[i].url);
		jsonbuf_number(b, "connections", n);
		jsonbuf_close(b, '}');
	}
	jsonbuf_close(b, ']');
}

enum http_next
http_status(struct http_session *s, const struct http_request *rq)
{
	const struct stats_pages *pages = s->http->pages;
	const struct conf *conf = s->http->conf;
	const struct figures figures = {
		.conf = conf, .pages = pages->others, .own = pages->own,
		.own_number = ROLE_PROCESS(ROLE_WORKER, pages->slot),
	};
	struct buf *b = &s->http->body;

	(void)rq;
	if (!http_has_role(s))
		return HTTP_DONE;
	buf_clear(b);
	jsonbuf_open(b, NULL, '{');
	jsonbuf_text(b, "version", PACKAGE_VERSION);
	jsonbuf_text(b, "state", s->conn.net->stopping || s->conn.net->is_leaving ? "stopping" :
	    "serving");
	jsonbuf_number(b, "generation", conf->generation);
	if (http_session_may_watch(s)) {
		put_workers(b, &figures);
		put_listeners(b, &figures);
	}
	jsonbuf_open(b, "services", '[');
	for (size_t i = 0; i < conf->n_services; i++) {
		if (http_session_may_see(s, &conf->services[i]))
			figures_put_service(&figures, &conf->services[i], b);
	}
	jsonbuf_close(b, ']');
	jsonbuf_close(b, '}');
	return answer_json(s);
}

enum http_next
http_whoami(struct http_session *s, const struct http_request *rq)
{
	const struct conf *conf = s->http->conf;
	uint64_t roles = http_session_roles(s);
	struct buf *b = &s->http->body;
	struct peer *p = &s->conn.peer;
	char text[ADDR_TEXT];
	struct caller who;

	(void)rq;
	http_session_caller(s, &who);
	buf_clear(b);
	jsonbuf_open(b, NULL, '{');
	caller_format(&who, text, sizeof(text));
	jsonbuf_text(b, "caller", text);
	peer_format(p, text, sizeof(text));
	jsonbuf_text(b, "peer", text);
	jsonbuf_text(b, "listener", s->conn.listener->url);
	jsonbuf_number_or_null(b, "uid", who.has_uid, who.uid);
	jsonbuf_number_or_null(b, "gid", who.has_uid, who.gid);
	jsonbuf_open(b, "roles", '[');
	for (size_t i = 0; i < conf->n_roles; i++) {
		if ((roles >> conf->roles[i].number & 1) != 0)
			jsonbuf_text(b, NULL, conf->roles[i].name);
	}
	jsonbuf_close(b, ']');
	jsonbuf_bool(b, "admin", p->is_admin);
	jsonbuf_text(b, "login", who.login);
	jsonbuf_text(b, "credential", who.credential != NULL ? p->login->mark : NULL);
	jsonbuf_text(b, "via", p->via);
	jsonbuf_close(b, '}');
	return answer_json(s);
}
