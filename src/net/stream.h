/* SPDX-License-Identifier: ISC */
/*
 * stream: bytes to and from a peer over a connected socket. A plain socket is
 * one implementation of stream_ops; one that transforms the bytes would be
 * another.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/loop.h"

struct stream;

struct stream_ops {
	/* True if nobody on the way can read or change the bytes. */
	bool is_sealed;

	/*
	 * Receives at most n bytes. 0 at their end; -EAGAIN: later; else
	 * -errno: the peer is lost.
	 */
	ssize_t (*recv)(struct stream *s, void *bytes, size_t n);

	/*
	 * Sends up to n bytes and returns the number taken. -EAGAIN: later;
	 * else -errno: the peer is lost.
	 */
	ssize_t (*send)(struct stream *s, const void *bytes, size_t n);

	/*
	 * Sends bytes that send() has taken and the socket had no room for. 0: none is
	 * left; -EAGAIN: later; else -errno: the peer is lost. NULL: send() takes no
	 * such bytes.
	 */
	int (*flush)(struct stream *s);

	/* True if there are such bytes. NULL: never. */
	bool (*unsent)(const struct stream *s);

	/* The bytes of the peer, or for it, that the stream keeps. NULL: none. */
	size_t (*held)(const struct stream *s);

	/* True until the peer may send its first byte to the door. NULL: never. */
	bool (*opening)(const struct stream *s);

	/*
	 * The peer has this long for that, counted from its connection; what is told of one
	 * that takes longer.
	 */
	uint64_t opening_usec;
	const char *late;

	/*
	 * Sends no more; the peer learns of it behind the bytes that were sent.
	 */
	void (*shutdown)(struct stream *s);

	/*
	 * True if recv() has bytes now of which no event of the socket tells.
	 * NULL: never.
	 */
	bool (*pending)(const struct stream *s);

	/*
	 * Returns the events of the socket that the stream needs in order to
	 * receive and send as events say. NULL: the same events.
	 */
	uint32_t (*wants)(const struct stream *s, uint32_t events);

	/*
	 * Frees the memory of the stream; the socket stays open. NULL: nothing.
	 */
	void (*close)(struct stream *s);
};

struct stream {
	const struct stream_ops *ops;
	void *user;		/* the memory of ops */
	const char *why;	/* the peer is lost for this reason, to be told; good until the
				 * next call; else NULL */
	struct loop_io io;	/* the socket */
};

/* The bytes of the socket, unchanged. */
extern const struct stream_ops stream_plain;

static inline bool
stream_is_pending(const struct stream *s)
{
	return s->ops->pending != NULL && s->ops->pending(s);
}

static inline int
stream_flush(struct stream *s)
{
	return s->ops->flush != NULL ? s->ops->flush(s) : 0;
}

static inline bool
stream_is_unsent(const struct stream *s)
{
	return s->ops->unsent != NULL && s->ops->unsent(s);
}

static inline size_t
stream_held(const struct stream *s)
{
	return s->ops->held != NULL ? s->ops->held(s) : 0;
}

static inline bool
stream_is_opening(const struct stream *s)
{
	return s->ops->opening != NULL && s->ops->opening(s);
}

static inline uint32_t
stream_wants(const struct stream *s, uint32_t events)
{
	return s->ops->wants != NULL ? s->ops->wants(s, events) : events;
}
