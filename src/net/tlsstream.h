/* SPDX-License-Identifier: ISC */
/*
 * tlsstream: a stream that speaks TLS as a server.
 *
 * All connections share one BIO: it reads the records that have just come, and writes to
 * one buffer that is sent at once. Only whole records reach OpenSSL, and a connection
 * has no SSL before its first whole record. So a client costs what it has sent.
 */
#pragma once

#include <stddef.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/slice.h"
#include "net/stream.h"
#include "net/tlscontext.h"
#include "net/tlslink.h"

/* Handshakes that are not finished, of one worker. */
#define TLS_MAX_OPENING 256

/* Ciphertext of one read. It never gives more plaintext. */
#define TLS_READ (64u << 10)

typedef struct bio_st BIO;
struct tls;

TAILQ_HEAD(tls_list, tls);

/* The data that the TLS connections of a worker share. */
struct tls_desk {
	struct tlslink link;
	BIO *bio;
	struct slice in;		/* records, for the next read of OpenSSL */
	struct buf out;			/* records that OpenSSL has written; empty between calls */
	struct tls_list opening;	/* handshakes not finished, the oldest first */
	size_t n_opening;
	uint32_t turn;			/* of the loop: in this one there were so many steps */
	unsigned n_steps;
	char why[160];			/* text of stream.why */
	char read[TLS_READ + 1];
};

void tls_desk_init(struct tls_desk *d, struct loop *loop);

/* Does all that reads files or makes descriptors. 0 or -errno. */
int tls_desk_load(struct tls_desk *d);
void tls_desk_done(struct tls_desk *d);

/* The stream whose handshake has begun first; NULL: none has begun. */
struct stream *tls_desk_oldest(const struct tls_desk *d);

/* The stream whose handshake has begun next after that of s; NULL: none. */
struct stream *tls_desk_next(const struct stream *s);

struct net_listener;
struct peer;

/* The end that a stream speaks with. Both are borrowed until the stream ends. */
struct tls_client {
	struct net_listener *listener;
	struct peer *peer;	/* learns of the certificate that the client has shown */
};

/* Lets a stream that was plain until now speak TLS. Takes a reference. 0 or -ENOMEM. */
int tlsstream_put(struct stream *s, struct tls_desk *d, struct tlscontext *context,
    const struct tls_client *client);

/* The function for tlscontext_new(): judges by the rules that are in force at the listener. */
tlscontext_verify_fn tlsstream_judge;

/* Writes "TLSv1.3 TLS_AES_256_GCM_SHA384"; false for a stream without TLS. */
bool tlsstream_format(const struct stream *s, char *ret, size_t ret_len);
