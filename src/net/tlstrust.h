/* SPDX-License-Identifier: ISC */
/*
 * tlstrust: the authorities whose certificates clients of a listener may show, and the
 * certificates that these have revoked.
 */
#pragma once

#include <stdint.h>

#include "base/digest.h"
#include "conf/conf.h"

typedef struct x509_st X509;
typedef struct x509_store_st X509_STORE;
struct stack_st_X509;
struct stack_st_X509_CRL;

struct tlstrust {
	unsigned refs;
	X509_STORE *store;
	struct digest digest;	/* of all that it was made of */
	struct stack_st_X509_CRL *revocations;	/* the lists that are in the store; NULL: none */
};

/*
 * Makes the trust of a listener, from memory alone; old is returned again if nothing in it
 * would change, and may be NULL. 0; -ENOMEM; -EKEYREJECTED: OpenSSL refuses something here.
 * Without client-ca *ret is NULL: nobody is trusted.
 */
int tlstrust_new(const struct listener *l, struct tlstrust *old, struct tlstrust **ret);

static inline struct tlstrust *
tlstrust_ref(struct tlstrust *t)
{
	if (t != NULL)
		t->refs++;
	return t;
}

/* Accepts NULL. Returns NULL. */
struct tlstrust *tlstrust_unref(struct tlstrust *t);

/*
 * Verifies the certificate of a client with the others that it has sent, which may be NULL.
 * NULL, and the second from which on the answer would be another one; or what is wrong, a
 * constant string. trust may be NULL.
 */
const char *tlstrust_verify(const struct tlstrust *t, X509 *leaf, struct stack_st_X509 *others,
    int64_t *ret_until_sec);
