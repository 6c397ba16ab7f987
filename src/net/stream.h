/* SPDX-License-Identifier: ISC */
/*
 * stream: bytes to and from a peer over a connected socket. A plain socket is
 * one implementation of stream_ops; what transforms the bytes is another.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/loop.h"

struct stream;

struct stream_ops {
	/* At most n bytes. 0 at the end of them; -EAGAIN: later; else -errno: it is lost. */
	ssize_t (*recv)(struct stream *s, void *bytes, size_t n);

	/* How many of n bytes are taken. -EAGAIN: later; else -errno: it is lost. */
	ssize_t (*send)(struct stream *s, const void *bytes, size_t n);

	/* Nothing more is sent; the peer learns of it behind what was. */
	void (*shutdown)(struct stream *s);

	/* True if recv() has something now of which no event of the socket tells. NULL: never. */
	bool (*pending)(const struct stream *s);

	/* The events of the socket that let it receive and send as events say. NULL: these. */
	uint32_t (*wants)(const struct stream *s, uint32_t events);

	/* Frees what it has; the socket stays. NULL: nothing. */
	void (*close)(struct stream *s);
};

struct stream {
	const struct stream_ops *ops;
	void *user;		/* what ops have of it */
	struct loop_io io;	/* the socket */
};

/* The bytes of the socket themselves. */
extern const struct stream_ops stream_plain;

static inline bool
stream_is_pending(const struct stream *s)
{
	return s->ops->pending != NULL && s->ops->pending(s);
}

static inline uint32_t
stream_wants(const struct stream *s, uint32_t events)
{
	return s->ops->wants != NULL ? s->ops->wants(s, events) : events;
}
