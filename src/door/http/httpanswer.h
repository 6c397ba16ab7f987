/* SPDX-License-Identifier: ISC */
/*
 * httpanswer: the answers of HTTP: a status, fields, and a body whose length is known, or
 * that comes in pieces. Every answer that is not a success is a problem (RFC 9457).
 *
 *	b = http_answer_head(s, 200, type);
 *	httpreply_field(b, ...);
 *	http_answer_body(s, body);
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"
#include "call/result.h"
#include "door/http/httpsession.h"

#define HTTP_TEXT "text/plain; charset=utf-8"
#define HTTP_JSON_TYPE "application/json"

/* Writes the head so far; type NULL: there will be no body. Returns where more fields go. */
struct buf *http_answer_head(struct http_session *s, unsigned status, const char *type);

/*
 * ... of an answer that says itself how long it may be kept, and what a browser may do with
 * it: Cache-Control and Content-Security-Policy.
 */
struct buf *http_answer_begin(struct http_session *s, unsigned status, const char *type);

/* Ends the head, and writes the body; data NULL: nothing is said of a body. */
void http_answer_body(struct http_session *s, struct slice body);

/*
 * ... with a body that may be taken as it is, when it is long: own holds it. Else it is
 * copied, and stays.
 */
void http_answer_own(struct http_session *s, struct buf *own);

/* ... with the body in the scratch buffer, whose memory is not kept when it is much. */
void http_answer_scratch(struct http_session *s);

/* Ends the head of an answer in pieces. To HTTP/1.0 the end of the connection is their end. */
void http_answer_pieces(struct http_session *s);
void http_answer_piece(struct http_session *s, struct slice bytes);
void http_answer_end(struct http_session *s);

/* More about a problem than its status. */
struct http_problem {
	unsigned status;
	const char *code;		/* as in RESP: "BADARG"; NULL: none */
	struct slice detail;		/* the mistake, in words; data NULL: not said */
	const char *ran;		/* "no", "yes" or "perhaps"; NULL: it is no call */
	const struct result *result;	/* of a call that may have run; NULL: none */
	const char *allow;		/* the methods that are allowed; NULL: not said */
	bool asks_login;		/* a credential may help */
	uint32_t retry_sec;		/* 503: so long the client should wait; 0: 1 */
};

/* Writes a problem, and counts it. The request is not finished. */
void http_answer_problem(struct http_session *s, const struct http_problem *p);

/* Writes a problem whose words are constant, and finishes the request. */
void http_refuse(struct http_session *s, unsigned status, const char *code, const char *detail);

/* ... and the connection, as no sense can be made of the bytes that follow. */
void http_refuse_last(struct http_session *s, unsigned status, const char *code,
    const char *detail);

/* Writes the fields of a result: its id, outcome, exit status, whether the program ran. */
void http_put_result(struct buf *b, const struct result *r);

/* The status of HTTP for an outcome. */
unsigned http_status_of(const struct outcome *o);

/* "no", "yes" or "perhaps". */
const char *http_ran(const struct outcome *o);
