/* SPDX-License-Identifier: ISC */
/*
 * certname: a name that an authority has put into a certificate, with its kind before it:
 * "URI:spiffe://prod/web/7", "DNS:ops.example.org", "EMAIL:ann@example.org". A rule is
 * such a name, or a URI that ends with "/" and a star.
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

/* Bytes of a name with its kind; a longer one of a certificate is left out. */
#define CERTNAME_MAX 512

/* Names of one certificate that are looked at. */
#define CERTNAME_MANY 128

/* The order in which a caller is called by its names. */
enum certname_kind { CERTNAME_URI, CERTNAME_DNS, CERTNAME_EMAIL };
#define CERTNAME_KINDS 3

/* "URI:", "DNS:", "EMAIL:". */
const char *certname_prefix(enum certname_kind kind);

/*
 * True if the text is a name: one of the kinds, then printable ASCII without blanks, double
 * quotes and backslashes.
 */
bool certname_is_valid(struct slice text);

/* Tells what is wrong with a rule; NULL: nothing. */
const char *certname_rule_error(const char *rule);

/*
 * True if the name fulfils the rule. Bytes are compared. A star stands for the rest of a
 * URI, at least one byte, unless that has a segment "." or "..".
 */
bool certname_matches(const char *rule, const char *name);
