/* SPDX-License-Identifier: ISC */
/* httpcall: requests for services, and the events of their calls as answers. */
#pragma once

#include "base/clock.h"
#include "base/slice.h"
#include "call/sink.h"
#include "door/http/httpsession.h"

/* Time for a body; each byte that comes adds a little to it. */
#define HTTP_BODY_USEC (120 * USEC_PER_SEC)

/* The part of the body of a request that is there. */
enum http_body {
	HTTP_BODY_WHOLE,	/* the whole body, which may be empty */
	HTTP_BODY_COMING,
};

/* A request, as its route sees it. */
struct http_request {
	const struct httphead *head;
	struct slice name;		/* the segment of the path that names something; decoded */
	const struct slice *segments;	/* of the path, decoded; n_segments 0: too many */
	size_t n_segments;
	enum http_body body_is;
	struct slice body;
};

/* The state of a request that its route has taken. */
enum http_next {
	HTTP_DONE,		/* the request is answered, or will be */
	HTTP_WANTS_BODY,	/* the route is to be taken again with the whole body */
	HTTP_TAKES_INPUT,	/* the call takes the body as it comes */
	HTTP_WAITS,		/* the request is to be taken again, when something has come */
};

/* The functions by which a call tells its session; for http_session.sink. */
extern const struct call_sink_ops http_sink_ops;

/* Calls a service: GET, HEAD or POST /call/NAME. */
enum http_next http_call(struct http_session *s, const struct http_request *rq);

/* Calls the service whose template the path fits. */
enum http_next http_call_path(struct http_session *s, const struct http_request *rq);
/* A call that is to begin, whose request is good. */
struct http_beginning {
	const struct service *service;
	struct callopt *opt;
	struct peer_identity *who;
	size_t input_limit, request_limit;
};

/* Begins a call. NULL: it is answered already. */
struct call *http_call_begin(struct http_session *s, const struct http_beginning *b);

/*
 * Looks whether the body is JSON, and not too long, before it has come and then. False: the
 * request is refused.
 */
bool http_call_check_json(struct http_session *s, const struct httphead *h, struct slice body);

/* Chooses the form of the answer by the head. */
void http_call_set_form(struct http_session *s, const struct httphead *h,
    const struct service *service, struct callopt *opt);

/*
 * Gives the call a piece of the body, which may be empty; is_last: there is no more. The
 * session waits until the piece is taken, or the call has ended.
 */
void http_call_feed(struct http_session *s, struct slice piece, bool is_last);

/* Ends the input of the call, where all is given or no more is wanted. For a task. */
void http_call_end_input(struct http_session *s);

/* A client or a proxy that hears nothing for long ends the connection: sets the timer of events. */
void http_call_arm_beat(struct http_session *s);

/* A stream of events was silent for long: says that the server is there. For a timer. */
void http_call_beat(struct http_session *s);

/* Nobody waits for the call any more. */
void http_call_abandon(struct http_session *s);
