/* SPDX-License-Identifier: ISC */
/* tlscontext: makes an SSL_CTX of a listener's settings. */
#include "config.h"

#include "net/tlscontext.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "net/tlsprovider.h"

/* The name of each protocol inside, as ALPN has it: with its length before it. */
static const struct {
	const char *name;
	unsigned len;
} alpn[PROTOCOL_N] = {
	[PROTOCOL_RESP] = { "\006reqd/1", 7 },
	[PROTOCOL_HTTP] = { "\010http/1.1", 9 },
};

/* A client that offers only others, such as a browser at RESP, is stopped before its first byte. */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
    unsigned in_len, void *arg)
{
	const struct tlscontext *c = arg;
	unsigned char *found;

	(void)ssl;
	if (SSL_select_next_proto(&found, out_len, (const unsigned char *)alpn[c->protocol].name,
	    alpn[c->protocol].len, in, in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = found;
	return SSL_TLSEXT_ERR_OK;
}

/* Bytes of the certificates that a client may send. */
#define CLIENT_CHAIN_MAX (32 << 10)

/*
 * Asks clients for a certificate. The names of the authorities are not sent: some clients
 * would then keep back a key that has a login of its own.
 */
static void
ask_clients(SSL_CTX *ctx, enum tls_clients clients, tlscontext_verify_fn *verify)
{
	if (clients == TLS_CLIENTS_NONE)
		return;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | (clients == TLS_CLIENTS_REQUIRED ?
	    SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify, NULL);
	SSL_CTX_set_max_cert_list(ctx, CLIENT_CHAIN_MAX);
}

/* No resumption: nothing to rotate, to share, to revoke, or to decrypt later. */
static bool
set_parameters(SSL_CTX *ctx, struct tlscontext *c)
{
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, c);
	return SSL_CTX_set_num_tickets(ctx, 0) == 1 &&
	    SSL_CTX_set_min_proto_version(ctx,
	    c->minimum == TLS_MINIMUM_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION) == 1 &&
	    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
	    SSL_CTX_set1_groups_list(ctx, "X25519:P-256") == 1;
}

static X509 *
decode(const char *base64)
{
	size_t len = strlen(base64), padding = 0;
	unsigned char *der = malloc(len / 4 * 3 + 3);
	const unsigned char *p = der;
	X509 *cert = NULL;
	int n;

	while (padding < len && base64[len - 1 - padding] == '=')
		padding++;
	n = der == NULL ? -1 : EVP_DecodeBlock(der, (const unsigned char *)base64, (int)len);
	if (n > (int)padding)
		cert = d2i_X509(NULL, &p, n - (long)padding);
	free(der);
	return cert;
}

static bool
set_chain(SSL_CTX *ctx, char **chain)
{
	for (size_t i = 0; chain != NULL && chain[i] != NULL; i++) {
		X509 *cert = decode(chain[i]);
		bool ok = cert != NULL && (i == 0 ? SSL_CTX_use_certificate(ctx, cert) :
		    SSL_CTX_add1_chain_cert(ctx, cert)) == 1;

		X509_free(cert);
		if (!ok)
			return false;
	}
	return chain != NULL && chain[0] != NULL;
}

static bool
set_key(SSL_CTX *ctx)
{
	EVP_PKEY *key = tlsprovider_key(X509_get0_pubkey(SSL_CTX_get0_certificate(ctx)));
	bool ok = key != NULL && SSL_CTX_use_PrivateKey(ctx, key) == 1;

	EVP_PKEY_free(key);
	return ok;
}

static char **
copy_list(char **list)
{
	size_t n = 0;
	char **copy;

	while (list != NULL && list[n] != NULL)
		n++;
	copy = calloc(n + 1, sizeof(*copy));
	for (size_t i = 0; copy != NULL && i < n; i++) {
		copy[i] = strdup(list[i]);
		if (copy[i] == NULL)
			break;
	}
	return copy;
}

static bool
is_same_list(char **a, char **b)
{
	size_t i = 0;

	while (a[i] != NULL && b[i] != NULL && strcmp(a[i], b[i]) == 0)
		i++;
	return a[i] == NULL && b[i] == NULL;
}

struct tlscontext *
tlscontext_new(const struct listener *l, enum tls_clients clients,
    tlscontext_verify_fn *verify, struct tlscontext *old)
{
	struct tlscontext *c;

	if (old != NULL && old->minimum == l->minimum && old->clients == clients &&
	    old->protocol == l->protocol && l->cert.chain != NULL &&
	    is_same_list(old->chain, l->cert.chain))
		return tlscontext_ref(old);
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	ERR_clear_error();
	c->refs = 1;
	c->minimum = l->minimum;
	c->clients = clients;
	c->protocol = l->protocol;
	c->chain = copy_list(l->cert.chain);
	c->ctx = SSL_CTX_new(TLS_server_method());
	if (c->chain == NULL || c->ctx == NULL || !set_parameters(c->ctx, c) ||
	    !set_chain(c->ctx, l->cert.chain) || !set_key(c->ctx))
		return tlscontext_unref(c);
	ask_clients(c->ctx, clients, verify);
	return c;
}

struct tlscontext *
tlscontext_unref(struct tlscontext *c)
{
	if (c == NULL || --c->refs > 0)
		return NULL;
	for (size_t i = 0; c->chain != NULL && c->chain[i] != NULL; i++)
		free(c->chain[i]);
	free(c->chain);
	SSL_CTX_free(c->ctx);
	free(c);
	return NULL;
}
