/* SPDX-License-Identifier: ISC */
/*
 * pin: the text by which a client knows the key of a server: "sha256:" and the
 * base64url of the SHA-256 of its SubjectPublicKeyInfo (RFC 5280, 4.1) in DER.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/base64url.h"

#define PIN_PREFIX "sha256:"
#define PIN_PREFIX_LEN 7
#define PIN_HASH 32
#define PIN_TEXT (PIN_PREFIX_LEN + BASE64URL_TEXT(PIN_HASH))

/* Writes the pin of a key with this hash. */
void pin_format(const uint8_t hash[static PIN_HASH], char ret[static PIN_TEXT]);

/* True if the text has the form of a pin. */
bool pin_is_valid(const char *text);
