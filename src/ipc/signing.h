/* SPDX-License-Identifier: ISC */
/*
 * signing: the question of a worker for a signature of a TLS handshake, and the answer
 * of the process that has the private keys. The question has the bytes to sign, not a
 * hash, so that the keys see what they sign.
 *
 * Questions go up the pipe of a mail, answers down its socket. The worker blocks until
 * the answer is there, so these are no frames of that mail.
 */
#pragma once

#include <stdint.h>

/* SHA-256 of the public key, in DER: the name of a key. */
#define SIGNING_KEY 32

/* Longest bytes to sign: TLS 1.2 with P-384; longest signature: RSA with 4096 bits. */
#define SIGNING_BYTES 176
#define SIGNING_SIGNATURE 512

/* Signature schemes, with the numbers of TLS. */
enum signing_scheme {
	SIGNING_RSA_PKCS1_SHA256 = 0x0401,
	SIGNING_RSA_PKCS1_SHA384 = 0x0501,
	SIGNING_RSA_PKCS1_SHA512 = 0x0601,
	SIGNING_ECDSA_SHA256 = 0x0403,
	SIGNING_ECDSA_SHA384 = 0x0503,
	SIGNING_ECDSA_SHA512 = 0x0603,
	SIGNING_RSA_PSS_SHA256 = 0x0804,
	SIGNING_RSA_PSS_SHA384 = 0x0805,
	SIGNING_RSA_PSS_SHA512 = 0x0806,
	SIGNING_ED25519 = 0x0807,
};

struct signing_ask {
	uint64_t id;			/* chosen by the worker, never the same twice */
	uint8_t key[SIGNING_KEY];
	uint16_t scheme;
	uint16_t len;
	uint8_t bytes[SIGNING_BYTES];
	uint8_t unused[4];
};

struct signing_answer {
	uint64_t id;
	uint16_t len;			/* 0: refused */
	uint8_t signature[SIGNING_SIGNATURE];
	uint8_t unused[6];
};

_Static_assert(sizeof(struct signing_ask) == 224, "questions have one size, without holes");
_Static_assert(sizeof(struct signing_answer) == 528, "answers have one size, without holes");
