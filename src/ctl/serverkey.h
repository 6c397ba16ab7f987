/* SPDX-License-Identifier: ISC */
/* serverkey: the certificate of a server on this machine, and its pin. */
#pragma once

#include <stdbool.h>

#define SERVERKEY_DIRECTORY SYSCONFDIR "/reqd/tls"

/* "sha256:" and 43 characters of base64url, with room for what is cut off. */
#define SERVERKEY_PIN 52

typedef struct x509_st X509;

/* Writes the pin of a certificate. False: no memory. */
bool serverkey_pin(X509 *cert, char ret[static SERVERKEY_PIN]);
