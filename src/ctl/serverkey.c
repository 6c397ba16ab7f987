/* SPDX-License-Identifier: ISC */
/* serverkey: makes the pin of a certificate. */
#include "config.h"

#include "ctl/serverkey.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

bool
serverkey_pin(X509 *cert, char ret[static PIN_TEXT])
{
	unsigned char *der = NULL, hash[PIN_HASH];
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	bool ok = len > 0 && EVP_Digest(der, (size_t)len, hash, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	if (ok)
		pin_format(hash, ret);
	return ok;
}
