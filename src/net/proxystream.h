/* SPDX-License-Identifier: ISC */
/*
 * proxystream: a stream that begins with the header of a proxy (proto/proxyheader),
 * before TLS and before the first request.
 *
 * The header is taken out of the socket to the byte, so the stream that follows finds the
 * client's first byte there.
 */
#pragma once

#include "net/stream.h"
#include "proto/proxyheader.h"

/* Time for the header, as a whole. */
#define PROXYSTREAM_USEC 1000000u

/*
 * Lets a stream that was plain until now begin with a header. When that is whole the
 * stream is plain again, and fn is told; fn may make it another one. fn returns 0, or
 * -errno with the reason in the stream: the peer is lost. 0 or -ENOMEM.
 */
int proxystream_put(struct stream *s,
    int (*fn)(struct stream *s, const struct proxyheader *h));

/*
 * Lets a plain stream refuse a second header: a proxy that passes on what its client sends
 * is not to be believed twice. Over TLS no header can follow. 0 or -ENOMEM.
 */
int proxystream_guard(struct stream *s);
