/* SPDX-License-Identifier: ISC */
/* httpchunk: decodes a body in chunks. */
#include "config.h"

#include "proto/httpchunk.h"

#include <stdbool.h>

#include "base/hexdigit.h"

static enum httpchunk_status
bad(const char **ret_why, const char *why)
{
	*ret_why = why;
	return HTTPCHUNK_BAD;
}

/* Takes one byte of a size, or the CR behind it. Returns NULL, or what is wrong. */
static const char *
size_take(struct httpchunk *c, char byte)
{
	int digit = hexdigit_value(byte);

	if (byte == '\r' && c->n_digits > 0) {
		c->state = HTTPCHUNK_AT_SIZE_LF;
		return NULL;
	}
	if (byte == ';')
		return "the size of a chunk has an extension";
	if (digit < 0)
		return "the size of a chunk is not hexadecimal digits and CRLF";
	if (c->n_digits == HTTPCHUNK_DIGITS)
		return "the size of a chunk has more than 8 digits";
	c->n_digits++;
	c->left = c->left << 4 | (uint32_t)digit;
	return NULL;
}

/* Takes one byte that is no data. Returns NULL, or what is wrong. */
static const char *
byte_take(struct httpchunk *c, char byte)
{
	switch (c->state) {
	case HTTPCHUNK_AT_SIZE:
		return size_take(c, byte);
	case HTTPCHUNK_AT_SIZE_LF:
		if (byte != '\n')
			return "the size of a chunk does not end in CRLF";
		c->state = c->left > 0 ? HTTPCHUNK_AT_DATA : HTTPCHUNK_AT_LAST_CR;
		return NULL;
	case HTTPCHUNK_AT_DATA_CR:
		if (byte != '\r')
			return "a chunk is longer than its size says";
		c->state = HTTPCHUNK_AT_DATA_LF;
		return NULL;
	case HTTPCHUNK_AT_DATA_LF:
		if (byte != '\n')
			return "a chunk does not end in CRLF";
		*c = (struct httpchunk){ .state = HTTPCHUNK_AT_SIZE };
		return NULL;
	case HTTPCHUNK_AT_LAST_CR:
		if (byte != '\r')
			return "a trailer field follows the last chunk, and none is read";
		c->state = HTTPCHUNK_AT_LAST_LF;
		return NULL;
	case HTTPCHUNK_AT_LAST_LF:
		if (byte != '\n')
			return "the last chunk does not end in CRLF";
		c->state = HTTPCHUNK_AT_END;
		return NULL;
	case HTTPCHUNK_AT_DATA:
	case HTTPCHUNK_AT_END:
		break;
	}
	return "bytes follow the body";
}

enum httpchunk_status
httpchunk_decode(struct httpchunk *c, struct slice bytes, size_t *ret_used,
    struct slice *ret_data, const char **ret_why)
{
	size_t i = 0, n;
	const char *why;

	*ret_data = (struct slice){ bytes.data, 0 };
	for (; i < bytes.len && c->state != HTTPCHUNK_AT_DATA; i++) {
		why = byte_take(c, bytes.data[i]);
		if (why != NULL)
			return bad(ret_why, why);
		if (c->state == HTTPCHUNK_AT_END) {
			*ret_used = i + 1;
			return HTTPCHUNK_END;
		}
	}
	if (i == bytes.len) {
		*ret_used = i;
		return HTTPCHUNK_MORE;
	}
	n = bytes.len - i < c->left ? bytes.len - i : c->left;
	*ret_data = (struct slice){ bytes.data + i, n };
	*ret_used = i + n;
	c->left -= (uint32_t)n;
	if (c->left == 0)
		c->state = HTTPCHUNK_AT_DATA_CR;
	return HTTPCHUNK_DATA;
}
