/* SPDX-License-Identifier: ISC */
/* hookmac: HMAC of deliveries, by libcrypto. */
#include "config.h"

#include "door/http/hookmac.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdint.h>
#include <string.h>

#include "base/digest.h"

#define ID_BYTES 32	/* of the digest, in the id of a call */

static const char *const hashes[] = {
	[HOOKSIGN_SHA256] = "SHA256", [HOOKSIGN_SHA1] = "SHA1", [HOOKSIGN_SHA384] = "SHA384",
	[HOOKSIGN_SHA512] = "SHA512",
};

/* The HMAC of both parts. False: without memory. */
static bool
compute(EVP_MAC *mac, enum hooksign_hash hash, struct slice key, struct slice before,
    struct slice body, uint8_t ret[static HOOKSIGN_MAC_MAX])
{
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
		    (char *)(uintptr_t)hashes[hash], 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
	size_t len = 0;
	bool ok = ctx != NULL &&
	    EVP_MAC_init(ctx, (const unsigned char *)key.data, key.len, params) == 1 &&
	    EVP_MAC_update(ctx, (const unsigned char *)before.data, before.len) == 1 &&
	    (body.len == 0 ||
	    EVP_MAC_update(ctx, (const unsigned char *)body.data, body.len) == 1) &&
	    EVP_MAC_final(ctx, ret, &len, HOOKSIGN_MAC_MAX) == 1;

	EVP_MAC_CTX_free(ctx);
	return ok;
}

static EVP_MAC *
fetch(void)
{
	static EVP_MAC *mac;

	if (mac == NULL)
		mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	return mac;
}

int
hookmac_load(void)
{
	uint8_t mac[HOOKSIGN_MAC_MAX];

	/* A hash is looked for at its first use. */
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		if (fetch() == NULL ||
		    !compute(fetch(), (enum hooksign_hash)i, SLICE("key"), SLICE(""), SLICE("text"), mac))
			return -ENOTSUP;
	}
	return 0;
}

static void
id_format(const uint8_t *bytes, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	memcpy(ret, "hook-", 5);
	ret += 5;
	for (size_t i = 0; i < ID_BYTES; i++) {
		*ret++ = digits[bytes[i] >> 4];
		*ret++ = digits[bytes[i] & 15];
	}
	*ret = '\0';
}

/* Digests are compared, which are of one length. */
static bool
is_token(struct slice secret, struct slice token)
{
	uint8_t a[DIGEST_SHA256], b[DIGEST_SHA256];

	digest_sha256(secret, a);
	digest_sha256(token, b);
	return CRYPTO_memcmp(a, b, sizeof(a)) == 0;
}

bool
hookmac_verify(const struct hooksign_rule *rule, const struct hooksign *s, struct slice secret,
    struct slice body, char ret_id[static HOOKMAC_ID_TEXT])
{
	enum hooksign_hash hash = rule->scheme == HOOKSIGN_HMAC ? rule->hash : HOOKSIGN_SHA256;
	/* A short SHA-1 is filled up with zeros. */
	uint8_t key[HOOKSIGN_KEY_MAX], mac[HOOKSIGN_MAC_MAX] = { 0 };
	bool found = false, ok;
	size_t len;

	*ret_id = '\0';
	if (!hooksign_is_signed(rule->scheme))
		return is_token(secret, s->token);
	if (fetch() == NULL || !hooksign_key(rule->scheme, secret, key, &len))
		return false;
	ok = compute(fetch(), hash, (struct slice){ (const char *)key, len },
	    (struct slice){ s->before, s->before_len }, body, mac);
	OPENSSL_cleanse(key, sizeof(key));
	for (size_t i = 0; i < s->n_macs && ok; i++)
		found |= CRYPTO_memcmp(mac, s->macs[i], s->mac_len) == 0;
	if (found)
		id_format(mac, ret_id);
	return found;
}
