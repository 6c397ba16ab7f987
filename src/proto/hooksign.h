/* SPDX-License-Identifier: ISC */
/*
 * hooksign: the signature of a delivery in the fields of its head, as each maker of webhooks
 * writes it. Nothing is computed here: the result says what is signed, and by which values
 * that may be.
 *
 *	github		X-Hub-Signature-256: sha256=HEX			over the body
 *	standard	webhook-signature: v1,BASE64 v1,BASE64		over id.time.body
 *	gitlab		X-Gitlab-Token: SECRET
 *	stripe		Stripe-Signature: t=TIME,v1=HEX,v1=HEX		over time.body
 *	slack		X-Slack-Signature: v0=HEX			over v0:time:body
 *	hmac		FIELD: PREFIX and HEX or BASE64			over the body
 *	token		FIELD: PREFIX and SECRET
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "proto/httphead.h"

enum hooksign_scheme {
	HOOKSIGN_GITHUB,
	HOOKSIGN_STANDARD,
	HOOKSIGN_GITLAB,
	HOOKSIGN_STRIPE,
	HOOKSIGN_SLACK,
	HOOKSIGN_HMAC,
	HOOKSIGN_TOKEN,
};

enum hooksign_hash { HOOKSIGN_SHA256, HOOKSIGN_SHA1, HOOKSIGN_SHA384, HOOKSIGN_SHA512 };
enum hooksign_encoding { HOOKSIGN_HEX, HOOKSIGN_BASE64 };

struct hooksign_rule {
	enum hooksign_scheme scheme;
	/* For HOOKSIGN_HMAC and HOOKSIGN_TOKEN: */
	const char *field, *prefix;
	enum hooksign_hash hash;
	enum hooksign_encoding encoding;
};

#define HOOKSIGN_MAC_MAX 64	/* bytes of SHA-512 */
#define HOOKSIGN_MACS 8		/* signatures of one delivery */
#define HOOKSIGN_ID_MAX 200	/* bytes of webhook-id */

struct hooksign {
	uint8_t macs[HOOKSIGN_MACS][HOOKSIGN_MAC_MAX];
	size_t n_macs, mac_len;
	struct slice token;			/* the secret itself; data NULL: there are macs */
	char before[HOOKSIGN_ID_MAX + 32];	/* is signed in front of the body */
	size_t before_len;
	bool has_time;
	int64_t time_sec;			/* seconds of the calendar */
};

#define HOOKSIGN_WHY 160

/*
 * Reads the fields. False: they are not there or malformed, with why. The token borrows from
 * the head.
 */
bool hooksign_read(const struct hooksign_rule *rule, const struct httphead *h,
    struct hooksign *ret, char why[static HOOKSIGN_WHY]);

/* True if the scheme signs, so that the same delivery can be known again. */
static inline bool
hooksign_is_signed(enum hooksign_scheme scheme)
{
	return scheme != HOOKSIGN_GITLAB && scheme != HOOKSIGN_TOKEN;
}

/* The field that says which event a delivery is of; NULL: the scheme has none. */
const char *hooksign_event_field(enum hooksign_scheme scheme);

/* ... or the place in the body; NULL: the scheme has none. */
const char *hooksign_event_pointer(enum hooksign_scheme scheme);

#define HOOKSIGN_KEY_MAX 4096	/* bytes of a secret */

/*
 * Makes the key of a secret: of "standard" the bytes that the text behind whsec_ stands for.
 * False: the secret is malformed.
 */
bool hooksign_key(enum hooksign_scheme scheme, struct slice secret,
    uint8_t ret[static HOOKSIGN_KEY_MAX], size_t *ret_len);
