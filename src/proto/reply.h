/* SPDX-License-Identifier: ISC */
/*
 * reply: turns bytes from a server or a handler into values. No I/O, no clock.
 *
 * The decoder is strict, has limits of depth and size, and does not recurse, so
 * no input can overflow the stack. It allocates nothing before a value is
 * whole; then the tree is one block with one struct for each value.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define REPLY_MAX_DEPTH 8	/* depth of an answer of a handler */
#define REPLY_RESULT_DEPTH (REPLY_MAX_DEPTH + 1)	/* ... and of the result map around it */

enum value_kind {
	VALUE_SIMPLE,	/* + */
	VALUE_ERROR,	/* - */
	VALUE_INTEGER,	/* : */
	VALUE_BULK,	/* $ */
	VALUE_NULL,	/* _ $-1 *-1 */
	VALUE_BOOL,	/* # */
	VALUE_DOUBLE,	/* , */
	VALUE_VERBATIM,	/* = without the "txt:" in front, which stays in the buffer */
	VALUE_ARRAY,	/* * */
	VALUE_MAP,	/* % ; items are key, value, key, value ... */
	VALUE_SET,	/* ~ */
	VALUE_PUSH,	/* > */
	VALUE_BIG,	/* ( */
};

struct value {
	enum value_kind kind;
	struct slice text;	/* SIMPLE ERROR BULK VERBATIM BIG; in the caller's buffer */
	int64_t integer;	/* INTEGER, BOOL */
	double number;		/* DOUBLE */
	struct value *items;	/* ARRAY MAP SET PUSH */
	size_t n_items;		/* MAP: two for each pair */
};

struct reply_limits {
	size_t max_bytes;	/* bytes of one value */
	uint32_t max_items;	/* items of all aggregates together */
	uint32_t max_depth;	/* up to REPLY_RESULT_DEPTH; 0: REPLY_MAX_DEPTH */
};

/*
 * Progress through an incomplete value. Set it to zero to start anew; REPLY_OK
 * leaves it zero for the next value.
 */
struct reply_cursor {
	size_t pos;		/* bytes that are known to be good */
	size_t searched;	/* bytes of the next line that are known to hold no end of line */
	uint32_t depth;
	uint32_t n_items;
	uint32_t left[REPLY_RESULT_DEPTH];	/* items that have not begun */
};

enum reply_status {
	REPLY_OK = 0,
	REPLY_AGAIN = 1,
	REPLY_BAD = 3,
};

#define REPLY_HEADER_MAX 64	/* bytes of a line that is neither + nor -, with CRLF */

/*
 * Reads the value at the start of data: + - : $ * % ~ > = , ( # _ and $-1, *-1. A
 * push is accepted at the top only. Streamed types, attributes and bulk errors
 * are REPLY_BAD. limits must stay the same from the first byte of a
 * value to its last. REPLY_OK: *ret is a new tree whose text points into data;
 * free it with value_free. REPLY_BAD: ret_error is a constant text. Can return
 * -ENOMEM.
 */
int reply_decode(struct slice data, const struct reply_limits *limits,
    struct reply_cursor *cursor, struct value **ret, size_t *ret_used,
    const char **ret_error);

/* Frees a tree of reply_decode(). Returns NULL. Accepts NULL. */
struct value *value_free(struct value *v);

/*
 * Returns the value of a key in a map (or in a flat array of pairs), or NULL.
 */
const struct value *value_get(const struct value *map, const char *key);
