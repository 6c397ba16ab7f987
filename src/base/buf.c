/* SPDX-License-Identifier: ISC */
/* buf: grows, moves and fills the storage of a byte buffer. */
#include "config.h"

#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST 256

void
buf_done(struct buf *b)
{
	free(b->data);
	*b = BUF_INIT(b->max);
}

void
buf_consume(struct buf *b, size_t n)
{
	b->start += n;
	if (b->start == b->end)
		b->start = b->end = 0;
}

static void
buf_compact(struct buf *b)
{
	size_t len = buf_len(b);

	if (b->start == 0)
		return;
	memmove(b->data, b->data + b->start, len);
	b->start = 0;
	b->end = len;
}

static int
buf_grow(struct buf *b, size_t n)
{
	size_t len = buf_len(b), cap;
	char *data;

	if (b->max != 0 && (len > b->max || n > b->max - len))
		return -EMSGSIZE;
	if (n > SIZE_MAX / 4 - len)
		return -ENOMEM;

	/*
	 * Moving the bytes down costs less than growing while half of the
	 * storage is free.
	 */
	if (b->start >= b->cap / 2) {
		buf_compact(b);
		if (b->cap - b->end >= n)
			return 0;
	}

	cap = b->cap == 0 ? BUF_FIRST : b->cap;
	while (cap - b->end < n)
		cap *= 2;
	data = realloc(b->data, cap);
	if (data == NULL)
		return -ENOMEM;
	b->data = data;
	b->cap = cap;
	return 0;
}

static int
buf_room_for(struct buf *b, size_t n)
{
	int r = 0;

	if (b->max != 0 && n > b->max - buf_len(b))
		r = -EMSGSIZE;
	else if (b->cap - b->end < n)
		r = buf_grow(b, n);
	if (r < 0)
		b->failed = true;
	if (r == -EMSGSIZE)
		b->is_full = true;
	return r;
}

char *
buf_reserve(struct buf *b, size_t n)
{
	if (buf_room_for(b, n) < 0)
		return NULL;
	return b->data == NULL ? NULL : b->data + b->end;
}

void
buf_leave_front(struct buf *b, size_t n)
{
	if (buf_len(b) > 0 || buf_room_for(b, n) < 0)
		return;
	b->start = b->end = n;
}

bool
buf_prepend(struct buf *b, struct slice s)
{
	if (s.len > b->start)
		return false;
	b->start -= s.len;
	if (s.len > 0)
		memcpy(b->data + b->start, s.data, s.len);
	return true;
}

int
buf_append(struct buf *b, const void *data, size_t n)
{
	int r;

	if (n == 0)
		return 0;
	r = buf_room_for(b, n);
	if (r < 0)
		return r;
	memcpy(b->data + b->end, data, n);
	b->end += n;
	return 0;
}

int
buf_append_str(struct buf *b, const char *s)
{
	return buf_append(b, s, strlen(s));
}

int
buf_append_char(struct buf *b, char c)
{
	return buf_append(b, &c, 1);
}

int
buf_append_u64(struct buf *b, uint64_t v)
{
	char digits[20], *p = digits + sizeof(digits);

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	return buf_append(b, p, (size_t)(digits + sizeof(digits) - p));
}

int
buf_append_i64(struct buf *b, int64_t v)
{
	int r;

	if (v >= 0)
		return buf_append_u64(b, (uint64_t)v);
	r = buf_append_char(b, '-');
	if (r < 0)
		return r;
	return buf_append_u64(b, 0 - (uint64_t)v);
}

int
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n, r;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -EINVAL;
	r = buf_room_for(b, (size_t)n + 1);
	if (r < 0)
		return r;
	va_start(ap, fmt);
	(void)vsnprintf(b->data + b->end, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->end += (size_t)n;
	return 0;
}

const char *
buf_text(struct buf *b)
{
	if (b->cap == b->end && buf_grow(b, 1) < 0)
		return NULL;
	b->data[b->end] = '\0';
	return buf_data(b);
}

char *
buf_take(struct buf *b, size_t *ret_len)
{
	char *data;

	buf_compact(b);
	data = b->data;
	*ret_len = b->end;
	*b = BUF_INIT(b->max);
	return data;
}
