/* SPDX-License-Identifier: ISC */
/* clienttls: a client's handshake with OpenSSL, and the check of the server. */
#include "config.h"

#include "client/clienttls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/pin.h"

/* The name of the protocol inside, as ALPN has it: with its length before it. */
static const unsigned char alpn[] = "\006reqd/1";

struct clienttls {
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
	int error;		/* errno of the socket; 0: none */
	short events;
	char host[256];
	char pin[PIN_TEXT];	/* "": none */
	char seen[PIN_TEXT];	/* the pin of the server; "": not known yet */
};

/* ------------------------------------------------------------------ BIO --- */

/* The BIO of OpenSSL for sockets would raise SIGPIPE in the program of the user. */
static int
bio_write(BIO *bio, const char *data, int n)
{
	struct clienttls *t = BIO_get_data(bio);
	ssize_t r = send(t->fd, data, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);

	BIO_clear_retry_flags(bio);
	if (r >= 0)
		return (int)r;
	if (errno == EAGAIN || errno == EINTR)
		BIO_set_retry_write(bio);
	else
		t->error = errno;
	return -1;
}

static int
bio_read(BIO *bio, char *data, int n)
{
	struct clienttls *t = BIO_get_data(bio);
	ssize_t r = recv(t->fd, data, (size_t)n, MSG_DONTWAIT);

	BIO_clear_retry_flags(bio);
	if (r >= 0)
		return (int)r;
	if (errno == EAGAIN || errno == EINTR)
		BIO_set_retry_read(bio);
	else
		t->error = errno;
	return -1;
}

static long
bio_ctrl(BIO *bio, int command, long n, void *p)
{
	(void)bio;
	(void)n;
	(void)p;
	return command == BIO_CTRL_FLUSH;
}

static bool
set_bio(struct clienttls *t)
{
	static BIO_METHOD *method;
	BIO *bio;

	if (method == NULL) {
		BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "reqd");

		if (m == NULL)
			return false;
		(void)BIO_meth_set_write(m, bio_write);
		(void)BIO_meth_set_read(m, bio_read);
		(void)BIO_meth_set_ctrl(m, bio_ctrl);
		/* Two threads may come here at once: one method is enough. */
		if (__sync_bool_compare_and_swap(&method, NULL, m) == 0)
			BIO_meth_free(m);
	}
	bio = BIO_new(method);
	if (bio == NULL)
		return false;
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	return true;
}

/* ---------------------------------------------------------------- trust --- */

/* Notes the pin of the server's certificate. */
static void
note_pin(struct clienttls *t, X509 *cert)
{
	unsigned char *der = NULL, hash[PIN_HASH];
	int len = cert == NULL ? 0 : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

	if (len > 0 && EVP_Digest(der, (size_t)len, hash, NULL, EVP_sha256(), NULL) == 1)
		pin_format(hash, t->seen);
	OPENSSL_free(der);
}

static bool
is_pinned(const struct clienttls *t)
{
	return strcmp(t->seen, t->pin) == 0;
}

/*
 * With a pin the chain is not looked at, as with ssh. The key is compared here, because the
 * handshake goes on with our certificate, which tells who we are. The end of the handshake
 * proves that the server has that key, before anything is sent.
 */
static int
on_chain(X509_STORE_CTX *ctx, void *arg)
{
	struct clienttls *t = arg;

	note_pin(t, X509_STORE_CTX_get0_cert(ctx));
	if (*t->pin == '\0')
		return X509_verify_cert(ctx);
	if (!is_pinned(t))
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_CERT_REJECTED);
	return is_pinned(t);
}

static bool
set_host(struct clienttls *t, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(t->ssl);
	unsigned char address[16];

	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 &&
	    SSL_set_tlsext_host_name(t->ssl, host) == 1;
}

static const char *
openssl_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	return reason != NULL ? reason : "out of memory";
}

/* Never asks: the program of the user may have no terminal. */
static int
no_password(char *buf, int size, int rwflag, void *user)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)user;
	return -1;
}

static bool
set_identity(struct clienttls *t, const char *file, char *why, size_t why_len)
{
	SSL_CTX_set_default_passwd_cb(t->ctx, no_password);
	if (SSL_CTX_use_certificate_chain_file(t->ctx, file) == 1 &&
	    SSL_CTX_use_PrivateKey_file(t->ctx, file, SSL_FILETYPE_PEM) == 1)
		return true;
	(void)snprintf(why, why_len, "cannot use the key and the certificate in %s: %s", file,
	    openssl_reason());
	return false;
}

struct clienttls *
clienttls_new(int fd, const struct clienttls_trust *trust, char *why, size_t why_len)
{
	struct clienttls *t = calloc(1, sizeof(*t));
	bool ok;

	ERR_clear_error();
	(void)snprintf(why, why_len, "out of memory");
	if (t == NULL)
		return NULL;
	t->fd = fd;
	t->events = POLLIN;
	(void)snprintf(t->host, sizeof(t->host), "%s", trust->host);
	if (trust->pin != NULL)
		(void)snprintf(t->pin, sizeof(t->pin), "%s", trust->pin);
	/* An empty name would be taken for "any name". */
	if (trust->pin == NULL && *t->host == '\0') {
		(void)snprintf(why, why_len, "there is neither a pin nor a name to check");
		return clienttls_free(t);
	}
	t->ctx = SSL_CTX_new(TLS_client_method());
	ok = t->ctx != NULL && SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION) == 1;
	if (ok) {
		SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
		(void)SSL_CTX_set_mode(t->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
		    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	}
	if (ok)
		SSL_CTX_set_cert_verify_callback(t->ctx, on_chain, t);
	if (ok && trust->pin == NULL && trust->ca_file != NULL &&
	    SSL_CTX_load_verify_locations(t->ctx, trust->ca_file, NULL) != 1) {
		(void)snprintf(why, why_len, "cannot read certificates from %s: %s",
		    trust->ca_file, openssl_reason());
		return clienttls_free(t);
	}
	if (ok && trust->pin == NULL && trust->ca_file == NULL)
		ok = SSL_CTX_set_default_verify_paths(t->ctx) == 1;
	if (ok && trust->identity != NULL && !set_identity(t, trust->identity, why, why_len))
		return clienttls_free(t);
	t->ssl = ok ? SSL_new(t->ctx) : NULL;
	if (t->ssl == NULL || !set_bio(t) ||
	    (trust->pin == NULL && !set_host(t, t->host)) ||
	    SSL_set_alpn_protos(t->ssl, alpn, sizeof(alpn) - 1) != 0) {
		(void)snprintf(why, why_len, "TLS: %s", openssl_reason());
		return clienttls_free(t);
	}
	SSL_set_connect_state(t->ssl);
	return t;
}

struct clienttls *
clienttls_free(struct clienttls *t)
{
	if (t == NULL)
		return NULL;
	/* Tells the server that no byte was cut off; a socket without room is not waited for. */
	if (t->ssl != NULL && SSL_is_init_finished(t->ssl) && t->error == 0)
		(void)SSL_shutdown(t->ssl);
	ERR_clear_error();
	SSL_free(t->ssl);
	SSL_CTX_free(t->ctx);
	free(t);
	return NULL;
}

/* ------------------------------------------------------------ handshake --- */

/* -EAGAIN when the socket has to be waited for; else the way in which it failed. */
static int
later_or_lost(struct clienttls *t, int r)
{
	switch (SSL_get_error(t->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		t->events = POLLIN;
		return -EAGAIN;
	case SSL_ERROR_WANT_WRITE:
		t->events = POLLOUT;
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		/* The end of the bytes is an end, also without the record for it. */
		if (t->error == 0 && (ERR_peek_error() == 0 || ERR_GET_REASON(ERR_peek_error()) ==
		    SSL_R_UNEXPECTED_EOF_WHILE_READING))
			return 0;
		return t->error != 0 ? -t->error : -EPROTO;
	}
}

static int
wrong_server(char *why, size_t why_len, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int
wrong_server(char *why, size_t why_len, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, why_len, fmt, ap);
	va_end(ap);
	return -EKEYREJECTED;
}

static int
check_pin(const struct clienttls *t, char *why, size_t why_len)
{
	if (!is_pinned(t))
		return wrong_server(why, why_len, "the key of the server is %s, but its pin is "
		    "%s: it is another server, or it has a new key; ask its administrator for a new "
		    "line of 'reqctl grant', or for its pin, which 'reqctl pin' prints there, for "
		    "--pin", t->seen, t->pin);
	return 0;
}

/* The check of the certificate has failed. */
static int
refused_chain(const struct clienttls *t, long result, char *why, size_t why_len)
{
	if (result == X509_V_ERR_CERT_HAS_EXPIRED || result == X509_V_ERR_CERT_NOT_YET_VALID) {
		char day[16] = "";
		time_t now = time(NULL);
		struct tm tm;

		if (gmtime_r(&now, &tm) != NULL)
			(void)strftime(day, sizeof(day), "%Y-%m-%d", &tm);
		return wrong_server(why, why_len, "the certificate of the server is not trusted: %s, "
		    "by the clock of this machine, where it is %s; set the clock, have the "
		    "certificate renewed, or name the pin of the server, which has no date: %s",
		    X509_verify_cert_error_string(result), day, t->seen);
	}
	return wrong_server(why, why_len, "the certificate of the server is not trusted: %s; "
	    "name an authority (--ca) or, if this is its key, its pin: %s",
	    result == X509_V_ERR_HOSTNAME_MISMATCH || result == X509_V_ERR_IP_ADDRESS_MISMATCH ?
	    "it is for another name" : X509_verify_cert_error_string(result), t->seen);
}

int
clienttls_shake(struct clienttls *t, char *why, size_t why_len)
{
	const char *reason;
	long result;
	int r, e;

	ERR_clear_error();
	r = SSL_do_handshake(t->ssl);
	if (r == 1)
		return *t->pin != '\0' ? check_pin(t, why, why_len) : 0;
	e = later_or_lost(t, r);
	if (e == -EAGAIN)
		return e;
	result = SSL_get_verify_result(t->ssl);
	if (result != X509_V_OK && *t->pin == '\0')
		return refused_chain(t, result, why, why_len);
	if (result != X509_V_OK && !is_pinned(t))
		return check_pin(t, why, why_len);
	reason = ERR_reason_error_string(ERR_peek_error());
	if (t->error != 0)
		reason = strerror(t->error);
	else if (e == 0)
		reason = "the server has closed the connection";
	else if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_WRONG_VERSION_NUMBER)
		reason = "the server does not speak TLS at this port";
	(void)snprintf(why, why_len, "TLS handshake failed: %s",
	    reason != NULL ? reason : "unknown reason");
	return e == 0 ? -ECONNRESET : e;
}

/* ---------------------------------------------------------------- bytes --- */

ssize_t
clienttls_send(struct clienttls *t, const void *data, size_t len)
{
	size_t n = 0;
	int r;

	ERR_clear_error();
	r = SSL_write_ex(t->ssl, data, len, &n);
	if (r == 1)
		return (ssize_t)n;
	r = later_or_lost(t, r);
	return r == 0 ? -EPIPE : r;
}

/*
 * True if the server refuses our certificate, or the lack of one. With TLS 1.3 it says so when
 * the handshake is over for us.
 */
static bool
is_refused(void)
{
	switch (ERR_GET_REASON(ERR_peek_error())) {
	case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
	case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
	case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
	case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
		return true;
	default:
		return false;
	}
}

ssize_t
clienttls_recv(struct clienttls *t, void *data, size_t len)
{
	size_t n = 0;
	int r;

	ERR_clear_error();
	r = SSL_read_ex(t->ssl, data, len, &n);
	if (r == 1)
		return (ssize_t)n;
	r = later_or_lost(t, r);
	return r == -EPROTO && is_refused() ? -EKEYREJECTED : r;
}

bool
clienttls_is_pending(const struct clienttls *t)
{
	return SSL_pending(t->ssl) > 0;
}

short
clienttls_events(const struct clienttls *t)
{
	return t->events;
}
