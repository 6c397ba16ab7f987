/* SPDX-License-Identifier: ISC */
/*
 * httptarget: the target of a request, path and query (RFC 9112, section 3.2; RFC 3986).
 *
 *	target = path [ "?" query ]			origin form
 *	       | ("http" | "https") "://" host [ path ] [ "?" query ]
 *	       | "*"					for OPTIONS only
 *	       | host ":" port				for CONNECT only
 *	path   = 1*( "/" segment )
 *
 * A segment has letters, digits, - . _ ~ ! $ & ' ( ) * + , ; = : @ and %XX. A query has
 * any visible ASCII but " # < > too, because browsers send it so. Refused are %00, a
 * fragment ("#"), and a segment that is "." or "..", with %2e for its dots, too. A path is
 * never normalised: "//" stays, and so does %2F inside a segment.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum httptarget_form {
	HTTPTARGET_ORIGIN,
	HTTPTARGET_ABSOLUTE,
	HTTPTARGET_ASTERISK,
	HTTPTARGET_AUTHORITY,
};

struct httptarget {
	enum httptarget_form form;
	struct slice authority;	/* ABSOLUTE, AUTHORITY: a valid httphost; else empty */
	struct slice path;	/* ORIGIN, ABSOLUTE: begins with "/", not decoded; else empty */
	struct slice query;	/* behind the "?", not decoded */
	bool has_query;
};

/* The form that the caller's method allows. */
enum httptarget_rule {
	HTTPTARGET_USUAL,	/* origin or absolute */
	HTTPTARGET_OPTIONS,	/* ... or "*" */
	HTTPTARGET_CONNECT,	/* authority */
};

/*
 * Reads a target. Returns NULL, or a constant sentence that says what is wrong; *ret means
 * nothing then. The slices point into text, but for the path "/" of an absolute form that
 * has none.
 */
const char *httptarget_parse(struct slice text, enum httptarget_rule rule,
    struct httptarget *ret);

/*
 * Splits a path at "/" and decodes each segment into room: "/call/a%20b" is "call" and
 * "a b", "/" is one empty segment. room needs path.len bytes. Writes at most max segments.
 * False: there are more of them, or path is none that httptarget_parse() accepted.
 */
bool httptarget_split(struct slice path, char *room, struct slice *ret, size_t max,
    size_t *ret_n);
