/* SPDX-License-Identifier: ISC */
/* keyring: the private keys of one configuration, found by their public keys. */
#pragma once

#include <stddef.h>

#include "conf/conf.h"
#include "ipc/signing.h"

struct keyring {
	struct {
		uint8_t name[SIGNING_KEY];
		void *key;		/* EVP_PKEY */
		enum tls_minimum minimum;	/* of the listener */
	} list[CONF_MAX_LISTENERS];
	size_t n;
};

/* Lets OpenSSL open what it needs, as this process can open no file later. 0 or -ENOTSUP. */
int keyring_load(void);

/*
 * Reads a key from an open file, whose position stays, and adds it; pin is the one that
 * the loader has found, minimum that of the listener. NULL, or what is wrong: a constant
 * string.
 */
const char *keyring_add(struct keyring *r, int fd, const char *pin, enum tls_minimum minimum);

/* Forgets the keys, and overwrites them. */
void keyring_done(struct keyring *r);

/*
 * Signs, if this is a handshake of a server, a listener with the key speaks this version,
 * and the scheme fits the key. Returns the
 * length of the signature; 0: refused. -ENOENT: there is no such key.
 */
int keyring_sign(const struct keyring *r, const struct signing_ask *ask,
    uint8_t ret[static SIGNING_SIGNATURE]);
