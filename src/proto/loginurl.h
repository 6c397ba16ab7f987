/* SPDX-License-Identifier: ISC */
/*
 * loginurl: a URL that carries a login, as 'reqctl grant' prints it:
 *
 *	SCHEME://LOGIN:SECRET@REST[#PIN]
 *
 * Nothing is decoded: no login or token has a character that would need it.
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

struct loginurl {
	struct slice scheme;	/* with "://"; empty: there was none */
	struct slice login;	/* data NULL: none */
	struct slice secret;	/* data NULL: none */
	struct slice rest;	/* host and port, or path */
	struct slice pin;	/* behind "#"; data NULL: none */
};

/* Takes a text apart. All parts point into the text. */
void loginurl_split(struct slice text, struct loginurl *ret);

/* True if the text holds a secret, so that it must not be shown. */
static inline bool
loginurl_has_secret(struct slice text)
{
	struct loginurl u;

	loginurl_split(text, &u);
	return u.secret.data != NULL;
}
