/* SPDX-License-Identifier: ISC */
/*
 * bearer: the text of a token, a secret that a program makes and nobody types:
 * "reqd_", 43 letters of 32 random bytes, and 4 letters of a checksum.
 *
 * The prefix lets scanners of source code find a token. The checksum tells a torn
 * or mistyped token from an unknown one without asking anybody.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define BEARER_PREFIX "reqd_"
#define BEARER_RANDOM 32
#define BEARER_LEN 52
#define BEARER_TEXT (BEARER_LEN + 1)

/* Writes the token of these random bytes. */
void bearer_format(const uint8_t random[static BEARER_RANDOM], char ret[static BEARER_TEXT]);

/* True if the text begins like a token, so that it is no password. */
static inline bool
bearer_is_like(struct slice text)
{
	return slice_starts(text, BEARER_PREFIX);
}

/* True if the text is a whole token whose checksum is right. */
bool bearer_is_valid(struct slice text);
