/* SPDX-License-Identifier: ISC */
/*
 * testline: a connection of the self-test, in the clear or over TLS, and the keys that it
 * makes for the private reqd.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/pin.h"

struct ssl_st;
struct ssl_ctx_st;

struct testline {
	int fd;			/* blocking */
	struct ssl_ctx_st *ctx;	/* NULL: in the clear */
	struct ssl_st *ssl;
};

/* A line that is not open. */
#define TESTLINE_INIT { .fd = -1 }

/*
 * Shakes hands over the connected socket of the line. The certificate of the server must be
 * that of the PEM file. identity is a file with a certificate and its key to show; NULL:
 * none. NULL, or what went wrong.
 */
const char *testline_seal(struct testline *l, const char *cert, const char *identity);

/* 0 or -errno. */
int testline_write(struct testline *l, const void *data, size_t len);

/* Returns the number of bytes, 0 at the end, or -errno. */
ssize_t testline_read(struct testline *l, void *ret, size_t len);

void testline_close(struct testline *l);

enum testkey { TESTKEY_EC, TESTKEY_RSA, TESTKEY_ED25519 };

/*
 * Makes a key and a certificate of its own, for a day, and writes both to two files, and
 * both into the third one, as a client shows them. 0 or -errno.
 */
int testkey_make(enum testkey kind, const char *key, const char *cert, const char *both,
    char ret_pin[static PIN_TEXT]);
