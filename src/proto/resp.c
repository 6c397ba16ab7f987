/* SPDX-License-Identifier: ISC */
/*
 * resp: writes values. Each value is written after one reservation of all its
 * bytes, so it is in the buffer whole, or not at all and the buffer is marked
 * failed.
 */
#include "config.h"

#include "proto/resp.h"

#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/units.h"

#define HEADER_MAX 24	/* type, sign, 20 digits, CRLF */
#define DOUBLE_TEXT 32

static char *
put_decimal(char *p, uint64_t v)
{
	char digits[20], *d = digits + sizeof(digits);
	size_t n;

	do {
		*--d = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	n = (size_t)(digits + sizeof(digits) - d);
	memcpy(p, d, n);
	return p + n;
}

static char *
put_crlf(char *p)
{
	*p++ = '\r';
	*p++ = '\n';
	return p;
}

static char *
put_header(char *p, char type, uint64_t n)
{
	*p++ = type;
	return put_crlf(put_decimal(p, n));
}

static char *
put_bytes(char *p, struct slice s)
{
	if (s.len > 0)
		memcpy(p, s.data, s.len);
	return p + s.len;
}

static char *
put_bulk(char *p, struct slice s)
{
	return put_crlf(put_bytes(put_header(p, '$', s.len), s));
}

/*
 * Commits the bytes from start to p, written behind the place that
 * buf_reserve() gave.
 */
static void
commit(struct buf *b, const char *start, const char *p)
{
	buf_commit(b, (size_t)(p - start));
}

static void
write_header(struct buf *b, char type, uint64_t n)
{
	char *start = buf_reserve(b, HEADER_MAX);

	if (start != NULL)
		commit(b, start, put_header(start, type, n));
}

static void
write_line(struct buf *b, char type, struct slice text)
{
	char *start = buf_reserve(b, text.len + 3), *p;

	if (start == NULL)
		return;
	p = start;
	*p++ = type;
	commit(b, start, put_crlf(put_bytes(p, text)));
}

void
resp_simple(struct buf *b, const char *text)
{
	write_line(b, '+', slice_of(text));
}

/* True for a control character of ASCII or of Latin-1 (two bytes in UTF-8). */
static bool
is_control(const unsigned char *p, size_t n)
{
	if (n == 1)
		return p[0] < 0x20 || p[0] == 0x7f;
	return n == 2 && p[0] == 0xc2 && p[1] < 0xa0;
}

size_t
resp_clean(char *ret, size_t size, struct slice text)
{
	char *p = ret, *end = ret + size;

	while (text.len > 0) {
		size_t n = utf8_sequence(text), out;

		out = n == 0 ? 1 : n;
		if ((size_t)(end - p) < out)
			break;
		if (n == 0)
			*p++ = '?';
		else if (is_control((const unsigned char *)text.data, n))
			*p++ = ' ';
		else
			p = put_bytes(p, (struct slice){ text.data, n });
		text.data += out;
		text.len -= out;
	}
	return (size_t)(p - ret);
}

void
resp_error(struct buf *b, const char *code, struct slice text)
{
	char line[RESP_ERROR_MAX - 3];	/* the line without "-" and CRLF */
	size_t n = resp_clean(line, sizeof(line), slice_of(code));

	if (text.len > 0 && n < sizeof(line))
		line[n++] = ' ';
	n += resp_clean(line + n, sizeof(line) - n, text);
	while (n > 0 && line[n - 1] == ' ')
		n--;
	write_line(b, '-', (struct slice){ line, n });
}

void
resp_errorf(struct buf *b, const char *code, const char *fmt, ...)
{
	char text[RESP_CLEAN_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		text[0] = '\0';
	resp_error(b, code, slice_of(text));
}

void
resp_integer(struct buf *b, int64_t v)
{
	char *start = buf_reserve(b, HEADER_MAX), *p = start;

	if (start == NULL)
		return;
	*p++ = ':';
	if (v < 0)
		*p++ = '-';
	p = put_decimal(p, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
	commit(b, start, put_crlf(p));
}

void
resp_bulk(struct buf *b, struct slice s)
{
	char *start;

	if (s.len > SIZE_MAX - HEADER_MAX - 2) {
		b->failed = true;
		return;
	}
	start = buf_reserve(b, HEADER_MAX + s.len + 2);
	if (start != NULL)
		commit(b, start, put_bulk(start, s));
}

void
resp_bulk_str(struct buf *b, const char *s)
{
	resp_bulk(b, slice_of(s));
}

void
resp_null(struct buf *b, enum resp_version v)
{
	if (v == RESP3)
		(void)buf_append_str(b, "_\r\n");
	else
		(void)buf_append_str(b, "$-1\r\n");
}

void
resp_bool(struct buf *b, enum resp_version v, bool x)
{
	if (v == RESP3)
		(void)buf_append_str(b, x ? "#t\r\n" : "#f\r\n");
	else
		(void)buf_append_str(b, x ? ":1\r\n" : ":0\r\n");
}

/* Writes the shortest text that reads back as the same number. */
static void
double_format(double x, char text[static DOUBLE_TEXT])
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	locale_t old = uselocale(c);

	(void)snprintf(text, DOUBLE_TEXT, "%.*g", real_digits(x), x);
	(void)uselocale(old);
	if (c != (locale_t)0)
		freelocale(c);
}

void
resp_double(struct buf *b, enum resp_version v, double x)
{
	char text[DOUBLE_TEXT];

	if (isnan(x))
		(void)strlcpy(text, "nan", sizeof(text));
	else if (isinf(x))
		(void)strlcpy(text, x < 0 ? "-inf" : "inf", sizeof(text));
	else
		double_format(x, text);

	if (v == RESP3)
		write_line(b, ',', slice_of(text));
	else
		resp_bulk_str(b, text);
}

void
resp_array(struct buf *b, size_t n)
{
	write_header(b, '*', n);
}

void
resp_map(struct buf *b, enum resp_version v, size_t n_pairs)
{
	if (v == RESP3)
		write_header(b, '%', n_pairs);
	else
		write_header(b, '*', n_pairs * 2);
}

void
resp_push(struct buf *b, size_t n)
{
	write_header(b, '>', n);
}

void
resp_request(struct buf *b, const struct slice *argv, size_t argc)
{
	size_t need = HEADER_MAX;
	char *start, *p;

	for (size_t i = 0; i < argc; i++) {
		if (argv[i].len > SIZE_MAX - need - HEADER_MAX - 2) {
			b->failed = true;
			return;
		}
		need += HEADER_MAX + argv[i].len + 2;
	}
	start = buf_reserve(b, need);
	if (start == NULL)
		return;
	p = put_header(start, '*', argc);
	for (size_t i = 0; i < argc; i++)
		p = put_bulk(p, argv[i]);
	commit(b, start, p);
}
