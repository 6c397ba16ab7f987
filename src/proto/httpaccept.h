/* SPDX-License-Identifier: ISC */
/*
 * httpaccept: the form of a reply that a client asks for, by the field Accept (RFC 9110,
 * section 12.5.1).
 *
 *	accept = element *( "," element )
 *	element = ( type "/" subtype | type "/" "*" | "*" "/" "*" ) *( ";" parameter )
 *	q = 0 to 1 with up to three decimals, as the parameter "q"
 *
 * Nothing here refuses a request: an element that is malformed counts as not sent, and
 * when nothing fits the reply has its bytes as they are.
 */
#pragma once

#include "base/slice.h"

#define HTTPACCEPT_ELEMENTS 32	/* elements that are looked at; others count as not sent */

enum httpaccept {
	HTTPACCEPT_BYTES,	/* the output itself */
	HTTPACCEPT_JSON,	/* application/json */
	HTTPACCEPT_NDJSON,	/* application/x-ndjson */
	HTTPACCEPT_EVENTS,	/* text/event-stream */
	HTTPACCEPT_COUNT,
};

/*
 * Returns the form with the highest q. Of equal ones, that which is named itself comes
 * before one that a "*" stands for, then the first in the field, then the first of the
 * enum. The bytes are named by application/octet-stream and by own_type, the type of the
 * output, whose parameters do not count; "text/" with "*" stands for them, too. accept may
 * be NULL: the field is not there.
 */
enum httpaccept httpaccept_choose(const struct slice *accept, struct slice own_type);

/* The type of a form but HTTPACCEPT_BYTES. */
const char *httpaccept_type(enum httpaccept form);
