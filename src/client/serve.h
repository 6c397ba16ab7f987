/* SPDX-License-Identifier: ISC */
/*
 * serve: the state of one reqd_serve(). serve.c reads the requests and calls
 * the function; servereply.c builds the reply; servehold.c keeps requests that are
 * answered later; servechannel.c reads and writes the bytes of all.
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
	STATE_OPEN,	/* items are still missing */
	STATE_WHOLE,
	STATE_WRONG,	/* an error of the library takes the place of the reply */
	STATE_ERROR,	/* the function replied an error */
};

struct serve {
	struct reqd_request request;	/* first: the part that the function gets */
	int in, out;
	int channel;		/* the descriptor that out is a copy of */
	bool ignores_pipe;	/* SIGPIPE is ignored since before the first request */
	const char *problem;	/* the reason why the loop cannot go on; NULL: none */
	const char *detail;	/* NULL: none */

	reqd_read_fn *read;	/* NULL: read(2) */
	void *arg;		/* for read */

	struct buf input;
	struct request_cursor cursor;
	struct request decoded;
	const char **argv;
	size_t *lens;
	size_t cap;		/* room in argv and lens */
	struct slice context;	/* lines, each ended by NUL; data NULL: none */
	uint64_t read_usec;

	struct buf ready;	/* replies to be sent before anything else */
	bool is_batch;		/* replies may wait until the requests that are there are done */
	uint64_t ready_usec;	/* time of the request whose reply has waited longest */

	/* Requests that are answered later, and the replies behind them; in their order. */
	struct serve *held, *last_held;
	bool is_held;		/* the function has taken the request apart to answer it later */
	/* In one of them: */
	struct serve *owner;	/* NULL: this is none */
	struct serve *next;
	bool is_done;		/* the reply may be sent */

	/* The request stays where it is while the function runs. */
	size_t used;		/* bytes of the request in input */
	bool is_apart;		/* the bytes behind the request are in pushed, not in input */
	bool no_more;		/* the end of the pushed input has been read */
	struct buf pushed;
	size_t piece;		/* bytes in front that the function has read */
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
 * Makes copies of both ends of the channel, which no program that the function
 * starts inherits. /dev/null and the log take the places of the originals. 0,
 * or -1 after serve_fail().
 */
int serve_channel_take(struct serve *s);
/*
 * Puts the ends back, after the output that the function printed has been
 * written.
 */
void serve_channel_return(struct serve *s);

/*
 * Sends the content of a buffer and empties the buffer. 0, or -1 after
 * serve_fail().
 */
int serve_send(struct serve *s, struct buf *b);

/* Sends the replies that wait. 0, or -1 after serve_fail(). */
int serve_flush(struct serve *s);

/*
 * Appends more bytes of the input. 1: there are some; 0: the input has ended;
 * -1 after serve_fail().
 */
int serve_read(struct serve *s, struct buf *to);

/*
 * Puts a whole reply behind those that wait to be sent. Takes the content of the buffer. 0,
 * or -1 after serve_fail().
 */
int serve_queue(struct serve *s, struct buf *reply);

/* Keeps the reply of s behind the requests that are held. 0, or -1 after serve_fail(). */
int serve_hold_reply(struct serve *s);
/* Frees the requests that are still held. */
void serve_hold_done(struct serve *s);

/* Makes one value of what the function has given. */
void serve_reply_close(struct serve *s);
/* Begins a reply without any value. */
void serve_reply_reset(struct serve *s);
