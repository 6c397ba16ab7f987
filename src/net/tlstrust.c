/* SPDX-License-Identifier: ISC */
/* tlstrust: verifies the certificates of clients. */
#include "config.h"

#include "net/tlstrust.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

/* Certificates between that of a client and a root. */
#define DEPTH_MAX 8

/* Keys and signatures of 112 bits and more: RSA from 2048 bits, SHA-256. */
#define SECURITY_LEVEL 2

/* Decodes base64 to new DER. The length, or -1. */
static long
decode(const char *base64, unsigned char **ret)
{
	size_t len = strlen(base64), padding = 0;
	int n;

	*ret = malloc(len / 4 * 3 + 3);
	while (padding < len && base64[len - 1 - padding] == '=')
		padding++;
	n = *ret == NULL ? -1 : EVP_DecodeBlock(*ret, (const unsigned char *)base64, (int)len);
	return n > (int)padding ? n - (long)padding : -1;
}

static bool
add_authority(X509_STORE *store, const char *base64)
{
	CLEANUP_FREE unsigned char *der = NULL;
	long len = decode(base64, &der);
	const unsigned char *p = der;
	X509 *cert = len > 0 ? d2i_X509(NULL, &p, len) : NULL;
	bool ok = cert != NULL && X509_STORE_add_cert(store, cert) == 1;

	X509_free(cert);
	return ok;
}

static bool
add_revocations(struct tlstrust *t, const char *base64)
{
	CLEANUP_FREE unsigned char *der = NULL;
	long len = decode(base64, &der);
	const unsigned char *p = der;
	X509_CRL *crl = len > 0 ? d2i_X509_CRL(NULL, &p, len) : NULL;

	if (t->revocations == NULL)
		t->revocations = sk_X509_CRL_new_null();
	if (crl != NULL && t->revocations != NULL && X509_STORE_add_crl(t->store, crl) == 1 &&
	    sk_X509_CRL_push(t->revocations, crl) > 0)
		return true;
	X509_CRL_free(crl);
	return false;
}

static size_t
count(char *const *list)
{
	size_t n = 0;

	while (list != NULL && list[n] != NULL)
		n++;
	return n;
}

/* Makes one digest of both lists. -ENOMEM or 0. */
static int
digest_lists(const struct listener *l, struct digest *ret)
{
	size_t n = count(l->authorities), m = count(l->revocations);
	CLEANUP_FREE struct slice *parts = calloc(n + m + 1, sizeof(*parts));

	if (parts == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		parts[i] = slice_of(l->authorities[i]);
	parts[n] = SLICE("");
	for (size_t i = 0; i < m; i++)
		parts[n + 1 + i] = slice_of(l->revocations[i]);
	*ret = digest_of(parts, n + m + 1);
	return 0;
}

static int
fill(struct tlstrust *t, const struct listener *l)
{
	for (size_t i = 0; l->authorities[i] != NULL; i++) {
		if (!add_authority(t->store, l->authorities[i]))
			return -EKEYREJECTED;
	}
	for (size_t i = 0; l->revocations != NULL && l->revocations[i] != NULL; i++) {
		if (!add_revocations(t, l->revocations[i]))
			return -EKEYREJECTED;
	}
	return 0;
}

int
tlstrust_new(const struct listener *l, struct tlstrust *old, struct tlstrust **ret)
{
	struct digest digest;
	struct tlstrust *t;
	int r;

	*ret = NULL;
	if (l->authorities == NULL || l->authorities[0] == NULL)
		return 0;
	r = digest_lists(l, &digest);
	if (r < 0)
		return r;
	if (old != NULL && digest_eq(&old->digest, &digest)) {
		*ret = tlstrust_ref(old);
		return 0;
	}
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return -ENOMEM;
	t->refs = 1;
	t->digest = digest;
	t->store = X509_STORE_new();
	ERR_clear_error();
	r = t->store == NULL ? -ENOMEM : fill(t, l);
	if (r < 0)
		(void)tlstrust_unref(t);
	else
		*ret = t;
	return r;
}

struct tlstrust *
tlstrust_unref(struct tlstrust *t)
{
	if (t == NULL || --t->refs > 0)
		return NULL;
	X509_STORE_free(t->store);
	sk_X509_CRL_pop_free(t->revocations, X509_CRL_free);
	free(t);
	return NULL;
}

/* The first second behind this one; 0 for what is no time. */
static int64_t
second_after(const ASN1_TIME *time)
{
	struct tm tm = { 0 };

	return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) + 1 : 0;
}

/*
 * The first second in which no list of this authority is up to date. Of several lists the
 * last one counts, as long as it is not out of date itself.
 */
static int64_t
end_of_lists(const struct tlstrust *t, const X509_NAME *authority)
{
	int64_t last = 0;

	for (int i = 0; i < sk_X509_CRL_num(t->revocations); i++) {
		const X509_CRL *crl = sk_X509_CRL_value(t->revocations, i);
		const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
		int64_t sec = next != NULL ? second_after(next) : INT64_MAX;

		if (X509_NAME_cmp(X509_CRL_get_issuer(crl), authority) == 0 && sec > last)
			last = sec;
	}
	return last;
}

/* The first second in which one of the certificates, or what tells of it, is no longer valid. */
static int64_t
end_of(const struct tlstrust *t, STACK_OF(X509) *chain)
{
	int64_t first = INT64_MAX;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		const X509 *cert = sk_X509_value(chain, i);
		int64_t sec = second_after(X509_get0_notAfter(cert));

		first = sec < first ? sec : first;
		sec = t->revocations != NULL ? end_of_lists(t, X509_get_issuer_name(cert)) : first;
		first = sec < first ? sec : first;
	}
	return first;
}

/* Says what is wrong, in words that do not depend on the version of OpenSSL where it matters. */
static const char *
words_of(int error)
{
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED: return "certificate has expired";
	case X509_V_ERR_CERT_NOT_YET_VALID: return "certificate is not yet valid";
	case X509_V_ERR_CERT_REVOKED: return "certificate has been revoked";
	case X509_V_ERR_CRL_HAS_EXPIRED: return "a list of revoked certificates is out of date";
	case X509_V_ERR_UNABLE_TO_GET_CRL:
		return "client-crl has no list of the authority of a certificate";
	case X509_V_ERR_INVALID_PURPOSE: return "certificate is not for clients";
	case X509_V_ERR_CERT_CHAIN_TOO_LONG: return "the chain of certificates is too long";
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return "certificate is of no authority in client-ca";
	default: return X509_verify_cert_error_string(error);
	}
}

const char *
tlstrust_verify(const struct tlstrust *t, X509 *leaf, struct stack_st_X509 *others,
    int64_t *ret_until_sec)
{
	X509_STORE_CTX *ctx;
	X509_VERIFY_PARAM *param;
	const char *wrong = "out of memory";

	if (t == NULL)
		return "the listener has no client-ca";
	/* An authority makes certificates; it is nobody's name itself. */
	if (X509_check_ca(leaf) != 0)
		return "certificate is that of an authority";
	ERR_clear_error();
	ctx = X509_STORE_CTX_new();
	if (ctx != NULL && X509_STORE_CTX_init(ctx, t->store, leaf, others) == 1 &&
	    X509_STORE_CTX_set_default(ctx, "ssl_client") == 1) {
		param = X509_STORE_CTX_get0_param(ctx);
		X509_VERIFY_PARAM_set_depth(param, DEPTH_MAX);
		X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
		if (t->revocations != NULL)
			(void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK |
			    X509_V_FLAG_CRL_CHECK_ALL);
		if (X509_verify_cert(ctx) == 1) {
			*ret_until_sec = end_of(t, X509_STORE_CTX_get0_chain(ctx));
			wrong = NULL;
		} else {
			wrong = words_of(X509_STORE_CTX_get_error(ctx));
		}
	}
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return wrong;
}
