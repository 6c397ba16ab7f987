/* SPDX-License-Identifier: ISC */
/*
 * slow-stream: a stream that splits and delays every byte, as a transformation
 * between a socket and a connection may. It takes some bytes of the socket at
 * once, of which no event tells any more. It gives and takes one byte at a
 * time, and every other time none.
 */
#pragma once

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "net/stream.h"

struct slow_stream {
	char bytes[7];		/* read ahead */
	size_t at, n;
	bool is_over;		/* the socket has no more */
	bool rests_in, rests_out;
};

/* The number of times that streams were asked to receive or send. */
static uint64_t slow_stream_calls;

static inline ssize_t
slow_recv(struct stream *s, void *bytes, size_t n)
{
	struct slow_stream *slow = s->user;
	ssize_t r;

	slow_stream_calls++;
	if (slow->at == slow->n && !slow->is_over) {
		r = stream_plain.recv(s, slow->bytes, sizeof(slow->bytes));
		if (r < 0)
			return r;
		slow->at = 0;
		slow->n = (size_t)r;
		slow->is_over = r == 0;
	}
	slow->rests_in = !slow->rests_in;
	if (slow->rests_in)
		return -EAGAIN;
	if (slow->at == slow->n || n == 0)
		return 0;
	*(char *)bytes = slow->bytes[slow->at++];
	return 1;
}

static inline ssize_t
slow_send(struct stream *s, const void *bytes, size_t n)
{
	struct slow_stream *slow = s->user;

	slow_stream_calls++;
	slow->rests_out = !slow->rests_out;
	return slow->rests_out || n == 0 ? -EAGAIN : stream_plain.send(s, bytes, 1);
}

static inline void
slow_shutdown(struct stream *s)
{
	stream_plain.shutdown(s);
}

static inline bool
slow_pending(const struct stream *s)
{
	const struct slow_stream *slow = s->user;

	return slow->at < slow->n || slow->is_over;
}

static inline void
slow_close(struct stream *s)
{
	free(s->user);
	s->user = NULL;
}

/* A stream that was plain until now is slow from now on. */
static inline void
slow_stream_put(struct stream *s)
{
	static const struct stream_ops ops = {
		.recv = slow_recv,
		.send = slow_send,
		.shutdown = slow_shutdown,
		.pending = slow_pending,
		.close = slow_close,
	};

	s->user = calloc(1, sizeof(struct slow_stream));
	ck_assert_ptr_nonnull(s->user);
	s->ops = &ops;
}
