/* SPDX-License-Identifier: ISC */
/*
 * reply: bytes from a server (or a handler) -> values. No I/O, no clock.
 *
 * Strict, bounded in depth and size, iterative: no input can overflow the
 * stack. Nothing is allocated before a value is whole; then the tree is one
 * block, one struct for each value that is really there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define REPLY_MAX_DEPTH 8	/* of what a handler may answer */
#define REPLY_RESULT_DEPTH (REPLY_MAX_DEPTH + 1)	/* and a result map around it */

enum value_kind {
	VALUE_SIMPLE,	/* + */
	VALUE_ERROR,	/* - */
	VALUE_INTEGER,	/* : */
	VALUE_BULK,	/* $ */
	VALUE_NULL,	/* _ $-1 *-1 */
	VALUE_BOOL,	/* # */
	VALUE_DOUBLE,	/* , */
	VALUE_VERBATIM,	/* = without the "txt:" in front */
	VALUE_ARRAY,	/* * */
	VALUE_MAP,	/* % ; items are key, value, key, value ... */
	VALUE_SET,	/* ~ */
	VALUE_PUSH,	/* > */
};

struct value {
	enum value_kind kind;
	struct slice text;	/* SIMPLE ERROR BULK VERBATIM; in the caller's buffer */
	int64_t integer;	/* INTEGER, BOOL */
	double number;		/* DOUBLE */
	struct value *items;	/* ARRAY MAP SET PUSH */
	size_t n_items;		/* MAP: two for each pair */
};

struct reply_limits {
	size_t max_bytes;	/* of one value, all of it */
	uint32_t max_items;	/* of all aggregates together */
	uint32_t max_depth;	/* up to REPLY_RESULT_DEPTH; 0: REPLY_MAX_DEPTH */
};

/*
 * Progress through an incomplete value. Zero it to start anew; REPLY_OK
 * leaves it zeroed for the next value.
 */
struct reply_cursor {
	size_t pos;		/* bytes known to be good */
	size_t searched;	/* of the line behind them, without its end */
	uint32_t depth;
	uint32_t n_items;
	uint32_t left[REPLY_RESULT_DEPTH];	/* items that have not begun */
};

enum reply_status {
	REPLY_OK = 0,
	REPLY_AGAIN = 1,
	REPLY_BAD = 3,
};

#define REPLY_HEADER_MAX 64	/* bytes of a line that is not + or -, with CRLF */

/*
 * Reads the value at the start of data: + - : $ * % ~ > = , # _ and $-1, *-1.
 * A push is read at the top only. Streamed types, attributes, bulk errors and
 * big numbers are REPLY_BAD. limits stay the same from the first byte of a
 * value to its last. REPLY_OK: *ret is a new tree whose
 * text points into data; free with value_free. REPLY_BAD: ret_error is a
 * constant text. Can return -ENOMEM.
 */
int reply_decode(struct slice data, const struct reply_limits *limits,
    struct reply_cursor *cursor, struct value **ret, size_t *ret_used,
    const char **ret_error);

/* Frees a tree of reply_decode(). Returns NULL. Accepts NULL. */
struct value *value_free(struct value *v);

/* The value behind a key of a map (or of a flat array of pairs), or NULL. */
const struct value *value_get(const struct value *map, const char *key);
