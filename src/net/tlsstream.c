/* SPDX-License-Identifier: ISC */
/* tlsstream: cuts bytes into records, and gives them to OpenSSL and takes them from it. */
#include "config.h"

#include "net/tlsstream.h"

#include <assert.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/wiping.h"
#include "net/identity.h"
#include "net/listener.h"
#include "net/refusal.h"
#include "net/tlsprovider.h"

/* A record: type, version, length, then at most so many bytes (TLS 1.2; RFC 5246 6.2.3). */
#define RECORD_HEAD 5
#define RECORD_MAX 18432
#define RECORD_HANDSHAKE 0x16

/* Time for a handshake, as a whole. */
#define HANDSHAKE_USEC (10 * USEC_PER_SEC)

/* Plaintext that is sealed at once. */
#define SEAL_MAX (64u << 10)

/* A peer that does not read may cause no more unsent bytes than this by its own records. */
#define SEALED_MAX (256u << 10)

/* Records in a row that bring no byte of a request, after the handshake. */
#define EMPTY_MAX 32

/*
 * Steps of handshakes in one turn of the loop. A step takes up to half a millisecond, and
 * connections that are open shall not wait for many of them.
 */
#define STEPS_IN_TURN 8

static const char *const no_tls[PROTOCOL_N] = {
	[PROTOCOL_RESP] = "-ERR this port speaks TLS: use tls://, or redis-cli --tls\r\n",
	[PROTOCOL_HTTP] = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n"
	    "Connection: close\r\n\r\nthis port speaks TLS: use https://\n",
};

struct tls {
	TAILQ_ENTRY(tls) link;		/* while the handshake is not finished */
	struct stream *stream;
	struct tls_desk *desk;
	struct tlscontext *context;
	struct tls_client client;
	struct tlspeer *shown;		/* the peer has still to prove that it has the key */
	SSL *ssl;			/* NULL: no whole record has come yet */
	struct buf raw;			/* a record that has begun */
	struct buf sealed;		/* records that the socket had no room for */
	unsigned n_empty;
	bool is_open;			/* the handshake is finished */
	bool is_outsize;		/* the certificate of the peer was too large to be looked at */
	bool is_over;			/* the peer sends no more */
	bool is_broken;
};

/* ------------------------------------------------------------------ BIO --- */

static int
bio_read(BIO *bio, char *data, size_t n, size_t *ret)
{
	struct tls_desk *d = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (d->in.len == 0) {
		BIO_set_retry_read(bio);
		return 0;
	}
	n = n < d->in.len ? n : d->in.len;
	memcpy(data, d->in.data, n);
	d->in.data += n;
	d->in.len -= n;
	*ret = n;
	return 1;
}

static int
bio_write(BIO *bio, const char *data, size_t n, size_t *ret)
{
	struct tls_desk *d = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	*ret = n;
	return buf_append(&d->out, data, n) == 0;
}

static long
bio_ctrl(BIO *bio, int command, long n, void *p)
{
	(void)bio;
	(void)n;
	(void)p;
	return command == BIO_CTRL_FLUSH;
}

static BIO *
bio_make(struct tls_desk *d)
{
	static BIO_METHOD *method;
	BIO *bio = NULL;

	if (method == NULL) {
		method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "reqd");
		if (method == NULL)
			return NULL;
		(void)BIO_meth_set_read_ex(method, bio_read);
		(void)BIO_meth_set_write_ex(method, bio_write);
		(void)BIO_meth_set_ctrl(method, bio_ctrl);
	}
	bio = BIO_new(method);
	if (bio != NULL) {
		BIO_set_data(bio, d);
		BIO_set_init(bio, 1);
	}
	return bio;
}

void
tls_desk_init(struct tls_desk *d, struct loop *loop)
{
	d->out = BUF_INIT(0);
	TAILQ_INIT(&d->opening);
	tlslink_init(&d->link, loop);
}

int
tls_desk_load(struct tls_desk *d)
{
	unsigned char byte;
	int r;

	/*
	 * OpenSSL frees what it has decrypted as it is, and that may be a token. Where
	 * OpenSSL has memory already, as in tests, this changes nothing.
	 */
	(void)CRYPTO_set_mem_functions(wiping_malloc, wiping_realloc, wiping_free);
	r = tlslink_load(&d->link);

	if (r < 0)
		return r;
	r = tlsprovider_load(&d->link);
	if (r < 0)
		return r;
	/* The generator of random numbers opens what it needs at its first use. */
	if (RAND_bytes(&byte, 1) != 1)
		return -ENOTSUP;
	d->bio = bio_make(d);
	return d->bio == NULL ? -ENOMEM : 0;
}

void
tls_desk_done(struct tls_desk *d)
{
	BIO_free(d->bio);
	d->bio = NULL;
	buf_done(&d->out);
	tlsprovider_unload();
	tlslink_done(&d->link);
}

struct stream *
tls_desk_oldest(const struct tls_desk *d)
{
	const struct tls *t = TAILQ_FIRST(&d->opening);

	return t != NULL ? t->stream : NULL;
}

struct stream *
tls_desk_next(const struct stream *s)
{
	const struct tls *t = s->user, *next = TAILQ_NEXT(t, link);

	return next != NULL ? next->stream : NULL;
}

/* -------------------------------------------------------------- failure --- */

/* The handshake is finished, or never will be. */
static void
leave_opening(struct tls *t)
{
	if (t->is_open)
		return;
	TAILQ_REMOVE(&t->desk->opening, t, link);
	t->desk->n_opening--;
	t->is_open = true;
}

/* The peer is lost, for a reason that is told unless it is NULL. */
static ssize_t
broken(struct tls *t, const char *why)
{
	t->is_broken = true;
	t->stream->why = why;
	return -EPROTO;
}

/* The first error that OpenSSL has noted, in its words. */
static ssize_t
broken_by_openssl(struct tls *t)
{
	unsigned long e = ERR_peek_error();
	const char *reason = ERR_reason_error_string(e);

	if (t->is_open)
		return broken(t, NULL);
	if (!tlslink_is_open(&t->desk->link) || t->desk->link.is_silent)
		reason = "the process 'keys' does not answer";
	else if (t->context->clients == TLS_CLIENTS_REQUIRED && t->shown != NULL &&
	    t->shown->problem != NULL)
		reason = t->shown->problem;
	else if (t->is_outsize)
		reason = "the certificate is larger than any of use";
	(void)snprintf(t->desk->why, sizeof(t->desk->why), "TLS handshake failed: %s",
	    reason != NULL ? reason : "unknown reason");
	return broken(t, t->desk->why);
}

/* -------------------------------------------------------- certificates --- */

int
tlsstream_judge(X509_STORE_CTX *chain, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *t = SSL_get_app_data(ssl);
	struct net_listener *l = t->client.listener;

	(void)arg;
	(void)tlspeer_free(t->shown);
	t->shown = tlspeer_new(l, X509_STORE_CTX_get0_cert(chain),
	    X509_STORE_CTX_get0_untrusted(chain));
	t->is_outsize = t->shown == NULL;
	X509_STORE_CTX_set_error(chain, X509_V_OK);
	if (t->shown != NULL &&
	    (peer_would_be_known(t->client.peer, l->net->conf, t->shown) ||
	    t->context->clients != TLS_CLIENTS_REQUIRED))
		return 1;
	X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_REJECTED);
	return 0;
}

/*
 * The handshake is finished, so the peer has the key of its certificate. One that is good for
 * nothing is told of once, as its owner may wonder.
 */
static void
take_certificate(struct tls *t)
{
	struct net_listener *l = t->client.listener;
	char text[ADDR_TEXT];

	if (t->shown == NULL)
		return;
	if (t->shown->problem != NULL) {
		peer_format(t->client.peer, text, sizeof(text));
		refusal_log_certificate(l->net, l, text, t->shown->problem, t->shown->pin);
	}
	if (t->shown->key != NULL)
		l->net->pages->own->logins++;
	peer_show(t->client.peer, TAKE_PTR(t->shown));
}

/* --------------------------------------------------------------- output --- */

/*
 * Sends bytes that are sealed. Whatever happens, the shared buffer is empty afterwards:
 * the next connection must not get them. 0, -EAGAIN (the rest is kept) or -errno.
 */
static int
send_out(struct tls *t)
{
	struct buf *out = &t->desk->out;
	int r = buf_failed(out) ? -ENOMEM : 0;

	if (r == 0 && buf_len(out) > 0 && buf_len(&t->sealed) == 0) {
		ssize_t n = stream_plain.send(t->stream, buf_data(out), buf_len(out));

		if (n > 0)
			buf_consume(out, (size_t)n);
		r = n < 0 && n != -EAGAIN ? (int)n : 0;
	}
	if (r == 0 && buf_len(out) > 0) {
		r = buf_append_slice(&t->sealed, buf_slice(out)) < 0 ? -ENOMEM : -EAGAIN;
		if (buf_len(&t->sealed) > SEALED_MAX)
			r = -ENOBUFS;
	}
	buf_clear(out);
	return r;
}

static int
tls_flush(struct stream *s)
{
	struct tls *t = s->user;

	while (buf_len(&t->sealed) > 0) {
		ssize_t n = stream_plain.send(s, buf_data(&t->sealed), buf_len(&t->sealed));

		if (n < 0)
			return (int)n;
		buf_consume(&t->sealed, (size_t)n);
	}
	buf_done(&t->sealed);
	return 0;
}

static bool
tls_is_unsent(const struct stream *s)
{
	const struct tls *t = s->user;

	return buf_len(&t->sealed) > 0;
}

static size_t
tls_held(const struct stream *s)
{
	const struct tls *t = s->user;

	return t->raw.end + t->sealed.end;
}

static ssize_t
tls_send(struct stream *s, const void *bytes, size_t n)
{
	struct tls *t = s->user;
	size_t taken = 0;
	int r = tls_flush(s);

	if (r < 0)
		return r;
	/* Before the handshake is finished a door has nothing to say. */
	if (t->is_broken || t->ssl == NULL || !SSL_is_init_finished(t->ssl))
		return -EPIPE;
	assert(buf_len(&t->desk->out) == 0);
	while (taken < n && r == 0) {
		size_t part = n - taken < SEAL_MAX ? n - taken : SEAL_MAX, sealed = 0;

		ERR_clear_error();
		if (SSL_write_ex(t->ssl, (const char *)bytes + taken, part, &sealed) != 1) {
			buf_clear(&t->desk->out);
			return broken(t, NULL);
		}
		taken += sealed;
		r = send_out(t);
	}
	return r == 0 || r == -EAGAIN ? (ssize_t)taken : r;
}

static void
tls_shutdown(struct stream *s)
{
	struct tls *t = s->user;

	if (!t->is_broken && t->ssl != NULL && SSL_is_init_finished(t->ssl)) {
		ERR_clear_error();
		assert(buf_len(&t->desk->out) == 0);
		(void)SSL_shutdown(t->ssl);
		(void)send_out(t);
	}
	stream_plain.shutdown(s);
}

/* ---------------------------------------------------------------- input --- */

/* The number of bytes that are whole records; negative: these are no records of TLS. */
static ssize_t
whole_records(struct tls *t, const unsigned char *bytes, size_t n, unsigned *ret_n)
{
	size_t at = 0;

	*ret_n = 0;
	if (n > 0 && t->ssl == NULL && bytes[0] != RECORD_HANDSHAKE) {
		/* A client that forgot TLS learns it in its own protocol. */
		if (bytes[0] >= ' ' && bytes[0] < 0x7f)
			(void)stream_plain.send(t->stream, no_tls[t->context->protocol],
			    strlen(no_tls[t->context->protocol]));
		return broken(t, "it does not speak TLS");
	}
	while (n - at >= RECORD_HEAD) {
		size_t len = (size_t)bytes[at + 3] << 8 | bytes[at + 4];

		if (len > RECORD_MAX)
			return broken(t, t->is_open ? NULL : "a TLS record that is too long");
		if (n - at - RECORD_HEAD < len)
			break;
		at += RECORD_HEAD + len;
		++*ret_n;
	}
	return (ssize_t)at;
}

static int
make_ssl(struct tls *t)
{
	t->ssl = SSL_new(t->context->ctx);
	if (t->ssl == NULL)
		return -ENOMEM;
	(void)BIO_up_ref(t->desk->bio);
	SSL_set0_rbio(t->ssl, t->desk->bio);
	(void)BIO_up_ref(t->desk->bio);
	SSL_set0_wbio(t->ssl, t->desk->bio);
	SSL_set_accept_state(t->ssl);
	(void)SSL_set_app_data(t->ssl, t);
	return 0;
}

/* Opens whole records. Returns as stream_ops.recv. */
static ssize_t
open_records(struct tls *t, unsigned n_records, char *bytes, size_t n)
{
	size_t got = 0, part;
	int r = 1, error;

	ERR_clear_error();
	assert(buf_len(&t->desk->out) == 0);
	while (r == 1 && got < n) {
		part = 0;
		r = SSL_read_ex(t->ssl, bytes + got, n - got, &part);
		got += part;
	}
	error = r == 1 ? SSL_ERROR_NONE : SSL_get_error(t->ssl, r);
	t->desk->in = (struct slice){ NULL, 0 };
	if (error == SSL_ERROR_ZERO_RETURN)
		t->is_over = true;
	else if (error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ)
		(void)broken_by_openssl(t);
	if (SSL_is_init_finished(t->ssl)) {
		leave_opening(t);
		take_certificate(t);
	}
	/* Handshake, alert, or the answer to an update of keys. */
	r = send_out(t);
	if (r < 0 && r != -EAGAIN)
		return broken(t, NULL);
	if (got > 0) {
		t->n_empty = 0;
		return (ssize_t)got;
	}
	if (t->is_broken)
		return -EPROTO;
	if (t->is_over)
		return 0;
	t->n_empty += t->is_open ? n_records : 0;
	return t->n_empty > EMPTY_MAX ? broken(t, NULL) : -EAGAIN;
}

/* True if one more step of a handshake may be done in this turn. */
static bool
may_step(struct tls_desk *d)
{
	if (d->turn != d->link.loop->turn) {
		d->turn = d->link.loop->turn;
		d->n_steps = 0;
	}
	return d->n_steps++ < STEPS_IN_TURN;
}

static ssize_t
tls_recv(struct stream *s, void *bytes, size_t n)
{
	struct tls *t = s->user;
	struct tls_desk *d = t->desk;
	size_t have = buf_len(&t->raw), all;
	unsigned n_records;
	ssize_t whole, r;

	if (t->is_broken) {
		s->why = NULL;		/* told already, or never to be */
		return -EPROTO;
	}
	if (t->is_over)
		return 0;
	/* The socket tells of its bytes again in the next turn. */
	if (!t->is_open && !may_step(d))
		return -EAGAIN;
	n = n < TLS_READ ? n : TLS_READ;
	if (have >= n)
		return broken(t, NULL);
	r = stream_plain.recv(s, d->read + have, n - have);
	/* An end without the word of TLS for it is an end, too. */
	if (r <= 0) {
		t->is_over = r == 0;
		return r;
	}
	if (have > 0)
		memcpy(d->read, buf_data(&t->raw), have);
	buf_done(&t->raw);
	all = have + (size_t)r;
	whole = whole_records(t, (unsigned char *)d->read, all, &n_records);
	if (whole < 0)
		return whole;
	if ((size_t)whole < all && buf_append(&t->raw, d->read + whole, all - (size_t)whole) < 0)
		return -ENOMEM;
	if (whole == 0)
		return -EAGAIN;
	if (t->ssl == NULL && make_ssl(t) < 0)
		return -ENOMEM;
	d->in = (struct slice){ d->read, (size_t)whole };
	return open_records(t, n_records, bytes, n);
}

static bool
tls_pending(const struct stream *s)
{
	const struct tls *t = s->user;

	return t->is_over || t->is_broken;
}

static uint32_t
tls_wants(const struct stream *s, uint32_t events)
{
	return tls_is_unsent(s) ? events | EPOLLOUT : events;
}

static bool
tls_is_opening(const struct stream *s)
{
	const struct tls *t = s->user;

	return !t->is_open;
}

static void
tls_close(struct stream *s)
{
	struct tls *t = s->user;

	leave_opening(t);
	SSL_free(t->ssl);
	buf_done(&t->raw);
	buf_done(&t->sealed);
	(void)tlscontext_unref(t->context);
	(void)tlspeer_free(t->shown);
	free(t);
	s->user = NULL;
}

static const struct stream_ops stream_tls = {
	.is_sealed = true,
	.recv = tls_recv,
	.send = tls_send,
	.flush = tls_flush,
	.unsent = tls_is_unsent,
	.held = tls_held,
	.opening = tls_is_opening,
	.opening_usec = HANDSHAKE_USEC,
	.late = "no TLS handshake in time",
	.shutdown = tls_shutdown,
	.pending = tls_pending,
	.wants = tls_wants,
	.close = tls_close,
};

int
tlsstream_put(struct stream *s, struct tls_desk *d, struct tlscontext *context,
    const struct tls_client *client)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	*t = (struct tls){ .stream = s, .desk = d, .context = tlscontext_ref(context),
		.client = *client, .raw = BUF_INIT(0), .sealed = BUF_INIT(0) };
	TAILQ_INSERT_TAIL(&d->opening, t, link);
	d->n_opening++;
	s->user = t;
	s->ops = &stream_tls;
	return 0;
}

bool
tlsstream_format(const struct stream *s, char *ret, size_t ret_len)
{
	const struct tls *t = s->user;

	if (s->ops != &stream_tls || t->ssl == NULL)
		return false;
	(void)snprintf(ret, ret_len, "%s %s", SSL_get_version(t->ssl), SSL_get_cipher_name(t->ssl));
	return true;
}
