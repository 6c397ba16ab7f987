/* SPDX-License-Identifier: ISC */
/* hookmac: computes the signature of a delivery, and compares. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "proto/hooksign.h"

/* Text of the digest of a delivery, with its NUL: as --id of its call. */
#define HOOKMAC_ID_TEXT 70

/* Finds the functions of libcrypto, which a confined process could not. 0 or -errno. */
int hookmac_load(void);

/*
 * True if the secret, as it is in its file, signs this body as one of the signatures says, or
 * is the token. Takes as long wherever a difference is. Where the scheme signs, ret_id is the
 * digest of secret and signed bytes; else it is empty.
 */
bool hookmac_verify(const struct hooksign_rule *rule, const struct hooksign *s,
    struct slice secret, struct slice body, char ret_id[static HOOKMAC_ID_TEXT]);
