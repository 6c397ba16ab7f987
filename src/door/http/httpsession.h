/* SPDX-License-Identifier: ISC */
/*
 * httpsession: a connection that speaks HTTP, between its bytes and its calls. One request
 * is served at a time; those behind it wait.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/ratelimit.h"
#include "base/slice.h"
#include "call/sink.h"
#include "conf/access.h"
#include "conf/hooksecrets.h"
#include "door/http/hookroom.h"
#include "door/http/httpconsole.h"
#include "door/http/httppairs.h"
#include "net/conn.h"
#include "net/listener.h"
#include "proto/httpchunk.h"
#include "proto/httpdate.h"
#include "proto/httphead.h"
#include "proto/request.h"

struct call;
struct call_desk;
struct authlink;
struct http_detached;
struct http_login;
struct callopt;
struct http_listen;
struct stats_pages;

/* A call that is about to start: what its refusal may be about. */
struct http_start {
	const struct service *service;
	const struct callopt *opt;
};

/* The data that all sessions of a worker share. */
struct http_door {
	struct door door;
	const struct conf *conf;	/* the rules in force */
	const struct stats_pages *pages;
	struct net_desk *net;
	struct call_desk *desk;
	struct authlink *auth;		/* checks passwords */
	struct httppairs pairs;		/* right ones of the last minute */
	struct ratelimit logins;	/* lines of the log about failed logins */
	int64_t date_sec;		/* the second that date shows */
	char date[HTTPDATE_TEXT];
	LIST_HEAD(http_detacheds, http_detached) detached;	/* calls without a client */
	struct httpconsole console;
	const struct http_start *start;	/* NULL: none is being started */
	LIST_HEAD(http_listens, http_listen) listening;	/* sessions that hear of changes */
	struct digest *described;	/* ... of each service of conf; NULL: not made yet */
	uint32_t described_generation;	/* ... under these rules */
	struct buf body;		/* scratch: the body of an answer */
	struct httphead head;		/* scratch: the head of the request at hand */
	struct hooksecrets secrets;	/* of webhooks */
	struct hookroom room;		/* for bodies of deliveries */
};

/* The form of the answer to a call. */
enum http_form {
	HTTP_BYTES,	/* the output */
	HTTP_RAW,	/* the output as it comes */
	HTTP_JSON,	/* the result map */
	HTTP_NDJSON,	/* events, a line each */
	HTTP_SSE,	/* events for EventSource */
};

/* The use of the body of the request at hand. */
enum http_use {
	HTTP_NO_BODY,		/* there is none, or all of it is read */
	HTTP_GATHER,		/* the body stays with the connection until it is whole */
	HTTP_INPUT,		/* the body is the input of the call */
	HTTP_DROP,		/* nobody wants it */
};

struct http_session;

/* Things that a route keeps with the request at hand. */
struct http_extra {
	void (*drop)(struct http_session *s, struct http_extra *extra);	/* frees it */
};

struct http_session {
	struct conn conn;
	struct http_door *http;
	struct httphead_cursor cursor;	/* place in the bytes that the connection holds */
	struct call_sink sink;		/* is told about the call */
	struct call *call;		/* the running or open call */
	struct http_detached *detached;	/* the call that goes on without the client; NULL: none */
	struct http_login *login;	/* a password of the request at hand; NULL: none */
	struct loop_task task;		/* ends the input of the call */
	struct loop_timer beat;		/* of events: says that the server is there */
	char *origin;			/* of the page that may read the answer; NULL: none */
	union sockaddr_any *front;	/* the address of the proxy that speaks; NULL: not kept yet */
	union sockaddr_any *local;	/* our end of the connection; NULL: not asked for yet */

	/* The request at hand; all zero between two requests. */
	uint8_t use;			/* enum http_use */
	uint8_t form;			/* enum http_form */
	bool is_head;			/* the answer has no body */
	bool is_fetch;			/* a script of a page waits for the answer */
	bool wants_trailers;		/* TE: trailers */
	bool is_logged_in;		/* the peer is the one who makes the request */
	bool is_old;			/* HTTP/1.0: no chunks */
	bool goes_on;			/* the connection stays open behind the answer */
	bool is_begun;			/* an answer in pieces has begun */
	bool owes;			/* the answer is still to come */
	bool has_continued;		/* 100 Continue has been sent, or is not wanted */
	bool is_chunked;		/* ... the body of the request */
	bool is_giving;			/* a piece of input is being given to the call */
	bool is_all_given;		/* no more input will come */
	bool is_sated;			/* the call wants no more input */
	bool is_ended;			/* the call has been told the end of its input */
	bool has_asked;			/* a request, of whatever kind, has been served */
	struct httpchunk chunk;
	uint64_t left_usec;		/* time for the rest of an input, while a piece is given */
	uint64_t left;			/* bytes of the body that are still to come */
	size_t need;			/* HTTP_GATHER: bytes of head and body */
	size_t at;			/* HTTP_GATHER of chunks: so many bytes are decoded */
	struct buf gathered;		/* ... to this */
	struct http_extra *extra;	/* of the route; NULL: none */
	size_t body_max;		/* HTTP_GATHER of a delivery: limit of the body; else 0 */
	struct hookroom_guest guest;	/* ... counted as unverified */
	bool is_displaced;		/* ... and has to go */
};

static inline struct http_session *
http_session_of(struct conn *c)
{
	return CONTAINER_OF(c, struct http_session, conn);
}

static inline struct http_session *
http_session_of_sink(const struct call_sink *sink)
{
	return CONTAINER_OF(sink, struct http_session, sink);
}

/* Returns the buffer for answers; ask anew for every answer. */
static inline struct buf *
http_session_out(struct http_session *s)
{
	return conn_out(&s->conn);
}

/* Returns the roles under the rules in force. */
static inline uint64_t
http_session_roles(struct http_session *s)
{
	return peer_roles(&s->conn.peer, s->http->conf);
}

/* Fills in the caller, at the listener of its connection; the groups are borrowed. */
static inline void
http_session_caller(struct http_session *s, struct caller *ret)
{
	peer_caller(&s->conn.peer, s->http->conf, ret);
	ret->listeners = listener_as_set(s->conn.listener, s->http->conf);
}

/* The limits of the next request: of its arguments, of a value, of a body that is gathered. */
struct request_limits http_session_limits(struct http_session *s);

/* The limit of the body that is gathered for the request at hand. */
static inline size_t
http_session_body_max(struct http_session *s)
{
	return s->body_max != 0 ? s->body_max : http_session_limits(s).request_limit;
}

/* True if this caller may call this service by HTTP. */
bool http_session_may_call(struct http_session *s, const struct service *service);

/* True if this caller may see the figures of all services, and of the server. */
bool http_session_may_watch(struct http_session *s);

/* True if this caller may see the figures of this service. */
bool http_session_may_see(struct http_session *s, const struct service *service);

/* The answer to the request at hand is complete: the next one may follow, or the end. */
void http_session_finish(struct http_session *s);

/* Drops what a route keeps with the request at hand. */
void http_session_drop_extra(struct http_session *s);

/* Forgets the request at hand, whose body is used or dropped. */
void http_session_forget(struct http_session *s);

/* Drops what is known of a password of the request at hand. */
void http_session_forget_login(struct http_session *s);
