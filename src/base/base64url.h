/* SPDX-License-Identifier: ISC */
/* base64url: bytes as text of A-Z a-z 0-9 - _, without padding. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Bytes of the text of n bytes, and of its NUL. */
#define BASE64URL_TEXT(n) (((n) * 4 + 2) / 3 + 1)

/* Writes the text of these bytes to BASE64URL_TEXT(len) bytes. */
void base64url_encode(const uint8_t *data, size_t len, char *ret);

/*
 * Reads the text of exactly len bytes. 0 or -EINVAL; each value has one text only, so
 * the bits that are over in the last letter must be zero.
 */
int base64url_decode(struct slice text, uint8_t *ret, size_t len);
