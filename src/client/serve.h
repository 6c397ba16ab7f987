/* SPDX-License-Identifier: ISC */
/*
 * serve: one reqd_serve() that runs. serve.c reads the requests and calls the
 * function, which makes a reply in servereply.c; the bytes of both pass
 * servechannel.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "client/reqd.h"
#include "proto/reply.h"
#include "proto/request.h"

enum reply_state {
	STATE_EMPTY,
	STATE_OPEN,	/* items are missing */
	STATE_WHOLE,
	STATE_WRONG,	/* an error of ours takes its place */
	STATE_ERROR,	/* the function said so itself */
};

struct serve {
	struct reqd_request request;	/* first: what the function gets */
	int in, out;
	int channel;		/* the descriptor that out is a copy of */
	const char *problem;	/* why it cannot go on; NULL: it can */
	const char *detail;	/* NULL: none */

	struct buf input;
	struct request_cursor cursor;
	struct request decoded;
	const char **argv;
	size_t *lens;
	size_t cap;		/* of argv and lens */
	struct slice context;	/* lines, each ended by NUL; data NULL: none */
	uint64_t read_usec;

	struct buf ready;	/* replies to be sent before anything else */
	bool is_batch;		/* they may wait for those of the requests that are there */

	/* Behind the request, which stays where it is while the function runs. */
	size_t used;		/* bytes of it, in input */
	bool is_apart;		/* what follows is in pushed, not in input */
	bool no_more;		/* the end of the pushed input has been read */
	struct buf pushed;
	size_t piece;		/* bytes in front that the function is done with */
	struct reply_cursor push_cursor;

	struct buf reply;
	enum reply_state state;
	unsigned depth;
	uint64_t left[REPLY_MAX_DEPTH];	/* items that each level still lacks */
};

static inline struct serve *
serve_of(const struct reqd_request *req)
{
	return (struct serve *)(uintptr_t)req;
}

/* Keeps the first reason why the loop cannot go on. Returns -1. */
int serve_fail(struct serve *s, const char *problem, const char *detail);

/*
 * Makes copies of both ends, which no program started by the function inherits.
 * Other things take the places that such a program would use. 0, or -1 after
 * serve_fail().
 */
int serve_channel_take(struct serve *s);
/* Puts the ends back, after what the function printed has been sent off. */
void serve_channel_return(struct serve *s);

/* Sends what is in a buffer and empties it. 0, or -1 after serve_fail(). */
int serve_send(struct serve *s, struct buf *b);

/* The same with the replies that wait. */
int serve_flush(struct serve *s);

/*
 * Appends more bytes of the input. 1: there are some; 0: the input has ended;
 * -1 after serve_fail().
 */
int serve_read(struct serve *s, struct buf *to);

/* Nothing of a reply has been made. */
void serve_reply_reset(struct serve *s);

/*
 * Takes the reply as it stands when the function has returned, and lets it
 * wait. 0, or -1 after serve_fail().
 */
int serve_reply_finish(struct serve *s);
