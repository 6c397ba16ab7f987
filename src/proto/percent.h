/* SPDX-License-Identifier: ISC */
/*
 * percent: bytes written as %XX, in the target of a request and in forms
 * (RFC 3986, section 2.1).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum percent_rule {
	PERCENT_PATH,	/* '+' is a plus */
	PERCENT_FORM,	/* '+' is a blank: queries and forms */
};

/*
 * Decodes text into room, which has text.len bytes: no text becomes longer. False: a '%'
 * has no two hexadecimal digits behind it.
 */
bool percent_decode(struct slice text, enum percent_rule rule, char *room, size_t *ret_len);
