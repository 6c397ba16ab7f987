/* SPDX-License-Identifier: ISC */
/*
 * request: turns bytes from a client into one argv. No I/O, no clock.
 *
 * The grammar is strict: "*N CRLF" and then N times "$LEN CRLF bytes CRLF", or
 * one inline line. Numbers are [1-9][0-9]*|0, lines end in CRLF (an inline line
 * also in LF). "*0", "*-n" and empty lines are skipped.
 *
 * Speed: a request that is whole in the buffer is decoded in one pass with no
 * allocation. An incomplete request leaves a cursor, so that bytes already seen
 * are not parsed again however slowly they arrive; when the request is whole it
 * is decoded once from its start.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define REQUEST_HEADER_MAX 32		/* bytes of "*N" or "$N" with CRLF */
#define REQUEST_INLINE_MAX (64u << 10)	/* bytes of an inline line, with its end */

struct request_limits {
	uint32_t max_arguments;
	uint32_t argument_limit;	/* bytes of one argument */
	/*
	 * Bytes of the whole request, headers too, and 16 more for each
	 * argument.
	 */
	uint32_t request_limit;
	bool inline_allowed;
};

/*
 * The place where the scan of an incomplete request stands. Set it to zero to
 * start anew; REQUEST_OK and REQUEST_EMPTY leave it zero for the next request.
 */
struct request_cursor {
	uint32_t pos;		/* bytes that are known to be good */
	uint32_t n_args;	/* N of "*N" */
	uint32_t n_left;	/* arguments still to come */
	bool has_count;		/* true when "*N" has been read */
};

/* A decoded request, reused for the next one. */
struct request {
	struct slice *argv;	/* slices of the caller's buffer, or of line */
	size_t argc;
	size_t cap;
	struct buf line;	/* an inline request, unquoted */
};

void request_init(struct request *r);
void request_done(struct request *r);

enum request_status {
	REQUEST_OK = 0,		/* a request is decoded; ret_used bytes belong to it */
	REQUEST_AGAIN = 1,	/* the request is not whole yet; the cursor has moved */
	REQUEST_EMPTY = 2,	/* ret_used bytes can be skipped; they hold no request */
	REQUEST_BAD = 3,	/* protocol error; ret_error says which */
	/*
	 * The client speaks another protocol (HTTP, TLS, LDAP, ...): close, say
	 * nothing (but see request_is_http()).
	 */
	REQUEST_FOREIGN = 4,
};

/*
 * True if data begins with the whole first line of a request of HTTP. Its sender gets
 * this answer, if it is the first line of the connection.
 */
bool request_is_http(struct slice data);
extern const char request_http_answer[];

/*
 * Reads the request at the start of data. limits may differ between calls.
 * ret_error is a constant or thread-local text without the "ERR Protocol error:
 * " in front, valid until the next call. Can return -ENOMEM. The slices of
 * REQUEST_OK are valid until data or r changes.
 */
int request_decode(struct slice data, const struct request_limits *limits,
    struct request_cursor *cursor, struct request *r, size_t *ret_used,
    const char **ret_error);
