/* SPDX-License-Identifier: ISC */
/* bearer: writes tokens and checks their form. */
#include "config.h"

#include "proto/bearer.h"

#include <string.h>

#include "base/base64url.h"
#include "base/digest.h"

#define PREFIX_LEN (sizeof(BEARER_PREFIX) - 1)
#define BODY_LEN (PREFIX_LEN + BASE64URL_TEXT(BEARER_RANDOM) - 1)
#define CHECK_BYTES 3

_Static_assert(BEARER_LEN == BODY_LEN + BASE64URL_TEXT(CHECK_BYTES) - 1, "length of a token");

/* Writes the checksum of the text before it. */
static void
checksum(const char *body, char ret[static BASE64URL_TEXT(CHECK_BYTES)])
{
	uint8_t hash[DIGEST_SHA256];

	digest_sha256((struct slice){ body, BODY_LEN }, hash);
	base64url_encode(hash, CHECK_BYTES, ret);
}

void
bearer_format(const uint8_t random[static BEARER_RANDOM], char ret[static BEARER_TEXT])
{
	memcpy(ret, BEARER_PREFIX, PREFIX_LEN);
	base64url_encode(random, BEARER_RANDOM, ret + PREFIX_LEN);
	checksum(ret, ret + BODY_LEN);
}

bool
bearer_is_valid(struct slice text)
{
	const struct slice body = { text.data + PREFIX_LEN, BODY_LEN - PREFIX_LEN };
	char check[BASE64URL_TEXT(CHECK_BYTES)];
	uint8_t random[BEARER_RANDOM];
	int r;

	if (text.len != BEARER_LEN || !bearer_is_like(text))
		return false;
	r = base64url_decode(body, random, sizeof(random));
	explicit_bzero(random, sizeof(random));
	checksum(text.data, check);
	return r == 0 && memcmp(check, text.data + BODY_LEN, sizeof(check) - 1) == 0;
}
