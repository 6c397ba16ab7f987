/* SPDX-License-Identifier: ISC */
/* serverkey: the certificate of a server on this machine, and its pin. */
#pragma once

#include <stdbool.h>

#include "base/pin.h"

#define SERVERKEY_DIRECTORY SYSCONFDIR "/reqd/tls"

typedef struct x509_st X509;

/* Writes the pin of a certificate. False: no memory. */
bool serverkey_pin(X509 *cert, char ret[static PIN_TEXT]);
