/* SPDX-License-Identifier: ISC */
/*
 * httpasync: calls that nobody waits for (Prefer: respond-async), and the look at them later
 * (/calls/ID). The result of such a call is kept as that of --id is.
 */
#pragma once

#include "door/http/httpcall.h"
#include "door/http/httpsession.h"

struct call_request;
struct callopt;
struct http_detached;

/* The value of the field Prefer, as far as it is known here. */
struct http_prefer {
	bool is_async;
	uint64_t wait_usec;	/* so long the client would wait */
};

struct http_prefer http_prefer_parse(const struct slice *field);

/*
 * Starts the call of this request, which has all of its input. Answers when it has ended in
 * time, or that it goes on.
 */
void http_async_start(struct http_session *s, struct call_request *rq, struct callopt *opt,
    uint64_t wait_usec);

/* The session does not wait for such a call any more; the call goes on. */
void http_async_leave(struct http_session *s);

/* Frees what is left when the worker ends. */
void http_async_done(struct http_door *d);

/* GET, HEAD and DELETE /calls/ID. */
enum http_next http_calls(struct http_session *s, const struct http_request *rq);

/* Answers what has been found of a call. */
void http_async_found(struct http_session *s, const struct call *call, const struct result *res);
