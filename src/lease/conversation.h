/* SPDX-License-Identifier: ISC */
/*
 * conversation: the requests and replies of one handler process. Requests are
 * written to its stdin; one reply comes back for each, in order.
 *
 * leases.h decides which requests go to this process. conversation_ops.broken
 * tells the lease about any fault of the process.
 *
 * A reply does not name its request. A value that comes while nothing is in
 * flight answers no request and is a fault. It is looked for when the process
 * is lent; and an event of this turn is handled before the next request is
 * sent. A value that is written between the last look and that request cannot
 * be told from the answer; one more look for each request would cost a system
 * call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/loop.h"
#include "ipc/frame.h"
#include "lease/exchange.h"
#include "lease/stderr.h"
#include "proto/reply.h"

struct lease;

/* Functions by which a conversation tells the lease that it belongs to. */
struct conversation_ops {
	/*
	 * The process has answered a request, which is no longer in flight.
	 * False: the lease has gone back.
	 */
	bool (*answered)(struct lease *lease);
	/*
	 * The process has got all of a request that had to wait for room in the
	 * pipe.
	 */
	void (*sent)(struct lease *lease);
	/* The process has answered PING. */
	void (*proved)(struct lease *lease);
	/* The process has closed its input, and gets no more requests. */
	void (*deaf)(struct lease *lease);
	/* The process cannot be used any more; victim as in lease_break(). */
	void (*broken)(struct lease *lease, const struct exchange *victim,
	    enum outcome_kind kind, unsigned reason, const char *why);
};

struct conversation {
	const struct conversation_ops *ops;
	struct loop_io in;		/* write end; watched only while the pipe is full */
	struct loop_io out;		/* read end: the replies */
	struct lease_stderr err;
	struct exchanges flight;	/* requests sent and not answered, in the order sent */
	size_t n_flight;
	/*
	 * The first request that is not wholly sent, or whose input may go on.
	 * So are all behind it.
	 */
	struct exchange *unsent;
	struct buf rest;		/* the rest of a request that was answered early */
	uint64_t rest_due_usec;		/* ... the time by which the process must take it */
	struct buf reply;		/* the beginning of a reply */
	struct reply_cursor cursor;	/* into reply */
	bool paused;			/* a client is too slow for the output of its request */
	/* The reason why the process is of no use; fault 0: not known. */
	struct frame_broke broke;
};

/* Takes the descriptors, which become -1, in every case. 0 or -errno. */
int conversation_open(struct lease *lease, int fds[static 3]);

/* Closes the pipes; requests in flight stay so. */
void conversation_close(struct lease *lease);

/*
 * Puts the request in flight and sends the request in text, which may be
 * x->text. Bytes that the pipe does not take are kept in x->text and sent
 * later. 0; -errno when the process takes no more requests: then nothing of
 * this one has been written, it is not in flight, and its text is in x->text.
 */
int conversation_send(struct lease *lease, struct exchange *x, struct buf *text);

/* Puts the request in flight; conversation_flush() sends x->text. */
void conversation_post(struct lease *lease, struct exchange *x);

/*
 * Sends all unsent bytes, those of many requests with one system call. taken()
 * follows when more input may come, or lease_sent() when the request is
 * complete.
 */
void conversation_flush(struct lease *lease);

/* Notes how the process came to be of no use, and what it wrote. The first note counts. */
void conversation_note(struct lease *lease, int death, struct slice wrote);

/* Takes a request out of flight. */
void conversation_forget(struct lease *lease, struct exchange *x);

/*
 * Takes a request out of flight if nothing of it has been sent. False: too
 * late.
 */
bool conversation_unsend(struct lease *lease, struct exchange *x);

/* True if a part of a request is still to be sent. */
bool conversation_is_sending(const struct conversation *t);

/*
 * True if the rest of a request that was answered early is still to be sent.
 * The requests in flight are behind it.
 */
bool conversation_owes(const struct conversation *t);

/* True if the pipe has room for another request behind those in flight. */
bool conversation_has_room(const struct conversation *t);

/* Sends PING; false when it cannot be sent. */
bool conversation_ping(struct lease *lease);

/*
 * True if the process has written bytes that have not been read. Before the
 * first request such bytes belong to no reply.
 */
bool conversation_is_stale(const struct lease *lease);

/* True if this turn has an event of the process that is still to be handled. */
bool conversation_has_news(const struct lease *lease);

/* Returns the request that has been sent in part, or NULL. */
const struct exchange *conversation_half_sent(const struct conversation *t);

/* Reads and handles the replies that are there now. */
void conversation_read(struct lease *lease);

/*
 * Reads replies again, if reading rested for a slow client; the lease's task
 * begins with it.
 */
void conversation_unpause(struct lease *lease);

/* Handles replies that were read and kept. */
void conversation_take_kept(struct lease *lease);
