/* SPDX-License-Identifier: ISC */
/* httproutes: from a path to the function that answers. */
#include "config.h"

#include "door/http/httproutes.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "conf/webpath.h"
#include "door/http/httpanswer.h"
#include "door/http/httpasync.h"
#include "door/http/httpfront.h"
#include "door/http/httphook.h"
#include "door/http/httplogin.h"
#include "door/http/httpmcp.h"
#include "door/http/httpmetrics.h"
#include "door/http/httppolicy.h"
#include "door/http/httpviews.h"
#include "door/http/openapi.h"
#include "net/refusal.h"
#include "proto/httpreply.h"

#define BIT(method) (1u << HTTPMETHOD_##method)

/* Nothing but a body is sent; nothing is read. */
#define READS (BIT(GET) | BIT(HEAD))

static const struct route {
	const char *first;		/* segment of the path */
	bool has_name;			/* a second segment names something */
	bool is_probe;			/* asked by programs that know no name of this server */
	enum listener_offer offer;
	unsigned methods;
	enum http_next (*fn)(struct http_session *s, const struct http_request *rq);
} routes[] = {
	{ "call", true, false, OFFER_CALL, READS | BIT(POST), http_call },
	{ "services", false, false, OFFER_CALL, READS, http_services },
	{ "services", true, false, OFFER_CALL, READS, http_service },
	{ "whoami", false, false, OFFER_CALL, READS, http_whoami },
	{ "calls", true, false, OFFER_CALL, READS | BIT(DELETE), http_calls },
	{ "why", true, false, OFFER_CALL, READS, http_why },
	{ "status", false, false, OFFER_METRICS, READS, http_status },
	{ "openapi.json", false, false, OFFER_CALL, READS, http_openapi },
	{ "mcp", false, false, OFFER_CALL, BIT(POST), http_mcp },
	{ "metrics", false, false, OFFER_METRICS, READS, http_metrics },
	{ "hook", true, false, OFFER_HOOKS, BIT(POST), http_hook },
	{ "healthz", false, true, OFFER_HEALTH, READS, http_healthz },
	{ "readyz", false, true, OFFER_HEALTH, READS, http_readyz },
	{ "", false, false, OFFER_CONSOLE, READS, http_console },
};

/* True for deliveries: two names follow, and the signature stands for a credential. */
static bool
is_hook(const struct route *r)
{
	return r->fn == http_hook;
}

/*
 * All paths that reqd does not use itself, where a service has a path: the methods are the same
 * for those that lead nowhere, so that they tell nothing of services that the caller may not call.
 */
static const struct route at_path = {
	.offer = OFFER_CALL, .methods = READS | BIT(POST), .fn = http_call_path,
};

/* Finds the route of a path, whose segments are decoded into room. */
static const struct route *
find_route(const struct http_session *s, struct slice path, char *room,
    struct slice segments[WEBPATH_SEGMENTS], struct http_request *rq)
{
	size_t n = 0;

	if (path.len == 0)
		return NULL;
	if (!httptarget_split(path, room, segments, WEBPATH_SEGMENTS, &n))
		n = 0;
	rq->segments = segments;
	rq->n_segments = n;
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (n != 1u + routes[i].has_name + is_hook(&routes[i]) ||
		    !slice_is(segments[0], routes[i].first) || !offer_has(s->conn.listener->offer, routes[i].offer))
			continue;
		rq->name = n > 1 ? segments[1] : (struct slice){ 0 };
		return &routes[i];
	}
	if (s->http->conf->n_paths > 0 && offer_has(s->conn.listener->offer, OFFER_CALL) &&
	    (n == 0 || !webpath_is_reserved(segments[0])))
		return &at_path;
	return NULL;
}

/* --------------------------------------------------------------- policy --- */

static struct slice
field(const struct httphead *h, enum httpknown k)
{
	const struct slice *s = httphead_get(h, k);

	return s != NULL ? *s : (struct slice){ 0 };
}

/* The address at our end of the connection, asked for once. */
static const union sockaddr_any *
local_of(struct http_session *s)
{
	if (s->local != NULL)
		return s->local;
	s->local = calloc(1, sizeof(*s->local));
	if (s->local != NULL)
		(void)addr_of_socket(s->conn.stream.io.fd, s->local);
	return s->local;
}

/* True if a page of the origin may read the answer. */
static bool
keep_origin(struct http_session *s, struct slice origin)
{
	free(s->origin);
	s->origin = strndup(origin.data, origin.len);
	return s->origin != NULL;
}

static void
note_refusal(struct http_session *s, const char *why)
{
	char peer[ADDR_TEXT];

	/* The fields of a proxy are not read yet: the peer may still be the client before this one. */
	if (s->conn.is_front && s->conn.peer.via != NULL)
		(void)strlcpy(peer, s->conn.peer.via, sizeof(peer));
	else
		peer_format(&s->conn.peer, peer, sizeof(peer));
	refusal_log(s->conn.net, s->conn.listener, peer, why);
}

/* False: the request comes from where it may not come, and is refused. */
static bool
judge(struct http_session *s, const struct httphead *h, const struct route *route)
{
	const struct net_listener *p = s->conn.listener;
	const union sockaddr_any *local = p->is_unix ? NULL : local_of(s);
	struct httppolicy_place place = {
		.is_unix = p->is_unix, .is_tls = p->tls != NULL, .hosts = p->hosts, .origins = p->origins,
	};

	if (!p->is_unix && local == NULL) {
		http_refuse_last(s, 503, "BUSY", "the server: out of memory");
		return false;
	}
	if (local != NULL)
		place.local = *local;
	switch (httppolicy_judge(&place, &(struct httppolicy_fields){
		.host = field(h, HTTPKNOWN_HOST), .origin = field(h, HTTPKNOWN_ORIGIN),
		.fetch_site = field(h, HTTPKNOWN_SEC_FETCH_SITE),
		.fetch_mode = field(h, HTTPKNOWN_SEC_FETCH_MODE),
		.fetch_dest = field(h, HTTPKNOWN_SEC_FETCH_DEST),
		.is_page = route != NULL && route->fn == http_console && h->method == HTTPMETHOD_GET,
		.is_probe = route != NULL && route->is_probe,
	})) {
	case HTTPPOLICY_OWN:
		return true;
	case HTTPPOLICY_LISTED:
		if (keep_origin(s, field(h, HTTPKNOWN_ORIGIN)))
			return true;
		http_refuse_last(s, 503, "BUSY", "the server: out of memory");
		return false;
	case HTTPPOLICY_FOREIGN:
		note_refusal(s, "a page of another origin");
		http_refuse_last(s, 403, "DENIED", "this is a page of another origin; 'origins' of the "
		    "listener names those that may call");
		return false;
	case HTTPPOLICY_MISDIRECTED:
		note_refusal(s, "the request is for another host");
		http_refuse_last(s, 421, "DENIED", "the field Host is no name of this server: use the "
		    "address of the listener, add the name to 'hosts' of the listener, or have the proxy "
		    "pass the client's Host on");
		return false;
	}
	return false;
}

/* -------------------------------------------------------------- methods --- */

/* Writes the methods, as in the field Allow. */
static void
methods_format(unsigned methods, char *ret, size_t len)
{
	*ret = '\0';
	for (enum httpmethod m = HTTPMETHOD_GET; m <= HTTPMETHOD_CONNECT; m++) {
		if ((methods & 1u << m) == 0)
			continue;
		if (*ret != '\0')
			(void)strlcat(ret, ", ", len);
		(void)strlcat(ret, httpmethod_name(m), len);
	}
}

/* Writes those of the fields that a page asks for that it may send. */
static void
put_request_fields(struct buf *b, struct slice asked)
{
	static const char usual[] = "Authorization, Content-Type, Idempotency-Key, Prefer, "
	    "Reqd-Timeout, Reqd-Stream, Mcp-Method, Mcp-Name, Mcp-Session-Id, MCP-Protocol-Version";
	CLEANUP(buf_done) struct buf list = BUF_INIT(2048);

	(void)buf_append_str(&list, usual);
	while (asked.len > 0) {
		const char *comma = memchr(asked.data, ',', asked.len);
		size_t len = comma != NULL ? (size_t)(comma - asked.data) : asked.len;
		struct slice name = { asked.data, len };

		while (name.len > 0 && name.data[0] == ' ') {
			name.data++;
			name.len--;
		}
		if (name.len > 10 && strncasecmp(name.data, "reqd-meta-", 10) == 0) {
			(void)buf_append_str(&list, ", ");
			(void)buf_append_slice(&list, name);
		}
		len += comma != NULL;
		asked.data += len;
		asked.len -= len;
	}
	httpreply_field(b, "Access-Control-Allow-Headers", buf_failed(&list) ? slice_of(usual) :
	    buf_slice(&list));
}

/* Answers OPTIONS: the methods that there are, and a browser's question for a page. */
static void
answer_options(struct http_session *s, const struct httphead *h, unsigned methods)
{
	char allow[80];
	struct buf *b;

	methods_format(methods | BIT(OPTIONS), allow, sizeof(allow));
	b = http_answer_head(s, 204, NULL);
	httpreply_fixed(b, "Allow", allow);
	if (s->origin != NULL && httphead_get(h, HTTPKNOWN_REQUEST_METHOD) != NULL) {
		httpreply_fixed(b, "Access-Control-Allow-Methods", allow);
		put_request_fields(b, field(h, HTTPKNOWN_REQUEST_HEADERS));
		httpreply_fixed(b, "Access-Control-Max-Age", "600");
	}
	http_answer_body(s, (struct slice){ 0 });
	http_session_finish(s);
}

/* Answers a method that the path does not have. */
static void
refuse_method(struct http_session *s, const struct httphead *h, unsigned methods)
{
	char allow[80];

	if (h->method == HTTPMETHOD_OTHER) {
		http_refuse(s, 501, NULL, "the method is not known here");
		return;
	}
	methods_format(methods | BIT(OPTIONS), allow, sizeof(allow));
	http_answer_problem(s, &(struct http_problem){
		.status = 405, .allow = allow,
		.detail = h->method == HTTPMETHOD_PUT ? SLICE("use POST; with curl -T, add -X POST") :
		    SLICE("the path does not have this method"),
	});
	http_session_finish(s);
}

enum http_next
http_route(struct http_session *s, struct http_request *rq)
{
	char room[HTTPHEAD_TARGET_MAX];
	struct slice segments[WEBPATH_SEGMENTS];
	enum http_login_state login = HTTP_LOGIN_REFUSED;
	const struct httphead *h = rq->head;
	struct slice user;
	const struct route *route = find_route(s, h->target.path, room, segments, rq);

	if (!judge(s, h, route))
		return HTTP_DONE;
	if (route == NULL && (h->method == HTTPMETHOD_OTHER || h->method >= HTTPMETHOD_TRACE))
		refuse_method(s, h, 0);
	else if (route == NULL && h->method == HTTPMETHOD_OPTIONS &&
	    h->target.form == HTTPTARGET_ASTERISK)
		answer_options(s, h, READS | BIT(POST));
	else if (route == NULL)
		http_refuse(s, 404, NULL, "there is nothing at this path; a service is called by POST to "
		    "/call/NAME");
	else if (h->method == HTTPMETHOD_OPTIONS)
		answer_options(s, h, route->methods);
	else if ((route->methods & 1u << h->method) == 0)
		refuse_method(s, h, route->methods);
	else if (http_front_apply(s, h, route->is_probe, &user))
		login = is_hook(route) ? HTTP_LOGIN_GOOD : http_log_in(s, h, user);
	if (login == HTTP_LOGIN_GOOD)
		return route->fn(s, rq);
	return login == HTTP_LOGIN_WAITS ? HTTP_WAITS : HTTP_DONE;
}
