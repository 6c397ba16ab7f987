/* SPDX-License-Identifier: ISC */
/*
 * handshake: tells the bytes that a TLS server signs in a handshake from all others. A
 * worker that is taken over shall get no certificate, login or mail signed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "ipc/signing.h"

/*
 * True if these are the bytes of a handshake of TLS 1.3 or 1.2 for which this scheme is
 * allowed. The length must be that of the form, to the byte.
 */
bool handshake_may_sign(const uint8_t *bytes, size_t len, enum signing_scheme scheme);

/* True if these are the bytes of a handshake of TLS 1.2. */
bool handshake_is_old(const uint8_t *bytes, size_t len);
