/* SPDX-License-Identifier: ISC */
/* handshake: the two forms of what a TLS server signs (RFC 8446 4.4.3, RFC 8422 5.4). */
#include "config.h"

#include "keys/handshake.h"

#include <string.h>

/* TLS 1.3: blanks, the context with its NUL, the hash of the handshake so far. */
#define BLANKS 64
static const char context[] = "TLS 1.3, server CertificateVerify";

/* TLS 1.2: the random bytes of client and server; a named curve; its point. */
#define RANDOMS 64
#define NAMED_CURVE 3

static bool
is_pkcs1(enum signing_scheme scheme)
{
	return scheme == SIGNING_RSA_PKCS1_SHA256 || scheme == SIGNING_RSA_PKCS1_SHA384 ||
	    scheme == SIGNING_RSA_PKCS1_SHA512;
}

static bool
is_tls13(const uint8_t *bytes, size_t len)
{
	size_t head = BLANKS + sizeof(context);

	if (len != head + 32 && len != head + 48)
		return false;
	for (size_t i = 0; i < BLANKS; i++) {
		if (bytes[i] != ' ')
			return false;
	}
	return memcmp(bytes + BLANKS, context, sizeof(context)) == 0;
}

/* Returns the length of the point of a curve that reqd offers; 0: not such a curve. */
static size_t
point_len(unsigned group)
{
	switch (group) {
	case 23: return 65;	/* P-256 */
	case 24: return 97;	/* P-384 */
	case 29: return 32;	/* X25519 */
	default: return 0;
	}
}

bool
handshake_is_old(const uint8_t *bytes, size_t len)
{
	const uint8_t *params = bytes + RANDOMS;
	size_t point;

	if (len < RANDOMS + 4 || params[0] != NAMED_CURVE)
		return false;
	point = point_len((unsigned)params[1] << 8 | params[2]);
	return point != 0 && params[3] == point && len == RANDOMS + 4 + point;
}

bool
handshake_may_sign(const uint8_t *bytes, size_t len, enum signing_scheme scheme)
{
	if (is_tls13(bytes, len))
		return !is_pkcs1(scheme);
	return handshake_is_old(bytes, len);
}
