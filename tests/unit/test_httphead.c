/* SPDX-License-Identifier: ISC */
/* Heads of requests: right ones, wrong ones, cut ones, in pieces of every size. */
#include "config.h"

#include "proto/httphead.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "unit.h"

#define FOREIGN 1	/* in place of a status: closed without a word */
#define H "Host: a\r\n"
#define GET "GET / HTTP/1.1\r\n"
#define POST "POST / HTTP/1.1\r\n" H

/* A literal with its length, which may hold NUL. */
#define BYTES(literal) { literal, sizeof(literal) - 1 }

static const struct {
	struct slice bytes;
	unsigned status;
	const char *why;	/* a part of the reason */
} wrong[] = {
	/* No HTTP. */
	{ BYTES("\x16\x03\x01"), FOREIGN, NULL },
	{ BYTES("\x80\r\n\r\n"), FOREIGN, NULL },
	{ BYTES("\0"), FOREIGN, NULL },
	{ BYTES(" GET / HTTP/1.1\r\n"), FOREIGN, NULL },
	{ BYTES("\"GET\""), FOREIGN, NULL },
	{ BYTES("*1\r\n$4\r\nPING\r\n"), FOREIGN, NULL },
	{ BYTES("$4\r\nPING\r\n"), FOREIGN, NULL },
	{ BYTES("PING\r\n"), FOREIGN, NULL },
	{ BYTES("SSH-2.0-OpenSSH_9.2\r\n"), FOREIGN, NULL },
	{ BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 1 1\r\n"), FOREIGN, NULL },
	{ BYTES("\r\n\r\n\0\r\nQUIT\n"), FOREIGN, NULL },
	{ BYTES("\rGET / HTTP/1.1\r\n"), FOREIGN, NULL },
	/* Lines. */
	{ BYTES("\n"), 400, "LF alone" },
	{ BYTES("\r\nGET / HTTP/1.1\r\n"), 400, "empty line" },
	{ BYTES("GET / HTTP/1.1\n"), 400, "LF alone" },
	{ BYTES("GET / HTTP/1.1\r\nHost: a\n"), 400, "LF alone" },
	{ BYTES(GET H "\n"), 400, "LF alone" },
	{ BYTES("GET / HTTP/1.1\rHost: a\r\n"), 400, "does not end" },
	{ BYTES(GET "Host: a\rX: b\r\n"), 400, "CR that no LF" },
	{ BYTES(GET H "\rX\r\n"), 400, "CR that no LF" },
	{ BYTES(GET H "X: a\0b\r\n"), 400, "NUL" },
	{ BYTES(GET H "X: a\x01" "b\r\n"), 400, "control byte" },
	{ BYTES(GET H "X: a\x7f\r\n"), 400, "control byte" },
	/* The request line. */
	{ BYTES("GET\r\n"), 400, "no target" },
	{ BYTES("GET \r\n"), 400, "no target" },
	{ BYTES("GET  / HTTP/1.1\r\n"), 400, "blank too many" },
	{ BYTES("GET /  HTTP/1.1\r\n"), 400, "does not end" },
	{ BYTES("GET / HTTP/1.1 \r\n"), 400, "does not end" },
	{ BYTES("GET\t/ HTTP/1.1\r\n"), 400, "method has a byte" },
	{ BYTES("GET /\tHTTP/1.1\r\n"), 400, "%XX" },
	{ BYTES("GET /\xc3\xa4 HTTP/1.1\r\n"), 400, "%XX" },
	{ BYTES("GET /\0 HTTP/1.1\r\n"), 400, "NUL" },
	{ BYTES("G(T / HTTP/1.1\r\n"), 400, "method has a byte" },
	{ BYTES("GET /\r\n"), 400, "HTTP/0.9" },
	{ BYTES("GET / HTTP/0.9\r\n"), 400, "does not end" },
	{ BYTES("GET / HTTP/1.2\r\n"), 400, "does not end" },
	{ BYTES("GET / HTTP/1.10\r\n"), 400, "does not end" },
	{ BYTES("GET / HTTP/1\r\n"), 400, "does not end" },
	{ BYTES("GET / http/1.1\r\n"), 400, "does not end" },
	{ BYTES("GET / HTTP/01.1\r\n"), 400, "does not end" },
	{ BYTES("GET / HTTP/2.0\r\n"), 505, "version" },
	{ BYTES("GET / HTTP/3.0\r\n"), 505, "version" },
	{ BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505, "version" },
	{ BYTES("PRI / HTTP/1.1\r\n" H "\r\n"), 505, "HTTP/2" },
	/* Fields. */
	{ BYTES(GET H " X: a\r\n"), 400, "second line" },
	{ BYTES(GET H "\tX: a\r\n"), 400, "second line" },
	{ BYTES(GET " Host: a\r\n"), 400, "second line" },
	{ BYTES(GET "Host : a\r\n"), 400, "blank" },
	{ BYTES(GET "Ho st: a\r\n"), 400, "blank" },
	{ BYTES(GET "Host\t: a\r\n"), 400, "blank" },
	{ BYTES(GET H ": a\r\n"), 400, "no name" },
	{ BYTES(GET H "X\r\n"), 400, "no colon" },
	{ BYTES(GET H "X(: a\r\n"), 400, "name" },
	{ BYTES(GET H "X\xe4: a\r\n"), 400, "name" },
	{ BYTES(GET H "\"X\": a\r\n"), 400, "name" },
	/* Host. */
	{ BYTES(GET "\r\n"), 400, "Host is missing" },
	{ BYTES(GET "X: Host: a\r\n\r\n"), 400, "Host is missing" },
	{ BYTES(GET H H "\r\n"), 400, "Host is there twice" },
	{ BYTES(GET H "hOST: b\r\n\r\n"), 400, "Host is there twice" },
	{ BYTES(GET "Host:\r\n\r\n"), 400, "no host" },
	{ BYTES(GET "Host: a b\r\n\r\n"), 400, "no host" },
	{ BYTES(GET "Host: a,b\r\n\r\n"), 400, "no host" },
	{ BYTES(GET "Host: a/b\r\n\r\n"), 400, "no host" },
	{ BYTES(GET "Host: u@a\r\n\r\n"), 400, "no host" },
	{ BYTES(GET "Host: a:\r\n\r\n"), 400, "no host" },
	{ BYTES(GET "Host: a:0\r\n\r\n"), 400, "no host" },
	{ BYTES(GET "Host: a:080\r\n\r\n"), 400, "no host" },
	{ BYTES(GET "Host: a:65536\r\n\r\n"), 400, "no host" },
	{ BYTES(GET "Host: a:8x\r\n\r\n"), 400, "no host" },
	{ BYTES(GET "Host: [::1\r\n\r\n"), 400, "no host" },
	{ BYTES(GET "Host: [::1]x\r\n\r\n"), 400, "no host" },
	{ BYTES(GET "Host: [a]\r\n\r\n"), 400, "no host" },
	{ BYTES(GET "Host: ::1\r\n\r\n"), 400, "no host" },
	{ BYTES("GET / HTTP/1.0\r\nHost: \r\n\r\n"), 400, "no host" },
	/* The target. */
	{ BYTES("GET x HTTP/1.1\r\n" H "\r\n"), 400, "neither a path" },
	{ BYTES("GET a:80 HTTP/1.1\r\n" H "\r\n"), 400, "neither a path" },
	{ BYTES("GET ftp://a/ HTTP/1.1\r\n" H "\r\n"), 400, "neither a path" },
	{ BYTES("GET * HTTP/1.1\r\n" H "\r\n"), 400, "OPTIONS only" },
	{ BYTES("GET http://b/ HTTP/1.1\r\n" H "\r\n"), 400, "not that of the field Host" },
	{ BYTES("GET http://a:80/ HTTP/1.1\r\n" H "\r\n"), 400, "not that of the field Host" },
	{ BYTES("GET http://u@a/ HTTP/1.1\r\n" H "\r\n"), 400, "host in the target" },
	{ BYTES("GET http:///x HTTP/1.1\r\n" H "\r\n"), 400, "host in the target" },
	{ BYTES("GET http://a/ HTTP/1.0\r\n\r\n"), 400, "not that of the field Host" },
	{ BYTES("GET /a#b HTTP/1.1\r\n" H "\r\n"), 400, "'#'" },
	{ BYTES("GET /?a#b HTTP/1.1\r\n" H "\r\n"), 400, "'#'" },
	{ BYTES("GET /% HTTP/1.1\r\n" H "\r\n"), 400, "'%'" },
	{ BYTES("GET /%4 HTTP/1.1\r\n" H "\r\n"), 400, "'%'" },
	{ BYTES("GET /%4g HTTP/1.1\r\n" H "\r\n"), 400, "'%'" },
	{ BYTES("GET /?%u0041 HTTP/1.1\r\n" H "\r\n"), 400, "'%'" },
	{ BYTES("GET /%00 HTTP/1.1\r\n" H "\r\n"), 400, "%00" },
	{ BYTES("GET /?a=%00 HTTP/1.1\r\n" H "\r\n"), 400, "%00" },
	{ BYTES("GET /. HTTP/1.1\r\n" H "\r\n"), 400, "segment" },
	{ BYTES("GET /a/../b HTTP/1.1\r\n" H "\r\n"), 400, "segment" },
	{ BYTES("GET /a/.. HTTP/1.1\r\n" H "\r\n"), 400, "segment" },
	{ BYTES("GET /a/%2e%2E/b HTTP/1.1\r\n" H "\r\n"), 400, "segment" },
	{ BYTES("GET /a/.%2e HTTP/1.1\r\n" H "\r\n"), 400, "segment" },
	{ BYTES("GET /..?a HTTP/1.1\r\n" H "\r\n"), 400, "segment" },
	{ BYTES("GET /a\\b HTTP/1.1\r\n" H "\r\n"), 400, "%XX" },
	{ BYTES("GET /a\"b HTTP/1.1\r\n" H "\r\n"), 400, "%XX" },
	{ BYTES("GET /?a<b HTTP/1.1\r\n" H "\r\n"), 400, "%XX" },
	{ BYTES("CONNECT /a HTTP/1.1\r\n" H "\r\n"), 400, "CONNECT" },
	{ BYTES("CONNECT a HTTP/1.1\r\n" H "\r\n"), 400, "CONNECT" },
	/* The body. */
	{ BYTES(POST "Content-Length:\r\n\r\n"), 400, "1 to 15 digits" },
	{ BYTES(POST "Content-Length: -1\r\n\r\n"), 400, "1 to 15 digits" },
	{ BYTES(POST "Content-Length: +1\r\n\r\n"), 400, "1 to 15 digits" },
	{ BYTES(POST "Content-Length: 01\r\n\r\n"), 400, "1 to 15 digits" },
	{ BYTES(POST "Content-Length: 0x1\r\n\r\n"), 400, "1 to 15 digits" },
	{ BYTES(POST "Content-Length: 1,1\r\n\r\n"), 400, "1 to 15 digits" },
	{ BYTES(POST "Content-Length: 1 1\r\n\r\n"), 400, "1 to 15 digits" },
	{ BYTES(POST "Content-Length: 1e1\r\n\r\n"), 400, "1 to 15 digits" },
	{ BYTES(POST "Content-Length: 1_0\r\n\r\n"), 400, "1 to 15 digits" },
	{ BYTES(POST "Content-Length: 1000000000000000\r\n\r\n"), 400, "1 to 15 digits" },
	{ BYTES(POST "Content-Length: \xef\xbc\x91\r\n\r\n"), 400, "1 to 15 digits" },
	{ BYTES(POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"), 400, "twice" },
	{ BYTES(POST "Content-Length: 1\r\ncontent-length: 2\r\n\r\n"), 400, "twice" },
	{ BYTES(POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), 400, "both" },
	{ BYTES(POST "Transfer-Encoding: x\r\nContent-Length: 1\r\n\r\n"), 400, "both" },
	{ BYTES(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), 400, "twice" },
	{ BYTES("POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n"), 400, "HTTP/1.0" },
	{ BYTES("POST / HTTP/1.0\r\n" H "Transfer-Encoding: x\r\n\r\n"), 400, "HTTP/1.0" },
	{ BYTES(POST "Transfer-Encoding: gzip\r\n\r\n"), 501, "chunked" },
	{ BYTES(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501, "chunked" },
	{ BYTES(POST "Transfer-Encoding: chunked, chunked\r\n\r\n"), 501, "chunked" },
	{ BYTES(POST "Transfer-Encoding: chunked, identity\r\n\r\n"), 501, "chunked" },
	{ BYTES(POST "Transfer-Encoding: xchunked\r\n\r\n"), 501, "chunked" },
	{ BYTES(POST "Transfer-Encoding: chunked;x\r\n\r\n"), 501, "chunked" },
	{ BYTES(POST "Transfer-Encoding: \"chunked\"\r\n\r\n"), 501, "chunked" },
	{ BYTES(POST "Transfer-Encoding:\r\n\r\n"), 501, "chunked" },
	{ BYTES(POST "Transfer-Encoding: chunked \t \r\n\r\n"), 400, "a tab" },
	{ BYTES(POST "Transfer-Encoding: \t chunked\r\n\r\n"), 400, "a tab" },
	{ BYTES(POST "Content-Length:\t5\r\n\r\n"), 400, "a tab" },
	{ BYTES(POST "Content-Length:5\t\r\n\r\n"), 400, "a tab" },
	{ BYTES(GET H "Content-Length: 1\r\n\r\n"), 400, "no body" },
	{ BYTES(GET H "Transfer-Encoding: chunked\r\n\r\n"), 400, "no body" },
	{ BYTES("HEAD / HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\n"), 400, "no body" },
	{ BYTES("DELETE / HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\n"), 400, "no body" },
	{ BYTES("OPTIONS / HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\n"), 400, "no body" },
	{ BYTES("TRACE / HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\n"), 400, "no body" },
	{ BYTES("CONNECT a:1 HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\n"), 400, "no body" },
	/* Other fields. */
	{ BYTES(POST "Expect: 100\r\n\r\n"), 417, "100-continue" },
	{ BYTES(POST "Expect:\r\n\r\n"), 417, "100-continue" },
	{ BYTES(POST "Expect: 100-continue, x\r\n\r\n"), 417, "100-continue" },
	{ BYTES(POST "Connection: \"close\"\r\n\r\n"), 400, "Connection" },
	{ BYTES(POST "Connection: close x\r\n\r\n"), 400, "Connection" },
	{ BYTES(POST "Authorization: a\r\nAuthorization: b\r\n\r\n"), 400, "Authorization is there twice" },
	{ BYTES(POST "Origin: a\r\nX: y\r\nOrigin: a\r\n\r\n"), 400, "Origin is there twice" },
	{ BYTES(POST "Content-Type: a\r\nContent-Type: a\r\n\r\n"), 400, "Content-Type is there twice" },
};

static const struct {
	struct slice bytes;
	enum httpmethod method;
	const char *path, *query;	/* query: NULL is none */
	unsigned minor;
	enum httpbody body;
	uint64_t length;
	size_t n_fields;
	bool is_persistent, expects_continue;
} right[] = {
	{ BYTES(GET H "\r\n"), HTTPMETHOD_GET, "/", NULL, 1, HTTPBODY_NONE, 0, 1, true, false },
	{ BYTES("HEAD /a?b HTTP/1.1\r\n" H "\r\n"), HTTPMETHOD_HEAD, "/a", "b", 1, HTTPBODY_NONE,
	    0, 1, true, false },
	{ BYTES("GET /healthz HTTP/1.0\r\n\r\n"), HTTPMETHOD_GET, "/healthz", NULL, 0,
	    HTTPBODY_NONE, 0, 0, false, false },
	{ BYTES("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), HTTPMETHOD_GET, "/", NULL, 0,
	    HTTPBODY_NONE, 0, 1, true, false },
	{ BYTES("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"), HTTPMETHOD_GET, "/",
	    NULL, 0, HTTPBODY_NONE, 0, 1, false, false },
	{ BYTES(GET H "connection: ,x , Close,\r\n\r\n"), HTTPMETHOD_GET, "/", NULL, 1,
	    HTTPBODY_NONE, 0, 2, false, false },
	{ BYTES(GET H "Connection:\r\n\r\n"), HTTPMETHOD_GET, "/", NULL, 1, HTTPBODY_NONE, 0, 2,
	    true, false },
	{ BYTES("GET //a//%2F/a..b/.../?? HTTP/1.1\r\n" H "\r\n"), HTTPMETHOD_GET,
	    "//a//%2F/a..b/.../", "?", 1, HTTPBODY_NONE, 0, 1, true, false },
	{ BYTES("GET /?a[]={1}|2^`\\/../. HTTP/1.1\r\n" H "\r\n"), HTTPMETHOD_GET, "/",
	    "a[]={1}|2^`\\/../.", 1, HTTPBODY_NONE, 0, 1, true, false },
	{ BYTES("GET HTTP://A?x HTTP/1.1\r\nHost:a\r\n\r\n"), HTTPMETHOD_GET, "/", "x", 1,
	    HTTPBODY_NONE, 0, 1, true, false },
	{ BYTES("GET https://[::1]:8/x HTTP/1.1\r\nHost: [::1]:8\t \r\n\r\n"), HTTPMETHOD_GET, "/x",
	    NULL, 1, HTTPBODY_NONE, 0, 1, true, false },
	{ BYTES("OPTIONS * HTTP/1.1\r\n" H "\r\n"), HTTPMETHOD_OPTIONS, "", NULL, 1, HTTPBODY_NONE,
	    0, 1, true, false },
	{ BYTES("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"), HTTPMETHOD_CONNECT, "", NULL, 1,
	    HTTPBODY_NONE, 0, 1, false, false },
	{ BYTES("BREW /pot HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\n"), HTTPMETHOD_OTHER, "/pot",
	    NULL, 1, HTTPBODY_LENGTH, 3, 2, true, false },
	{ BYTES("get / HTTP/1.1\r\n" H "\r\n"), HTTPMETHOD_OTHER, "/", NULL, 1, HTTPBODY_NONE, 0, 1,
	    true, false },
	{ BYTES("DELETE /calls/1 HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n"), HTTPMETHOD_DELETE,
	    "/calls/1", NULL, 1, HTTPBODY_NONE, 0, 2, true, false },
	{ BYTES(POST "Content-Length: 999999999999999\r\nExpect: 100-Continue\r\n\r\n"),
	    HTTPMETHOD_POST, "/", NULL, 1, HTTPBODY_LENGTH, 999999999999999, 3, true, true },
	{ BYTES(POST "Content-Length: 0\r\nExpect: 100-continue\r\n\r\n"), HTTPMETHOD_POST, "/",
	    NULL, 1, HTTPBODY_NONE, 0, 3, true, false },
	{ BYTES("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 7\r\n\r\n"),
	    HTTPMETHOD_POST, "/", NULL, 0, HTTPBODY_LENGTH, 7, 2, false, false },
	{ BYTES(POST "TRANSFER-ENCODING:   Chunked  \r\n\r\n"), HTTPMETHOD_POST, "/", NULL, 1,
	    HTTPBODY_CHUNKED, 0, 2, true, false },
	/* Left out: Proxy, and names with "_". */
	{ BYTES(POST "Proxy: x\r\nX_Y: z\r\nContent_Length: 7\r\nX: y\r\n\r\n"), HTTPMETHOD_POST,
	    "/", NULL, 1, HTTPBODY_NONE, 0, 2, true, false },
	{ BYTES(POST "X: \t a\tb\xff \t\r\nY:\r\nY:\r\n\r\n"), HTTPMETHOD_POST, "/", NULL, 1,
	    HTTPBODY_NONE, 0, 4, true, false },
};

struct verdict {
	enum httphead_status status;
	size_t used;
	struct httphead_error error;
};

static struct httphead head;

static struct verdict
decode(struct slice bytes, struct httphead_cursor *cursor)
{
	struct verdict v = { .used = 0 };

	v.status = httphead_decode(bytes, cursor, &head, &v.used, &v.error);
	return v;
}

static struct verdict
decode_anew(struct slice bytes)
{
	struct httphead_cursor cursor = { 0 };

	return decode(bytes, &cursor);
}

static void
require_same(struct verdict a, struct verdict b, const char *what)
{
	ck_assert_msg(a.status == b.status && a.used == b.used && a.error.status == b.error.status &&
	    a.error.why == b.error.why, "%s: %d %u %s, in pieces %d %u %s", what, a.status,
	    a.error.status, a.error.why, b.status, b.error.status, b.error.why);
}

/*
 * Feeds bytes in pieces of a size; each prefix gives what it gives anew, and what is
 * decided stays.
 */
static void
feed(struct slice bytes, size_t piece)
{
	CLEANUP_FREE char *copy = malloc(bytes.len);
	struct httphead_cursor cursor = { 0 };
	struct verdict v = { .status = HTTPHEAD_MORE }, whole = decode_anew(bytes);

	ck_assert_ptr_nonnull(copy);
	for (size_t n = piece; v.status == HTTPHEAD_MORE; n += piece) {
		struct slice prefix = { copy, n < bytes.len ? n : bytes.len };

		/* The buffer moves, and the head belongs to another connection meanwhile. */
		memset(copy, 'x', bytes.len);
		memcpy(copy, bytes.data, prefix.len);
		memset(&head, 0xff, sizeof(head));
		require_same(decode_anew(prefix), decode(prefix, &cursor), bytes.data);
		memset(&head, 0xff, sizeof(head));
		v = decode_anew(prefix);
		if (prefix.len == bytes.len)
			break;
	}
	require_same(whole, v, bytes.data);
}

START_TEST(refuses_wrong_heads)
{
	struct verdict v = decode_anew(wrong[_i].bytes);

	if (wrong[_i].status == FOREIGN) {
		ck_assert_int_eq(v.status, HTTPHEAD_FOREIGN);
		return;
	}
	ck_assert_msg(v.status == HTTPHEAD_BAD, "%s", wrong[_i].bytes.data);
	ck_assert_msg(v.error.status == wrong[_i].status &&
	    strstr(v.error.why, wrong[_i].why) != NULL, "%s: %u %s", wrong[_i].bytes.data,
	    v.error.status, v.error.why);
}
END_TEST

START_TEST(reads_right_heads)
{
	struct verdict v = decode_anew(right[_i].bytes);

	ck_assert_msg(v.status == HTTPHEAD_OK, "%s: %s", right[_i].bytes.data, v.error.why);
	ck_assert_uint_eq(v.used, right[_i].bytes.len);
	ck_assert_int_eq(head.method, right[_i].method);
	ck_assert(slice_is(head.target.path, right[_i].path));
	ck_assert(head.target.has_query == (right[_i].query != NULL));
	if (right[_i].query != NULL)
		ck_assert(slice_is(head.target.query, right[_i].query));
	ck_assert_uint_eq(head.minor, right[_i].minor);
	ck_assert_int_eq(head.body, right[_i].body);
	ck_assert_uint_eq(head.content_length, right[_i].length);
	ck_assert_uint_eq(head.n_fields, right[_i].n_fields);
	ck_assert(head.is_persistent == right[_i].is_persistent);
	ck_assert(head.expects_continue == right[_i].expects_continue);
}
END_TEST

START_TEST(pieces_do_not_matter)
{
	for (size_t piece = 1; piece <= right[_i].bytes.len; piece++)
		feed(right[_i].bytes, piece);
}
END_TEST

START_TEST(pieces_do_not_matter_when_wrong)
{
	for (size_t piece = 1; piece <= wrong[_i].bytes.len; piece++)
		feed(wrong[_i].bytes, piece);
}
END_TEST

START_TEST(bytes_behind_do_not_matter)
{
	char text[512];
	struct slice more = { text, 0 };
	struct verdict v;

	memcpy(text, right[_i].bytes.data, right[_i].bytes.len);
	memcpy(text + right[_i].bytes.len, "\0\nX", 3);
	more.len = right[_i].bytes.len + 3;
	v = decode_anew(more);
	ck_assert_int_eq(v.status, HTTPHEAD_OK);
	ck_assert_uint_eq(v.used, right[_i].bytes.len);
}
END_TEST

START_TEST(fields_are_found)
{
	static const char text[] = POST "X-Forwarded-For: 1\r\nACCEPT:  a, b \r\nx-forwarded-for: 2\r\n"
	    "X-Forwarded-Fo: 3\r\nOrigin:\r\n\r\n";
	const struct slice *s;

	ck_assert_int_eq(decode_anew(slice_of(text)).status, HTTPHEAD_OK);
	ck_assert(slice_is(*httphead_get(&head, HTTPKNOWN_ACCEPT), "a, b"));
	ck_assert(slice_is(*httphead_get(&head, HTTPKNOWN_ORIGIN), ""));
	ck_assert_ptr_null(httphead_get(&head, HTTPKNOWN_PREFER));
	s = httphead_find(&head, SLICE("X-FORWARDED-FOR"));
	ck_assert(s != NULL && slice_is(*s, "2"));
	ck_assert_ptr_null(httphead_find(&head, SLICE("X-Forwarded")));
	ck_assert(slice_is(head.fields[1].name, "X-Forwarded-For"));
}
END_TEST

START_TEST(each_known_field_is_known)
{
	for (int k = HTTPKNOWN_NONE + 1; k < HTTPKNOWN_COUNT; k++) {
		const char *name = httpknown_name((enum httpknown)k);
		char text[256];
		struct verdict v;

		(void)snprintf(text, sizeof(text), "POST / HTTP/1.1\r\n%s%s: %s\r\n\r\n",
		    k == HTTPKNOWN_HOST ? "" : H, name,
		    k == HTTPKNOWN_CONTENT_LENGTH ? "7" : k == HTTPKNOWN_EXPECT ? "100-continue" :
		    "chunked");
		v = decode_anew(slice_of(text));
		ck_assert_msg(v.status == HTTPHEAD_OK, "%s: %s", name, v.error.why);
		ck_assert_msg(httphead_get(&head, (enum httpknown)k) != NULL, "%s", name);
		(void)snprintf(text, sizeof(text), "POST / HTTP/1.1\r\n%s%s: a\r\n%s: a\r\n\r\n",
		    k == HTTPKNOWN_HOST ? "" : H, name, name);
		v = decode_anew(slice_of(text));
		ck_assert_msg(v.status == HTTPHEAD_BAD && strstr(v.error.why, name) != NULL &&
		    strstr(v.error.why, "twice") != NULL, "%s", name);
	}
}
END_TEST

/* ------------------------------------------------------------- limits --- */

/* Makes: before, then n times c, then after. */
static struct slice
made(const char *before, size_t n, const char *after)
{
	static char text[128u << 10];
	size_t len = strlen(before);

	ck_assert_uint_lt(len + n + strlen(after), sizeof(text));
	memcpy(text, before, len);
	memset(text + len, 'a', n);
	memcpy(text + len + n, after, strlen(after) + 1);
	return (struct slice){ text, len + n + strlen(after) };
}

/* The head is good with n times "a" in it, and is refused with a status for one more. */
static void
require_limit(const char *before, size_t n, const char *after, unsigned status)
{
	struct slice text = made(before, n, after);
	struct verdict v = decode_anew(text);

	ck_assert_msg(v.status == HTTPHEAD_OK, "%s %s: %s", before, after, v.error.why);
	feed(text, text.len / 7);
	text = made(before, n + 1, after);
	v = decode_anew(text);
	ck_assert_int_eq(v.status, HTTPHEAD_BAD);
	ck_assert_uint_eq(v.error.status, status);
	feed(text, text.len / 7);
	feed(text, 97);
	/* No LF is needed to know. */
	text = made(before, 120u << 10, "");
	v = decode_anew(text);
	ck_assert_int_eq(v.status, HTTPHEAD_BAD);
	ck_assert_uint_eq(v.error.status, status);
	feed(text, 1021);
}

START_TEST(lines_have_a_limit)
{
	require_limit("GET /", 8191, " HTTP/1.1\r\n" H "\r\n", 414);
	require_limit("GET /?", 8190, " HTTP/1.1\r\n" H "\r\n", 414);
	require_limit(GET H "X:", 8190, "\r\n\r\n", 431);
	require_limit(GET H, 8190, ": \r\n\r\n", 431);
	/* A long method, and a long version. */
	require_limit("", 8192 + 64 - 11, " / HTTP/1.1\r\n" H "\r\n", 431);
	ck_assert_uint_eq(decode_anew(made("GET / ", 9000, "\r\n")).error.status, 431);
	ck_assert_uint_eq(decode_anew(made("GET / ", 900, "\r\n")).error.status, 400);
}
END_TEST

START_TEST(the_whole_has_a_limit)
{
	static char text[4 * 8192];
	size_t n = 0, target = HTTPHEAD_MAX;
	struct verdict v;

	n += (size_t)snprintf(text, sizeof(text), GET H "X: ");
	memset(text + n, 'x', sizeof(text) - n);
	for (size_t at = 6000; at < 32000; at += 6000)
		memcpy(text + at, "\r\nX: ", 5);
	memcpy(text + target - 4, "\r\n\r\n", 4);
	v = decode_anew((struct slice){ text, target });
	ck_assert_msg(v.status == HTTPHEAD_OK, "%s", v.error.why);
	feed((struct slice){ text, target }, 1);
	/* One more. */
	text[target - 4] = 'x';
	memcpy(text + target - 3, "\r\n\r", 3);
	v = decode_anew((struct slice){ text, target });
	ck_assert_int_eq(v.status, HTTPHEAD_BAD);
	ck_assert_uint_eq(v.error.status, 431);
	ck_assert_int_eq(decode_anew((struct slice){ text, target - 1 }).status, HTTPHEAD_MORE);
	feed((struct slice){ text, target }, 1);
}
END_TEST

START_TEST(fields_have_a_number)
{
	char text[4096];
	size_t n = (size_t)snprintf(text, sizeof(text), GET H);
	struct verdict v;

	for (int i = 1; i < HTTPHEAD_FIELDS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, i % 3 == 0 ? "a_b: %d\r\n" : "a%d: x\r\n", i);
	memcpy(text + n, "\r\n", 2);
	ck_assert_int_eq(decode_anew((struct slice){ text, n + 2 }).status, HTTPHEAD_OK);
	ck_assert_uint_eq(head.n_fields, 67);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "b_b: x\r\n");
	v = decode_anew((struct slice){ text, n });
	ck_assert_int_eq(v.status, HTTPHEAD_BAD);
	ck_assert_uint_eq(v.error.status, 431);
	feed((struct slice){ text, n }, 1);
}
END_TEST

/* A head that comes byte by byte costs no more than a few looks at each byte. */
START_TEST(slow_bytes_cost_little)
{
	struct slice text = made(GET H "X: ", 8000, "");
	struct httphead_cursor cursor = { 0 };

	for (size_t n = 1; n <= text.len; n++) {
		ck_assert_int_eq(decode((struct slice){ text.data, n }, &cursor).status,
		    HTTPHEAD_MORE);
		ck_assert_uint_eq(cursor.line + cursor.searched, n);
	}
}
END_TEST

START_TEST(requests_follow_each_other)
{
	static const char text[] = GET H "\r\n" "HEAD /2 HTTP/1.1\r\n" H "\r\n";
	struct httphead_cursor cursor = { 0 };
	struct verdict v = decode(slice_of(text), &cursor);

	ck_assert_int_eq(v.status, HTTPHEAD_OK);
	ck_assert_uint_eq(cursor.line + cursor.searched + cursor.n_lines, 0);
	v = decode(slice_of(text + v.used), &cursor);
	ck_assert_int_eq(v.status, HTTPHEAD_OK);
	ck_assert(slice_is(head.target.path, "/2"));
	ck_assert_int_eq(decode((struct slice){ text, 0 }, &cursor).status, HTTPHEAD_MORE);
}
END_TEST

UNIT_MAIN("httphead",
    tcase_add_loop_test(tc, refuses_wrong_heads, 0, ARRAY_LEN(wrong));
    tcase_add_loop_test(tc, reads_right_heads, 0, ARRAY_LEN(right));
    tcase_add_loop_test(tc, pieces_do_not_matter, 0, ARRAY_LEN(right));
    tcase_add_loop_test(tc, pieces_do_not_matter_when_wrong, 0, ARRAY_LEN(wrong));
    tcase_add_loop_test(tc, bytes_behind_do_not_matter, 0, ARRAY_LEN(right));
    tcase_add_test(tc, fields_are_found);
    tcase_add_test(tc, each_known_field_is_known);
    tcase_add_test(tc, lines_have_a_limit);
    tcase_add_test(tc, the_whole_has_a_limit);
    tcase_add_test(tc, fields_have_a_number);
    tcase_add_test(tc, slow_bytes_cost_little);
    tcase_add_test(tc, requests_follow_each_other))
