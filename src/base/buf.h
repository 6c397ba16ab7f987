/* SPDX-License-Identifier: ISC */
/*
 * buf: a growing byte buffer with a hard maximum.
 *
 * Bytes are appended at the end and consumed at the start. An append that
 * fails (-ENOMEM, or -EMSGSIZE past the maximum) leaves the buffer as it was
 * and marks it failed, so that a writer may append many pieces and check
 * once with buf_failed().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct buf {
	char *data;	/* storage; data + start is the first live byte */
	size_t start;
	size_t end;
	size_t cap;
	size_t max;	/* 0: no limit */
	bool failed;
	bool is_full;	/* failed, as more than max was to be kept */
};

#define BUF_INIT(limit) ((struct buf){ .max = (limit) })

/* Releases the storage; the buffer is empty and usable again. */
void buf_done(struct buf *b);

static inline size_t
buf_len(const struct buf *b)
{
	return b->end - b->start;
}

static inline const char *
buf_data(const struct buf *b)
{
	/* An empty buffer may have no storage to point into. */
	return b->start == 0 ? b->data : b->data + b->start;
}

static inline struct slice
buf_slice(const struct buf *b)
{
	return (struct slice){ buf_data(b), b->end - b->start };
}

static inline bool
buf_failed(const struct buf *b)
{
	return b->failed;
}

/* Forgets the content and keeps the storage. */
static inline void
buf_clear(struct buf *b)
{
	b->start = b->end = 0;
	b->failed = b->is_full = false;
}

/* Drops n bytes from the start; n <= buf_len(). */
void buf_consume(struct buf *b, size_t n);

/*
 * Makes room for n more bytes. Returns the place to write them to (then call
 * buf_commit), or NULL when that would pass the maximum or memory is out.
 */
char *buf_reserve(struct buf *b, size_t n);

static inline void
buf_commit(struct buf *b, size_t n)
{
	b->end += n;
}

/* Leaves room in front of the content, which is empty, if there is memory. */
void buf_leave_front(struct buf *b, size_t n);

/*
 * Puts bytes in front of the content, where bytes were consumed before. False: there
 * is no room in front.
 */
bool buf_prepend(struct buf *b, struct slice s);

/* 0, -ENOMEM or -EMSGSIZE. */
int buf_append(struct buf *b, const void *data, size_t n);

static inline int
buf_append_slice(struct buf *b, struct slice s)
{
	return buf_append(b, s.data, s.len);
}

int buf_append_str(struct buf *b, const char *s);
int buf_append_char(struct buf *b, char c);

/* Appends the decimal text of an integer, without the cost of printf. */
int buf_append_u64(struct buf *b, uint64_t v);
int buf_append_i64(struct buf *b, int64_t v);

int buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Ends the content with a NUL that is not counted. Returns the text, or NULL
 * without memory.
 */
const char *buf_text(struct buf *b);

/* Returns the storage, which the caller must free; the buffer is empty then. */
char *buf_take(struct buf *b, size_t *ret_len);
