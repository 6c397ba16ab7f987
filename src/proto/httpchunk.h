/* SPDX-License-Identifier: ISC */
/*
 * httpchunk: a body in chunks (RFC 9112, section 7.1). No I/O, no clock, no allocation.
 *
 *	body  = *chunk last CRLF
 *	chunk = size CRLF data CRLF
 *	last  = 1*8"0" CRLF
 *	size  = 1 to 8 hexadecimal digits, not all "0"
 *
 * Extensions of chunks and trailer fields, which RFC 9112 tells readers to skip, are
 * refused: programs disagree on where they end. Each byte is judged when it comes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define HTTPCHUNK_DIGITS 8

enum httpchunk_state {
	HTTPCHUNK_AT_SIZE,
	HTTPCHUNK_AT_SIZE_LF,
	HTTPCHUNK_AT_DATA,
	HTTPCHUNK_AT_DATA_CR,
	HTTPCHUNK_AT_DATA_LF,
	HTTPCHUNK_AT_LAST_CR,
	HTTPCHUNK_AT_LAST_LF,
	HTTPCHUNK_AT_END,
};

/* The place in a body. Set it to zero to start anew. */
struct httpchunk {
	enum httpchunk_state state;
	uint32_t n_digits;	/* digits of the size that have come */
	uint32_t left;		/* the size so far; then bytes of the chunk still to come */
};

enum httpchunk_status {
	HTTPCHUNK_DATA,		/* *ret_data, not empty, is the next part of the body; call again */
	HTTPCHUNK_MORE,		/* all bytes are used, and the body goes on */
	HTTPCHUNK_END,		/* the body is whole; bytes behind ret_used are not its own */
	HTTPCHUNK_BAD,		/* 400, then close; *ret_why is a constant sentence */
};

/*
 * Reads on. bytes are those behind the bytes used so far. ret_used and ret_data are
 * written but for HTTPCHUNK_BAD; ret_data points into bytes. After END and BAD it must not
 * be called again.
 */
enum httpchunk_status httpchunk_decode(struct httpchunk *c, struct slice bytes,
    size_t *ret_used, struct slice *ret_data, const char **ret_why);
