/* SPDX-License-Identifier: ISC */
/*
 * tlsfiles: looks into a certificate and its private key. Only a child of the loader
 * that ends at once does this, because OpenSSL is not to run in the master.
 */
#pragma once

#include <stddef.h>

#include "base/buf.h"

/* The private keys that reqd can use, in the words of an error. */
#define TLSFILES_KEYS "RSA (2048 to 4096 bits), P-256, P-384 or Ed25519"

/*
 * Checks that the key, read from the open file, belongs to the first of the PEM
 * certificates in text. Appends strings, each with its NUL, to ret: the pin, both ends
 * of the validity, and each certificate as base64. NULL; or what is wrong, a constant
 * string.
 */
const char *tlsfiles_check(const char *text, size_t len, int key_fd, struct buf *ret);

/*
 * Checks that the PEM text has certificates of authorities, a root among them, and nothing
 * else; or lists of revoked certificates. Appends each as base64, with its NUL; before lists
 * the time at which the first of them is out of date. Returns as tlsfiles_check().
 */
const char *tlsfiles_check_authorities(const char *text, size_t len, struct buf *ret);
const char *tlsfiles_check_revocations(const char *text, size_t len, struct buf *ret);
