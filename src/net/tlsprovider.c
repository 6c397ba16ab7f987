/* SPDX-License-Identifier: ISC */
/*
 * tlsprovider: key management and signatures for RSA, EC and Ed25519. All that can be
 * asked of the public part goes to a key of OpenSSL's own provider.
 */
#include "config.h"

#include "net/tlsprovider.h"

#include <errno.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/cleanup.h"

#define PROVIDER "reqd"

/* A provider has no argument of its own, so the link of the process is here. */
static struct tlslink *provider_link;

/* Loaded, or NULL. */
static OSSL_PROVIDER *own, *standard;

struct remote_key {
	EVP_PKEY *public_key;
	uint8_t name[SIGNING_KEY];
};

struct signature {
	const struct remote_key *key;
	unsigned bits;		/* of the hash; 0: the key has its own */
	bool is_pss;
};

/* ----------------------------------------------------------------- keys --- */

static void *
key_new(void *provider)
{
	(void)provider;
	return calloc(1, sizeof(struct remote_key));
}

static void
key_free(void *data)
{
	struct remote_key *k = data;

	if (k != NULL)
		EVP_PKEY_free(k->public_key);
	free(k);
}

static int
key_has(const void *data, int selection)
{
	const struct remote_key *k = data;

	(void)selection;
	return k != NULL && k->public_key != NULL;
}

static int
key_match(const void *a, const void *b, int selection)
{
	const struct remote_key *x = a, *y = b;

	(void)selection;
	return EVP_PKEY_eq(x->public_key, y->public_key) == 1;
}

static const OSSL_PARAM *
key_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0), OSSL_PARAM_END,
	};

	(void)selection;
	return types;
}

/* Takes a public key in DER, from tlsprovider_key(). */
static int
key_import(void *data, int selection, const OSSL_PARAM params[])
{
	const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PUB_KEY);
	struct remote_key *k = data;
	const unsigned char *der;

	(void)selection;
	if (p == NULL || p->data_type != OSSL_PARAM_OCTET_STRING)
		return 0;
	der = p->data;
	k->public_key = d2i_PUBKEY(NULL, &der, (long)p->data_size);
	return k->public_key != NULL &&
	    EVP_Digest(p->data, p->data_size, k->name, NULL, EVP_sha256(), NULL) == 1;
}

/* With the private part a key would be copied to another provider and sign there. */
static int
key_export(void *data, int selection, OSSL_CALLBACK *fn, void *arg)
{
	const struct remote_key *k = data;

	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0)
		return 0;
	return EVP_PKEY_export(k->public_key, selection, fn, arg);
}

static int
key_get_params(void *data, OSSL_PARAM params[])
{
	const struct remote_key *k = data;

	return EVP_PKEY_get_params(k->public_key, params);
}

static const OSSL_PARAM *
key_gettable(void *provider)
{
	static const OSSL_PARAM gettable[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)provider;
	return gettable;
}

static const char *
ec_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

typedef void (*function)(void);

#define KEY_FUNCTIONS                                                        \
	{ OSSL_FUNC_KEYMGMT_NEW, (function)key_new },                        \
	{ OSSL_FUNC_KEYMGMT_FREE, (function)key_free },                      \
	{ OSSL_FUNC_KEYMGMT_HAS, (function)key_has },                        \
	{ OSSL_FUNC_KEYMGMT_MATCH, (function)key_match },                    \
	{ OSSL_FUNC_KEYMGMT_IMPORT, (function)key_import },                  \
	{ OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (function)key_types },             \
	{ OSSL_FUNC_KEYMGMT_EXPORT, (function)key_export },                  \
	{ OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (function)key_types },             \
	{ OSSL_FUNC_KEYMGMT_GET_PARAMS, (function)key_get_params },          \
	{ OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (function)key_gettable }

static const OSSL_DISPATCH key_functions[] = { KEY_FUNCTIONS, { 0, NULL } };
static const OSSL_DISPATCH ec_functions[] = {
	KEY_FUNCTIONS,
	{ OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (function)ec_operation },
	{ 0, NULL },
};

/* ----------------------------------------------------------- signatures --- */

static void *
signature_new(void *provider, const char *properties)
{
	(void)provider;
	(void)properties;
	return calloc(1, sizeof(struct signature));
}

static int
signature_set_params(void *ctx, const OSSL_PARAM params[])
{
	const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	struct signature *s = ctx;
	int mode = 0;

	if (p == NULL)
		return 1;
	if (p->data_type == OSSL_PARAM_UTF8_STRING)
		s->is_pss = strcmp(p->data, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0;
	else if (OSSL_PARAM_get_int(p, &mode) == 1)
		s->is_pss = mode == RSA_PKCS1_PSS_PADDING;
	return 1;
}

static const OSSL_PARAM *
signature_settable(void *ctx, void *provider)
{
	static const OSSL_PARAM settable[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)ctx;
	(void)provider;
	return settable;
}

static int
signature_init(void *ctx, const char *digest, void *key, const OSSL_PARAM params[])
{
	struct signature *s = ctx;

	s->key = key;
	s->bits = 0;
	if (digest != NULL && strstr(digest, "256") != NULL)
		s->bits = 256;
	else if (digest != NULL && strstr(digest, "384") != NULL)
		s->bits = 384;
	else if (digest != NULL && strstr(digest, "512") != NULL)
		s->bits = 512;
	return params == NULL ? 1 : signature_set_params(ctx, params);
}

static uint16_t
scheme_of(const struct signature *s)
{
	static const uint16_t ecdsa[] = { SIGNING_ECDSA_SHA256, SIGNING_ECDSA_SHA384,
		SIGNING_ECDSA_SHA512 };
	static const uint16_t pss[] = { SIGNING_RSA_PSS_SHA256, SIGNING_RSA_PSS_SHA384,
		SIGNING_RSA_PSS_SHA512 };
	static const uint16_t pkcs1[] = { SIGNING_RSA_PKCS1_SHA256, SIGNING_RSA_PKCS1_SHA384,
		SIGNING_RSA_PKCS1_SHA512 };

	if (EVP_PKEY_is_a(s->key->public_key, "ED25519"))
		return SIGNING_ED25519;
	if (s->bits == 0)
		return 0;
	if (EVP_PKEY_is_a(s->key->public_key, "EC"))
		return ecdsa[s->bits / 128 - 2];
	return (s->is_pss ? pss : pkcs1)[s->bits / 128 - 2];
}

static int
signature_sign(void *ctx, unsigned char *sig, size_t *sig_len, size_t sig_size,
    const unsigned char *bytes, size_t len)
{
	struct signature *s = ctx;
	uint8_t answer[SIGNING_SIGNATURE];
	int n;

	if (sig == NULL) {
		*sig_len = (size_t)EVP_PKEY_get_size(s->key->public_key);
		return 1;
	}
	n = tlslink_sign(provider_link, s->key->name, scheme_of(s), bytes, len, answer);
	if (n <= 0 || (size_t)n > sig_size)
		return 0;
	memcpy(sig, answer, (size_t)n);
	*sig_len = (size_t)n;
	return 1;
}

static const OSSL_DISPATCH signature_functions[] = {
	{ OSSL_FUNC_SIGNATURE_NEWCTX, (function)signature_new },
	{ OSSL_FUNC_SIGNATURE_FREECTX, (function)free },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (function)signature_init },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (function)signature_sign },
	{ OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (function)signature_set_params },
	{ OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (function)signature_settable },
	{ 0, NULL },
};

/* ------------------------------------------------------------- provider --- */

static const OSSL_ALGORITHM *
provider_query(void *provider, int operation, int *ret_no_cache)
{
	static const OSSL_ALGORITHM keys[] = {
		{ "RSA:rsaEncryption", "provider=" PROVIDER, key_functions, NULL },
		{ "EC:id-ecPublicKey", "provider=" PROVIDER, ec_functions, NULL },
		{ "ED25519", "provider=" PROVIDER, key_functions, NULL },
		{ NULL, NULL, NULL, NULL },
	};
	static const OSSL_ALGORITHM signatures[] = {
		{ "RSA:rsaEncryption", "provider=" PROVIDER, signature_functions, NULL },
		{ "ECDSA", "provider=" PROVIDER, signature_functions, NULL },
		{ "ED25519", "provider=" PROVIDER, signature_functions, NULL },
		{ NULL, NULL, NULL, NULL },
	};

	(void)provider;
	*ret_no_cache = 0;
	return operation == OSSL_OP_KEYMGMT ? keys :
	    operation == OSSL_OP_SIGNATURE ? signatures : NULL;
}

static int
provider_init(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
    void **ret_provider)
{
	static const OSSL_DISPATCH functions[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (function)provider_query },
		{ 0, NULL },
	};
	static int nothing;

	(void)core;
	(void)in;
	*out = functions;
	*ret_provider = &nothing;
	return 1;
}

int
tlsprovider_load(struct tlslink *link)
{
	static bool is_added;

	provider_link = link;
	if (own != NULL)
		return 0;
	/* The configuration of the system is read now, as no file can be opened later. */
	if (OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, NULL) != 1)
		return -ENOTSUP;
	standard = OSSL_PROVIDER_load(NULL, "default");
	is_added = is_added || OSSL_PROVIDER_add_builtin(NULL, PROVIDER, provider_init) == 1;
	if (standard == NULL || !is_added)
		return -ENOTSUP;
	own = OSSL_PROVIDER_load(NULL, PROVIDER);
	return own != NULL && EVP_set_default_properties(NULL, "?provider=default") == 1 ?
	    0 : -ENOTSUP;
}

void
tlsprovider_unload(void)
{
	if (own != NULL)
		(void)OSSL_PROVIDER_unload(own);
	if (standard != NULL)
		(void)OSSL_PROVIDER_unload(standard);
	own = standard = NULL;
}

EVP_PKEY *
tlsprovider_key(EVP_PKEY *public_key)
{
	const char *kind = EVP_PKEY_is_a(public_key, "RSA") ? "RSA" :
	    EVP_PKEY_is_a(public_key, "EC") ? "EC" :
	    EVP_PKEY_is_a(public_key, "ED25519") ? "ED25519" : NULL;
	unsigned char *der = NULL;
	int len = kind != NULL ? i2d_PUBKEY(public_key, &der) : 0;
	OSSL_PARAM params[] = {
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, der, len > 0 ? (size_t)len : 0),
		OSSL_PARAM_END,
	};
	EVP_PKEY_CTX *ctx = len > 0 ?
	    EVP_PKEY_CTX_new_from_name(NULL, kind, "provider=" PROVIDER) : NULL;
	EVP_PKEY *key = NULL;

	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params);
	EVP_PKEY_CTX_free(ctx);
	OPENSSL_free(der);
	return key;
}
