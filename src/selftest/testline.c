/* SPDX-License-Identifier: ISC */
/* testline: the OpenSSL of the self-test, as client and as maker of keys. */
#include "config.h"

#include "selftest/testline.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

/* ----------------------------------------------------------------- lines --- */

const char *
testline_seal(struct testline *l, const char *cert, const char *identity)
{
	const char *reason;

	ERR_clear_error();
	l->ctx = SSL_CTX_new(TLS_client_method());
	if (l->ctx != NULL)
		SSL_CTX_set_verify(l->ctx, SSL_VERIFY_PEER, NULL);
	if (l->ctx != NULL && SSL_CTX_load_verify_file(l->ctx, cert) == 1 &&
	    (identity == NULL ||
	    (SSL_CTX_use_certificate_chain_file(l->ctx, identity) == 1 &&
	    SSL_CTX_use_PrivateKey_file(l->ctx, identity, SSL_FILETYPE_PEM) == 1)))
		l->ssl = SSL_new(l->ctx);
	if (l->ssl != NULL && SSL_set_fd(l->ssl, l->fd) == 1 && SSL_connect(l->ssl) == 1)
		return NULL;
	reason = ERR_reason_error_string(ERR_peek_last_error());
	return reason != NULL ? reason : "no handshake";
}

int
testline_write(struct testline *l, const void *data, size_t len)
{
	size_t n;

	if (l->ssl == NULL)
		return fd_write_all(l->fd, data, len);
	return SSL_write_ex(l->ssl, data, len, &n) == 1 ? 0 : -EIO;
}

ssize_t
testline_read(struct testline *l, void *ret, size_t len)
{
	ssize_t r;
	size_t n;

	if (l->ssl == NULL) {
		r = read(l->fd, ret, len);
		return r < 0 ? -errno : r;
	}
	if (SSL_read_ex(l->ssl, ret, len, &n) == 1)
		return (ssize_t)n;
	return SSL_get_error(l->ssl, 0) == SSL_ERROR_ZERO_RETURN ? 0 : -EIO;
}

void
testline_close(struct testline *l)
{
	SSL_free(TAKE_PTR(l->ssl));
	SSL_CTX_free(TAKE_PTR(l->ctx));
	if (l->fd >= 0)
		(void)close(TAKE_FD(l->fd));
}

/* ------------------------------------------------------------------ keys --- */

static EVP_PKEY *
make_key(enum testkey kind)
{
	switch (kind) {
	case TESTKEY_EC: return EVP_EC_gen("P-256");
	case TESTKEY_RSA: return EVP_RSA_gen(2048);
	default: return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	}
}

static X509 *
make_certificate(EVP_PKEY *key, enum testkey kind)
{
	static const unsigned char name[] = "self-test of reqd";
	X509 *cert = X509_new();
	X509_NAME *subject = cert != NULL ? X509_get_subject_name(cert) : NULL;

	if (cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), -60 * 60) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(cert), 24 * 60 * 60) != NULL &&
	    X509_set_pubkey(cert, key) == 1 &&
	    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(cert, subject) == 1 &&
	    X509_sign(cert, key, kind == TESTKEY_ED25519 ? NULL : EVP_sha256()) > 0)
		return cert;
	X509_free(cert);
	return NULL;
}

static bool
make_pin(X509 *cert, char ret[static PIN_TEXT])
{
	unsigned char *der = NULL, hash[PIN_HASH];
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	bool ok = len > 0 && EVP_Digest(der, (size_t)len, hash, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	if (ok)
		pin_format(hash, ret);
	return ok;
}

static bool
write_pem(const char *path, EVP_PKEY *key, X509 *cert)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CLEANUP_FILE FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

	return f != NULL &&
	    (key == NULL || PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1) &&
	    (cert == NULL || PEM_write_X509(f, cert) == 1) && fflush(f) == 0;
}

int
testkey_make(enum testkey kind, const char *key_path, const char *cert_path, const char *both,
    char ret_pin[static PIN_TEXT])
{
	EVP_PKEY *key = make_key(kind);
	X509 *cert = key != NULL ? make_certificate(key, kind) : NULL;
	bool ok = cert != NULL && make_pin(cert, ret_pin) && write_pem(key_path, key, NULL) &&
	    write_pem(cert_path, NULL, cert) && write_pem(both, key, cert);

	X509_free(cert);
	EVP_PKEY_free(key);
	return ok ? 0 : -EIO;
}
