/* SPDX-License-Identifier: ISC */
/*
 * reqctl keygen: makes a key and a certificate that vouches for itself, for the user or for a
 * server.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "ctl/configfile.h"
#include "ctl/ctl.h"
#include "ctl/identityfile.h"
#include "ctl/serverkey.h"

/* Clients pin the key. A date would only be a day on which all of them fail. */
#define DAYS 3650

/* Makes a new file, with all bytes on the disk. 0 or -errno; then there is no file. */
static int
write_new(const char *path, mode_t mode, const char *data, size_t len)
{
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	int r;

	if (fd < 0)
		return -errno;
	r = fchmod(fd, mode) < 0 ? -errno : fd_write_all(fd, data, len);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(path);
	return r;
}

/* mkdir -p. 0 or -errno. */
static int
make_directories(char *path)
{
	for (char *p = path + 1;; p++) {
		char was = *p;

		if (was != '/' && was != '\0')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -errno;
		*p = was;
		if (was == '\0')
			return 0;
	}
}

static bool
add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	bool ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = e != NULL && X509_add_ext(cert, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

/* The names of this machine, as a certificate has them. */
static void
own_names(char *ret_name, size_t name_len, char *ret_alt, size_t alt_len)
{
	char name[HOST_NAME_MAX + 1] = "localhost";
	char *p;

	(void)gethostname(name, sizeof(name) - 1);
	for (p = name; *p != '\0'; p++) {
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-", *p) == NULL)
			*p = '-';
	}
	/* The common name holds 64 bytes. */
	(void)snprintf(ret_name, name_len, "%.64s", name);
	(void)snprintf(ret_alt, alt_len, "DNS:%s%s", name,
	    strcmp(name, "localhost") == 0 ? "" : ",DNS:localhost");
}

static X509 *
make_certificate(EVP_PKEY *key, bool of_server)
{
	char name[80], alt[HOST_NAME_MAX + 40];
	X509 *cert = X509_new();
	X509_NAME *subject = cert != NULL ? X509_get_subject_name(cert) : NULL;
	unsigned char serial[16];
	BIGNUM *number = NULL;
	bool ok;

	own_names(name, sizeof(name), alt, sizeof(alt));
	ok = cert != NULL && RAND_bytes(serial, sizeof(serial)) == 1;
	if (ok) {
		serial[0] &= 0x7f;
		number = BN_bin2bn(serial, sizeof(serial), NULL);
	}
	/* A clock that is a little behind must not refuse a new certificate. */
	ok = ok && number != NULL && X509_set_version(cert, X509_VERSION_3) == 1 &&
	    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL &&
	    X509_time_adj_ex(X509_getm_notBefore(cert), -1, 0, NULL) != NULL &&
	    X509_time_adj_ex(X509_getm_notAfter(cert), DAYS, 0, NULL) != NULL &&
	    X509_set_pubkey(cert, key) == 1 &&
	    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (unsigned char *)name, -1, -1,
	    0) == 1 &&
	    X509_set_issuer_name(cert, subject) == 1 &&
	    (!of_server || add_extension(cert, NID_subject_alt_name, alt)) &&
	    add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
	    add_extension(cert, NID_ext_key_usage, of_server ? "serverAuth" : "clientAuth") &&
	    X509_sign(cert, key, EVP_sha256()) > 0;
	BN_free(number);
	if (ok)
		return cert;
	X509_free(cert);
	return NULL;
}

static int
write_both(const struct ctl *ctl, const char *key_path, BIO *key, const char *cert_path, BIO *cert)
{
	const char *path = key_path;
	char *data;
	long len = BIO_get_mem_data(key, &data);
	int r = write_new(key_path, 0600, data, (size_t)len);

	if (r == 0) {
		len = BIO_get_mem_data(cert, &data);
		path = cert_path;
		r = write_new(cert_path, 0644, data, (size_t)len);
		if (r < 0)
			(void)unlink(key_path);
	}
	if (r == -EEXIST)
		ctl_message(ctl, "%s is there already; nothing was changed", path);
	else if (r < 0)
		ctl_message(ctl, "cannot write %s: %s", path, strerror(-r));
	return r < 0 ? STATUS_LOCAL : 0;
}

static int
make_pair(const struct ctl *ctl, const char *key_path, const char *cert_path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = key != NULL ? make_certificate(key, true) : NULL;
	BIO *key_text = BIO_new(BIO_s_secmem()), *cert_text = BIO_new(BIO_s_mem());
	char pin[PIN_TEXT];
	int status = STATUS_LOCAL;

	if (cert == NULL || key_text == NULL || cert_text == NULL ||
	    PEM_write_bio_PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL) != 1 ||
	    PEM_write_bio_X509(cert_text, cert) != 1 || !serverkey_pin(cert, pin))
		ctl_message(ctl, "cannot make a key: %s",
		    ERR_reason_error_string(ERR_peek_last_error()));
	else
		status = write_both(ctl, key_path, key_text, cert_path, cert_text);
	if (status == 0)
		(void)printf("%s\n", pin);
	BIO_free(key_text);
	BIO_free(cert_text);
	X509_free(cert);
	EVP_PKEY_free(key);
	return status;
}

/*
 * Makes the key of the user: one file with key and certificate. What is printed goes into the
 * file of logins of a server.
 */
static int
make_own(const struct ctl *ctl)
{
	CLEANUP_FREE char *path = identityfile_path(ctl);
	EVP_PKEY *key = path != NULL ? EVP_EC_gen("P-256") : NULL;
	X509 *cert = key != NULL ? make_certificate(key, false) : NULL;
	BIO *text = BIO_new(BIO_s_secmem());
	char pin[PIN_TEXT], *data;
	int r = -ENOMEM;

	if (cert != NULL && text != NULL &&
	    PEM_write_bio_PrivateKey(text, key, NULL, NULL, 0, NULL, NULL) == 1 &&
	    PEM_write_bio_X509(text, cert) == 1 && serverkey_pin(cert, pin)) {
		long len = BIO_get_mem_data(text, &data);

		if (ctl->identity == NULL)
			configfile_make_directories(path);
		r = write_new(path, 0600, data, (size_t)len);
	}
	if (r == 0)
		(void)printf("key$%s\n", pin + PIN_PREFIX_LEN);
	else if (r == -EEXIST)
		ctl_message(ctl, "%s is there already; nothing was changed. 'reqctl pin %s' prints "
		    "its hash", path, path);
	else if (path != NULL)
		ctl_message(ctl, "cannot write %s: %s", path, strerror(-r));
	BIO_free(text);
	X509_free(cert);
	EVP_PKEY_free(key);
	return r < 0 ? STATUS_LOCAL : 0;
}

static int
make_server(struct ctl *ctl, size_t n, char **words)
{
	CLEANUP_FREE char *directory = ctl_need(strdup(n > 0 ? words[0] : SERVERKEY_DIRECTORY));
	CLEANUP_FREE char *key = NULL;
	CLEANUP_FREE char *cert = NULL;
	int r;

	if (asprintf(&key, "%s/server.key", directory) < 0 ||
	    asprintf(&cert, "%s/server.crt", directory) < 0)
		(void)ctl_need(NULL);
	r = *directory == '\0' ? -ENOENT : make_directories(directory);
	if (r < 0) {
		ctl_message(ctl, "cannot make the directory %s: %s", directory, strerror(-r));
		return STATUS_LOCAL;
	}
	if (faccessat(AT_FDCWD, cert, F_OK, 0) == 0) {
		ctl_message(ctl, "%s is there already; nothing was changed", cert);
		return STATUS_LOCAL;
	}
	return make_pair(ctl, key, cert);
}

static int
keygen_run(struct ctl *ctl, size_t n, char **words)
{
	if (ctl->of_server)
		return make_server(ctl, n, words);
	if (n > 0)
		return ctl_usage(ctl, "a directory goes with --server; the key of a user has a file, "
		    "--identity FILE");
	return make_own(ctl);
}

static const struct ctl_opt options[] = {
	{ .name = "server", .kind = OPT_FLAG, .offset = offsetof(struct ctl, of_server),
	    .help = "of a server: server.key and server.crt" },
};

const struct ctl_cmd cmd_keygen = {
	.name = "keygen",
	.synopsis = "[DIRECTORY]",
	.summary = "make a key of your own, or that of a server",
	.details =
	    "Your key is ~/.config/reqctl/id.pem, or the file of --identity. Printed is\n"
	    "key$..., for 'reqctl grant LOGIN --key' on a server; the file stays secret.\n"
	    "With --server the files are in DIRECTORY, which is " SERVERKEY_DIRECTORY "\n"
	    "unless named, and the pin is printed by which clients know the server.\n"
	    "Overwrites nothing.\n",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.max_words = 1,
	.run = keygen_run,
};
