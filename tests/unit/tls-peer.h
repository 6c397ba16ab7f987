/* SPDX-License-Identifier: ISC */
/*
 * tls-peer: clients that speak TLS with connections of a worker, and the process that
 * signs for the worker. The test says and hears plain bytes: a bridge stands between it
 * and the connection. A bridge moves bytes in tls_peer_turn() only.
 */
#pragma once

#include <check.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "conf/tlsfiles.h"
#include "keys/keyring.h"
#include "net/tlsstream.h"

struct tls_bridge {
	int near, far;		/* to the test; to the connection. -1: closed */
	SSL *ssl;
	bool up_over, down_over;
	char up[4096], down[4096];
	size_t n_up, n_down;
};

static struct tls_bridge tls_bridges[256];
static size_t tls_n_bridges;
static SSL_CTX *tls_client;
static struct keyring tls_keyring;
static struct listener tls_listener;
static char *tls_chain[2];
static pid_t tls_signer;

/* Counts what bridges have moved: while it grows, more can happen. */
static uint64_t tls_peer_moves;

/* ------------------------------------------------------- key and signer --- */

/* Makes a key and its certificate; kind: "EC", "RSA" or "ED25519". */
static inline void
tls_peer_make_key(const char *kind, enum tls_minimum minimum)
{
	EVP_PKEY *key = strcmp(kind, "EC") == 0 ? EVP_EC_gen("P-256") :
	    strcmp(kind, "RSA") == 0 ? EVP_RSA_gen(2048) : EVP_PKEY_Q_keygen(NULL, NULL, kind);
	X509 *cert = X509_new();
	BIO *text = BIO_new(BIO_s_mem());
	struct buf strings = BUF_INIT(0);
	int fd = memfd_create("key", MFD_CLOEXEC);
	FILE *f = fdopen(dup(fd), "w");
	const char *pin, *wrong;
	char *pem;
	long len;

	ck_assert(key != NULL && cert != NULL && text != NULL && f != NULL);
	ck_assert_int_eq(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(f);
	(void)X509_set_pubkey(cert, key);
	(void)X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	(void)X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	ck_assert_int_gt(X509_sign(cert, key,
	    strcmp(kind, "ED25519") == 0 ? NULL : EVP_sha256()), 0);
	(void)PEM_write_bio_X509(text, cert);
	len = BIO_get_mem_data(text, &pem);
	wrong = tlsfiles_check(pem, (size_t)len, fd, &strings);
	ck_assert_msg(wrong == NULL, "%s", wrong);
	/* The pin, both dates, the certificate. */
	pin = buf_data(&strings);
	tls_chain[0] = strdup(pin + strlen(pin) + 1 + 2 * (strlen("2026-01-01T00:00:00Z") + 1));
	wrong = keyring_add(&tls_keyring, fd, pin, minimum);
	ck_assert_msg(wrong == NULL, "%s", wrong);
	tls_listener = (struct listener){ .tls = true, .minimum = minimum,
		.cert.chain = tls_chain };
	buf_done(&strings);
	(void)close(fd);
	BIO_free(text);
	X509_free(cert);
	EVP_PKEY_free(key);
}

/* The process with the keys, as far as one worker sees it. */
static inline _Noreturn void
tls_peer_sign(struct mail_ends ends)
{
	struct signing_ask ask;

	(void)fd_set_nonblock(ends.pipe, false);
	while (read(ends.pipe, &ask, sizeof(ask)) == (ssize_t)sizeof(ask)) {
		struct signing_answer a = { .id = ask.id };
		int n = keyring_sign(&tls_keyring, &ask, a.signature);

		a.len = n > 0 ? (uint16_t)n : 0;
		(void)send(ends.socket, &a, sizeof(a), MSG_NOSIGNAL);
	}
	_exit(0);
}

/* Starts the signer and links the desk to it. */
static inline void
tls_peer_start(struct tls_desk *d)
{
	struct mail_ends above, below;

	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	ck_assert_int_eq(mail_pair(&above, &below), 0);
	tls_signer = fork();
	if (tls_signer == 0) {
		(void)close(below.socket);
		(void)close(below.pipe);
		tls_peer_sign(above);
	}
	(void)close(above.socket);
	(void)close(above.pipe);
	tlslink_attach(&d->link, below);
	tls_client = SSL_CTX_new(TLS_client_method());
	(void)SSL_CTX_set_mode(tls_client, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
	    SSL_MODE_ENABLE_PARTIAL_WRITE);
}

/* ---------------------------------------------------------------- bridge --- */

/* Connects a bridge to the other end of a connection; returns the end for the test. */
static inline int
tls_peer_connect(int far)
{
	struct tls_bridge *b = &tls_bridges[tls_n_bridges++];
	/* With little room a client that does not read is noticed soon. */
	const int small = 4096;
	int pair[2];

	ck_assert_uint_le(tls_n_bridges, ARRAY_LEN(tls_bridges));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    pair), 0);
	(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	*b = (struct tls_bridge){ .near = pair[0], .far = far, .ssl = SSL_new(tls_client) };
	(void)SSL_set_fd(b->ssl, far);
	SSL_set_connect_state(b->ssl);
	return pair[1];
}

static inline void
tls_bridge_close(struct tls_bridge *b)
{
	if (b->far < 0)
		return;
	SSL_free(TAKE_PTR(b->ssl));
	(void)close(TAKE_FD(b->near));
	(void)close(TAKE_FD(b->far));
	tls_peer_moves++;
}

static inline void
tls_bridge_up(struct tls_bridge *b)
{
	size_t n = 0;

	if (b->n_up == 0 && !b->up_over) {
		ssize_t r = recv(b->near, b->up, sizeof(b->up), 0);

		if (r < 0)
			return;
		b->n_up = (size_t)r;
		b->up_over = r == 0;
		tls_peer_moves++;
		if (b->up_over) {
			(void)SSL_shutdown(b->ssl);
			(void)shutdown(b->far, SHUT_WR);
		}
	}
	if (b->n_up > 0 && SSL_write_ex(b->ssl, b->up, b->n_up, &n) == 1) {
		memmove(b->up, b->up + n, b->n_up - n);
		b->n_up -= n;
		tls_peer_moves++;
	}
}

static inline void
tls_bridge_down(struct tls_bridge *b)
{
	ssize_t r;

	if (b->n_down == 0 && !b->down_over) {
		int n = SSL_read(b->ssl, b->down, sizeof(b->down));
		int e = SSL_get_error(b->ssl, n);

		b->n_down = n > 0 ? (size_t)n : 0;
		b->down_over = n <= 0 && e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE;
		tls_peer_moves += n > 0 || b->down_over;
		if (b->down_over)
			(void)shutdown(b->near, SHUT_WR);
	}
	r = b->n_down > 0 ? send(b->near, b->down, b->n_down, MSG_NOSIGNAL) : 0;
	if (r > 0) {
		memmove(b->down, b->down + r, b->n_down - (size_t)r);
		b->n_down -= (size_t)r;
		tls_peer_moves++;
	}
}

/* Moves all bytes that can be moved now. */
static inline void
tls_peer_turn(void)
{
	for (size_t i = 0; i < tls_n_bridges; i++) {
		struct tls_bridge *b = &tls_bridges[i];
		struct pollfd p = { .fd = b->near };

		/* An error that another connection has noted is not one of this. */
		ERR_clear_error();
		if (b->far < 0)
			continue;
		if (!SSL_is_init_finished(b->ssl)) {
			tls_peer_moves += SSL_do_handshake(b->ssl) == 1;
			continue;
		}
		tls_bridge_up(b);
		tls_bridge_down(b);
		/* The test has closed its end, and wants nothing more. */
		if (poll(&p, 1, 0) > 0 && (p.revents & POLLHUP) != 0 && b->n_up == 0)
			tls_bridge_close(b);
	}
}

static inline void
tls_peer_done(void)
{
	for (size_t i = 0; i < tls_n_bridges; i++)
		tls_bridge_close(&tls_bridges[i]);
	tls_n_bridges = 0;
	SSL_CTX_free(TAKE_PTR(tls_client));
	keyring_done(&tls_keyring);
	free(TAKE_PTR(tls_chain[0]));
	if (tls_signer > 0)
		(void)waitpid(tls_signer, NULL, 0);
	tls_signer = 0;
}
