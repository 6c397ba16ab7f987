/* SPDX-License-Identifier: ISC */
/* tlsfiles: reads PEM with OpenSSL and says what is wrong with it. */
#include "config.h"

#include "conf/tlsfiles.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/pin.h"

/* Certificates of one chain. */
#define CHAIN_MAX 16
/* Authorities of one listener, and lists of what they have revoked. */
#define AUTHORITIES_MAX 512
#define KEY_FILE_MAX (64u << 10)

/* Never asks: a prompt would stop the loader. */
static int
no_password(char *buf, int size, int rwflag, void *user)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	if (user != NULL)
		*(bool *)user = true;
	return -1;
}

static const char *
check_kind(EVP_PKEY *key)
{
	char group[64] = "";
	int bits = EVP_PKEY_get_bits(key);

	if (EVP_PKEY_is_a(key, "ED25519"))
		return NULL;
	if (EVP_PKEY_is_a(key, "RSA") && bits >= 2048 && bits <= 4096)
		return NULL;
	if (EVP_PKEY_is_a(key, "EC") &&
	    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
	    (strcmp(group, "prime256v1") == 0 || strcmp(group, "secp384r1") == 0))
		return NULL;
	return "the key is of a kind that reqd does not use; it uses " TLSFILES_KEYS;
}

static const char *
read_key(int fd, EVP_PKEY **ret)
{
	static char text[KEY_FILE_MAX];
	bool is_encrypted = false;
	ssize_t n = pread(fd, text, sizeof(text), 0);
	const char *wrong;
	BIO *bio;

	if (n < 0)
		return "the key cannot be read";
	bio = BIO_new_mem_buf(text, (int)n);
	if (bio != NULL)
		*ret = PEM_read_bio_PrivateKey(bio, NULL, no_password, &is_encrypted);
	BIO_free(bio);
	OPENSSL_cleanse(text, sizeof(text));
	if (is_encrypted)
		return "the key is encrypted; reqd has nobody to ask for a password. Write it "
		    "without: openssl pkey -in OLD -out NEW";
	if (*ret == NULL)
		return "the key is no private key in PEM";
	wrong = check_kind(*ret);
	return wrong;
}

static void
put_string(struct buf *b, const char *s)
{
	(void)buf_append(b, s, strlen(s) + 1);
}

static int
put_time(struct buf *b, const ASN1_TIME *t)
{
	char text[32];
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1 ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return -1;
	put_string(b, text);
	return 0;
}

/* Adds the pin of the certificate. */
static int
put_pin(struct buf *b, X509 *cert)
{
	unsigned char *der = NULL, hash[EVP_MAX_MD_SIZE];
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	bool ok = len > 0 && EVP_Digest(der, (size_t)len, hash, NULL, EVP_sha256(), NULL) == 1;
	char text[PIN_TEXT];

	OPENSSL_free(der);
	if (ok) {
		pin_format(hash, text);
		put_string(b, text);
	}
	return ok ? 0 : -1;
}

/* Takes the DER. */
static int
put_base64(struct buf *b, unsigned char *der, int len)
{
	char *text = len > 0 ? malloc((size_t)len / 3 * 4 + 5) : NULL;

	if (text != NULL) {
		(void)EVP_EncodeBlock((unsigned char *)text, der, len);
		put_string(b, text);
	}
	OPENSSL_free(der);
	free(text);
	return text != NULL ? 0 : -1;
}

static int
put_certificate(struct buf *b, X509 *cert)
{
	unsigned char *der = NULL;
	int len = i2d_X509(cert, &der);

	return put_base64(b, der, len);
}

static int
put_revocations(struct buf *b, const X509_CRL *crl)
{
	unsigned char *der = NULL;
	int len = i2d_X509_CRL(crl, &der);

	return put_base64(b, der, len);
}

static const char *
put_chain(struct buf *b, X509 *const *chain, size_t n)
{
	int r = put_pin(b, chain[0]);

	if (r == 0)
		r = put_time(b, X509_get0_notBefore(chain[0]));
	if (r == 0)
		r = put_time(b, X509_get0_notAfter(chain[0]));
	for (size_t i = 0; r == 0 && i < n; i++)
		r = put_certificate(b, chain[i]);
	return r == 0 && !buf_failed(b) ? NULL : "the certificate cannot be used";
}

/* Behind the last item of a PEM text there must be nothing more, and nothing half. */
static bool
is_at_end(void)
{
	return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

const char *
tlsfiles_check(const char *text, size_t len, int key_fd, struct buf *ret)
{
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	X509 *chain[CHAIN_MAX];
	EVP_PKEY *key = NULL;
	const char *wrong = NULL;
	size_t n = 0;

	while (bio != NULL && n < CHAIN_MAX) {
		chain[n] = PEM_read_bio_X509(bio, NULL, no_password, NULL);
		if (chain[n] == NULL)
			break;
		n++;
	}
	if (n == 0)
		wrong = "the certificate is no certificate in PEM";
	else if (n == CHAIN_MAX)
		wrong = "the certificate comes with more than 15 others";
	else if (!is_at_end())
		wrong = "a certificate of the chain is damaged";
	if (wrong == NULL)
		wrong = read_key(key_fd, &key);
	if (wrong == NULL && X509_check_private_key(chain[0], key) != 1)
		wrong = "the key does not belong to the certificate";
	if (wrong == NULL)
		wrong = put_chain(ret, chain, n);
	/* The process ends at once: this is for tests, which look for leaks. */
	for (size_t i = 0; i < n; i++)
		X509_free(chain[i]);
	EVP_PKEY_free(key);
	BIO_free(bio);
	return wrong;
}

/* Adds one authority. *is_root becomes true for one that vouches for itself. */
static const char *
put_authority(struct buf *b, X509 *cert, bool *is_root)
{
	if (X509_check_ca(cert) == 0)
		return "a certificate of it is not that of an authority (CA:TRUE)";
	*is_root = *is_root || X509_self_signed(cert, 0) == 1;
	return put_certificate(b, cert) == 0 && !buf_failed(b) ? NULL : "a certificate of it cannot be used";
}

const char *
tlsfiles_check_authorities(const char *text, size_t len, struct buf *ret)
{
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	const char *wrong = NULL;
	bool is_root = false;
	size_t n = 0;

	while (bio != NULL && wrong == NULL) {
		X509 *cert = PEM_read_bio_X509(bio, NULL, no_password, NULL);

		if (cert == NULL)
			break;
		wrong = n++ < AUTHORITIES_MAX ? put_authority(ret, cert, &is_root) :
		    "it has more than 512 certificates";
		X509_free(cert);
	}
	BIO_free(bio);
	if (wrong == NULL && !is_at_end())
		wrong = "a certificate of it is damaged";
	else if (wrong == NULL && n == 0)
		wrong = "it has no certificate in PEM";
	else if (wrong == NULL && !is_root)
		wrong = "none of its certificates is a root, which vouches for itself; add that of "
		    "the root";
	return wrong;
}

/* Adds a list, and notes when it is out of date if that is before the others. */
static const char *
put_list(struct buf *b, const X509_CRL *crl, struct tm *first)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
	struct tm tm;
	int days, seconds;

	if (next != NULL && ASN1_TIME_to_tm(next, &tm) == 1 &&
	    OPENSSL_gmtime_diff(&days, &seconds, first, &tm) == 1 && (days < 0 || seconds < 0))
		*first = tm;
	return put_revocations(b, crl) == 0 && !buf_failed(b) ? NULL : "a list of it cannot be used";
}

const char *
tlsfiles_check_revocations(const char *text, size_t len, struct buf *ret)
{
	struct buf lists = BUF_INIT(ret->max);
	struct tm first = { .tm_year = 8000, .tm_mday = 1 };
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	const char *wrong = NULL;
	char until[32];
	size_t n = 0;

	while (bio != NULL && wrong == NULL) {
		X509_CRL *crl = PEM_read_bio_X509_CRL(bio, NULL, no_password, NULL);

		if (crl == NULL)
			break;
		wrong = n++ < AUTHORITIES_MAX ? put_list(&lists, crl, &first) :
		    "it has more than 512 lists";
		X509_CRL_free(crl);
	}
	BIO_free(bio);
	if (wrong == NULL && !is_at_end())
		wrong = "a list of it is damaged";
	else if (wrong == NULL && n == 0)
		wrong = "it has no list of revoked certificates (X509 CRL) in PEM";
	(void)strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ", &first);
	put_string(ret, until);
	(void)buf_append_slice(ret, buf_slice(&lists));
	buf_done(&lists);
	return wrong;
}
