/* SPDX-License-Identifier: ISC */
/*
 * serve: the handler side of libreqd. Reads requests from reqd and sends one
 * reply to each.
 *
 * A reply is built in memory and sent when it is known to be one value. So the
 * stream stays in step even if a function forgets a value. Bytes that are no
 * request end the loop: the start of the next request could not be found.
 * Pushed input that a function has not read is skipped before the next request.
 */
#include "config.h"

#include "client/serve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "proto/resp.h"

#define PIECE_MAX (1u << 20)	/* bytes of a piece of pushed input; reqd sends no more
				 * than 64 KiB */
#define KEEP_MAX (1u << 20)	/* bytes of a buffer that stay allocated for the next request */
#define READY_MAX (16u << 10)
#define READY_USEC 1000		/* a reply waits no longer than this, and one function, for others */

/* The most that reqd's own configuration allows, and room for the context. */
static const struct request_limits limits = {
	.max_arguments = 1000000 + 2,
	.argument_limit = 1u << 30,
	.request_limit = (1u << 30) + (1u << 20),
};

/* ------------------------------------------------------------ request --- */

/* Writes a NUL over the CR behind a word; the CRLF is not needed any more. */
static const char *
terminate(struct serve *s, struct slice word)
{
	size_t at = (size_t)(word.data - s->input.data);

	s->input.data[at + word.len] = '\0';
	return word.data;
}

static int
arguments_reserve(struct serve *s, size_t n)
{
	const char **argv;
	size_t *lens;

	if (n <= s->cap)
		return 0;
	argv = reallocarray(s->argv, n, sizeof(*argv));
	if (argv == NULL)
		return serve_fail(s, "out of memory", NULL);
	s->argv = argv;
	lens = reallocarray(s->lens, n, sizeof(*lens));
	if (lens == NULL)
		return serve_fail(s, "out of memory", NULL);
	s->lens = lens;
	s->cap = n;
	return 0;
}

/*
 * True if the word is a line of the context. The name of a service or a verb
 * has no '='.
 */
static bool
is_context(struct slice word)
{
	return word.len > 0 && memchr(word.data, '=', word.len) != NULL;
}

static void
context_take(struct serve *s, struct slice word)
{
	char *p = s->input.data + (word.data - s->input.data);

	(void)terminate(s, word);
	for (size_t i = 0; i < word.len; i++) {
		if (p[i] == '\n')
			p[i] = '\0';
	}
	s->context = word;
}

/* Makes a request of the words. */
static int
request_fill(struct serve *s)
{
	const struct slice *word = s->decoded.argv;
	size_t n = s->decoded.argc;

	s->context = (struct slice){ NULL, 0 };
	if (is_context(*word)) {
		if (n == 1)
			return serve_fail(s, "not a request", "a context and nothing else");
		context_take(s, *word++);
		n--;
	}
	if (arguments_reserve(s, n + 1) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		s->argv[i] = terminate(s, word[i]);
		s->lens[i] = word[i].len;
	}
	s->argv[n] = NULL;
	s->request = (struct reqd_request){ n, s->argv, s->lens };
	s->read_usec = clock_usec();
	return 0;
}

/* ------------------------------------------------------ pushed input --- */

/*
 * Reads the push at the start of data, which has used bytes. 1: *ret is its
 * content, in data; 0: the push is not whole yet.
 */
static int
push_decode(struct serve *s, struct slice data, struct slice *ret, size_t *ret_used)
{
	const struct reply_limits push_limits = { .max_bytes = PIECE_MAX + 64, .max_items = 2 };
	const char *why = NULL;
	struct value *v;
	bool good;
	int r;

	if (data.len == 0)
		return 0;
	r = data.data[0] != '>' ? REPLY_BAD :
	    reply_decode(data, &push_limits, &s->push_cursor, &v, ret_used, &why);
	if (r == REPLY_AGAIN)
		return 0;
	if (r < 0)
		return serve_fail(s, "out of memory", NULL);
	if (r != REPLY_OK)
		return serve_fail(s, "not the input of a request", why);
	good = v->n_items == 2 && v->items[0].kind == VALUE_BULK &&
	    v->items[1].kind == VALUE_BULK && slice_is(v->items[0].text, "input");
	if (good)
		*ret = v->items[1].text;
	(void)value_free(v);
	return good ? 1 : serve_fail(s, "not the input of a request", "another push");
}

/*
 * The function wants the input behind its request: read it to a buffer of its
 * own.
 */
static int
pushed_begin(struct serve *s)
{
	size_t len = buf_len(&s->input) - s->used;

	if (s->is_apart)
		return 0;
	buf_clear(&s->pushed);
	if (buf_append(&s->pushed, buf_data(&s->input) + s->used, len) < 0)
		return serve_fail(s, "out of memory", NULL);
	s->is_apart = true;
	return 0;
}

int
reqd_request_input(struct reqd_request *req, const void **ret_data, size_t *ret_len)
{
	struct serve *s = serve_of(req);
	struct slice piece = { "", 0 };
	size_t used = 0;
	int r = 0;

	*ret_data = "";
	*ret_len = 0;
	if (s->owner != NULL)
		return REQD_E_INVALID;
	if (s->problem != NULL || pushed_begin(s) < 0)
		return REQD_E_CLOSED;
	if (s->no_more)
		return 0;
	buf_consume(&s->pushed, s->piece);
	s->piece = 0;
	while ((r = push_decode(s, buf_slice(&s->pushed), &piece, &used)) == 0) {
		r = serve_read(s, &s->pushed);
		if (r == 0)
			r = serve_fail(s, "the input ended inside a request", NULL);
		if (r < 0)
			break;
	}
	if (r < 0)
		return REQD_E_CLOSED;
	s->piece = used;
	s->no_more = piece.len == 0;
	*ret_data = piece.data;
	*ret_len = piece.len;
	return piece.len > 0;
}

/*
 * The function is done with its request: move the next bytes to the start of
 * input.
 */
static void
request_leave(struct serve *s)
{
	struct buf rest = s->pushed;

	if (s->is_apart) {
		buf_consume(&rest, s->piece);
		s->pushed = s->input;
		s->input = rest;
	} else {
		buf_consume(&s->input, s->used);
	}
	s->is_apart = s->no_more = false;
	s->piece = 0;
}

/*
 * Skips input that the last function has not asked for. 1: skipped; 0: not
 * whole yet.
 */
static int
input_skip(struct serve *s)
{
	struct slice piece;
	size_t used = 0;
	int r = push_decode(s, buf_slice(&s->input), &piece, &used);

	if (r > 0)
		buf_consume(&s->input, used);
	return r;
}

/* -------------------------------------------------------- next request --- */

/*
 * Reads the request at the start of the input, behind the rest of the last one.
 * 1: the request is there and has used bytes of the input; 0: it is not whole
 * yet.
 */
static int
request_next(struct serve *s, size_t *ret_used)
{
	struct slice data;
	const char *why = NULL;
	int r;

	while (buf_len(&s->input) > 0 && *buf_data(&s->input) == '>') {
		r = input_skip(s);
		if (r <= 0)
			return r;
	}
	data = buf_slice(&s->input);
	if (data.len == 0)
		return 0;
	if (data.data[0] != '*')
		return serve_fail(s, "not a request", "it does not begin with '*'");
	r = request_decode(data, &limits, &s->cursor, &s->decoded, ret_used, &why);
	if (r == REQUEST_AGAIN)
		return 0;
	if (r == REQUEST_OK)
		return request_fill(s) < 0 ? -1 : 1;
	if (r == REQUEST_EMPTY)
		return serve_fail(s, "not a request", "it has no words");
	if (r == REQUEST_BAD)
		return serve_fail(s, "not a request", why);
	return serve_fail(s, "out of memory", NULL);
}

/* ------------------------------------------------------------ context --- */

/* Returns the value of the line "PREFIXkey=value", or NULL. */
static const char *
context_find(const struct serve *s, const char *prefix, const char *key)
{
	size_t prefix_len = strlen(prefix), key_len = strlen(key), len;
	const char *end = s->context.data + s->context.len;

	if (s->context.data == NULL)
		return NULL;
	for (const char *p = s->context.data; p < end; p += len + 1) {
		len = strlen(p);
		if (len > prefix_len + key_len && strncmp(p, prefix, prefix_len) == 0 &&
		    strncasecmp(p + prefix_len, key, key_len) == 0 &&
		    p[prefix_len + key_len] == '=')
			return p + prefix_len + key_len + 1;
	}
	return NULL;
}

const char *
reqd_request_context(const struct reqd_request *req, const char *key)
{
	return context_find(serve_of(req), "", key);
}

const char *
reqd_request_meta(const struct reqd_request *req, const char *key)
{
	return context_find(serve_of(req), "meta.", key);
}

int64_t
reqd_request_time_left(const struct reqd_request *req)
{
	const struct serve *s = serve_of(req);
	const char *text = reqd_request_context(req, "deadline-ms");
	uint64_t past_ms = (clock_usec() - s->read_usec) / USEC_PER_MSEC;
	intmax_t ms;
	char *end;

	if (text == NULL || *text < '0' || *text > '9')
		return -1;
	errno = 0;
	ms = strtoimax(text, &end, 10);
	if (errno != 0 || *end != '\0')
		return -1;
	return (uint64_t)ms > past_ms ? (int64_t)((uint64_t)ms - past_ms) : 0;
}

/* --------------------------------------------------------------- loop --- */

/*
 * True if reqd itself asks. A service may be called "ping", but only reqd says
 * PING.
 */
static bool
is_ping(const struct reqd_request *req)
{
	return req->argc == 1 && req->lens[0] == 4 && memcmp(req->argv[0], "PING", 4) == 0;
}

static int
serve_answer(struct serve *s, reqd_serve_fn *fn, void *arg)
{
	serve_reply_reset(s);
	if (is_ping(&s->request)) {
		resp_simple(&s->reply, "PONG");
		s->state = STATE_WHOLE;
	} else {
		s->is_held = false;
		fn(arg, &s->request);
		if (s->is_held)
			return s->problem != NULL ? -1 : 0;
	}
	if (s->problem != NULL)
		return -1;
	serve_reply_close(s);
	return s->held != NULL ? serve_hold_reply(s) : serve_queue(s, &s->reply);
}

/* Gives back the memory that one large request or reply needed. */
static void
serve_trim(struct serve *s)
{
	if (s->input.cap > KEEP_MAX && buf_len(&s->input) == 0)
		buf_done(&s->input);
	if (s->pushed.cap > KEEP_MAX)
		buf_done(&s->pushed);
	if (s->reply.cap > KEEP_MAX)
		buf_done(&s->reply);
	if (s->ready.cap > KEEP_MAX && buf_len(&s->ready) == 0)
		buf_done(&s->ready);
	if (s->cap > KEEP_MAX / sizeof(*s->decoded.argv)) {
		request_done(&s->decoded);
		free(s->argv);
		free(s->lens);
		s->argv = NULL;
		s->lens = NULL;
		s->cap = 0;
	}
}

/* Returns 0 at the end of the input, -1 after serve_fail(). */
static int
serve_loop(struct serve *s, reqd_serve_fn *fn, void *arg)
{
	for (;;) {
		int r;

		r = request_next(s, &s->used);
		if (r > 0 && buf_len(&s->ready) > 0 && s->read_usec - s->ready_usec > READY_USEC &&
		    serve_flush(s) < 0)
			return -1;
		if (r > 0)
			r = serve_answer(s, fn, arg) < 0 ? -1 : 1;
		/* The requests before one that fails get their replies. */
		if ((r < 0 || !s->is_batch || buf_len(&s->ready) > READY_MAX) && serve_flush(s) < 0)
			return -1;
		if (r < 0)
			return r;
		if (r > 0) {
			request_leave(s);
			serve_trim(s);
			continue;
		}
		r = serve_read(s, &s->input);
		if (r < 0)
			return r;
		if (r == 0)
			return buf_len(&s->input) == 0 ? 0 :
			    serve_fail(s, "the input ended inside a request", NULL);
	}
}

static void
serve_done(struct serve *s)
{
	serve_channel_return(s);
	serve_hold_done(s);
	buf_done(&s->input);
	buf_done(&s->pushed);
	buf_done(&s->reply);
	buf_done(&s->ready);
	request_done(&s->decoded);
	free(s->argv);
	free(s->lens);
}

int
reqd_serve_with(reqd_serve_fn *fn, reqd_read_fn *read, void *arg, unsigned flags)
{
	struct serve s = {
		.in = -1, .out = -1, .read = read, .arg = arg,
		.is_batch = (flags & REQD_BATCH) != 0,
	};
	int r;

	request_init(&s.decoded);
	r = serve_channel_take(&s);
	if (r == 0)
		r = serve_loop(&s, fn, arg);
	serve_done(&s);
	if (r == 0)
		return 0;
	if (*s.problem != '\0')
		(void)dprintf(STDERR_FILENO, "reqd_serve: %s%s%s\n", s.problem,
		    s.detail != NULL ? ": " : "", s.detail != NULL ? s.detail : "");
	return 1;
}

int
reqd_serve(reqd_serve_fn *fn, void *arg)
{
	return reqd_serve_with(fn, NULL, arg, 0);
}

int
reqd_serve_batch(reqd_serve_fn *fn, void *arg)
{
	return reqd_serve_with(fn, NULL, arg, REQD_BATCH);
}
