/* SPDX-License-Identifier: ISC */
/*
 * keyring: reads keys from open files, signs by name and scheme, and refuses what is no
 * handshake, no key of its own, or a scheme of another kind of key.
 */
#include "config.h"

#include "keys/keyring.h"

#include <check.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "unit.h"

static const struct {
	const char *kind;
	uint16_t good[3], bad[3];
} kinds[] = {
	{ "EC", { SIGNING_ECDSA_SHA256 }, { SIGNING_RSA_PSS_SHA256, SIGNING_ED25519, 0 } },
	{ "RSA", { SIGNING_RSA_PSS_SHA256, SIGNING_RSA_PSS_SHA384, SIGNING_RSA_PSS_SHA512 },
	  { SIGNING_ECDSA_SHA256, SIGNING_ED25519, SIGNING_RSA_PKCS1_SHA256 } },
	{ "ED25519", { SIGNING_ED25519 }, { SIGNING_ECDSA_SHA256, SIGNING_RSA_PSS_SHA256, 0 } },
};

static EVP_PKEY *
make_key(const char *kind)
{
	return strcmp(kind, "EC") == 0 ? EVP_EC_gen("P-256") :
	    strcmp(kind, "RSA") == 0 ? EVP_RSA_gen(2048) : EVP_PKEY_Q_keygen(NULL, NULL, kind);
}

/* An open file with the key, and its pin. */
static int
file_of(EVP_PKEY *key, char pin[static 64], uint8_t name[static SIGNING_KEY])
{
	int fd = memfd_create("key", MFD_CLOEXEC);
	FILE *f = fdopen(dup(fd), "w");
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);

	ck_assert_int_eq(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(f);
	ck_assert_int_eq(EVP_Digest(der, (size_t)len, name, NULL, EVP_sha256(), NULL), 1);
	OPENSSL_free(der);
	(void)memcpy(pin, "sha256:", 7);
	(void)EVP_EncodeBlock((unsigned char *)pin + 7, name, SIGNING_KEY);
	for (char *p = pin; *p != '\0'; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	pin[strcspn(pin, "=")] = '\0';
	return fd;
}

static struct signing_ask
question(const uint8_t name[static SIGNING_KEY], uint16_t scheme)
{
	struct signing_ask ask = { .id = 1, .scheme = scheme, .len = 98 + 32 };

	memcpy(ask.key, name, SIGNING_KEY);
	memset(ask.bytes, ' ', 64);
	memcpy(ask.bytes + 64, "TLS 1.3, server CertificateVerify", 34);
	return ask;
}

static bool
is_valid(EVP_PKEY *key, const struct signing_ask *ask, const uint8_t *signature, size_t len)
{
	const char *digest = ask->scheme == SIGNING_ED25519 ? NULL :
	    ask->scheme == SIGNING_RSA_PSS_SHA384 ? "SHA384" :
	    ask->scheme == SIGNING_RSA_PSS_SHA512 ? "SHA512" : "SHA256";
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options;
	bool ok;

	ck_assert_int_eq(EVP_DigestVerifyInit_ex(ctx, &options, digest, NULL, NULL, key, NULL), 1);
	if (EVP_PKEY_is_a(key, "RSA"))
		(void)EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING);
	ok = EVP_DigestVerify(ctx, signature, len, ask->bytes, ask->len) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

START_TEST(signs_with_each_kind_of_key)
{
	EVP_PKEY *key = make_key(kinds[_i].kind);
	uint8_t name[SIGNING_KEY], signature[SIGNING_SIGNATURE];
	struct keyring ring = { .n = 0 };
	struct signing_ask ask;
	char pin[64];
	int fd = file_of(key, pin, name), n;

	ck_assert_ptr_null(keyring_add(&ring, fd, pin, TLS_MINIMUM_1_3));
	/* The position of the file is shared with other processes: it does not count. */
	ck_assert_ptr_null(keyring_add(&ring, fd, pin, TLS_MINIMUM_1_3));
	for (size_t i = 0; i < 3 && kinds[_i].good[i] != 0; i++) {
		ask = question(name, kinds[_i].good[i]);
		n = keyring_sign(&ring, &ask, signature);
		ck_assert_int_gt(n, 0);
		ck_assert(is_valid(key, &ask, signature, (size_t)n));
	}
	for (size_t i = 0; i < 3; i++) {
		ask = question(name, kinds[_i].bad[i]);
		ck_assert_int_eq(keyring_sign(&ring, &ask, signature), 0);
	}
	ask = question(name, kinds[_i].good[0]);
	ask.bytes[3] = 'x';
	ck_assert_int_eq(keyring_sign(&ring, &ask, signature), 0);
	ask = question(name, kinds[_i].good[0]);
	ask.len = SIGNING_BYTES + 1;
	ck_assert_int_eq(keyring_sign(&ring, &ask, signature), 0);
	ask = question(name, kinds[_i].good[0]);
	ask.key[0] ^= 1;
	ck_assert_int_eq(keyring_sign(&ring, &ask, signature), -ENOENT);
	keyring_done(&ring);
	ask = question(name, kinds[_i].good[0]);
	ck_assert_int_eq(keyring_sign(&ring, &ask, signature), -ENOENT);
	EVP_PKEY_free(key);
	(void)close(fd);
}
END_TEST

START_TEST(a_key_that_is_not_the_checked_one)
{
	EVP_PKEY *key = make_key("EC");
	uint8_t name[SIGNING_KEY];
	struct keyring ring = { .n = 0 };
	char pin[64];
	int fd = file_of(key, pin, name);

	pin[10] = pin[10] == 'A' ? 'B' : 'A';
	ck_assert_str_eq(keyring_add(&ring, fd, pin, TLS_MINIMUM_1_3),
	    "a private key has changed since it was checked");
	ck_assert_ptr_nonnull(keyring_add(&ring, fd, NULL, TLS_MINIMUM_1_3));
	ck_assert_int_eq(ftruncate(fd, 20), 0);
	ck_assert_str_eq(keyring_add(&ring, fd, pin, TLS_MINIMUM_1_3),
	    "a private key cannot be read any more");
	ck_assert_uint_eq(ring.n, 0);
	EVP_PKEY_free(key);
	(void)close(fd);
}
END_TEST

/* A key signs TLS 1.2 only where a listener has it that speaks TLS 1.2. */
START_TEST(the_older_version_where_it_is_spoken)
{
	EVP_PKEY *key = make_key("EC");
	uint8_t name[SIGNING_KEY], signature[SIGNING_SIGNATURE];
	struct keyring ring = { .n = 0 };
	struct signing_ask ask;
	char pin[64];
	int fd = file_of(key, pin, name), n;

	ask = (struct signing_ask){ .scheme = SIGNING_ECDSA_SHA256, .len = 68 + 32,
		.bytes = { [64] = 3, [66] = 29, [67] = 32 } };
	memcpy(ask.key, name, SIGNING_KEY);
	ck_assert_ptr_null(keyring_add(&ring, fd, pin, TLS_MINIMUM_1_3));
	ck_assert_int_eq(keyring_sign(&ring, &ask, signature), 0);
	ck_assert_ptr_null(keyring_add(&ring, fd, pin, TLS_MINIMUM_1_2));
	n = keyring_sign(&ring, &ask, signature);
	ck_assert_int_gt(n, 0);
	ck_assert(is_valid(key, &ask, signature, (size_t)n));
	ask = question(name, SIGNING_ECDSA_SHA256);
	ck_assert_int_gt(keyring_sign(&ring, &ask, signature), 0);
	keyring_done(&ring);
	EVP_PKEY_free(key);
	(void)close(fd);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_loop_test(tc, signs_with_each_kind_of_key, 0, (int)ARRAY_LEN(kinds));
	tcase_add_test(tc, a_key_that_is_not_the_checked_one);
	tcase_add_test(tc, the_older_version_where_it_is_spoken);
}

UNIT_MAIN("keyring", add(tc))
