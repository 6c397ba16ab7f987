/* SPDX-License-Identifier: ISC */
/*
 * resp: writes RESP2 and RESP3 values to the end of a buffer. No I/O.
 *
 * Only a safe subset is written: + - : $ * and, in RESP3, % _ # , = and >.
 * Where a type exists in RESP3 only, the RESP2 form is written for proto 2: map
 * -> flat array, null -> $-1, boolean -> :0 or :1, double -> bulk.
 *
 * A failure to allocate marks the buffer failed; the caller checks buf_failed()
 * once at the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum resp_version { RESP2 = 2, RESP3 = 3 };

#define RESP_ERROR_MAX 1024	/* bytes of an error line, CRLF included */
/*
 * The raw bytes that are enough to fill an error line: cleaning at most halves
 * them.
 */
#define RESP_CLEAN_MAX (2 * RESP_ERROR_MAX)

/* Writes "+TEXT". text is a constant of reqd, never bytes of a client. */
void resp_simple(struct buf *b, const char *text);

/*
 * Writes "-CODE text". Control characters become blanks, invalid UTF-8 becomes
 * "?", the line is cut at RESP_ERROR_MAX between two characters. code is upper
 * case and a constant of reqd. text may be empty.
 */
void resp_error(struct buf *b, const char *code, struct slice text);
void resp_errorf(struct buf *b, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Cleans a text as resp_error() does: writes at most size bytes of it to ret,
 * without a NUL. Returns their number.
 */
size_t resp_clean(char *ret, size_t size, struct slice text);

void resp_integer(struct buf *b, int64_t v);
void resp_bulk(struct buf *b, struct slice s);
void resp_bulk_str(struct buf *b, const char *s);
void resp_null(struct buf *b, enum resp_version v);
void resp_bool(struct buf *b, enum resp_version v, bool x);
void resp_double(struct buf *b, enum resp_version v, double x);

/* Write headers; n values (n pairs for a map) must follow. */
void resp_array(struct buf *b, size_t n);
void resp_map(struct buf *b, enum resp_version v, size_t n_pairs);
/* For RESP3 only. */
void resp_push(struct buf *b, size_t n);

/*
 * Writes a whole request: "*N" and bulks, as libreqd sends it and a handler
 * gets it.
 */
void resp_request(struct buf *b, const struct slice *argv, size_t argc);
