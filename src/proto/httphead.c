/* SPDX-License-Identifier: ISC */
/* httphead: decodes the head of a request of HTTP/1. */
#include "config.h"

#include "proto/httphead.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "proto/httphost.h"
#include "proto/proxyheader.h"

/* Bytes of a request line around its target: the method, " ", " HTTP/1.1". */
#define AROUND_TARGET 64
#define REQUEST_LINE_MAX (HTTPHEAD_TARGET_MAX + AROUND_TARGET)

enum {
	TOKEN = 1,	/* in a method and in the name of a field */
	TEXT = 2,	/* in a value */
	VISIBLE = 4,	/* in a target */
};

#define T (TOKEN | TEXT | VISIBLE)
#define V (TEXT | VISIBLE)
static const uint8_t byte_class[256] = {
	['\t'] = TEXT, [' '] = TEXT, ['!'] = T, ['"'] = V, ['#' ... '\''] = T, ['('] = V,
	[')'] = V, ['*'] = T, ['+'] = T, [','] = V, ['-'] = T, ['.'] = T, ['/'] = V,
	['0' ... '9'] = T, [':' ... '@'] = V, ['A' ... 'Z'] = T, ['[' ... ']'] = V,
	['^' ... 'z'] = T, ['{'] = V, ['|'] = T, ['}'] = V, ['~'] = T, [0x80 ... 0xff] = TEXT,
};
#undef T
#undef V

static inline bool
is(char c, unsigned class)
{
	return (byte_class[(unsigned char)c] & class) != 0;
}

static inline bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static enum httphead_status
bad(struct httphead_error *ret, unsigned status, const char *why)
{
	*ret = (struct httphead_error){ status, why };
	return HTTPHEAD_BAD;
}

/* ------------------------------------------------------------ methods --- */

static const struct slice methods[] = {
	[HTTPMETHOD_OTHER] = { "", 0 },
	[HTTPMETHOD_GET] = { "GET", 3 },
	[HTTPMETHOD_HEAD] = { "HEAD", 4 },
	[HTTPMETHOD_POST] = { "POST", 4 },
	[HTTPMETHOD_PUT] = { "PUT", 3 },
	[HTTPMETHOD_PATCH] = { "PATCH", 5 },
	[HTTPMETHOD_DELETE] = { "DELETE", 6 },
	[HTTPMETHOD_OPTIONS] = { "OPTIONS", 7 },
	[HTTPMETHOD_TRACE] = { "TRACE", 5 },
	[HTTPMETHOD_CONNECT] = { "CONNECT", 7 },
};

/* The methods whose requests have no body. */
static const bool has_no_body[ARRAY_LEN(methods)] = {
	[HTTPMETHOD_GET] = true,
	[HTTPMETHOD_HEAD] = true,
	[HTTPMETHOD_DELETE] = true,
	[HTTPMETHOD_OPTIONS] = true,
	[HTTPMETHOD_TRACE] = true,
	[HTTPMETHOD_CONNECT] = true,
};

static enum httpmethod
method_of(struct slice name)
{
	for (size_t i = HTTPMETHOD_GET; i < ARRAY_LEN(methods); i++) {
		if (slice_eq(name, methods[i]))
			return (enum httpmethod)i;
	}
	return HTTPMETHOD_OTHER;
}

const char *
httpmethod_name(enum httpmethod m)
{
	return methods[m].data;
}

/* ------------------------------------------------------- known fields --- */

struct known {
	const char *name, *twice;
	size_t len;
};

#define KNOWN(text) { text, "the field " text " is there twice; send it once", sizeof(text) - 1 }

/* Sorted by length, so that a length says where to look. */
static const struct known knowns[HTTPKNOWN_COUNT] = {
	[HTTPKNOWN_NONE] = { "", NULL, 0 },
	[HTTPKNOWN_TE] = KNOWN("TE"),
	[HTTPKNOWN_HOST] = KNOWN("Host"),
	[HTTPKNOWN_ACCEPT] = KNOWN("Accept"),
	[HTTPKNOWN_EXPECT] = KNOWN("Expect"),
	[HTTPKNOWN_ORIGIN] = KNOWN("Origin"),
	[HTTPKNOWN_PREFER] = KNOWN("Prefer"),
	[HTTPKNOWN_MCP_NAME] = KNOWN("Mcp-Name"),
	[HTTPKNOWN_CONNECTION] = KNOWN("Connection"),
	[HTTPKNOWN_MCP_METHOD] = KNOWN("Mcp-Method"),
	[HTTPKNOWN_REQD_STREAM] = KNOWN("Reqd-Stream"),
	[HTTPKNOWN_TRACEPARENT] = KNOWN("Traceparent"),
	[HTTPKNOWN_CONTENT_TYPE] = KNOWN("Content-Type"),
	[HTTPKNOWN_REQD_TIMEOUT] = KNOWN("Reqd-Timeout"),
	[HTTPKNOWN_X_REQUEST_ID] = KNOWN("X-Request-Id"),
	[HTTPKNOWN_AUTHORIZATION] = KNOWN("Authorization"),
	[HTTPKNOWN_IF_NONE_MATCH] = KNOWN("If-None-Match"),
	[HTTPKNOWN_CONTENT_LENGTH] = KNOWN("Content-Length"),
	[HTTPKNOWN_SEC_FETCH_DEST] = KNOWN("Sec-Fetch-Dest"),
	[HTTPKNOWN_SEC_FETCH_MODE] = KNOWN("Sec-Fetch-Mode"),
	[HTTPKNOWN_SEC_FETCH_SITE] = KNOWN("Sec-Fetch-Site"),
	[HTTPKNOWN_IDEMPOTENCY_KEY] = KNOWN("Idempotency-Key"),
	[HTTPKNOWN_CONTENT_ENCODING] = KNOWN("Content-Encoding"),
	[HTTPKNOWN_TRANSFER_ENCODING] = KNOWN("Transfer-Encoding"),
	[HTTPKNOWN_MCP_PROTOCOL_VERSION] = KNOWN("MCP-Protocol-Version"),
	[HTTPKNOWN_REQUEST_METHOD] = KNOWN("Access-Control-Request-Method"),
	[HTTPKNOWN_REQUEST_HEADERS] = KNOWN("Access-Control-Request-Headers"),
};

#define NAME_MAX_LEN 30

/* The first known field of each length; those of one length stand together. */
static const uint8_t first_known[NAME_MAX_LEN + 1] = {
	[2] = HTTPKNOWN_TE,
	[4] = HTTPKNOWN_HOST,
	[6] = HTTPKNOWN_ACCEPT,
	[8] = HTTPKNOWN_MCP_NAME,
	[10] = HTTPKNOWN_CONNECTION,
	[11] = HTTPKNOWN_REQD_STREAM,
	[12] = HTTPKNOWN_CONTENT_TYPE,
	[13] = HTTPKNOWN_AUTHORIZATION,
	[14] = HTTPKNOWN_CONTENT_LENGTH,
	[15] = HTTPKNOWN_IDEMPOTENCY_KEY,
	[16] = HTTPKNOWN_CONTENT_ENCODING,
	[17] = HTTPKNOWN_TRANSFER_ENCODING,
	[20] = HTTPKNOWN_MCP_PROTOCOL_VERSION,
	[29] = HTTPKNOWN_REQUEST_METHOD,
	[30] = HTTPKNOWN_REQUEST_HEADERS,
};

/* True if a name of token characters is that of a row, without regard to case. */
static bool
is_known(const char *name, const struct known *k)
{
	/* From the end on, where names of one length differ. */
	for (size_t i = k->len; i-- > 0;) {
		/* 0x20 tells a letter from its other case, and is set in "-" of a token. */
		if ((name[i] | 0x20) != (k->name[i] | 0x20))
			return false;
	}
	return true;
}

static enum httpknown
known_of(struct slice name)
{
	size_t i;

	if (name.len > NAME_MAX_LEN || first_known[name.len] == 0)
		return HTTPKNOWN_NONE;
	for (i = first_known[name.len]; i < HTTPKNOWN_COUNT && knowns[i].len == name.len; i++) {
		if (is_known(name.data, &knowns[i]))
			return (enum httpknown)i;
	}
	return HTTPKNOWN_NONE;
}

const char *
httpknown_name(enum httpknown k)
{
	return knowns[k].name;
}

const struct slice *
httphead_find(const struct httphead *h, struct slice name)
{
	for (size_t i = h->n_fields; i-- > 0;) {
		if (h->fields[i].name.len == name.len &&
		    strncasecmp(h->fields[i].name.data, name.data, name.len) == 0)
			return &h->fields[i].value;
	}
	return NULL;
}

/* -------------------------------------------------------------- lines --- */

/* Says what is wrong with the end of a line; NULL: it ends in CRLF. */
static const char *
end_fault(struct slice line)
{
	if (line.len == 0 || line.data[line.len - 1] != '\r')
		return "a line ends in LF alone; lines of HTTP end in CRLF";
	return NULL;
}

/* Says what is wrong with a byte that no line may have. */
static const char *
byte_fault(char c)
{
	if (c == '\r')
		return "a line has a CR that no LF follows";
	if (c == '\0')
		return "a line has a NUL";
	return "a line has a control byte";
}

/*
 * Says what is wrong with a request line, which has no LF, and is none that
 * request_line_read() took.
 */
static enum httphead_status
request_line_fault(struct slice line, struct httphead_error *ret_error)
{
	const char *why = end_fault(line), *p, *end, *target;

	if (why != NULL)
		return bad(ret_error, 400, why);
	p = line.data;
	end = line.data + line.len - 1;
	if (p == end)
		return bad(ret_error, 400, "an empty line stands before the request");
	while (p < end && is(*p, TOKEN))
		p++;
	/* One word is a line of RESP, as "PING", if it is no method. */
	if (p == end && method_of((struct slice){ line.data, line.len - 1 }) == HTTPMETHOD_OTHER)
		return HTTPHEAD_FOREIGN;
	if (p < end && *p != ' ')
		return bad(ret_error, 400, is(*p, TEXT) ? "the method has a byte that no method has" :
		    byte_fault(*p));
	if (p == end)
		return bad(ret_error, 400, "the request line has no target");
	target = ++p;
	while (p < end && is(*p, VISIBLE))
		p++;
	if (p < end && *p != ' ') {
		if (!is(*p, TEXT))
			return bad(ret_error, 400, byte_fault(*p));
		return bad(ret_error, 400, "the target has a byte that must be written as %XX");
	}
	if (p == target)
		return bad(ret_error, 400, "the request line has no target, or a blank too many");
	if ((size_t)(p - target) > HTTPHEAD_TARGET_MAX)
		return bad(ret_error, 414, "the target is longer than 8 KiB");
	if (p == end)
		return bad(ret_error, 400, "the request line has no version; HTTP/0.9 is not served");
	p++;
	if (end - p == 8 && memcmp(p, "HTTP/", 5) == 0 && p[5] >= '2' && p[5] <= '9' &&
	    p[6] == '.' && p[7] >= '0' && p[7] <= '9')
		return bad(ret_error, 505, "the version is not served; use HTTP/1.1");
	return bad(ret_error, 400, "the request line does not end in HTTP/1.1 or HTTP/1.0");
}

/* Says what is wrong with the line of a field that field_read() did not take. */
static enum httphead_status
field_fault(struct slice line, struct httphead_error *ret_error)
{
	const char *why = end_fault(line), *p = line.data, *end;

	if (why != NULL)
		return bad(ret_error, 400, why);
	end = line.data + line.len - 1;
	if (is_blank(*p))
		return bad(ret_error, 400, "a field goes on in a second line; send it in one line");
	while (p < end && is(*p, TOKEN))
		p++;
	if (p == line.data && *p == ':')
		return bad(ret_error, 400, "a field has no name");
	if (p < end && is_blank(*p))
		return bad(ret_error, 400, "the name of a field has a blank inside or behind it");
	if (p == end)
		return bad(ret_error, 400, "a field has no colon");
	if (*p != ':' && is(*p, TEXT))
		return bad(ret_error, 400, "the name of a field has a byte that no name may have");
	while (p < end && is(*p, TEXT))
		p++;
	return bad(ret_error, 400, byte_fault(*p));
}

/* The way through the bytes. */
struct scan {
	const char *p;		/* the beginning of a line */
	const char *end;	/* the end of the bytes, and not beyond HTTPHEAD_MAX */
	bool is_cut;		/* there are HTTPHEAD_MAX bytes, or more */
};

/*
 * Reads the request line. Returns the beginning of the next line, or NULL: the line is
 * not whole, or bad.
 */
static const char *
request_line_read(const struct scan *s, struct httphead *h)
{
	const char *p = s->p;

	while (p < s->end && is(*p, TOKEN))
		p++;
	h->method_name = (struct slice){ s->p, (size_t)(p - s->p) };
	if (p == s->p || p == s->end || *p++ != ' ')
		return NULL;
	h->target_text.data = p;
	while (p < s->end && is(*p, VISIBLE))
		p++;
	h->target_text.len = (size_t)(p - h->target_text.data);
	if (s->end - p < 11 || h->target_text.len == 0 ||
	    h->target_text.len > HTTPHEAD_TARGET_MAX || memcmp(p, " HTTP/1.", 8) != 0 ||
	    (p[8] != '0' && p[8] != '1') || p[9] != '\r' || p[10] != '\n')
		return NULL;
	h->minor = p[8] == '1';
	return p + 11;
}

/*
 * Skips text, eight bytes at a time while none of them is a control byte. A tab is text,
 * but ends that pace. A byte with its highest bit set is text: ~w leaves it out.
 */
static const char *
text_skip(const char *p, const char *end)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;

	for (; end - p >= 8; p += 8) {
		uint64_t w, del;

		memcpy(&w, p, sizeof(w));
		del = w ^ (ones * 0x7f);
		if ((((w - ones * 0x20) & ~w) | ((del - ones) & ~del)) & high)
			break;
	}
	while (p < end && is(*p, TEXT))
		p++;
	return p;
}

/* Reads the line of a field, likewise. */
static const char *
field_read(const struct scan *s, struct httpfield *ret)
{
	const char *p = s->p, *last;

	while (p < s->end && is(*p, TOKEN))
		p++;
	ret->name = (struct slice){ s->p, (size_t)(p - s->p) };
	if (p == s->p || p == s->end || *p++ != ':')
		return NULL;
	while (p < s->end && is_blank(*p))
		p++;
	ret->value.data = p;
	p = text_skip(p, s->end);
	if (s->end - p < 2 || p[0] != '\r' || p[1] != '\n')
		return NULL;
	for (last = p; last > ret->value.data && is_blank(last[-1]); last--)
		;
	ret->value.len = (size_t)(last - ret->value.data);
	return p + 2;
}

/*
 * Looks for the LF of a line that was not taken. HTTPHEAD_OK: *ret is the line without
 * it. BAD: no LF within the limit.
 */
static enum httphead_status
line_find(const struct scan *s, size_t max, size_t *searched, struct slice *ret)
{
	size_t avail = (size_t)(s->end - s->p);
	size_t n = avail < max + 2 ? avail : max + 2;
	const char *lf = *searched < n ? memchr(s->p + *searched, '\n', n - *searched) : NULL;

	if (lf != NULL) {
		*ret = (struct slice){ s->p, (size_t)(lf - s->p) };
		return HTTPHEAD_OK;
	}
	*searched = n;
	return n == max + 2 || s->is_cut ? HTTPHEAD_BAD : HTTPHEAD_MORE;
}

/* Judges a request line without a LF within the limit. */
static enum httphead_status
request_line_long(const struct scan *s, struct httphead_error *ret_error)
{
	const char *method = memchr(s->p, ' ', REQUEST_LINE_MAX), *end;

	if (method != NULL) {
		method++;
		end = s->p + REQUEST_LINE_MAX + 2;
		if (method - s->p < AROUND_TARGET - 16 &&
		    memchr(method, ' ', (size_t)(end - method)) == NULL)
			return bad(ret_error, 414, "the target is longer than 8 KiB");
	}
	return bad(ret_error, 431, "the request line is longer than 8 KiB");
}

/*
 * Looks for another protocol: bytes that begin not with a token, or as RESP, SSH or PROXY
 * do, although that is a token of HTTP.
 */
static enum httphead_status
start_judge(struct slice data)
{
	enum proxyheader_status proxy;
	char c = data.data[0];

	if (c == 'P' || c == '\r') {
		proxy = proxyheader_begins(data);
		if (proxy == PROXYHEADER_OK || (c == '\r' && data.len > 1 && data.data[1] != '\n'))
			return HTTPHEAD_FOREIGN;
		return proxy == PROXYHEADER_MORE ? HTTPHEAD_MORE : HTTPHEAD_OK;
	}
	if (c == 'S')
		return slice_starts(data, "SSH-") ? HTTPHEAD_FOREIGN : HTTPHEAD_OK;
	if ((c == '*' || c == '$') && data.len > 1 && data.data[1] >= '0' && data.data[1] <= '9')
		return HTTPHEAD_FOREIGN;
	return is(c, TOKEN) || c == '\n' ? HTTPHEAD_OK : HTTPHEAD_FOREIGN;
}

/* ----------------------------------------------------------- the head --- */

/* Stores a field. ret_twice is the first known field that was there before. */
static void
field_store(struct httphead *h, const struct httpfield *field, enum httpknown *ret_twice)
{
	enum httpknown k = known_of(field->name);

	if (k != HTTPKNOWN_NONE) {
		if (h->known[k] > 0 && *ret_twice == HTTPKNOWN_NONE)
			*ret_twice = k;
		h->known[k] = (uint8_t)(h->n_fields + 1);
	} else if (memchr(field->name.data, '_', field->name.len) != NULL ||
	    (field->name.len == 5 && slice_is_nocase(field->name, "Proxy"))) {
		return;
	}
	h->fields[h->n_fields++] = *field;
}

static bool
length_parse(struct slice text, uint64_t *ret)
{
	uint64_t n = 0;

	if (text.len == 0 || text.len > HTTPHEAD_LENGTH_DIGITS ||
	    (text.data[0] == '0' && text.len > 1))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(text.data[i] - '0');
	}
	*ret = n;
	return true;
}

/*
 * True if a tab stands beside a value in its line. llhttp, which is in many programs, takes
 * "chunked" with a tab behind it for another coding.
 */
static bool
has_tab_beside(const struct slice *value)
{
	const char *p;

	for (p = value->data; p[-1] != ':'; p--) {
		if (p[-1] == '\t')
			return true;
	}
	for (p = value->data + value->len; *p != '\r'; p++) {
		if (*p == '\t')
			return true;
	}
	return false;
}

static enum httphead_status
body_judge(struct httphead *h, struct httphead_error *ret_error)
{
	const struct slice *length = httphead_get(h, HTTPKNOWN_CONTENT_LENGTH);
	const struct slice *coding = httphead_get(h, HTTPKNOWN_TRANSFER_ENCODING);

	h->body = HTTPBODY_NONE;
	h->content_length = 0;
	if ((length != NULL && has_tab_beside(length)) || (coding != NULL && has_tab_beside(coding)))
		return bad(ret_error, 400, "a tab stands beside the value of Content-Length or "
		    "Transfer-Encoding");
	if (coding != NULL) {
		if (length != NULL)
			return bad(ret_error, 400, "a body has both Content-Length and "
			    "Transfer-Encoding; send one of them");
		if (h->minor == 0)
			return bad(ret_error, 400, "HTTP/1.0 has no Transfer-Encoding; send "
			    "Content-Length or use HTTP/1.1");
		if (!slice_is_nocase(*coding, "chunked"))
			return bad(ret_error, 501, "no Transfer-Encoding but chunked is served");
		h->body = HTTPBODY_CHUNKED;
	} else if (length != NULL) {
		if (!length_parse(*length, &h->content_length))
			return bad(ret_error, 400, "Content-Length is no number of 1 to 15 digits");
		if (h->content_length > 0)
			h->body = HTTPBODY_LENGTH;
	}
	if (h->body != HTTPBODY_NONE && has_no_body[h->method])
		return bad(ret_error, 400, "a request of this method has no body here");
	return HTTPHEAD_OK;
}

/* Reads the next token of a list. False: the list ends, or what is there is no token. */
static bool
list_next(struct slice *list, struct slice *ret)
{
	size_t n;

	while (list->len > 0 && (is_blank(*list->data) || *list->data == ',')) {
		list->data++;
		list->len--;
	}
	for (n = 0; n < list->len && is(list->data[n], TOKEN); n++)
		;
	*ret = (struct slice){ list->data, n };
	list->data += n;
	list->len -= n;
	while (list->len > 0 && is_blank(*list->data)) {
		list->data++;
		list->len--;
	}
	return n > 0 && (list->len == 0 || *list->data == ',');
}

static enum httphead_status
connection_judge(struct httphead *h, struct httphead_error *ret_error)
{
	const struct slice *connection = httphead_get(h, HTTPKNOWN_CONNECTION);
	bool is_close = false, is_kept = h->minor == 1;

	if (connection != NULL) {
		struct slice list = *connection, token;

		while (list_next(&list, &token)) {
			if (slice_is_nocase(token, "close"))
				is_close = true;
			else if (slice_is_nocase(token, "keep-alive"))
				is_kept = true;
		}
		if (list.len > 0)
			return bad(ret_error, 400, "Connection is no list of words");
	}
	/* A client of CONNECT may send bytes of another protocol behind the head. */
	h->is_persistent = is_kept && !is_close && h->method != HTTPMETHOD_CONNECT;
	return HTTPHEAD_OK;
}

static enum httphead_status
target_judge(struct httphead *h, struct httphead_error *ret_error)
{
	const struct slice *host = httphead_get(h, HTTPKNOWN_HOST);
	enum httptarget_rule rule = h->method == HTTPMETHOD_OPTIONS ? HTTPTARGET_OPTIONS :
	    h->method == HTTPMETHOD_CONNECT ? HTTPTARGET_CONNECT : HTTPTARGET_USUAL;
	struct httphost parsed;
	const char *why;

	if (host == NULL && h->minor == 1)
		return bad(ret_error, 400, "the field Host is missing");
	if (host != NULL && !httphost_parse(*host, &parsed))
		return bad(ret_error, 400, "the field Host is no host with or without a port");
	why = httptarget_parse(h->target_text, rule, &h->target);
	if (why != NULL)
		return bad(ret_error, 400, why);
	if (h->target.form == HTTPTARGET_ABSOLUTE &&
	    (host == NULL || host->len != h->target.authority.len ||
	    strncasecmp(host->data, h->target.authority.data, host->len) != 0))
		return bad(ret_error, 400, "the host in the target is not that of the field Host");
	return HTTPHEAD_OK;
}

/* Judges what several lines say together. */
static enum httphead_status
head_judge(struct httphead *h, struct httphead_error *ret_error)
{
	const struct slice *expect = httphead_get(h, HTTPKNOWN_EXPECT);
	enum httphead_status s;

	h->method = method_of(h->method_name);
	/* The first words of HTTP/2; some parsers expect more of them behind the head. */
	if (h->method == HTTPMETHOD_OTHER && slice_is(h->method_name, "PRI"))
		return bad(ret_error, 505, "PRI is of HTTP/2; use HTTP/1.1");
	s = target_judge(h, ret_error);
	if (s == HTTPHEAD_OK)
		s = body_judge(h, ret_error);
	if (s == HTTPHEAD_OK)
		s = connection_judge(h, ret_error);
	if (s != HTTPHEAD_OK)
		return s;
	if (expect != NULL && !slice_is_nocase(*expect, "100-continue"))
		return bad(ret_error, 417, "nothing but 100-continue can be expected");
	h->expects_continue = expect != NULL && h->minor == 1 && h->body != HTTPBODY_NONE;
	return HTTPHEAD_OK;
}

static enum httphead_status
request_line_take(struct scan *s, size_t *searched, struct httphead *h,
    struct httphead_error *ret_error)
{
	const char *next = request_line_read(s, h);
	enum httphead_status status;
	struct slice line;

	if (next != NULL && next - s->p <= REQUEST_LINE_MAX + 2) {
		s->p = next;
		return HTTPHEAD_OK;
	}
	status = line_find(s, REQUEST_LINE_MAX, searched, &line);
	if (status == HTTPHEAD_OK)
		return request_line_fault(line, ret_error);
	return status == HTTPHEAD_BAD ? request_line_long(s, ret_error) : status;
}

static enum httphead_status
field_take(struct scan *s, size_t *searched, struct httpfield *ret,
    struct httphead_error *ret_error)
{
	const char *next = field_read(s, ret);
	enum httphead_status status;
	struct slice line;

	if (next != NULL && next - s->p <= HTTPHEAD_LINE_MAX + 2) {
		s->p = next;
		return HTTPHEAD_OK;
	}
	status = line_find(s, HTTPHEAD_LINE_MAX, searched, &line);
	if (status == HTTPHEAD_OK)
		return field_fault(line, ret_error);
	if (status == HTTPHEAD_MORE)
		return status;
	if (s->end - s->p < HTTPHEAD_LINE_MAX + 2)
		return bad(ret_error, 431, "the head is longer than 32 KiB");
	return bad(ret_error, 431, "a field is longer than 8 KiB");
}

/*
 * Reads lines from the cursor on, behind the empty one. With h NULL it only checks them,
 * because slices of an incomplete head would not survive the arrival of the rest.
 */
static enum httphead_status
lines_read(struct scan *s, struct httphead_cursor *cursor, struct httphead *h,
    enum httpknown *ret_twice, struct httphead_error *ret_error)
{
	const char *start = s->p;
	size_t searched = cursor->searched;
	uint32_t n = cursor->n_lines;
	enum httphead_status status = HTTPHEAD_OK;
	struct httpfield field;

	s->p += cursor->line;
	if (cursor->line == 0) {
		status = request_line_take(s, &searched, h, ret_error);
		if (status == HTTPHEAD_OK)
			searched = 0;
	}
	while (status == HTTPHEAD_OK) {
		if (s->end - s->p >= 2 && s->p[0] == '\r' && s->p[1] == '\n') {
			s->p += 2;
			return HTTPHEAD_OK;
		}
		status = field_take(s, &searched, &field, ret_error);
		if (status != HTTPHEAD_OK)
			break;
		searched = 0;
		if (n++ == HTTPHEAD_FIELDS_MAX)
			return bad(ret_error, 431, "the head has more than 100 fields");
		if (h != NULL)
			field_store(h, &field, ret_twice);
	}
	*cursor = (struct httphead_cursor){ (uint32_t)(s->p - start), (uint32_t)searched, n };
	return status;
}

/* True if the line at the cursor, which has been looked at before, is still not whole. */
static bool
is_still_more(const struct scan *s, struct httphead_cursor *cursor)
{
	const struct scan line = { s->p + cursor->line, s->end, s->is_cut };
	size_t searched = cursor->searched;
	struct slice found;

	if (searched == 0 || line_find(&line, cursor->line == 0 ? REQUEST_LINE_MAX :
	    HTTPHEAD_LINE_MAX, &searched, &found) != HTTPHEAD_MORE)
		return false;
	cursor->searched = (uint32_t)searched;
	return true;
}

enum httphead_status
httphead_decode(struct slice data, struct httphead_cursor *cursor, struct httphead *ret_head,
    size_t *ret_used, struct httphead_error *ret_error)
{
	size_t n = data.len < HTTPHEAD_MAX ? data.len : HTTPHEAD_MAX;
	struct scan s = { data.data, data.data + n, data.len >= HTTPHEAD_MAX };
	enum httpknown twice = HTTPKNOWN_NONE;
	enum httphead_status status;

	if (data.len == 0)
		return HTTPHEAD_MORE;
	if (cursor->line == 0) {
		status = start_judge(data);
		if (status != HTTPHEAD_OK)
			return status;
	}
	if (is_still_more(&s, cursor))
		return HTTPHEAD_MORE;
	if (cursor->line > 0) {
		status = lines_read(&s, cursor, NULL, &twice, ret_error);
		if (status != HTTPHEAD_OK)
			return status;
		*cursor = (struct httphead_cursor){ 0 };
		s.p = data.data;
	}
	ret_head->n_fields = 0;
	memset(ret_head->known, 0, sizeof(ret_head->known));
	status = lines_read(&s, cursor, ret_head, &twice, ret_error);
	if (status != HTTPHEAD_OK)
		return status;
	*cursor = (struct httphead_cursor){ 0 };
	if (twice != HTTPKNOWN_NONE)
		return bad(ret_error, 400, knowns[twice].twice);
	status = head_judge(ret_head, ret_error);
	if (status == HTTPHEAD_OK)
		*ret_used = (size_t)(s.p - data.data);
	return status;
}
