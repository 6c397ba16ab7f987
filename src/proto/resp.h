/* SPDX-License-Identifier: ISC */
/*
 * resp: writes RESP2 and RESP3 values to the end of a buffer. No I/O.
 *
 * Only the safe subset goes out: + - : $ * and, in RESP3, % _ # , = and >.
 * Where a type exists in RESP3 only, the RESP2 form is written for proto 2:
 * map -> flat array, null -> $-1, boolean -> :0 or :1, double -> bulk.
 *
 * A failure to allocate shows in buf_failed(); nothing is half-written that
 * the caller would not notice by asking once at the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum resp_version { RESP2 = 2, RESP3 = 3 };

#define RESP_ERROR_MAX 1024	/* bytes of an error line, CRLF included */
/* Raw bytes that are enough to fill one: cleaning at most halves them. */
#define RESP_CLEAN_MAX (2 * RESP_ERROR_MAX)

/* "+TEXT": text is ours, never a client's bytes (R24). */
void resp_simple(struct buf *b, const char *text);

/*
 * "-CODE text". Control characters become blanks, invalid UTF-8 "?", the
 * line is cut at RESP_ERROR_MAX between two characters. code is upper case
 * and ours. text may be empty.
 */
void resp_error(struct buf *b, const char *code, struct slice text);
void resp_errorf(struct buf *b, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * What resp_error() makes of a text: writes at most size bytes of it to ret,
 * without a NUL. Returns how many.
 */
size_t resp_clean(char *ret, size_t size, struct slice text);

void resp_integer(struct buf *b, int64_t v);
void resp_bulk(struct buf *b, struct slice s);
void resp_bulk_str(struct buf *b, const char *s);
void resp_null(struct buf *b, enum resp_version v);
void resp_bool(struct buf *b, enum resp_version v, bool x);
void resp_double(struct buf *b, enum resp_version v, double x);

/* Headers; n values (n pairs for a map) must follow. */
void resp_array(struct buf *b, size_t n);
void resp_map(struct buf *b, enum resp_version v, size_t n_pairs);
/* RESP3 only. */
void resp_push(struct buf *b, size_t n);

/*
 * A whole request: "*N" and bulks. What libreqd sends and a handler gets.
 */
void resp_request(struct buf *b, const struct slice *argv, size_t argc);
