/* SPDX-License-Identifier: ISC */
/*
 * digest: 128 bits that stand for a text (a lock value, an owner, a token). The
 * first half of SHA-256, so that nobody can make two texts with one digest.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"

struct digest {
	uint8_t bytes[16];
};

/*
 * Returns the digest of the parts, each with its length, so {"ab","c"} !=
 * {"a","bc"}.
 */
struct digest digest_of(const struct slice *parts, size_t n_parts);

/* Bytes of a whole SHA-256. */
#define DIGEST_SHA256 32

/* Writes the SHA-256 of these bytes alone, as sha256sum(1) prints it. */
void digest_sha256(struct slice bytes, uint8_t ret[static DIGEST_SHA256]);

static inline bool
digest_eq(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/*
 * True if the digest is all zero, which means "none" wherever a digest is
 * optional.
 */
static inline bool
digest_is_none(const struct digest *d)
{
	static const struct digest none;

	return digest_eq(d, &none);
}
