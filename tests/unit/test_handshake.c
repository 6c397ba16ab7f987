/* SPDX-License-Identifier: ISC */
/* handshake: signed is what a TLS server signs, and nothing that differs by a byte. */
#include "config.h"

#include "keys/handshake.h"

#include <check.h>
#include <string.h>

#include "base/cleanup.h"
#include "unit.h"

#define HEAD_13 98	/* blanks, context, NUL */

static uint8_t bytes[SIGNING_BYTES + 1];

static size_t
make_13(size_t hash)
{
	memset(bytes, ' ', 64);
	memcpy(bytes + 64, "TLS 1.3, server CertificateVerify", 34);
	memset(bytes + HEAD_13, 0xa5, hash);
	return HEAD_13 + hash;
}

static size_t
make_12(unsigned group, size_t point)
{
	memset(bytes, 0x5a, 64);
	bytes[64] = 3;
	bytes[65] = (uint8_t)(group >> 8);
	bytes[66] = (uint8_t)group;
	bytes[67] = (uint8_t)point;
	memset(bytes + 68, 4, point);
	return 68 + point;
}

START_TEST(version_1_3)
{
	ck_assert(handshake_may_sign(bytes, make_13(32), SIGNING_ECDSA_SHA256));
	ck_assert(handshake_may_sign(bytes, make_13(48), SIGNING_RSA_PSS_SHA256));
	ck_assert(!handshake_may_sign(bytes, make_13(48), SIGNING_RSA_PKCS1_SHA256));
	for (size_t len = 0; len <= SIGNING_BYTES; len++) {
		(void)make_13(SIGNING_BYTES - HEAD_13);
		ck_assert_int_eq(handshake_may_sign(bytes, len, SIGNING_ED25519),
		    len == HEAD_13 + 32 || len == HEAD_13 + 48);
	}
	/* Each byte before the hash counts. */
	for (size_t i = 0; i < HEAD_13; i++) {
		size_t len = make_13(32);

		bytes[i] ^= 1;
		ck_assert_msg(!handshake_may_sign(bytes, len, SIGNING_ED25519), "byte %zu", i);
	}
	/* A signature of a client would be good for a login elsewhere. */
	(void)make_13(32);
	memcpy(bytes + 64, "TLS 1.3, client CertificateVerify", 34);
	ck_assert(!handshake_may_sign(bytes, HEAD_13 + 32, SIGNING_ED25519));
}
END_TEST

START_TEST(version_1_2)
{
	static const struct {
		unsigned group;
		size_t point;
		bool ok;
	} rows[] = {
		{ 23, 65, true }, { 24, 97, true }, { 29, 32, true },
		{ 23, 64, false }, { 23, 33, false }, { 29, 65, false }, { 24, 65, false },
		{ 25, 97, false }, { 30, 56, false }, { 0, 65, false }, { 23 + 256, 65, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = make_12(rows[i].group, rows[i].point);

		ck_assert_msg(handshake_may_sign(bytes, len, SIGNING_RSA_PKCS1_SHA256) == rows[i].ok,
		    "row %zu", i);
		ck_assert(!handshake_may_sign(bytes, len - 1, SIGNING_RSA_PKCS1_SHA256));
		ck_assert(!handshake_may_sign(bytes, len + 1, SIGNING_RSA_PKCS1_SHA256));
	}
	(void)make_12(23, 65);
	bytes[64] = 1;		/* a curve in full, which the client could choose */
	ck_assert(!handshake_may_sign(bytes, 68 + 65, SIGNING_ECDSA_SHA256));
}
END_TEST

START_TEST(other_bytes)
{
	/* The beginning of a certificate, a mail, an ssh login, zeros. */
	static const char *const others[] = {
		"\x30\x82\x01\x0d\xa0\x03\x02\x01\x02\x02\x10", "From: root", "SSH-2.0-x", "" };

	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		for (size_t len = 0; len <= SIGNING_BYTES; len++) {
			memset(bytes, 0, sizeof(bytes));
			memcpy(bytes, others[i], strlen(others[i]));
			ck_assert(!handshake_may_sign(bytes, len, SIGNING_ECDSA_SHA256));
		}
	}
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_test(tc, version_1_3);
	tcase_add_test(tc, version_1_2);
	tcase_add_test(tc, other_bytes);
}

UNIT_MAIN("handshake", add(tc))
