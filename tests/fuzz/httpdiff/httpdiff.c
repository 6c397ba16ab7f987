/* SPDX-License-Identifier: ISC */
/*
 * httpdiff: makes requests by a grammar, spoils some of them, and compares what reqd reads
 * with what other parsers read. A request that reqd takes and another one takes as
 * something else is a difference. See tests/fuzz/httpdiff/run.
 *
 *	httpdiff NUMBER SEED [FILE]...
 *
 * http-parser and llhttp are in this program. Others read from a FILE, for each request
 * that reqd takes: the length of the request and of its plain form (32 bits each, little
 * endian), the request, the plain form. The plain form is
 *
 *	method SP target SP minor version LF
 *	*( name in small letters ":" value LF ) LF
 *	"1" or "0" (the connection is kept) or "-" (not compared) LF
 *	body
 *
 * Whether a connection is kept is not compared for CONNECT, with Proxy-Connection, which
 * others obey, and where Connection has a tab, an empty element, or both "close" and
 * "keep-alive", which others misread.
 */
#define _GNU_SOURCE 1
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/httpchunk.h"
#include "proto/httphead.h"

#ifdef HAVE_HTTP_PARSER
#include <http_parser.h>
#endif

#define TEXT_MAX (64u << 10)
#define FILES_MAX 4
#define SHOWN 20	/* differences that are printed */

struct text {
	char data[TEXT_MAX];
	size_t len;
};

static struct text input, plain, other;
static bool has_list;	/* Connection of the input has a comma */
static uint64_t state;

/* ----------------------------------------------------------- generator --- */

/* xorshift64*: fast, and the same everywhere. */
static uint32_t
draw(uint32_t n)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * UINT64_C(0x2545f4914f6cdd1d) >> 32) % n);
}

static void
add(struct text *t, const char *data, size_t n)
{
	if (TEXT_MAX - t->len < n)
		abort();
	memcpy(t->data + t->len, data, n);
	t->len += n;
}

static void
put(const char *s)
{
	add(&input, s, strlen(s));
}

#define PICK(list) ((list)[draw(sizeof(list) / sizeof((list)[0]))])

/* Puts the usual text, or once in a while one of a list. */
#define MOSTLY(usual, odds, list) put(draw(odds) > 0 ? (usual) : PICK(list))

static const char *const methods[] = { "GET", "POST", "POST", "POST", "PUT", "PATCH", "HEAD", "DELETE",
    "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "LINK", "SOURCE", "get", "BREW", "PRI", "GE", "QUERY" };
static const char *const blanks[] = { "  ", "\t", "", " \t", "\x0b" };
static const char *const ends[] = { "\n", "\r", "\r\r\n", "\n\r", "\r\n\r\n", "\r\n ", "\r\n\t", "\x0b\r\n",
    "\x0c\r\n", "\x85", " \r\n", "\r \n", "\r\n\r" };
static const char *const targets[] = { "/", "/call/date", "/a/b?x=1&y=2", "//", "/a%20b", "/?", "/?a[]=|{}^`\\",
    "*", "http://a/", "http://a", "http://a?x", "HTTP://A/x", "https://a:8/x", "http://b/", "a:80", "a:443",
    "/..", "/a/../b", "/%2e%2e/", "/a#b", "/%00", "/%", "/a\\b", "/a;b=c", "/\xc3\xa4", "/a\"b", "http:///x",
    "http://u@a/", "/:80", "/a?b?c", "?", "", "ftp://a/" };
static const char *const versions[] = { "HTTP/1.0", "HTTP/1.0", "HTTP/1.0", "HTTP/0.9", "HTTP/1.2", "HTTP/2.0",
    "http/1.1", "HTTP/1.10", "HTTP/1.", "HTTP/01.1", "", "ICE/1.0", "RTSP/1.0", "HTTP/1.1 " };
static const char *const hosts[] = { "a", "a", "a:8", "A", "a:80", "[::1]", "[::1]:8", "b", "a,b", "a b", "", "a:",
    "u@a", "a/b", "a:x", "a.example.org", "127.0.0.1:80" };
static const char *const names[] = { "Accept", "Connection", "Connection", "Connection", "Proxy-Connection",
    "Keep-Alive", "Content-Type", "Accept-Encoding", "User-Agent", "Content-Length", "Cache-Control",
    "Referer", "Transfer-Encoding", "Content_Length", "Transfer_Encoding", "Expect", "Upgrade",
    "Host", "Trailer", "TE", "Proxy", "X", "X-Y", "Origin", "Authorization", "Cookie", "Content-Lengt",
    "Content-Lengthy", "Transfer-Encodin", "!#$%&'*+-.^_`|~", "\"X\"", "X Y", "", "X\xe4", "X(" };
static const char *const values[] = { "", "x", "close", "keep-alive", "Close", "Keep-Alive", "close, x",
    "keep-alive,close", "upgrade", "Upgrade, close", ",close", "close,", " close \t", "\tx", "x y", "x\ty", "\xe4\xff",
    "chunked", "chunked", "Chunked", "gzip", "gzip, chunked", "chunked, gzip", "identity", "chunked,", "xchunked",
    "5", "0", "00", "05", "+5", "-5", "0x5", "5, 5", "5,6", "5 5", "5_0", "18446744073709551616",
    "100-continue", "100-Continue", "websocket", "h2c", "trailers", "x\x7f", "x\x01", "x\x0by", "\"close\"",
    "close x", "close;x", "x\xc2\x85", "a", "b" };
static const char *const colons[] = { ":", " : ", " :", "\t:", "", ";", "::", ":\r\n ", ":\n " };
static const char *const sizes[] = { "0", "00", "5;x", "5 ", " 5", "0x5", "+5", "-1", "5\t", "", "000000005",
    "ffffffff", "100000000", "5;a=\"\n\"", "5\x00", "g", "A" };
static const char *const trailers[] = { "X: y\r\n", "Content-Length: 5\r\n", "\n", " \r\n", "0\r\n", "Transfer-Encoding: x\r\n" };
static const char *const noise[] = { "\r", "\n", "\r\n", " ", "\t", ":", ",", ";", "0", "\x00", "\x0b", "\x7f", "\x80",
    "\xff", "_", "-", "chunked", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "\r\n\r\n", "GET / HTTP/1.1\r\n",
    "Host: a\r\n", "close", "%", "/", "?", "\"", "X: ", "1", "\x1f", "\xa0", "\r\r", "\n\n", "0\r\n\r\n" };

static void
make_end(void)
{
	MOSTLY("\r\n", 120, ends);
}

static void
make_field(const char *name, const char *value)
{
	static const char *const gaps[] = { "", "", "\t", "  ", " \t " };

	put(name);
	MOSTLY(":", 60, colons);
	MOSTLY(" ", 4, gaps);
	put(value);
	if (draw(16) == 0)
		put(PICK(gaps));
	make_end();
}

static void
make_bytes(uint32_t n)
{
	static const char *const parts[] = { "a", "\r", "\n", "0", "\r\n0\r\n\r\n", "GET / HTTP/1.1\r\n", "\x00", "\xff", " ", "hello" };
	size_t end = input.len + n;

	while (input.len < end)
		put(draw(12) == 0 ? "\r\n0\r\n" : PICK(parts));
	input.len = end;
}

static void
make_chunks(void)
{
	static const char *const forms[] = { "%x", "%X", "%08x", "%02x", "0%x", "%x" };
	uint32_t n = draw(4);
	char size[16];

	for (uint32_t i = 0; i < n; i++) {
		uint32_t len = 1 + draw(20);

		(void)snprintf(size, sizeof(size), PICK(forms), len);
		MOSTLY(size, 60, sizes);
		make_end();
		make_bytes(draw(80) == 0 ? draw(20) : len);
		make_end();
	}
	MOSTLY("0", 60, sizes);
	make_end();
	if (draw(40) == 0)
		put(PICK(trailers));
	make_end();
}

static void
make_request(void)
{
	uint32_t kind = draw(8), len = draw(30);
	const char *method = kind < 3 && draw(20) > 0 ? "POST" : PICK(methods);
	uint32_t n = draw(4);
	char number[16];

	put(method);
	MOSTLY(" ", 150, blanks);
	MOSTLY("/", 4, targets);
	MOSTLY(" ", 150, blanks);
	MOSTLY("HTTP/1.1", 6, versions);
	make_end();
	if (draw(30) > 0)
		make_field("Host", draw(8) > 0 ? "a" : PICK(hosts));
	for (uint32_t i = 0; i < n; i++)
		make_field(PICK(names), PICK(values));
	(void)snprintf(number, sizeof(number), "%u", draw(60) > 0 ? len : draw(30));
	if (kind == 0 || kind == 1)
		make_field("Content-Length", number);
	if (kind == 2 || (kind == 1 && draw(30) == 0))
		make_field("Transfer-Encoding", "chunked");
	if (draw(12) == 0)
		make_field(PICK(names), PICK(values));
	make_end();
	if (kind == 2)
		make_chunks();
	else if (kind < 2)
		make_bytes(len);
}

/* Changes a few bytes. */
static void
spoil(void)
{
	for (uint32_t n = 1 + draw(3); n > 0 && input.len > 0; n--) {
		size_t at = draw((uint32_t)input.len);
		const char *s = PICK(noise);
		size_t len = *s == '\0' ? 1 : strlen(s);

		switch (draw(4)) {
		case 0:
			input.data[at] = (char)draw(256);
			break;
		case 1:
			memmove(input.data + at, input.data + at + 1, input.len - at - 1);
			input.len--;
			break;
		case 2:
			memmove(input.data + at + len, input.data + at, input.len - at);
			memcpy(input.data + at, s, len);
			input.len += len;
			break;
		default:
			memcpy(input.data + at, s, input.len - at < len ? input.len - at : len);
			break;
		}
	}
}

static void
make_input(void)
{
	input.len = 0;
	make_request();
	if (draw(4) == 0)
		spoil();
	if (draw(3) == 0)
		put("GET /second HTTP/1.1\r\nHost: a\r\n\r\n");
}

/* ---------------------------------------------------------- plain form --- */

static void
add_line(struct text *t, const char *method, size_t method_len, struct slice target, unsigned minor)
{
	char end[4] = { ' ', (char)('0' + minor), '\n', '\0' };

	t->len = 0;
	add(t, method, method_len);
	add(t, " ", 1);
	add(t, target.data, target.len);
	add(t, end, 3);
}

/* Adds a field, if reqd does not leave it out. */
static void
add_field(struct text *t, struct slice name, struct slice value)
{
	if (memchr(name.data, '_', name.len) != NULL || slice_is_nocase(name, "proxy"))
		return;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];

		c = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
		add(t, &c, 1);
	}
	add(t, ":", 1);
	while (value.len > 0 && (value.data[value.len - 1] == ' ' || value.data[value.len - 1] == '\t'))
		value.len--;
	add(t, value.data, value.len);
	add(t, "\n", 1);
}

static bool
has_word(struct slice text, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= text.len; i++) {
		if (strncasecmp(text.data + i, word, n) == 0)
			return true;
	}
	return false;
}

/* True if others may say something else about keeping the connection. */
static bool
is_kept_unclear(const struct httphead *h)
{
	const struct slice *list = httphead_get(h, HTTPKNOWN_CONNECTION);
	bool is_empty = true;

	if (h->method == HTTPMETHOD_CONNECT || httphead_find(h, SLICE("Proxy-Connection")) != NULL)
		return true;
	if (list == NULL || list->len == 0)
		return false;
	if (has_word(*list, "close") && has_word(*list, "keep-alive"))
		return true;
	/* The tab may stand in the blanks around the value. */
	for (const char *p = list->data - 1; *p != ':'; p--) {
		if (*p == '\t')
			return true;
	}
	for (const char *p = list->data; *p != '\n'; p++) {
		if (*p == '\t' || (*p == ',' && is_empty) || (*p == '\r' && is_empty))
			return true;
		is_empty = *p == ',' || (is_empty && *p == ' ');
	}
	return false;
}

static void
add_kept(struct text *t, bool is_kept)
{
	add(t, is_kept ? "\n1\n" : "\n0\n", 3);
}

/* Reads the input as reqd does. Returns the bytes of the request; 0: it is refused, or cut. */
static size_t
reqd_read(void)
{
	static struct httphead h;
	struct httphead_cursor cursor = { 0 };
	struct httpchunk c = { 0 };
	struct httphead_error error;
	struct slice data = { input.data, input.len }, part;
	const char *why;
	size_t used;

	if (httphead_decode(data, &cursor, &h, &used, &error) != HTTPHEAD_OK)
		return 0;
	add_line(&plain, h.method_name.data, h.method_name.len, h.target_text, h.minor);
	for (size_t i = 0; i < h.n_fields; i++)
		add_field(&plain, h.fields[i].name, h.fields[i].value);
	add_kept(&plain, h.is_persistent);
	if (is_kept_unclear(&h))
		plain.data[plain.len - 2] = '-';
	has_list = httphead_get(&h, HTTPKNOWN_CONNECTION) != NULL &&
	    has_word(*httphead_get(&h, HTTPKNOWN_CONNECTION), ",");
	data.data += used;
	data.len -= used;
	if (h.body == HTTPBODY_LENGTH) {
		if (data.len < h.content_length)
			return 0;
		add(&plain, data.data, h.content_length);
		return used + h.content_length;
	}
	while (h.body == HTTPBODY_CHUNKED) {
		size_t n;
		enum httpchunk_status s = httpchunk_decode(&c, data, &n, &part, &why);

		if (s == HTTPCHUNK_BAD || s == HTTPCHUNK_MORE)
			return 0;
		used += n;
		data.data += n;
		data.len -= n;
		add(&plain, part.data, part.len);
		if (s == HTTPCHUNK_END)
			break;
	}
	return used;
}

/* ------------------------------------------------------- other parsers --- */

struct oracle {
	const char *name;
	/* Reads bytes to a plain form in other. Returns 1: whole; 0: not whole; -1: refused. */
	int (*read)(const char *data, size_t len);
	bool misreads_lists;	/* takes "keep-aliv, close" for one word */
	uint64_t n_same, n_refused, n_differ;
};

#ifdef HAVE_HTTP_PARSER
/* The parts of a request that the callbacks have seen. */
static struct {
	struct text target, names, fields, body;
	struct slice name;
	struct text value;
	char name_data[TEXT_MAX];
	bool has_value, is_whole, is_kept;
	const char *method;
	unsigned minor;
} seen;

static void
field_end(void)
{
	if (seen.name.len > 0)
		add_field(&seen.fields, seen.name, (struct slice){ seen.value.data, seen.value.len });
	seen.name.len = seen.value.len = 0;
	seen.has_value = false;
}

static int
on_target(http_parser *p, const char *at, size_t n)
{
	(void)p;
	add(&seen.target, at, n);
	return 0;
}

static int
on_name(http_parser *p, const char *at, size_t n)
{
	(void)p;
	if (seen.has_value)
		field_end();
	memcpy(seen.name_data + seen.name.len, at, n);
	seen.name = (struct slice){ seen.name_data, seen.name.len + n };
	return 0;
}

static int
on_value(http_parser *p, const char *at, size_t n)
{
	(void)p;
	seen.has_value = true;
	add(&seen.value, at, n);
	return 0;
}

static int
on_body(http_parser *p, const char *at, size_t n)
{
	(void)p;
	add(&seen.body, at, n);
	return 0;
}

static int
on_head(http_parser *p)
{
	field_end();
	seen.method = http_method_str((enum http_method)p->method);
	seen.minor = p->http_minor;
	seen.is_kept = http_should_keep_alive(p);
	p->upgrade = p->method == HTTP_CONNECT;
	return 0;
}

static int
on_whole(http_parser *p)
{
	seen.is_whole = true;
	http_parser_pause(p, 1);
	return 0;
}

static int
http_parser_read(const char *data, size_t len)
{
	static const http_parser_settings settings = {
		.on_url = on_target, .on_header_field = on_name, .on_header_value = on_value,
		.on_headers_complete = on_head, .on_body = on_body, .on_message_complete = on_whole,
	};
	http_parser p;

	http_parser_init(&p, HTTP_REQUEST);
	seen.target.len = seen.fields.len = seen.body.len = seen.value.len = seen.name.len = 0;
	seen.has_value = seen.is_whole = false;
	(void)http_parser_execute(&p, &settings, data, len);
	if (!seen.is_whole)
		return HTTP_PARSER_ERRNO(&p) != HPE_OK ? -1 : 0;
	add_line(&other, seen.method, strlen(seen.method),
	    (struct slice){ seen.target.data, seen.target.len }, seen.minor);
	add(&other, seen.fields.data, seen.fields.len);
	add_kept(&other, seen.is_kept);
	add(&other, seen.body.data, seen.body.len);
	return 1;
}
#endif

#ifdef HAVE_LLHTTP
int llhttp_read(const char *data, size_t len, char *ret, size_t *ret_len, size_t max);

static int
llhttp_oracle(const char *data, size_t len)
{
	return llhttp_read(data, len, other.data, &other.len, TEXT_MAX);
}
#endif

static struct oracle oracles[] = {
#ifdef HAVE_HTTP_PARSER
	{ .name = "http-parser", .read = http_parser_read, .misreads_lists = true },
#endif
#ifdef HAVE_LLHTTP
	{ .name = "llhttp", .read = llhttp_oracle },
#endif
	{ .name = NULL },
};

/* Makes the other form say nothing about the connection where that of reqd does not. */
static void
kept_forget(const struct oracle *o)
{
	char *mine = memmem(plain.data, plain.len, "\n\n", 2);
	char *its = memmem(other.data, other.len, "\n\n", 2);

	if (its != NULL && mine != NULL && (mine[2] == '-' || (has_list && o->misreads_lists)))
		its[2] = mine[2];
}

static void
show(const char *title, const char *data, size_t n)
{
	printf("%s: ", title);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)data[i];

		printf(c >= ' ' && c < 0x7f && c != '\\' ? "%c" : "\\x%02x", c);
	}
	printf("\n");
}

/*
 * Compares with another parser: the request must be whole with its last byte and not
 * before, and its plain form must be the same.
 */
static void
compare(struct oracle *o, size_t len)
{
	int before = o->read(input.data, len - 1), r;

	other.len = 0;
	r = before == 0 ? o->read(input.data, len) : before;
	if (r < 0) {
		if (++o->n_refused <= SHOWN / 2 && getenv("HTTPDIFF_REFUSED") != NULL)
			show("refused", input.data, len);
		return;
	}
	kept_forget(o);
	if (before == 0 && r == 1 && other.len == plain.len &&
	    memcmp(other.data, plain.data, plain.len) == 0) {
		o->n_same++;
		return;
	}
	if (++o->n_differ > SHOWN)
		return;
	printf("%s reads this otherwise:\n", o->name);
	show("  request", input.data, input.len);
	show("  reqd", plain.data, plain.len);
	if (before == 1)
		printf("  it ends before\n");
	else if (r == 0)
		printf("  it ends later\n");
	else
		show("  other", other.data, other.len);
}

static void
hand_on(FILE *f, size_t len)
{
	uint32_t head[2] = { (uint32_t)len, (uint32_t)plain.len };

	if (fwrite(head, sizeof(head), 1, f) != 1 || fwrite(input.data, len, 1, f) != 1 ||
	    fwrite(plain.data, plain.len, 1, f) != 1) {
		perror("httpdiff");
		exit(1);
	}
}

int
main(int argc, char *argv[])
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 0, n_taken = 0, n_differ = 0;
	FILE *files[FILES_MAX] = { NULL };

	if (argc < 3 || argc > 3 + FILES_MAX) {
		(void)fprintf(stderr, "usage: httpdiff NUMBER SEED [FILE]...\n");
		return 2;
	}
	state = strtoull(argv[2], NULL, 10) * UINT64_C(0x9e3779b97f4a7c15) | 1;
	for (int i = 3; i < argc; i++) {
		files[i - 3] = fopen(argv[i], "wb");
		if (files[i - 3] == NULL) {
			perror(argv[i]);
			return 1;
		}
	}
	for (uint64_t i = 0; i < n; i++) {
		size_t len;

		make_input();
		len = reqd_read();
		if (len == 0)
			continue;
		n_taken++;
		for (struct oracle *o = oracles; o->name != NULL; o++)
			compare(o, len);
		for (int k = 0; k < FILES_MAX && files[k] != NULL; k++)
			hand_on(files[k], len);
	}
	for (int k = 0; k < FILES_MAX && files[k] != NULL; k++)
		(void)fclose(files[k]);
	printf("%llu requests, %llu taken by reqd\n", (unsigned long long)n, (unsigned long long)n_taken);
	for (struct oracle *o = oracles; o->name != NULL; o++) {
		printf("%s: %llu the same, %llu refused, %llu read otherwise\n", o->name,
		    (unsigned long long)o->n_same, (unsigned long long)o->n_refused,
		    (unsigned long long)o->n_differ);
		n_differ += o->n_differ;
	}
	return n_differ > 0 ? 1 : 0;
}
