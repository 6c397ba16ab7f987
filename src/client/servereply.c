/* SPDX-License-Identifier: ISC */
/*
 * servereply: builds the reply of a function of reqd_serve(), call by call. If
 * the function forgets a value or gives one twice, the reply is still one
 * value: an error.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/serve.h"
#include "proto/resp.h"

#define CODE_MAX 32
#define ITEMS_MAX INT32_MAX	/* items of one array; keys and values of one map */

void
serve_reply_reset(struct serve *s)
{
	buf_clear(&s->reply);
	s->state = STATE_EMPTY;
	s->depth = 0;
}

static void
reply_wrong(struct serve *s, const char *why)
{
	buf_clear(&s->reply);
	resp_error(&s->reply, "ERR", slice_of(why));
	s->state = STATE_WRONG;
}

/* True if there is a place for one more value. Takes that place. */
static bool
reply_place(struct serve *s)
{
	if (s->state == STATE_WHOLE)
		reply_wrong(s, "handler made more than one reply");
	if (s->state == STATE_OPEN)
		s->left[s->depth - 1]--;
	return s->state == STATE_EMPTY || s->state == STATE_OPEN;
}

/* A value has been written: also close each array and map that it completes. */
static void
reply_placed(struct serve *s)
{
	if (buf_failed(&s->reply)) {
		reply_wrong(s, "handler has no memory for its reply");
		return;
	}
	while (s->depth > 0 && s->left[s->depth - 1] == 0)
		s->depth--;
	s->state = s->depth == 0 ? STATE_WHOLE : STATE_OPEN;
}

/*
 * Enters an array or map of n values. True: write the header, then call
 * reply_placed.
 */
static bool
reply_level(struct serve *s, uint64_t n)
{
	if (!reply_place(s))
		return false;
	if (s->depth == REPLY_MAX_DEPTH) {
		reply_wrong(s, "handler nested its reply too deeply");
		return false;
	}
	if (n > ITEMS_MAX) {
		reply_wrong(s, "handler made a reply of too many items");
		return false;
	}
	s->left[s->depth++] = n;
	return true;
}

void
reqd_reply_bulk(struct reqd_request *req, const void *data, size_t len)
{
	struct serve *s = serve_of(req);

	if (!reply_place(s))
		return;
	resp_bulk(&s->reply, (struct slice){ data, len });
	reply_placed(s);
}

void
reqd_reply_text(struct reqd_request *req, const char *text)
{
	reqd_reply_bulk(req, text, strlen(text));
}

void
reqd_reply_integer(struct reqd_request *req, int64_t value)
{
	struct serve *s = serve_of(req);

	if (!reply_place(s))
		return;
	resp_integer(&s->reply, value);
	reply_placed(s);
}

/* True for the digits of an integer, with or without a sign. */
static bool
is_integer(const char *text)
{
	text += *text == '-';
	return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

void
reqd_reply_big(struct reqd_request *req, const char *digits)
{
	struct serve *s = serve_of(req);

	if (!reply_place(s))
		return;
	if (!is_integer(digits)) {
		reply_wrong(s, "handler made an integer that is none");
		return;
	}
	(void)buf_append_char(&s->reply, '(');
	(void)buf_append_str(&s->reply, digits);
	(void)buf_append_str(&s->reply, "\r\n");
	reply_placed(s);
}

void
reqd_reply_double(struct reqd_request *req, double value)
{
	struct serve *s = serve_of(req);

	if (!reply_place(s))
		return;
	resp_double(&s->reply, RESP3, value);
	reply_placed(s);
}

void
reqd_reply_bool(struct reqd_request *req, bool value)
{
	struct serve *s = serve_of(req);

	if (!reply_place(s))
		return;
	resp_bool(&s->reply, RESP3, value);
	reply_placed(s);
}

void
reqd_reply_null(struct reqd_request *req)
{
	struct serve *s = serve_of(req);

	if (!reply_place(s))
		return;
	resp_null(&s->reply, RESP3);
	reply_placed(s);
}

void
reqd_reply_array(struct reqd_request *req, size_t n)
{
	struct serve *s = serve_of(req);

	if (!reply_level(s, n))
		return;
	resp_array(&s->reply, n);
	reply_placed(s);
}

void
reqd_reply_set(struct reqd_request *req, size_t n)
{
	struct serve *s = serve_of(req);

	if (!reply_level(s, n))
		return;
	(void)buf_append_char(&s->reply, '~');
	(void)buf_append_u64(&s->reply, n);
	(void)buf_append_str(&s->reply, "\r\n");
	reply_placed(s);
}

void
reqd_reply_map(struct reqd_request *req, size_t n)
{
	struct serve *s = serve_of(req);

	if (!reply_level(s, n > ITEMS_MAX ? n : 2 * (uint64_t)n))
		return;
	resp_map(&s->reply, RESP3, n);
	reply_placed(s);
}

/* True for [A-Z][A-Z0-9_-]*, in every locale. */
static bool
is_code(const char *code)
{
	static const char ok[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t n;

	if (code == NULL || *code < 'A' || *code > 'Z')
		return false;
	n = strspn(code, ok);
	return n <= CODE_MAX && code[n] == '\0';
}

static void __attribute__((format(printf, 3, 0)))
reply_error(struct serve *s, const char *code, const char *format, va_list ap)
{
	char text[RESP_CLEAN_MAX];

	if (s->state == STATE_ERROR)
		return;
	if (vsnprintf(text, sizeof(text), format, ap) < 0)
		text[0] = '\0';
	buf_clear(&s->reply);
	resp_error(&s->reply, code, slice_of(text));
	s->state = STATE_ERROR;
}

void
reqd_reply_error(struct reqd_request *req, const char *code, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	reply_error(serve_of(req), is_code(code) ? code : "ERR", format, ap);
	va_end(ap);
}

void
reqd_reply_exit(struct reqd_request *req, int status, const char *format, ...)
{
	char code[sizeof("EXIT 255")];
	va_list ap;

	(void)snprintf(code, sizeof(code), "EXIT %d", status >= 1 && status <= 255 ? status : 255);
	va_start(ap, format);
	reply_error(serve_of(req), code, format, ap);
	va_end(ap);
}

int
reqd_output(struct reqd_request *req, int stream, const void *data, size_t len)
{
	struct serve *s = serve_of(req);

	struct serve *owner = s->owner != NULL ? s->owner : s;

	/* Output belongs to the first request that has no reply yet. */
	if ((stream != 1 && stream != 2) || s->state != STATE_EMPTY ||
	    owner->held != (s->owner != NULL ? s : NULL))
		return REQD_E_INVALID;
	if (owner->problem != NULL)
		return REQD_E_CLOSED;
	resp_push(&s->reply, 3);
	resp_bulk_str(&s->reply, "output");
	resp_bulk_str(&s->reply, stream == 1 ? "stdout" : "stderr");
	resp_bulk(&s->reply, (struct slice){ data, len });
	if (buf_failed(&s->reply)) {
		buf_clear(&s->reply);
		return REQD_E_NOMEM;
	}
	return serve_flush(owner) < 0 || serve_send(owner, &s->reply) < 0 ? REQD_E_CLOSED : 0;
}

void
serve_reply_close(struct serve *s)
{
	if (s->state == STATE_EMPTY)
		reply_wrong(s, "handler made no reply");
	if (s->state == STATE_OPEN)
		reply_wrong(s, "handler did not finish its reply");
}
