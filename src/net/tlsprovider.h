/* SPDX-License-Identifier: ISC */
/*
 * tlsprovider: a provider for OpenSSL whose private keys are in another process. To
 * OpenSSL such a key looks whole; its private part cannot be exported, and what it is
 * to sign goes over the link.
 */
#pragma once

#include "net/tlslink.h"

typedef struct evp_pkey_st EVP_PKEY;

/*
 * Loads the provider and that of OpenSSL itself, with the settings of the system. Keys
 * sign over this link from now on. 0 or -ENOTSUP.
 */
int tlsprovider_load(struct tlslink *link);

/* At the end of the process, when its keys are gone. */
void tlsprovider_unload(void);

/* Makes the key that belongs to a public key. NULL: it is of no kind that is used. */
EVP_PKEY *tlsprovider_key(EVP_PKEY *public_key);
