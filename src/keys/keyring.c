/* SPDX-License-Identifier: ISC */
/* keyring: reads private keys and signs with them. */
#include "config.h"

#include "keys/keyring.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/pin.h"
#include "base/wiping.h"
#include "keys/handshake.h"

#define KEY_FILE_MAX (64u << 10)

static const struct scheme {
	enum signing_scheme scheme;
	const char *kind, *digest;	/* digest NULL: the kind has its own */
	bool is_pss;
} schemes[] = {
	{ SIGNING_RSA_PKCS1_SHA256, "RSA", "SHA256", false },
	{ SIGNING_RSA_PKCS1_SHA384, "RSA", "SHA384", false },
	{ SIGNING_RSA_PKCS1_SHA512, "RSA", "SHA512", false },
	{ SIGNING_RSA_PSS_SHA256, "RSA", "SHA256", true },
	{ SIGNING_RSA_PSS_SHA384, "RSA", "SHA384", true },
	{ SIGNING_RSA_PSS_SHA512, "RSA", "SHA512", true },
	{ SIGNING_ECDSA_SHA256, "EC", "SHA256", false },
	{ SIGNING_ECDSA_SHA384, "EC", "SHA384", false },
	{ SIGNING_ECDSA_SHA512, "EC", "SHA512", false },
	{ SIGNING_ED25519, "ED25519", NULL, false },
};

int
keyring_load(void)
{
	unsigned char byte;

	/* OpenSSL may free parts of a key. In tests it has memory already: no change there. */
	(void)CRYPTO_set_mem_functions(wiping_malloc, wiping_realloc, wiping_free);
	/* The generator of random numbers opens its sources at its first use. */
	return OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) == 1 &&
	    RAND_bytes(&byte, 1) == 1 ? 0 : -ENOTSUP;
}

/* A prompt for a password would stop the process. */
static int
no_password(char *buf, int size, int rwflag, void *user)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)user;
	return -1;
}

static EVP_PKEY *
read_key(int fd)
{
	static char text[KEY_FILE_MAX];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	BIO *bio = n > 0 ? BIO_new_mem_buf(text, (int)n) : NULL;
	EVP_PKEY *key = bio == NULL ? NULL :
	    PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);

	BIO_free(bio);
	OPENSSL_cleanse(text, sizeof(text));
	return key;
}

/* Writes the name of a key and its pin. False: no memory. */
static bool
name_key(EVP_PKEY *key, uint8_t ret[static SIGNING_KEY], char ret_pin[static PIN_TEXT])
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);
	bool ok = len > 0 && EVP_Digest(der, (size_t)len, ret, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	if (ok)
		pin_format(ret, ret_pin);
	return ok;
}

const char *
keyring_add(struct keyring *r, int fd, const char *pin, enum tls_minimum minimum)
{
	EVP_PKEY *key = read_key(fd);
	uint8_t name[SIGNING_KEY];
	char found[PIN_TEXT];

	if (key == NULL)
		return "a private key cannot be read any more";
	if (!name_key(key, name, found) || pin == NULL || strcmp(found, pin) != 0) {
		EVP_PKEY_free(key);
		return "a private key has changed since it was checked";
	}
	memcpy(r->list[r->n].name, name, sizeof(name));
	r->list[r->n].minimum = minimum;
	r->list[r->n++].key = key;
	return NULL;
}

void
keyring_done(struct keyring *r)
{
	while (r->n > 0)
		EVP_PKEY_free(r->list[--r->n].key);
}

static const struct scheme *
find_scheme(uint16_t number, const EVP_PKEY *key)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (schemes[i].scheme == number && EVP_PKEY_is_a(key, schemes[i].kind))
			return &schemes[i];
	}
	return NULL;
}

static int
sign(EVP_PKEY *key, const struct scheme *s, const struct signing_ask *ask, uint8_t *ret)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options = NULL;
	size_t len = SIGNING_SIGNATURE;
	bool ok = ctx != NULL &&
	    EVP_DigestSignInit_ex(ctx, &options, s->digest, NULL, NULL, key, NULL) == 1;

	if (ok && s->is_pss)
		ok = EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) > 0 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) > 0;
	ok = ok && EVP_DigestSign(ctx, ret, &len, ask->bytes, ask->len) == 1;
	EVP_MD_CTX_free(ctx);
	return ok ? (int)len : 0;
}

int
keyring_sign(const struct keyring *r, const struct signing_ask *ask,
    uint8_t ret[static SIGNING_SIGNATURE])
{
	bool is_old, is_known = false;

	if (ask->len > sizeof(ask->bytes) ||
	    !handshake_may_sign(ask->bytes, ask->len, ask->scheme))
		return 0;
	is_old = handshake_is_old(ask->bytes, ask->len);
	for (size_t i = 0; i < r->n; i++) {
		const struct scheme *s;

		if (memcmp(r->list[i].name, ask->key, SIGNING_KEY) != 0)
			continue;
		/* Several listeners may have this key, and one of them the older version. */
		is_known = true;
		if (is_old && r->list[i].minimum == TLS_MINIMUM_1_3)
			continue;
		s = find_scheme(ask->scheme, r->list[i].key);
		return s != NULL ? sign(r->list[i].key, s, ask, ret) : 0;
	}
	return is_known ? 0 : -ENOENT;
}
