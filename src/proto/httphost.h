/* SPDX-License-Identifier: ISC */
/*
 * httphost: "host" or "host:port", as the field Host and a target have it.
 *
 *	host = name | IPv4 | "[" IPv6 "]"
 *	name = 1 to 255 letters, digits, "-", ".", "_"
 *	port = 1 to 5 digits without a zero in front, 1 to 65535
 *
 * RFC 9110 (section 7.2) and RFC 3986 also allow an empty host, an empty port, %XX and
 * other marks in a name, and user information. None of these is accepted here, because
 * programs disagree on what they mean.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct httphost {
	struct slice name;	/* as it was sent, an IPv6 address without its brackets */
	uint16_t port;		/* 0: none was sent */
	bool is_ipv6;		/* was in brackets */
};

/* False: text is no host. *ret then is not written. The slice points into text. */
bool httphost_parse(struct slice text, struct httphost *ret);
