/* SPDX-License-Identifier: ISC */
/*
 * tlscontext: the TLS settings and the certificate of a listener. Connections keep the
 * one that they began with.
 */
#pragma once

#include <stdbool.h>

#include "conf/conf.h"

typedef struct ssl_ctx_st SSL_CTX;
typedef struct x509_store_ctx_st X509_STORE_CTX;

/* Judges the certificate of a client, as SSL_CTX_set_cert_verify_callback(3) has it. */
typedef int tlscontext_verify_fn(X509_STORE_CTX *chain, void *arg);

struct tlscontext {
	unsigned refs;
	SSL_CTX *ctx;
	enum tls_minimum minimum;
	enum tls_clients clients;
	enum listener_protocol protocol;
	char **chain;		/* copies, to compare with */
};

/*
 * Makes the context of a listener, from memory alone. clients says whether clients are asked
 * for a certificate, which verify then judges. old is returned again if nothing in it would
 * change, and may be NULL. NULL: no memory, or a certificate that OpenSSL refuses here.
 */
struct tlscontext *tlscontext_new(const struct listener *l, enum tls_clients clients,
    tlscontext_verify_fn *verify, struct tlscontext *old);

static inline struct tlscontext *
tlscontext_ref(struct tlscontext *c)
{
	c->refs++;
	return c;
}

/* Accepts NULL. Returns NULL. */
struct tlscontext *tlscontext_unref(struct tlscontext *c);
