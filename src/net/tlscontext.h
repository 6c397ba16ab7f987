/* SPDX-License-Identifier: ISC */
/*
 * tlscontext: the TLS settings and the certificate of a listener. Connections keep the
 * one that they began with.
 */
#pragma once

#include <stdbool.h>

#include "conf/conf.h"

typedef struct ssl_ctx_st SSL_CTX;

struct tlscontext {
	unsigned refs;
	SSL_CTX *ctx;
	enum tls_minimum minimum;
	enum listener_protocol protocol;
	char **chain;		/* copies, to compare with */
};

/*
 * Makes the context of a listener, from memory alone; old is returned again if nothing
 * in it would change, and may be NULL. NULL: no memory, or a certificate that OpenSSL
 * refuses here.
 */
struct tlscontext *tlscontext_new(const struct listener *l, struct tlscontext *old);

static inline struct tlscontext *
tlscontext_ref(struct tlscontext *c)
{
	c->refs++;
	return c;
}

/* Accepts NULL. Returns NULL. */
struct tlscontext *tlscontext_unref(struct tlscontext *c);
