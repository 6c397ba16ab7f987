/* SPDX-License-Identifier: ISC */
/*
 * tlspeer: the certificate that a client has shown over TLS, and whom it is known as by it:
 * its key belongs to a login, or an authority of the listener vouches for its names.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/pin.h"
#include "conf/access.h"

typedef struct x509_st X509;
struct net_listener;
struct stack_st_X509;

struct tlspeer {
	const struct net_listener *listener;	/* of the connection, which keeps it */
	X509 *leaf;
	struct stack_st_X509 *others;	/* sent with it; NULL: none */
	char pin[PIN_TEXT];		/* of the key */
	char **names;			/* proto/certname.h: URIs, then DNS, then EMAIL */
	size_t n_names;
	/* Under the rules of generation: */
	uint32_t generation;		/* 0: not looked at yet */
	const struct credential *key;	/* the key lets in as this login; NULL: it does not */
	bool is_verified;		/* an authority vouches for the names */
	bool was_verified;		/* ... or did so under earlier rules */
	int64_t until_sec;		/* ... and does so up to this second */
	const char *problem;		/* reason for neither; NULL: one of them */
};

/*
 * Takes references. NULL without memory, or for certificates that are larger than any of use:
 * more than 128 names, more than 10 certificates, extensions of more than 1 KiB.
 */
struct tlspeer *tlspeer_new(const struct net_listener *l, X509 *leaf,
    struct stack_st_X509 *others);

/* Accepts NULL. Returns NULL. */
struct tlspeer *tlspeer_free(struct tlspeer *t);

/*
 * Finds out what the certificate is good for under these rules. who is where the client
 * is, without any login. A key comes before an authority: then the chain is not looked at.
 */
void tlspeer_learn(struct tlspeer *t, const struct conf *conf, const struct caller *who);

/* True if what was found holds no longer. */
bool tlspeer_is_stale(const struct tlspeer *t, const struct conf *conf);

/* True if the certificate is good for something. */
static inline bool
tlspeer_is_known(const struct tlspeer *t)
{
	return t->key != NULL || t->is_verified;
}
