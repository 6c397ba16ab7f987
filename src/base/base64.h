/* SPDX-License-Identifier: ISC */
/* base64: bytes as text of A-Z a-z 0-9 + / with padding. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* The value of a letter, of which the last two are given; -1: it is none. */
static inline int
base64_value(char c, char c62, char c63)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == c62 ? 62 : c == c63 ? 63 : -1;
}

/* Bytes of the text of so many bytes. */
#define BASE64_LEN(n) (((n) + 2) / 3 * 4)

/* Writes BASE64_LEN(s.len) characters, without a NUL. Returns their number. */
size_t base64_encode(struct slice s, char *ret);

/* Appends the text. 0, -ENOMEM or -EMSGSIZE. */
int base64_append(struct buf *b, struct slice s);

/*
 * Reads a text with its padding, of at most max bytes. 0 with their number, or -EINVAL: these
 * bytes have one text only, so what is over in the last letter must be zero.
 */
int base64_decode(struct slice text, uint8_t *ret, size_t max, size_t *ret_len);
