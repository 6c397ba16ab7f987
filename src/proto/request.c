/* SPDX-License-Identifier: ISC */
/* request: decodes requests in RESP and in lines of text. */
#include "config.h"

#include "proto/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGV_FIRST 16

/*
 * The cost of an argument beyond its own bytes. "$0 CRLF CRLF" is the least
 * that must still arrive for it, and a slice in argv is charged, too. So a
 * count is refused as soon as the whole request cannot fit.
 */
#define ARGUMENT_LEAST 6
#define ARGUMENT_CHARGE 16

static const char bad_count[] = "invalid multibulk length";
static const char bad_length[] = "invalid bulk length";
static const char bad_end[] = "expected CRLF after bulk";
static const char long_count[] = "too big mbulk count string";
static const char long_length[] = "too big bulk count string";
static const char long_inline[] = "too big inline request";

void
request_init(struct request *r)
{
	*r = (struct request){ .line = BUF_INIT(REQUEST_INLINE_MAX) };
}

void
request_done(struct request *r)
{
	free(r->argv);
	buf_done(&r->line);
	request_init(r);
}

static int
request_grow(struct request *r)
{
	size_t cap = r->cap == 0 ? ARGV_FIRST : r->cap * 2;
	struct slice *argv;

	argv = reallocarray(r->argv, cap, sizeof(*argv));
	if (argv == NULL)
		return -ENOMEM;
	r->argv = argv;
	r->cap = cap;
	return 0;
}

static int
bad(const char **ret_error, const char *text)
{
	*ret_error = text;
	return REQUEST_BAD;
}

/* ------------------------------------------------------------- header --- */

enum header_status {
	HEADER_OK,
	HEADER_AGAIN,
	HEADER_NEGATIVE,
	HEADER_INVALID,
	HEADER_TOO_LONG,
};

struct header {
	uint64_t value;
	size_t len;		/* bytes of the line, CRLF included */
};

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * Reads the number between a type byte and CRLF. The first byte that cannot
 * belong to it decides, without waiting for the end of the line.
 */
static enum header_status
header_read_any(const char *p, size_t avail, struct header *ret)
{
	bool negative = avail > 1 && p[0] == '*' && p[1] == '-';
	size_t first = negative ? 2 : 1, i;
	bool overflow = false;
	uint64_t v = 0;

	if (avail > first + 1 && p[first] == '0' && is_digit(p[first + 1]))
		return HEADER_INVALID;
	for (i = first; i < avail && is_digit(p[i]); i++) {
		if (i > REQUEST_HEADER_MAX - 2)
			return HEADER_TOO_LONG;
		overflow |= __builtin_mul_overflow(v, 10, &v);
		overflow |= __builtin_add_overflow(v, (uint64_t)(p[i] - '0'), &v);
	}
	if (i == avail)
		return HEADER_AGAIN;
	if (i == first || p[i] != '\r')
		return HEADER_INVALID;
	if (i > REQUEST_HEADER_MAX - 2)
		return HEADER_TOO_LONG;
	if (i + 1 == avail)
		return HEADER_AGAIN;
	if (p[i + 1] != '\n' || overflow)
		return HEADER_INVALID;
	*ret = (struct header){ v, i + 2 };
	if (!negative)
		return HEADER_OK;
	return v > 0 && v <= (uint64_t)INT64_MAX + 1 ? HEADER_NEGATIVE :
						       HEADER_INVALID;
}

/* Reads a header of one or two digits fast, as most are. */
static inline enum header_status
header_read(const char *p, size_t avail, struct header *ret)
{
	if (avail >= 4 && is_digit(p[1]) && p[2] == '\r' && p[3] == '\n') {
		*ret = (struct header){ (uint64_t)(p[1] - '0'), 4 };
		return HEADER_OK;
	}
	if (avail >= 5 && p[1] >= '1' && p[1] <= '9' && is_digit(p[2]) &&
	    p[3] == '\r' && p[4] == '\n') {
		*ret = (struct header){
			(uint64_t)((p[1] - '0') * 10 + (p[2] - '0')), 5
		};
		return HEADER_OK;
	}
	return header_read_any(p, avail, ret);
}

/* -------------------------------------------------------------- array --- */

static int
bad_byte(const char **ret_error, unsigned char c)
{
	static _Thread_local char text[sizeof("expected '$', got '\\xff'")];

	(void)snprintf(text, sizeof(text),
	    c >= 0x20 && c < 0x7f ? "expected '$', got '%c'" :
				    "expected '$', got '\\x%02x'", c);
	return bad(ret_error, text);
}

static int
count_read(struct slice data, const struct request_limits *limits,
    struct request_cursor *cursor, const char **ret_error)
{
	struct header h;

	switch (header_read(data.data, data.len, &h)) {
	case HEADER_OK:
		break;
	case HEADER_NEGATIVE:
		h.value = 0;
		break;
	case HEADER_AGAIN:
		return REQUEST_AGAIN;
	case HEADER_INVALID:
		return bad(ret_error, bad_count);
	case HEADER_TOO_LONG:
		return bad(ret_error, long_count);
	}
	if (h.value == 0) {
		cursor->pos = (uint32_t)h.len;
		return REQUEST_EMPTY;
	}
	if (h.value > limits->max_arguments ||
	    h.len + h.value * (ARGUMENT_LEAST + ARGUMENT_CHARGE) >
		limits->request_limit)
		return bad(ret_error, bad_count);
	*cursor = (struct request_cursor){
		.pos = (uint32_t)h.len,
		.n_args = (uint32_t)h.value,
		.n_left = (uint32_t)h.value,
		.has_count = true,
	};
	return REQUEST_OK;
}

static int
length_error(enum header_status status, const char **ret_error)
{
	if (status == HEADER_AGAIN)
		return REQUEST_AGAIN;
	if (status == HEADER_TOO_LONG)
		return bad(ret_error, long_length);
	return bad(ret_error, bad_length);
}

/*
 * Reads the arguments that have arrived, from the cursor on. With r NULL it
 * only checks them, because slices of an incomplete request would not survive
 * the arrival of the rest.
 */
static inline __attribute__((always_inline)) int
arguments_read(struct slice data, const struct request_limits *limits,
    struct request_cursor *cursor, struct request *r, const char **ret_error)
{
	/*
	 * The least that the rest of the request takes; 64 bits, so no
	 * overflow.
	 */
	uint64_t charge = (uint64_t)cursor->n_args * ARGUMENT_CHARGE;
	size_t pos = cursor->pos;
	uint32_t left = cursor->n_left;
	size_t argc = 0;

	for (; left > 0; left--) {
		const char *p = data.data + pos;
		size_t avail = data.len - pos;
		enum header_status status;
		struct header h;
		int error;

		cursor->pos = (uint32_t)pos;
		cursor->n_left = left;
		if (avail == 0)
			return REQUEST_AGAIN;
		if (*p != '$')
			return bad_byte(ret_error, (unsigned char)*p);
		status = header_read(p, avail, &h);
		if (status != HEADER_OK)
			return length_error(status, ret_error);
		if (h.value > limits->argument_limit ||
		    pos + h.len + h.value + 2 + charge +
			    (uint64_t)(left - 1) * ARGUMENT_LEAST >
			limits->request_limit)
			return bad(ret_error, bad_length);

		p += h.len;
		avail -= h.len;
		if (avail < h.value + 2) {
			if (avail > h.value && p[h.value] != '\r')
				return bad(ret_error, bad_end);
			return REQUEST_AGAIN;
		}
		if (p[h.value] != '\r' || p[h.value + 1] != '\n')
			return bad(ret_error, bad_end);
		if (r != NULL) {
			if (argc == r->cap) {
				error = request_grow(r);
				if (error < 0)
					return error;
			}
			r->argv[argc++] = (struct slice){ p, h.value };
		}
		pos += h.len + h.value + 2;
	}
	cursor->pos = (uint32_t)pos;
	cursor->n_left = 0;
	if (r != NULL)
		r->argc = argc;
	return REQUEST_OK;
}

static int
array_decode(struct slice data, const struct request_limits *limits,
    struct request_cursor *cursor, struct request *r, const char **ret_error)
{
	int status;

	if (cursor->has_count) {
		status = arguments_read(data, limits, cursor, NULL, ret_error);
		if (status != REQUEST_OK)
			return status;
	}
	status = count_read(data, limits, cursor, ret_error);
	if (status != REQUEST_OK)
		return status;
	return arguments_read(data, limits, cursor, r, ret_error);
}

/* ------------------------------------------------------------- inline --- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * True if the byte is in no line of this protocol, but begins TLS, LDAP, AMQP
 * or another binary protocol.
 */
static inline bool
is_foreign_byte(unsigned char c)
{
	return (c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f;
}

/*
 * True if the first byte begins no line of this protocol. Further on in a line
 * it may be UTF-8.
 */
static bool
is_foreign_start(struct slice data)
{
	return (unsigned char)data.data[0] >= 0x7f ||
	    (data.len > 1 && data.data[0] == '\r' && data.data[1] != '\n');
}

static bool
has_http_version(struct slice line)
{
	const char *p;

	if (line.len < 9)
		return false;
	p = line.data + line.len - 9;
	return memcmp(p, " HTTP/", 6) == 0 && is_digit(p[6]) && p[7] == '.' &&
	    is_digit(p[8]);
}

#define HTTP_TEXT "reqd speaks RESP, the protocol of Redis, and not HTTP: use reqctl or redis-cli\n"

const char request_http_answer[] =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 79\r\n"
    "Connection: close\r\n\r\n" HTTP_TEXT;
_Static_assert(sizeof(HTTP_TEXT) - 1 == 79, "Content-Length is the length of HTTP_TEXT");

bool
request_is_http(struct slice data)
{
	const char *end = memchr(data.data, '\n', data.len);

	if (end == NULL)
		return false;
	data.len = (size_t)(end - data.data);
	if (data.len > 0 && data.data[data.len - 1] == '\r')
		data.len--;
	return has_http_version(data);
}

/*
 * True if the line is of a browser, proxy or scanner that was pointed at this
 * port. Without this check, lines in the body of a web page's POST would be
 * requests.
 */
static bool
is_foreign_line(struct slice line)
{
	struct slice word = line;

	if (has_http_version(line) || slice_starts(line, "SSH-") ||
	    slice_starts(line, "PROXY "))
		return true;
	while (word.len > 0 && is_blank(*word.data)) {
		word.data++;
		word.len--;
	}
	for (size_t i = 0; i < word.len; i++) {
		if (is_blank(word.data[i])) {
			word.len = i;
			break;
		}
	}
	return (word.len > 0 && word.data[word.len - 1] == ':') ||
	    slice_is_nocase(word, "POST");
}

/*
 * The way through a line: the part that is left of it, and the place where
 * words are put.
 */
struct unquoter {
	const char *p, *end;
	char *out;
};

static int
hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * Reads the character behind a backslash in "..."; at least one byte is there.
 */
static char
escape_read(struct unquoter *u)
{
	char c = *u->p++;

	switch (c) {
	case 'n': return '\n';
	case 'r': return '\r';
	case 't': return '\t';
	case 'b': return '\b';
	case 'a': return '\a';
	default: break;
	}
	if (c == 'x' && u->end - u->p >= 2) {
		int high = hex_value(u->p[0]), low = hex_value(u->p[1]);

		if (high >= 0 && low >= 0) {
			u->p += 2;
			return (char)(high << 4 | low);
		}
	}
	return c;
}

/*
 * Reads from behind an opening quote to behind the closing one. False: there is
 * none.
 */
static bool
quoted_read(struct unquoter *u, char quote)
{
	while (u->p < u->end) {
		char c = *u->p++;

		if (c == quote)
			return u->p == u->end || is_blank(*u->p);
		if (c == '\\' && u->p < u->end) {
			if (quote == '"')
				c = escape_read(u);
			else if (*u->p == '\'')
				c = *u->p++;
		}
		*u->out++ = c;
	}
	return false;
}

/* Reads one word; a quoted part ends it. False: quotes do not match. */
static bool
word_read(struct unquoter *u)
{
	while (u->p < u->end && !is_blank(*u->p)) {
		char c = *u->p++;

		if (c == '"' || c == '\'')
			return quoted_read(u, c);
		*u->out++ = c;
	}
	return true;
}

static void
blanks_skip(struct unquoter *u)
{
	while (u->p < u->end && is_blank(*u->p))
		u->p++;
}

static int
line_split(struct slice line, const struct request_limits *limits,
    struct request *r, const char **ret_error)
{
	struct unquoter u = { line.data, line.data + line.len, NULL };
	size_t argc = 0;

	/*
	 * Unquoting never makes a word longer, so the storage of the line does
	 * not move.
	 */
	buf_clear(&r->line);
	u.out = buf_reserve(&r->line, line.len);
	if (u.out == NULL)
		return -ENOMEM;

	for (blanks_skip(&u); u.p < u.end; blanks_skip(&u)) {
		const char *word = u.out;
		int error;

		if (argc == limits->max_arguments)
			return bad(ret_error, long_inline);
		if (!word_read(&u))
			return bad(ret_error, "unbalanced quotes in request");
		if ((size_t)(u.out - word) > limits->argument_limit)
			return bad(ret_error, long_inline);
		if (argc == r->cap) {
			error = request_grow(r);
			if (error < 0)
				return error;
		}
		r->argv[argc++] = (struct slice){ word, (size_t)(u.out - word) };
	}
	r->argc = argc;
	return argc == 0 ? REQUEST_EMPTY : REQUEST_OK;
}

static int
inline_decode(struct slice data, const struct request_limits *limits,
    struct request_cursor *cursor, struct request *r, const char **ret_error)
{
	size_t max = limits->request_limit < REQUEST_INLINE_MAX ?
	    limits->request_limit : REQUEST_INLINE_MAX;
	size_t avail = data.len < max ? data.len : max;
	struct slice line = data;
	size_t end = cursor->pos;
	int status;

	if (is_foreign_start(data))
		return REQUEST_FOREIGN;
	/*
	 * Look at each byte before the line is whole: a foreign line may never
	 * end.
	 */
	for (; end < avail && data.data[end] != '\n'; end++) {
		if (is_foreign_byte((unsigned char)data.data[end]))
			return REQUEST_FOREIGN;
	}
	cursor->pos = (uint32_t)end;
	if (end == avail)
		return data.len < max ? REQUEST_AGAIN :
					bad(ret_error, long_inline);
	cursor->pos++;
	line.len = end > 0 && data.data[end - 1] == '\r' ? end - 1 : end;
	if (line.len == 0)
		return REQUEST_EMPTY;
	if (is_foreign_line(line))
		return REQUEST_FOREIGN;
	if (!limits->inline_allowed)
		return bad(ret_error, "inline requests are not allowed here");
	status = line_split(line, limits, r, ret_error);
	if (status == REQUEST_OK &&
	    cursor->pos + (uint64_t)r->argc * ARGUMENT_CHARGE >
		limits->request_limit)
		return bad(ret_error, long_inline);
	return status;
}

int
request_decode(struct slice data, const struct request_limits *limits,
    struct request_cursor *cursor, struct request *r, size_t *ret_used,
    const char **ret_error)
{
	int status;

	if (data.len == 0)
		return REQUEST_AGAIN;
	if (data.data[0] == '*')
		status = array_decode(data, limits, cursor, r, ret_error);
	else
		status = inline_decode(data, limits, cursor, r, ret_error);

	if (status == REQUEST_OK || status == REQUEST_EMPTY) {
		*ret_used = cursor->pos;
		*cursor = (struct request_cursor){ 0 };
	}
	return status;
}
