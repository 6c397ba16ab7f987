/* SPDX-License-Identifier: ISC */
/*
 * tlspeer: takes a client's certificate apart. Every byte of it is of the client's choice
 * until an authority has vouched for it.
 */
#include "config.h"

#include "net/tlspeer.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "net/listener.h"
#include "proto/certname.h"

/* --------------------------------------------------------------- names --- */

/* The kind of a name, or -1 for one that callers are not called by. */
static int
kind_of(const GENERAL_NAME *name)
{
	switch (name->type) {
	case GEN_URI: return CERTNAME_URI;
	case GEN_DNS: return CERTNAME_DNS;
	case GEN_EMAIL: return CERTNAME_EMAIL;
	default: return -1;
	}
}

/*
 * Returns the name with its kind before it, new. NULL: it has bytes that no name may have,
 * or there is no memory. The bytes are those of the ASN.1: in a printed text a NUL would
 * end the name, and a comma would look like the next one.
 */
static char *
name_of(const GENERAL_NAME *name, enum certname_kind kind)
{
	const ASN1_STRING *s = name->d.ia5;
	const char *prefix = certname_prefix(kind);
	size_t before = strlen(prefix), len = (size_t)ASN1_STRING_length(s);
	char *text;

	if (len > CERTNAME_MAX)
		return NULL;
	text = malloc(before + len + 1);
	if (text == NULL)
		return NULL;
	memcpy(text, prefix, before);
	memcpy(text + before, ASN1_STRING_get0_data(s), len);
	text[before + len] = '\0';
	if (certname_is_valid((struct slice){ text, before + len }))
		return text;
	free(text);
	return NULL;
}

/*
 * Reads the names out of the alternative names of the subject. A common name is none: it is
 * free text. A certificate with too many names has none at all.
 */
static void
read_names(struct tlspeer *t)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(t->leaf, NID_subject_alt_name, NULL, NULL);
	int n = sk_GENERAL_NAME_num(all);

	if (n > 0 && n <= CERTNAME_MANY)
		t->names = calloc((size_t)n + 1, sizeof(*t->names));
	for (int kind = 0; kind < CERTNAME_KINDS && t->names != NULL; kind++) {
		for (int i = 0; i < n; i++) {
			const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
			char *text = kind_of(name) == kind ? name_of(name, kind) : NULL;

			if (text != NULL)
				t->names[t->n_names++] = text;
		}
	}
	GENERAL_NAMES_free(all);
}

static bool
read_pin(struct tlspeer *t)
{
	unsigned char *der = NULL, hash[PIN_HASH];
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(t->leaf), &der);
	bool ok = len > 0 && EVP_Digest(der, (size_t)len, hash, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	if (ok)
		pin_format(hash, t->pin);
	return ok;
}

struct tlspeer *
tlspeer_new(const struct net_listener *l, X509 *leaf, struct stack_st_X509 *others)
{
	struct tlspeer *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->listener = l;
	(void)X509_up_ref(leaf);
	t->leaf = leaf;
	if (others != NULL && sk_X509_num(others) > 0)
		t->others = X509_chain_up_ref(others);
	if ((others != NULL && sk_X509_num(others) > 0 && t->others == NULL) || !read_pin(t))
		return tlspeer_free(t);
	read_names(t);
	ERR_clear_error();
	return t;
}

struct tlspeer *
tlspeer_free(struct tlspeer *t)
{
	if (t == NULL)
		return NULL;
	for (size_t i = 0; i < t->n_names; i++)
		free(t->names[i]);
	free(t->names);
	X509_free(t->leaf);
	sk_X509_pop_free(t->others, X509_free);
	free(t);
	return NULL;
}

/* ---------------------------------------------------------------- rules --- */

/* The credential of the key, if it lets in; else NULL, with the reason unless the key has none. */
static const struct credential *
find_key(const struct tlspeer *t, const struct conf *conf, const struct caller *who,
    const char **ret_problem)
{
	static const char *const reasons[] = {
		[ACCESS_OFF] = "the key of the certificate is off",
		[ACCESS_EXPIRED] = "the key of the certificate has expired",
		[ACCESS_ELSEWHERE] = "the key of the certificate is not for this network",
	};
	const struct credential *c = conf_find_secret(conf, t->pin + PIN_PREFIX_LEN);
	enum access_use use;

	if (c == NULL || c->kind != CREDENTIAL_KEY)
		return NULL;
	use = access_use(c, who, (int64_t)time(NULL));
	if (use == ACCESS_USABLE)
		return c;
	*ret_problem = reasons[use];
	return NULL;
}

bool
tlspeer_is_stale(const struct tlspeer *t, const struct conf *conf)
{
	return t->generation != conf->generation ||
	    (t->is_verified && (int64_t)time(NULL) >= t->until_sec);
}

void
tlspeer_learn(struct tlspeer *t, const struct conf *conf, const struct caller *who)
{
	const struct tlstrust *trust = listener_trust(t->listener);
	const char *problem = NULL;

	if (!tlspeer_is_stale(t, conf))
		return;
	t->generation = conf->generation;
	t->is_verified = false;
	t->problem = NULL;
	t->key = find_key(t, conf, who, &problem);
	if (t->key != NULL)
		return;
	/* Where there is a login for the key, its words say more than that no authority knows it. */
	if (problem == NULL || trust != NULL)
		t->problem = tlstrust_verify(trust, t->leaf, t->others, &t->until_sec);
	if (problem != NULL && (trust == NULL || t->problem != NULL))
		t->problem = problem;
	else if (trust == NULL)
		t->problem = "the key of the certificate is not known";
	else if (t->problem == NULL && t->n_names == 0)
		t->problem = "the certificate has no name of a kind that is used (URI, DNS, EMAIL)";
	t->is_verified = t->problem == NULL;
	t->was_verified = t->was_verified || t->is_verified;
}
