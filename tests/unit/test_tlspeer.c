/* SPDX-License-Identifier: ISC */
/*
 * Certificates of clients: which names are read out of them, which chains are trusted, and
 * which keys are logins. The authorities here sign whatever a test wants.
 */
#include "config.h"

#include "net/tlspeer.h"

#include <check.h>
#include <malloc.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "conf/tlsfiles.h"
#include "ipc/logrec.h"
#include "ipc/stats.h"
#include "net/conn.h"
#include "net/identity.h"
#include "net/listener.h"
#include "net/login.h"
#include "proto/certname.h"

#define DAY 86400
#define CHAIN 7	/* certificates with extensions of 1 KiB, which are 8 KiB at most */

struct owner {
	EVP_PKEY *key;
	X509 *cert;
};

static struct owner root, middle;
static struct net_desk net;
static struct net_listener listener;
static struct conf *conf;

/* ---------------------------------------------------------------- making --- */

/* The properties of a certificate; zero is a good one of a client. */
struct wish {
	const struct owner *by;	/* NULL: itself */
	bool is_ca, is_server, no_basic;
	long from, until;		/* seconds from now; 0: a day ago, in a day */
	GENERAL_NAMES *names;		/* taken; NULL: none */
	EVP_PKEY *key;			/* borrowed; NULL: a new one */
};

static void
add(X509 *cert, X509 *by, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, by, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ck_assert_ptr_nonnull(e);
	ck_assert_int_eq(X509_add_ext(cert, e, -1), 1);
	X509_EXTENSION_free(e);
}

static struct owner
make(const char *name, const struct wish *w)
{
	static long serial = 1;
	struct owner h = { .cert = X509_new() };
	const struct owner *by = w->by != NULL ? w->by : &h;
	X509_NAME *subject = X509_get_subject_name(h.cert);

	h.key = w->key != NULL ? w->key : EVP_EC_gen("P-256");
	if (w->key != NULL)
		(void)EVP_PKEY_up_ref(h.key);
	(void)X509_set_version(h.cert, X509_VERSION_3);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(h.cert), serial++);
	(void)X509_gmtime_adj(X509_getm_notBefore(h.cert), w->from != 0 ? w->from : -DAY);
	(void)X509_gmtime_adj(X509_getm_notAfter(h.cert), w->until != 0 ? w->until : DAY);
	(void)X509_set_pubkey(h.cert, h.key);
	(void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	(void)X509_set_issuer_name(h.cert, X509_get_subject_name(by->cert));
	if (!w->no_basic)
		add(h.cert, by->cert, NID_basic_constraints, w->is_ca ? "critical,CA:TRUE" : "CA:FALSE");
	if (w->is_ca)
		add(h.cert, by->cert, NID_key_usage, "critical,keyCertSign,cRLSign");
	else
		add(h.cert, by->cert, NID_ext_key_usage, w->is_server ? "serverAuth" : "clientAuth");
	if (w->names != NULL)
		ck_assert_int_eq(X509_add1_ext_i2d(h.cert, NID_subject_alt_name, w->names, 0, 0), 1);
	GENERAL_NAMES_free(w->names);
	ck_assert_int_gt(X509_sign(h.cert, by->key, EVP_sha256()), 0);
	return h;
}

static void
owner_done(struct owner *h)
{
	X509_free(h->cert);
	EVP_PKEY_free(h->key);
	*h = (struct owner){ 0 };
}

/* Adds a name of any bytes. */
static GENERAL_NAMES *
name_add(GENERAL_NAMES *all, int type, const void *bytes, size_t len)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *s = ASN1_IA5STRING_new();

	if (all == NULL)
		all = GENERAL_NAMES_new();
	(void)ASN1_STRING_set(s, bytes, (int)len);
	GENERAL_NAME_set0_value(name, type, s);
	(void)sk_GENERAL_NAME_push(all, name);
	return all;
}

static GENERAL_NAMES *
uri(const char *text)
{
	return name_add(NULL, GEN_URI, text, strlen(text));
}

static char *
base64_of(unsigned char *der, int len)
{
	char *text = malloc((size_t)len / 3 * 4 + 5);

	ck_assert_int_gt(len, 0);
	(void)EVP_EncodeBlock((unsigned char *)text, der, len);
	OPENSSL_free(der);
	return text;
}

static char *
certificate_text(X509 *cert)
{
	unsigned char *der = NULL;
	int len = i2d_X509(cert, &der);

	return base64_of(der, len);
}

/* A list of an authority with at most one revoked certificate. */
static char *
revocations_text(const struct owner *by, X509 *revoked, long until)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *now = ASN1_TIME_adj(NULL, time(NULL), 0, -60);
	ASN1_TIME *next = ASN1_TIME_adj(NULL, time(NULL), 0, until);
	unsigned char *der = NULL;
	char *text;
	int len;

	(void)X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	(void)X509_CRL_set_issuer_name(crl, X509_get_subject_name(by->cert));
	(void)X509_CRL_set1_lastUpdate(crl, now);
	(void)X509_CRL_set1_nextUpdate(crl, next);
	if (revoked != NULL) {
		X509_REVOKED *r = X509_REVOKED_new();

		(void)X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(revoked));
		(void)X509_REVOKED_set_revocationDate(r, now);
		(void)X509_CRL_add0_revoked(crl, r);
	}
	ck_assert_int_gt(X509_CRL_sign(crl, by->key, EVP_sha256()), 0);
	len = i2d_X509_CRL(crl, &der);
	text = base64_of(der, len);
	ASN1_TIME_free(now);
	ASN1_TIME_free(next);
	X509_CRL_free(crl);
	return text;
}

/* Puts authorities and lists in force; the texts are taken. */
static void
trust(char *authority, char *list, char *second)
{
	char *authorities[] = { authority, NULL }, *lists[] = { list, second, NULL };
	const struct listener l = { .authorities = authority != NULL ? authorities : NULL,
		.revocations = list != NULL ? lists : NULL };

	listener.trust = tlstrust_unref(listener.trust);
	ck_assert_int_eq(tlstrust_new(&l, NULL, &listener.trust), 0);
	free(authority);
	free(list);
	free(second);
}

/* Puts these credentials in force. */
static void
rules(const char *credentials)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(0);
	static uint32_t generation;
	struct conf_errors errors = { 0 };
	int r;

	(void)buf_printf(&text, "listen \"unix:///x\" {}\n%s", credentials);
	conf = conf_unref(conf);
	r = conf_parse(buf_data(&text), buf_len(&text), ++generation, &conf, &errors);
	ck_assert_msg(r == 0, "%s", errors.n > 0 ? errors.list[0].text : "?");
	net.conf = conf;
}

static void
start(void)
{
	root = make("root", &(struct wish){ .is_ca = true });
	middle = make("middle", &(struct wish){ .is_ca = true, .by = &root });
	LIST_INIT(&net.listeners);
	listener = (struct net_listener){ .net = &net, .clients = TLS_CLIENTS_OPTIONAL };
	trust(certificate_text(root.cert), NULL, NULL);
	rules("");
}

static void
stop(void)
{
	listener.trust = tlstrust_unref(listener.trust);
	conf = conf_unref(conf);
	owner_done(&root);
	owner_done(&middle);
}

/* --------------------------------------------------------------- judging --- */

static const struct caller nobody;

/* Shows a leaf with the middle authority, or only it; both stay with the caller. */
static struct tlspeer *
show(const struct owner *leaf, bool alone)
{
	STACK_OF(X509) *others = sk_X509_new_null();
	struct tlspeer *t;

	if (!alone)
		(void)sk_X509_push(others, middle.cert);
	t = tlspeer_new(&listener, leaf->cert, others);
	ck_assert_ptr_nonnull(t);
	sk_X509_free(others);
	tlspeer_learn(t, conf, &nobody);
	return t;
}

/* Makes a leaf, shows it, and wants this to be wrong with it; NULL: nothing. */
static void
expect(const struct wish *w, const char *problem)
{
	struct owner leaf = make("leaf", w);
	struct tlspeer *t = show(&leaf, false);

	if (problem == NULL)
		ck_assert_msg(t->is_verified, "%s", t->problem);
	else
		ck_assert_str_eq(t->problem != NULL ? t->problem : "nothing", problem);
	ck_assert_int_eq(t->is_verified, problem == NULL);
	ck_assert_int_eq(tlspeer_is_known(t), problem == NULL);
	(void)tlspeer_free(t);
	owner_done(&leaf);
}

START_TEST(chains_are_verified)
{
	struct owner stranger = make("middle", &(struct wish){ .is_ca = true });
	struct owner fake = make("leaf", &(struct wish){ .by = &middle, .names = uri("a:b") });
	/* Signed by a leaf, which is no authority. */
	struct owner below = make("below", &(struct wish){ .by = &fake, .names = uri("a:b") });
	struct tlspeer *t;

	expect(&(struct wish){ .by = &middle, .names = uri("a:b") }, NULL);
	expect(&(struct wish){ .by = &root, .names = uri("a:b") }, NULL);
	expect(&(struct wish){ .names = uri("a:b") }, "certificate is of no authority in client-ca");
	/* Signed in the name of an authority. */
	expect(&(struct wish){ .by = &stranger, .names = uri("a:b") },
	    "certificate signature failure");
	expect(&(struct wish){ .by = &middle, .names = uri("a:b"), .until = -60 },
	    "certificate has expired");
	expect(&(struct wish){ .by = &middle, .names = uri("a:b"), .from = 3600 },
	    "certificate is not yet valid");
	expect(&(struct wish){ .by = &middle, .names = uri("a:b"), .is_server = true },
	    "certificate is not for clients");
	expect(&(struct wish){ .by = &middle, .names = uri("a:b"), .is_ca = true },
	    "certificate is that of an authority");
	expect(&(struct wish){ .by = &middle },
	    "the certificate has no name of a kind that is used (URI, DNS, EMAIL)");
	t = show(&fake, true);
	ck_assert_str_eq(t->problem, "certificate is of no authority in client-ca");
	(void)tlspeer_free(t);
	t = show(&below, false);
	ck_assert(!t->is_verified);
	(void)tlspeer_free(t);
	owner_done(&stranger);
	owner_done(&below);
	owner_done(&fake);
}
END_TEST

/* The root itself may not be shown as a caller, nor a certificate with a root's name. */
START_TEST(a_root_is_no_caller)
{
	struct tlspeer *t = show(&root, true);

	ck_assert_str_eq(t->problem, "certificate is that of an authority");
	(void)tlspeer_free(t);
}
END_TEST

START_TEST(chains_end)
{
	static const int lengths[] = { 1, 8, 9, 10 };
	int length = lengths[_i];
	STACK_OF(X509) *others = sk_X509_new_null();
	struct owner chain[12] = { 0 }, leaf;
	struct tlspeer *t;

	for (int i = 0; i < length; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "ca%d", i);
		chain[i] = make(name, &(struct wish){ .is_ca = true, .by = i == 0 ? &root : &chain[i - 1] });
		(void)sk_X509_push(others, chain[i].cert);
	}
	leaf = make("leaf", &(struct wish){ .by = &chain[length - 1], .names = uri("a:b") });
	t = tlspeer_new(&listener, leaf.cert, others);
	tlspeer_learn(t, conf, &nobody);
	ck_assert_int_eq(t->is_verified, length <= 8);
	if (length > 8)
		ck_assert_str_eq(t->problem, "the chain of certificates is too long");
	(void)tlspeer_free(t);
	owner_done(&leaf);
	for (int i = 0; i < length; i++)
		owner_done(&chain[i]);
	sk_X509_free(others);
}
END_TEST

START_TEST(revocation_is_looked_at_on_each_level)
{
	struct owner leaf = make("leaf", &(struct wish){ .by = &middle, .names = uri("a:b") });
	const struct {
		X509 *by_root, *by_middle;
		const char *problem;
	} lists[] = {
		{ NULL, NULL, NULL },
		{ NULL, leaf.cert, "certificate has been revoked" },
		{ middle.cert, NULL, "certificate has been revoked" },
		{ leaf.cert, NULL, NULL },	/* its number, but of another authority */
	};
	struct tlspeer *t = show(&leaf, false);

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		trust(certificate_text(root.cert), revocations_text(&root, lists[i].by_root, DAY),
		    revocations_text(&middle, lists[i].by_middle, DAY));
		/* The rules of now have been looked at; a reload makes others. */
		rules("");
		tlspeer_learn(t, conf, &nobody);
		ck_assert_int_eq(t->is_verified, lists[i].problem == NULL);
		if (lists[i].problem != NULL)
			ck_assert_str_eq(t->problem, lists[i].problem);
	}
	trust(certificate_text(root.cert), revocations_text(&root, NULL, DAY), NULL);
	rules("");
	tlspeer_learn(t, conf, &nobody);
	ck_assert_str_eq(t->problem, "client-crl has no list of the authority of a certificate");
	trust(certificate_text(root.cert), revocations_text(&root, NULL, DAY),
	    revocations_text(&middle, NULL, -30));
	rules("");
	tlspeer_learn(t, conf, &nobody);
	ck_assert_str_eq(t->problem, "a list of revoked certificates is out of date");
	(void)tlspeer_free(t);
	owner_done(&leaf);
}
END_TEST

START_TEST(the_end_is_that_of_the_first_to_end)
{
	struct owner soon = make("soon", &(struct wish){ .is_ca = true, .by = &root, .until = 3600 });
	struct owner leaf = make("leaf", &(struct wish){ .by = &soon, .names = uri("a:b") });
	STACK_OF(X509) *others = sk_X509_new_null();
	struct tlspeer *t;

	(void)sk_X509_push(others, soon.cert);
	t = tlspeer_new(&listener, leaf.cert, others);
	tlspeer_learn(t, conf, &nobody);
	ck_assert(t->is_verified);
	ck_assert_int_ge(t->until_sec, time(NULL) + 3500);
	ck_assert_int_le(t->until_sec, time(NULL) + 3601);
	ck_assert(!tlspeer_is_stale(t, conf));
	t->until_sec = time(NULL);
	ck_assert(tlspeer_is_stale(t, conf));
	(void)tlspeer_free(t);
	sk_X509_free(others);
	owner_done(&leaf);
	owner_done(&soon);
}
END_TEST

/* An old list beside a new one of the same authority, or one of an authority of others, is no end. */
START_TEST(the_end_of_a_list_is_an_end)
{
	static const struct {
		long root, more, until;
		bool is_of_middle;
	} lists[] = {
		{ DAY / 2, DAY / 4, DAY / 4, true },
		{ DAY / 4, DAY / 2, DAY / 4, true },
		{ DAY / 2, 600, DAY / 2, false },
	};
	struct owner leaf = make("leaf", &(struct wish){ .by = &root, .names = uri("a:b") });
	struct owner below = make("leaf", &(struct wish){ .by = &middle, .names = uri("a:b") });

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const struct owner *of = lists[i].is_of_middle ? &middle : &root;
		struct tlspeer *t;

		trust(certificate_text(root.cert), revocations_text(&root, NULL, lists[i].root),
		    revocations_text(of, NULL, lists[i].more));
		rules("");
		t = show(lists[i].is_of_middle ? &below : &leaf, false);
		ck_assert_msg(t->is_verified, "%s", t->problem);
		ck_assert_int_ge(t->until_sec, time(NULL) + lists[i].until - 100);
		ck_assert_int_le(t->until_sec, time(NULL) + lists[i].until + 1);
		(void)tlspeer_free(t);
	}
	owner_done(&leaf);
	owner_done(&below);
}
END_TEST

/* ----------------------------------------------------------------- names --- */

static const struct {
	int type;
	const char *bytes;
	size_t len;
	const char *name;	/* NULL: dropped */
} sans[] = {
	{ GEN_URI, "spiffe://prod/web", 17, "URI:spiffe://prod/web" },
	{ GEN_DNS, "ops.example.org", 15, "DNS:ops.example.org" },
	{ GEN_EMAIL, "ann@example.org", 15, "EMAIL:ann@example.org" },
	{ GEN_DNS, "*.example.org", 13, "DNS:*.example.org" },
	{ GEN_DNS, "a,DNS:ops.example.org", 21, "DNS:a,DNS:ops.example.org" },
	{ GEN_DNS, "ops.example.org\0.evil.org", 25, NULL },
	{ GEN_DNS, "ops.example.org\0", 16, NULL },
	{ GEN_DNS, "\0", 1, NULL },
	{ GEN_DNS, "", 0, NULL },
	{ GEN_DNS, "a b", 3, NULL },
	{ GEN_DNS, "a\nb", 3, NULL },
	{ GEN_DNS, "a\x1b[2J", 5, NULL },
	{ GEN_DNS, "a\x7f", 2, NULL },
	{ GEN_DNS, "m\xc3\xbcller", 7, NULL },
	{ GEN_URI, "x:\"y\"", 5, NULL },
	{ GEN_URI, "x:\\y", 4, NULL },
	{ GEN_RID, NULL, 0, NULL },
};

START_TEST(names_are_bytes)
{
	GENERAL_NAMES *names = NULL;
	struct owner leaf;
	struct tlspeer *t;

	if (sans[_i].bytes == NULL) {
		GENERAL_NAME *name = GENERAL_NAME_new();

		names = GENERAL_NAMES_new();
		GENERAL_NAME_set0_value(name, GEN_RID, OBJ_txt2obj("1.2.3", 1));
		(void)sk_GENERAL_NAME_push(names, name);
	} else {
		names = name_add(NULL, sans[_i].type, sans[_i].bytes, sans[_i].len);
	}
	leaf = make("ops.example.org", &(struct wish){ .by = &middle, .names = names });
	t = show(&leaf, false);
	ck_assert_uint_eq(t->n_names, sans[_i].name != NULL);
	if (sans[_i].name != NULL)
		ck_assert_str_eq(t->names[0], sans[_i].name);
	ck_assert_int_eq(t->is_verified, sans[_i].name != NULL);
	(void)tlspeer_free(t);
	owner_done(&leaf);
}
END_TEST

/* Bad names leave the good ones as they are; URIs come first. */
START_TEST(names_have_an_order)
{
	GENERAL_NAMES *names = name_add(NULL, GEN_EMAIL, "a@b", 3);
	struct owner leaf;
	struct tlspeer *t;

	names = name_add(names, GEN_DNS, "x\0y", 3);
	names = name_add(names, GEN_DNS, "second", 6);
	names = name_add(names, GEN_URI, "u:1", 3);
	names = name_add(names, GEN_DNS, "third", 5);
	names = name_add(names, GEN_URI, "u:2", 3);
	leaf = make("leaf", &(struct wish){ .by = &middle, .names = names });
	t = show(&leaf, false);
	ck_assert_uint_eq(t->n_names, 5);
	ck_assert_str_eq(t->names[0], "URI:u:1");
	ck_assert_str_eq(t->names[1], "URI:u:2");
	ck_assert_str_eq(t->names[2], "DNS:second");
	ck_assert_str_eq(t->names[3], "DNS:third");
	ck_assert_str_eq(t->names[4], "EMAIL:a@b");
	(void)tlspeer_free(t);
	owner_done(&leaf);
}
END_TEST

static const struct {
	size_t n, len, seen;
} many[] = {
	{ 100, 10, 100 }, { CERTNAME_MANY, 10, CERTNAME_MANY }, { 2, CERTNAME_MAX - 4, 2 }, { 2, CERTNAME_MAX - 3, 0 }, { 2, 20000, 0 },
};

START_TEST(names_are_bounded)
{
	CLEANUP_FREE char *text = malloc(many[_i].len);
	GENERAL_NAMES *names = NULL;
	struct owner leaf;
	struct tlspeer *t;

	memset(text, 'a', many[_i].len);
	for (size_t i = 0; i < many[_i].n; i++)
		names = name_add(names, GEN_DNS, text, many[_i].len);
	leaf = make("leaf", &(struct wish){ .by = &middle, .names = names });
	t = show(&leaf, false);
	ck_assert_uint_eq(t->n_names, many[_i].seen);
	ck_assert_int_eq(t->is_verified, many[_i].seen > 0);
	(void)tlspeer_free(t);
	owner_done(&leaf);
}
END_TEST

/* Wants the leaf, with n others, to be too large to be looked at, or not. */
static void
expect_outsize(const struct owner *leaf, int n, bool is_outsize)
{
	STACK_OF(X509) *others = sk_X509_new_null();
	struct tlspeer *t;

	for (int i = 0; i < n; i++)
		(void)sk_X509_push(others, middle.cert);
	t = tlspeer_new(&listener, leaf->cert, others);
	ck_assert_int_eq(t == NULL, is_outsize);
	(void)tlspeer_free(t);
	sk_X509_free(others);
}

START_TEST(outsize_certificates_are_not_looked_at)
{
	CLEANUP_FREE char *comment = malloc(2000);
	GENERAL_NAMES *names = NULL;
	struct owner leaf = make("leaf", &(struct wish){ .by = &middle });

	expect_outsize(&leaf, 10, false);
	expect_outsize(&leaf, 11, true);
	memset(comment, 'a', 2000);
	comment[1000] = '\0';
	add(leaf.cert, middle.cert, NID_netscape_comment, comment);
	expect_outsize(&leaf, 0, false);
	comment[1000] = 'a';
	comment[1024] = '\0';
	add(leaf.cert, middle.cert, NID_netscape_comment, comment);
	expect_outsize(&leaf, 0, true);
	owner_done(&leaf);
	for (size_t i = 0; i <= CERTNAME_MANY; i++)
		names = name_add(names, GEN_DNS, "", 0);
	leaf = make("leaf", &(struct wish){ .by = &middle, .names = names });
	expect_outsize(&leaf, 0, true);
	owner_done(&leaf);
	leaf = make("leaf", &(struct wish){ .by = &middle });
	for (int i = 0; i < 33; i++)
		(void)X509_NAME_add_entry_by_txt(X509_get_subject_name(leaf.cert), "OU",
		    MBSTRING_ASC, (const unsigned char *)"x", -1, -1, 0);
	expect_outsize(&leaf, 0, true);
	owner_done(&leaf);
}
END_TEST

/* An alternative name of these bytes, whatever they are. */
static struct owner
with_raw_names(const unsigned char *bytes, size_t len)
{
	struct owner leaf = make("leaf", &(struct wish){ .by = &middle });
	ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;

	(void)ASN1_OCTET_STRING_set(s, bytes, (int)len);
	e = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, s);
	(void)X509_add_ext(leaf.cert, e, -1);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(s);
	return leaf;
}

START_TEST(broken_names_are_no_names)
{
	static const struct {
		const char *bytes;
		size_t len;
	} raw[] = {
		{ "", 0 }, { "\x30", 1 }, { "\x30\x05\x82\x01", 4 }, { "\x30\x80\x82\x00", 4 },
		{ "\x31\x02\x82\x00", 4 }, { "\x30\x03\x82\x7f\x61", 5 },
		{ "\x30\x84\xff\xff\xff\xff", 6 }, { "\x30\x02\x82", 3 },
		{ "\x30\x06\xa0\x80\x82\x00\x00\x00", 8 },
	};

	for (size_t i = 0; i < ARRAY_LEN(raw); i++) {
		struct owner leaf = with_raw_names((const unsigned char *)raw[i].bytes, raw[i].len);

		expect_outsize(&leaf, 0, true);
		owner_done(&leaf);
	}
}
END_TEST

/* The most that a stranger can have kept by what it shows. */
START_TEST(a_stranger_costs_little)
{
	unsigned char bytes[1020];
	STACK_OF(X509) *others = sk_X509_new_null();
	struct owner all[CHAIN] = { 0 };
	GENERAL_NAMES *names = NULL;
	ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
	struct tlspeer *t;
	size_t before;

	for (size_t i = 0; i < CERTNAME_MANY; i++)
		names = name_add(names, GEN_DNS, "", 0);
	/* Places of lists of revoked certificates: 4 bytes for an empty one. */
	memcpy(bytes, "\x30\x82\x03\xf8", 4);
	for (size_t i = 4; i < sizeof(bytes); i += 4)
		memcpy(bytes + i, "\x30\x02\xa0\x00", 4);
	(void)ASN1_OCTET_STRING_set(s, bytes, sizeof(bytes));
	for (int i = 0; i < CHAIN; i++) {
		X509_EXTENSION *e = X509_EXTENSION_create_by_NID(NULL, NID_crl_distribution_points, 0, s);

		all[i] = make("x", &(struct wish){ .is_ca = i > 0, .names = i == 0 ? names : NULL });
		(void)X509_add_ext(all[i].cert, e, -1);
		X509_EXTENSION_free(e);
		(void)sk_X509_push(others, all[i].cert);
	}
	before = mallinfo2().uordblks;
	t = tlspeer_new(&listener, all[0].cert, others);
	ck_assert_ptr_nonnull(t);
	tlspeer_learn(t, conf, &nobody);
	ck_assert(!tlspeer_is_known(t));
	ck_assert_uint_le(mallinfo2().uordblks - before, 64u << 10);
	(void)tlspeer_free(t);
	for (int i = 0; i < CHAIN; i++)
		owner_done(&all[i]);
	sk_X509_free(others);
	ASN1_OCTET_STRING_free(s);
}
END_TEST

/* ------------------------------------------------------------------ keys --- */

/* The credential of a key, as canonical text has it. */
static char *
credential(const struct tlspeer *t, const char *login, const char *more)
{
	char *text = NULL;

	ck_assert_int_gt(asprintf(&text, "logins = \"/x\" ids = \"0:0\"\n"
	    "credential \"%016x\" { login = \"%s\" kind = key hash = \"%s\" %s }\n",
	    (unsigned)login[0], login, t->pin + PIN_PREFIX_LEN, more), 0);
	return text;
}

/* A reload may end the asking, also for those who have been asked. */
START_TEST(nobody_is_known_where_nobody_is_asked)
{
	struct owner leaf = make("leaf", &(struct wish){ .by = &middle, .names = uri("a:b") });
	struct tlspeer *t = show(&leaf, false);
	CLEANUP_FREE char *text = credential(t, "alice", "");

	ck_assert(t->is_verified);
	listener.clients = TLS_CLIENTS_NONE;
	rules(text);
	tlspeer_learn(t, conf, &nobody);
	ck_assert(!tlspeer_is_known(t) && t->was_verified);
	/* The listener is gone: no authority is left, but the login is. */
	listener.clients = TLS_CLIENTS_OPTIONAL;
	listener.gone = true;
	listener.url = (char *)(uintptr_t)"tls://x";
	rules(text);
	tlspeer_learn(t, conf, &nobody);
	ck_assert_ptr_nonnull(t->key);
	rules("");
	tlspeer_learn(t, conf, &nobody);
	ck_assert(!tlspeer_is_known(t));
	(void)tlspeer_free(t);
	owner_done(&leaf);
}
END_TEST

START_TEST(keys_are_logins)
{
	static const struct {
		const char *more, *problem;
	} uses[] = {
		{ "", NULL },
		{ "off = yes", "the key of the certificate is off" },
		{ "expires = \"2001-01-01\"", "the key of the certificate has expired" },
		{ "expires = \"2999-01-01\"", NULL },
		{ "from = {\"10.0.0.0/8\"}", "the key of the certificate is not for this network" },
	};
	/* Expired, of nobody, without a name: a key needs none of it. */
	struct owner leaf = make("leaf", &(struct wish){ .until = -60, .is_server = true });
	struct tlspeer *t = show(&leaf, true);

	ck_assert_ptr_null(t->key);
	for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
		CLEANUP_FREE char *text = credential(t, "alice", uses[i].more);

		rules(text);
		tlspeer_learn(t, conf, &nobody);
		ck_assert_int_eq(t->key != NULL, uses[i].problem == NULL);
		if (uses[i].problem != NULL)
			ck_assert_str_eq(t->problem, uses[i].problem);
		else
			ck_assert_str_eq(t->key->login, "alice");
	}
	rules("");
	tlspeer_learn(t, conf, &nobody);
	ck_assert_ptr_null(t->key);
	trust(NULL, NULL, NULL);
	rules("");
	tlspeer_learn(t, conf, &nobody);
	ck_assert_str_eq(t->problem, "the key of the certificate is not known");
	(void)tlspeer_free(t);
	owner_done(&leaf);
}
END_TEST

/* The name in a certificate is of no use without the key; the hash of a token is no key. */
START_TEST(another_key_is_another_login)
{
	struct owner mine = make("alice", &(struct wish){ 0 });
	struct owner theirs = make("alice", &(struct wish){ 0 });
	struct tlspeer *a = show(&mine, true), *b = show(&theirs, true);
	CLEANUP_FREE char *text = credential(a, "alice", "");
	char *kind;

	rules(text);
	tlspeer_learn(a, conf, &nobody);
	tlspeer_learn(b, conf, &nobody);
	ck_assert_ptr_nonnull(a->key);
	ck_assert_ptr_null(b->key);
	kind = strstr(text, "kind = key");
	memset(kind, ' ', strlen("kind = key"));
	rules(text);
	tlspeer_learn(a, conf, &nobody);
	ck_assert_ptr_null(a->key);
	(void)tlspeer_free(a);
	(void)tlspeer_free(b);
	owner_done(&mine);
	owner_done(&theirs);
}
END_TEST

/* A key that changes hands by a reload is the login of its new owner on open connections. */
START_TEST(a_key_that_changes_hands_is_the_new_owner)
{
	const union sockaddr_any home = { .in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	struct owner leaf = make("leaf", &(struct wish){ 0 });
	struct tlspeer *t = show(&leaf, true);
	CLEANUP_FREE char *hers = credential(t, "alice", ""), *his = credential(t, "bob", "");
	struct peer peer = { 0 };

	peer_init_inet(&peer, &home);
	peer_show(&peer, t);
	rules(hers);
	(void)peer_roles(&peer, conf);
	ck_assert_str_eq(peer_identity(&peer)->text, "login:alice");
	rules(his);
	ck_assert(!peer_is_revoked(&peer, conf));
	ck_assert_str_eq(peer_identity(&peer)->text, "login:bob");
	peer_done(&peer);
	owner_done(&leaf);
}
END_TEST

/* The line of a failed login is about the place; it must not touch the login that there is. */
START_TEST(a_failed_login_leaves_the_peer_as_it_is)
{
	const union sockaddr_any home = { .in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	struct owner leaf = make("leaf", &(struct wish){ 0 });
	struct tlspeer *t = show(&leaf, true);
	CLEANUP_FREE char *text = credential(t, "alice", "");
	struct ratelimit limit = { 0 };
	struct peer_identity *id;
	static struct stats stats;
	struct stats_pages pages = { .own = &stats };
	struct loop loop = { 0 };
	struct conn c = { .net = &net, .listener = &listener };

	net.pages = &pages;
	net.loop = &loop;
	listener.url = (char *)(uintptr_t)"tls://x";
	peer_init_inet(&c.peer, &home);
	peer_show(&c.peer, t);
	/* With these rules the peer is nobody yet; the next ones know its key. */
	(void)peer_roles(&c.peer, conf);
	id = peer_identity(&c.peer);
	ck_assert_ptr_nonnull(id);
	(void)identity_ref(id);
	rules(text);
	login_note_failure(&c, &limit,
	    &(struct login_failure){ .event = LOG_EVENT_LOGIN_FAILED, .why = "wrong token" });
	ck_assert_uint_eq(stats.logins_failed, 1);
	ck_assert_ptr_nonnull(c.peer.login);
	ck_assert_str_eq(peer_identity(&c.peer)->text, "login:alice");
	ck_assert_uint_eq(id->refs, 1);
	(void)identity_unref(id);
	peer_done(&c.peer);
	owner_done(&leaf);
	net.pages = NULL;
	net.loop = NULL;
}
END_TEST

/* A key that may not log in may still be in a certificate that an authority vouches for. */
START_TEST(an_authority_vouches_behind_a_key)
{
	struct owner leaf = make("leaf", &(struct wish){ .by = &middle, .names = uri("a:b") });
	struct tlspeer *t = show(&leaf, false);
	CLEANUP_FREE char *on = credential(t, "alice", ""), *off = credential(t, "alice", "off = yes");

	ck_assert(t->is_verified);
	rules(on);
	tlspeer_learn(t, conf, &nobody);
	ck_assert(t->key != NULL && !t->is_verified && t->was_verified);
	rules(off);
	tlspeer_learn(t, conf, &nobody);
	ck_assert(t->key == NULL && t->is_verified && t->problem == NULL);
	(void)tlspeer_free(t);
	owner_done(&leaf);
}
END_TEST

/* ------------------------------------------------------------------ peers --- */

static const char token_of_bob[] = "logins = \"/x\" ids = \"0:0\"\n"
    "credential \"0123456789abcdef\" { login = bob kind = token "
    "hash = \"0123456789012345678901234567890123456789012\" }\n";

static void
from_here(struct peer *p)
{
	const union sockaddr_any at = { .in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };

	peer_init_inet(p, &at);
}

/* A login is in addition to the certificate that the listener wants, not instead of it. */
START_TEST(a_login_does_not_outlive_the_certificate)
{
	struct owner leaf = make("leaf", &(struct wish){ .by = &middle, .names = uri("a:b") });
	struct peer p = { 0 };

	listener.clients = TLS_CLIENTS_REQUIRED;
	rules(token_of_bob);
	from_here(&p);
	peer_show(&p, show(&leaf, false));
	ck_assert_int_eq(peer_log_in(&p, conf, conf_find_credential(conf, "0123456789abcdef")), 0);
	ck_assert(!peer_is_revoked(&p, conf));
	ck_assert(!peer_has_expired(&p));
	/* The end has come, with the same rules; the list of the authority is out of date. */
	trust(certificate_text(root.cert), revocations_text(&root, NULL, -30), NULL);
	p.shown->until_sec = time(NULL);
	ck_assert(peer_has_expired(&p));
	ck_assert(peer_is_revoked(&p, conf));
	ck_assert_uint_eq(peer_roles(&p, conf), 0);
	/* Found once, it is not looked for in each request. */
	ck_assert(!peer_has_expired(&p));
	peer_done(&p);
	owner_done(&leaf);
}
END_TEST

/* A caller who is nobody any more is no administrator either. */
START_TEST(a_revoked_administrator_is_none)
{
	struct owner leaf = make("leaf", &(struct wish){ .by = &middle, .names = uri("a:b") });
	struct peer p = { .caller = calloc(1, sizeof(*p.caller)) };

	*p.caller = (struct caller){ .is_unix = true, .has_uid = true };
	listener.clients = TLS_CLIENTS_REQUIRED;
	peer_show(&p, show(&leaf, false));
	peer_learn_roles(&p, conf);
	ck_assert(p.is_admin && !p.is_revoked);
	trust(certificate_text(root.cert), revocations_text(&root, NULL, -30), NULL);
	rules("");
	ck_assert(peer_is_revoked(&p, conf));
	ck_assert(!p.is_admin);
	peer_done(&p);
	owner_done(&leaf);
}
END_TEST

static const char *const kinds[] = { "RSA", "ED25519" };

START_TEST(keys_are_of_any_kind)
{
	EVP_PKEY *key = strcmp(kinds[_i], "RSA") == 0 ? EVP_RSA_gen(2048) :
	    EVP_PKEY_Q_keygen(NULL, NULL, kinds[_i]);

	expect(&(struct wish){ .by = &middle, .names = uri("a:b"), .key = key }, NULL);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(trust_is_made_anew_only_when_it_changes)
{
	char *one[] = { certificate_text(root.cert), NULL };
	char *two[] = { certificate_text(middle.cert), NULL };
	char *bad[] = { "AAAA", NULL };
	struct listener l = { .authorities = one };
	struct tlstrust *a, *b, *c;

	ck_assert_int_eq(tlstrust_new(&l, NULL, &a), 0);
	ck_assert_int_eq(tlstrust_new(&l, a, &b), 0);
	ck_assert_ptr_eq(a, b);
	(void)tlstrust_unref(b);
	l.authorities = two;
	ck_assert_int_eq(tlstrust_new(&l, a, &c), 0);
	ck_assert_ptr_ne(a, c);
	l.authorities = bad;
	ck_assert_int_lt(tlstrust_new(&l, a, &b), 0);
	l.authorities = NULL;
	ck_assert_int_eq(tlstrust_new(&l, a, &b), 0);
	ck_assert_ptr_null(b);
	(void)tlstrust_unref(a);
	(void)tlstrust_unref(c);
	free(one[0]);
	free(two[0]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tlspeer");
	TCase *t = tcase_create("chains");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, chains_are_verified);
	tcase_add_test(t, a_root_is_no_caller);
	tcase_add_loop_test(t, chains_end, 0, 4);
	tcase_add_test(t, revocation_is_looked_at_on_each_level);
	tcase_add_test(t, the_end_is_that_of_the_first_to_end);
	tcase_add_test(t, the_end_of_a_list_is_an_end);
	tcase_add_loop_test(t, keys_are_of_any_kind, 0, (int)ARRAY_LEN(kinds));
	tcase_add_test(t, trust_is_made_anew_only_when_it_changes);
	suite_add_tcase(s, t);

	t = tcase_create("names");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start, stop);
	tcase_add_loop_test(t, names_are_bytes, 0, (int)ARRAY_LEN(sans));
	tcase_add_test(t, names_have_an_order);
	tcase_add_test(t, outsize_certificates_are_not_looked_at);
	tcase_add_test(t, broken_names_are_no_names);
	tcase_add_test(t, a_stranger_costs_little);
	tcase_add_loop_test(t, names_are_bounded, 0, (int)ARRAY_LEN(many));
	suite_add_tcase(s, t);

	t = tcase_create("keys");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, nobody_is_known_where_nobody_is_asked);
	tcase_add_test(t, keys_are_logins);
	tcase_add_test(t, another_key_is_another_login);
	tcase_add_test(t, a_key_that_changes_hands_is_the_new_owner);
	tcase_add_test(t, a_failed_login_leaves_the_peer_as_it_is);
	tcase_add_test(t, an_authority_vouches_behind_a_key);
	tcase_add_test(t, a_login_does_not_outlive_the_certificate);
	tcase_add_test(t, a_revoked_administrator_is_none);
	suite_add_tcase(s, t);

	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
