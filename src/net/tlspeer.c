/* SPDX-License-Identifier: ISC */
/*
 * tlspeer: takes a client's certificate apart. Every byte of it is of the client's choice
 * until an authority has vouched for it.
 */
#include "config.h"

#include "net/tlspeer.h"

#include <limits.h>
#include <openssl/asn1.h>
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

/* ---------------------------------------------------------------- bounds --- */

/*
 * OpenSSL takes extensions apart when it verifies, and keeps the parts as long as the
 * certificate. Two bytes of a certificate can become a hundred of memory, and strangers send
 * what they like. So a certificate is measured before anything looks into it.
 */
#define CERTIFICATES_MAX 10		/* of one client: its own, those between, a root */
#define EXTENSIONS_MAX 32		/* of one certificate */
#define EXTENSION_MAX 1024		/* bytes, but for alternative names */
#define EXTENSIONS_BYTES (8u << 10)	/* of all certificates, but for alternative names */
#define NAME_ENTRIES_MAX 32		/* of a subject or an issuer */

/* Counts the elements of a SEQUENCE in DER; more than CERTNAME_MANY for what is none. */
static size_t
count_elements(const unsigned char *p, size_t len)
{
	size_t n = 0;
	long inner;
	int tag, class;

	if (len > LONG_MAX || (ASN1_get_object(&p, &inner, &tag, &class, (long)len) & 0x81) != 0 ||
	    tag != V_ASN1_SEQUENCE)
		return CERTNAME_MANY + 1;
	for (const unsigned char *end = p + inner; p < end && n <= CERTNAME_MANY; n++) {
		long element;

		if ((ASN1_get_object(&p, &element, &tag, &class, end - p) & 0x81) != 0)
			return CERTNAME_MANY + 1;
		p += element;
	}
	return n;
}

/* True if the certificate is of a size that is of use. Adds the bytes of its extensions. */
static bool
is_modest(const X509 *cert, size_t *bytes)
{
	int n = X509_get_ext_count(cert);

	if (n > EXTENSIONS_MAX ||
	    X509_NAME_entry_count(X509_get_subject_name(cert)) > NAME_ENTRIES_MAX ||
	    X509_NAME_entry_count(X509_get_issuer_name(cert)) > NAME_ENTRIES_MAX)
		return false;
	for (int i = 0; i < n; i++) {
		X509_EXTENSION *e = X509_get_ext(cert, i);
		const ASN1_OCTET_STRING *data = X509_EXTENSION_get_data(e);
		size_t len = (size_t)ASN1_STRING_length(data);

		if (OBJ_obj2nid(X509_EXTENSION_get_object(e)) == NID_subject_alt_name) {
			if (count_elements(ASN1_STRING_get0_data(data), len) > CERTNAME_MANY)
				return false;
			continue;
		}
		*bytes += len;
		if (len > EXTENSION_MAX || *bytes > EXTENSIONS_BYTES)
			return false;
	}
	return true;
}

static bool
are_modest(const X509 *leaf, const STACK_OF(X509) *others)
{
	int n = others != NULL ? sk_X509_num(others) : 0;
	size_t bytes = 0;

	if (n > CERTIFICATES_MAX || !is_modest(leaf, &bytes))
		return false;
	bytes = 0;	/* the others begin with the leaf again */
	for (int i = 0; i < n; i++) {
		if (!is_modest(sk_X509_value(others, i), &bytes))
			return false;
	}
	return true;
}

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
 * free text.
 */
static void
read_names(struct tlspeer *t)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(t->leaf, NID_subject_alt_name, NULL, NULL);
	int n = sk_GENERAL_NAME_num(all);

	if (n > 0)
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
	struct tlspeer *t = are_modest(leaf, others) ? calloc(1, sizeof(*t)) : NULL;

	ERR_clear_error();
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
	const struct net_listener *now = listener_now(t->listener);
	const struct tlstrust *trust = listener_trust(t->listener);
	const char *problem = NULL;

	if (!tlspeer_is_stale(t, conf))
		return;
	t->generation = conf->generation;
	t->is_verified = false;
	t->problem = NULL;
	t->key = NULL;
	if (now != NULL && now->clients == TLS_CLIENTS_NONE) {
		t->problem = "the listener asks for no certificate any more";
		return;
	}
	t->key = find_key(t, conf, who, &problem);
	if (t->key != NULL)
		return;
	/* The words of a login for the key say more than that no authority knows it. */
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
