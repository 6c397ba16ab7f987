/* SPDX-License-Identifier: ISC */
/*
 * httpform: pairs of names and values, as a query and a body of the type
 * application/x-www-form-urlencoded have them (the URL standard of WHATWG, section 5.1).
 *
 *	form = pair *( "&" pair )
 *	pair = name [ "=" value ]
 *
 * "+" is a blank and %XX a byte, in names, too. Empty pairs are skipped.
 */
#pragma once

#include <stddef.h>

#include "base/slice.h"

struct httppair {
	struct slice name, value;
};

/*
 * Decodes the pairs into room, which has text.len bytes. Returns NULL, or a constant
 * sentence: more than max pairs, a name that is empty, a '%' without two digits. A value
 * may have any bytes. The slices point into room.
 */
const char *httpform_parse(struct slice text, char *room, struct httppair *ret, size_t max,
    size_t *ret_n);
