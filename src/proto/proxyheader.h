/* SPDX-License-Identifier: ISC */
/*
 * proxyheader: the header of the PROXY protocol, version 1 (a line) or 2 (binary), by
 * which a proxy tells whose connection it passes on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/slice.h"

/* The longest headers; that of version 2 with all that it may carry besides. */
#define PROXYHEADER_V1_MAX 107
#define PROXYHEADER_V2_MAX 1024

/* Bytes by which the beginning of a header is known for sure. */
#define PROXYHEADER_SIGN 12

enum proxyheader_status {
	PROXYHEADER_OK,
	PROXYHEADER_MORE,	/* the bytes may begin a header, but do not end it */
	PROXYHEADER_BAD,
};

struct proxyheader {
	size_t len;			/* bytes of the header */
	bool is_own;			/* the proxy speaks for itself, or knows no address */
	union sockaddr_any source;	/* else: the client, IPv4 or IPv6 */
};

/*
 * Reads the header at the beginning of bytes. *ret is written when it is whole, *ret_why
 * when it is bad: a constant text. Whether it is bad never depends on how much has come
 * behind it. A client that could be on this machine is bad: nobody behind a proxy is.
 */
enum proxyheader_status proxyheader_parse(struct slice bytes, struct proxyheader *ret,
    const char **ret_why);

/*
 * PROXYHEADER_OK: the bytes begin as a header does, of either version. MORE: they may, with
 * more of them.
 */
enum proxyheader_status proxyheader_begins(struct slice bytes);
