/* SPDX-License-Identifier: ISC */
/*
 * httphead: the head of a request of HTTP/1.1 or HTTP/1.0. No I/O, no clock, no
 * allocation.
 *
 *	head    = method SP target SP "HTTP/1." ( "0" | "1" ) CRLF *( field CRLF ) CRLF
 *	field   = name ":" OWS value OWS
 *	method, name = 1*( token character of RFC 9110, section 5.6.2 )
 *	value   = any bytes but control bytes; a tab is allowed inside
 *	OWS     = *( SP | HTAB )
 *
 * RFC 9112 allows readers to be lenient in many places. This one never is: each lenient
 * reading has been used to make two programs see different requests in the same bytes. So
 * a line ends in CRLF only, a field stands on one line, a body has one length, and a field
 * that means something here is there once.
 *
 * A line is judged when its LF has come, or when it is too long. What decides is the bytes,
 * never the pieces in which they came.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "proto/httptarget.h"

#define HTTPHEAD_MAX (32u << 10)	/* bytes of a head, with its last CRLF */
#define HTTPHEAD_LINE_MAX (8u << 10)	/* bytes of a line, without CRLF */
#define HTTPHEAD_TARGET_MAX (8u << 10)	/* bytes of the target; its line may be longer */
#define HTTPHEAD_FIELDS_MAX 100
#define HTTPHEAD_LENGTH_DIGITS 15	/* digits of Content-Length */

enum httpmethod {
	HTTPMETHOD_OTHER,	/* a method that reqd does not know: 501; the head is good */
	HTTPMETHOD_GET,
	HTTPMETHOD_HEAD,
	HTTPMETHOD_POST,
	HTTPMETHOD_PUT,
	HTTPMETHOD_PATCH,
	HTTPMETHOD_DELETE,
	HTTPMETHOD_OPTIONS,
	HTTPMETHOD_TRACE,
	HTTPMETHOD_CONNECT,
};

/* The fields that mean something here. Each of them is there once, or the head is bad. */
enum httpknown {
	HTTPKNOWN_NONE,		/* any other field */
	HTTPKNOWN_TE,
	HTTPKNOWN_HOST,
	HTTPKNOWN_ACCEPT,
	HTTPKNOWN_EXPECT,
	HTTPKNOWN_ORIGIN,
	HTTPKNOWN_PREFER,
	HTTPKNOWN_MCP_NAME,
	HTTPKNOWN_CONNECTION,
	HTTPKNOWN_MCP_METHOD,
	HTTPKNOWN_REQD_STREAM,
	HTTPKNOWN_TRACEPARENT,
	HTTPKNOWN_CONTENT_TYPE,
	HTTPKNOWN_REQD_TIMEOUT,
	HTTPKNOWN_X_REQUEST_ID,
	HTTPKNOWN_AUTHORIZATION,
	HTTPKNOWN_IF_NONE_MATCH,
	HTTPKNOWN_CONTENT_LENGTH,
	HTTPKNOWN_SEC_FETCH_DEST,
	HTTPKNOWN_SEC_FETCH_MODE,
	HTTPKNOWN_SEC_FETCH_SITE,
	HTTPKNOWN_IDEMPOTENCY_KEY,
	HTTPKNOWN_CONTENT_ENCODING,
	HTTPKNOWN_TRANSFER_ENCODING,
	HTTPKNOWN_MCP_PROTOCOL_VERSION,
	HTTPKNOWN_REQUEST_METHOD,	/* Access-Control-Request-Method */
	HTTPKNOWN_REQUEST_HEADERS,	/* Access-Control-Request-Headers */
	HTTPKNOWN_COUNT,
};

enum httpbody {
	HTTPBODY_NONE,		/* also Content-Length: 0 */
	HTTPBODY_LENGTH,	/* content_length bytes follow */
	HTTPBODY_CHUNKED,	/* see httpchunk */
};

struct httpfield {
	struct slice name;	/* as it was sent; compare without regard to case */
	struct slice value;	/* without the blanks around it */
};

/* A decoded head. All slices point into the caller's bytes. */
struct httphead {
	enum httpmethod method;
	struct slice method_name;
	struct slice target_text;
	struct httptarget target;
	uint8_t minor;			/* 0: HTTP/1.0, 1: HTTP/1.1 */
	bool is_persistent;		/* the client wants to go on after the reply */
	bool expects_continue;		/* the client waits for 100 before it sends the body */
	enum httpbody body;
	uint64_t content_length;	/* HTTPBODY_LENGTH: at least 1 */
	size_t n_fields;
	/* The place of each known field, plus 1; 0: it is not there. */
	uint8_t known[HTTPKNOWN_COUNT];
	/*
	 * The fields, known ones too, in their order. The field "Proxy", and those with "_" in
	 * their names, are left out: the one would become HTTP_PROXY in programs that follow
	 * CGI, the others could not be told from those with "-".
	 */
	struct httpfield fields[HTTPHEAD_FIELDS_MAX];
};

/*
 * The place where the scan of an incomplete head stands. Set it to zero to start anew;
 * HTTPHEAD_OK leaves it zero for the next head.
 */
struct httphead_cursor {
	uint32_t line;		/* bytes of lines that are known to be good */
	uint32_t searched;	/* bytes that are known to hold no LF behind these lines */
	uint32_t n_lines;	/* fields in these lines, left out ones too */
};

enum httphead_status {
	HTTPHEAD_OK,		/* *ret_head is decoded; ret_used bytes belong to it */
	HTTPHEAD_MORE,		/* the head is not whole yet; the cursor has moved */
	HTTPHEAD_BAD,		/* *ret_error says why: reply, then close */
	/* The client speaks another protocol (RESP, TLS, SSH, PROXY): close, say nothing. */
	HTTPHEAD_FOREIGN,
};

struct httphead_error {
	unsigned status;	/* 400, 414, 417, 431, 501 or 505 */
	const char *why;	/* a constant sentence without a full stop */
};

/*
 * Reads the head at the start of data, which has all bytes since the last head and its
 * body. *ret_head may be spoilt in all cases but HTTPHEAD_OK, and need not be initialised.
 */
enum httphead_status httphead_decode(struct slice data, struct httphead_cursor *cursor,
    struct httphead *ret_head, size_t *ret_used, struct httphead_error *ret_error);

/* The value of a known field, or NULL. An empty value is not NULL. */
static inline const struct slice *
httphead_get(const struct httphead *h, enum httpknown known)
{
	return h->known[known] > 0 ? &h->fields[h->known[known] - 1].value : NULL;
}

/*
 * The value of the last field with this name, or NULL, for names that are not known here.
 * A list of addresses that each proxy adds to ends with that field.
 */
const struct slice *httphead_find(const struct httphead *h, struct slice name);

/* The name of a method, as "GET"; "" for HTTPMETHOD_OTHER. */
const char *httpmethod_name(enum httpmethod m);

/* The name of a known field, as "Content-Type". */
const char *httpknown_name(enum httpknown k);
