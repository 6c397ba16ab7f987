/* SPDX-License-Identifier: ISC */
/* serverkey: makes the pin of a certificate. */
#include "config.h"

#include "ctl/serverkey.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

bool
serverkey_pin(X509 *cert, char ret[static SERVERKEY_PIN])
{
	unsigned char *der = NULL, hash[32];
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	bool ok = len > 0 && EVP_Digest(der, (size_t)len, hash, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	if (!ok)
		return false;
	(void)memcpy(ret, "sha256:", 7);
	(void)EVP_EncodeBlock((unsigned char *)ret + 7, hash, sizeof(hash));
	for (char *p = ret; *p != '\0'; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	ret[strcspn(ret, "=")] = '\0';
	return true;
}
