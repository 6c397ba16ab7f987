/* SPDX-License-Identifier: ISC */
/*
 * conversation: what is said with one warm process: requests go into its
 * stdin, one reply comes back for each, in order.
 *
 * Knows nothing of why a request goes to this process (leases.h). What the
 * process does wrong is told by conversation_ops.broken.
 *
 * A value does not say what it answers. One that nobody has asked for is known
 * as such while nothing is in flight: it is looked for when the process is
 * lent, and its event, if there is one in this turn, comes before the next
 * request. What is written between the last look and that request cannot be
 * told from the answer: to look again each time would cost a system call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/loop.h"
#include "lease/exchange.h"
#include "lease/stderr.h"
#include "proto/reply.h"

struct lease;

/* What a conversation tells the lease that it is part of. */
struct conversation_ops {
	/* It has answered a request, which is out of flight. False: it has gone back. */
	bool (*answered)(struct lease *lease);
	/* It has got all of a request that had to wait for room in the pipe. */
	void (*sent)(struct lease *lease);
	/* It has answered PING. */
	void (*proved)(struct lease *lease);
	/* It has closed its input, and gets no more requests. */
	void (*deaf)(struct lease *lease);
	/* It cannot be used any more; victim as in lease_break(). */
	void (*broken)(struct lease *lease, const struct exchange *victim,
	    enum outcome_kind kind, unsigned reason, const char *why);
};

struct conversation {
	const struct conversation_ops *ops;
	struct loop_io in;		/* write end; watched only while the pipe is full */
	struct loop_io out;		/* its replies */
	struct lease_stderr err;
	struct exchanges flight;	/* sent and not answered, in that order */
	size_t n_flight;
	/* The first that is not wholly sent, or whose input may go on; nor are those after it. */
	struct exchange *unsent;
	struct buf rest;		/* what is owed behind a request answered early */
	uint64_t rest_due_usec;		/* ... to be taken by then */
	struct buf reply;		/* what has come of one that is not whole */
	struct reply_cursor cursor;	/* into reply */
	bool paused;			/* a client is too far behind its output */
};

/* Takes the descriptors, which become -1, in every case. 0 or -errno. */
int conversation_open(struct lease *lease, int fds[static 3]);

/* Closes the pipes; what is in flight stays so. */
void conversation_close(struct lease *lease);

/*
 * Puts the request in flight and sends the request in text, which may be
 * x->text. What the pipe does not take is kept there and sent as it
 * does. 0; -errno when the process takes no more requests: then nothing of
 * this one has been written, it is not in flight, and its text is in
 * x->text.
 */
int conversation_send(struct lease *lease, struct exchange *x, struct buf *text);

/* Puts the request in flight; x->text goes with conversation_flush(). */
void conversation_post(struct lease *lease, struct exchange *x);

/*
 * Sends what is not sent yet, that of many requests with one system call:
 * taken() follows when more input may come, or lease_sent() when
 * that was all.
 */
void conversation_flush(struct lease *lease);

/* Out of flight. */
void conversation_forget(struct lease *lease, struct exchange *x);

/* The same if nothing of it has been sent. False: too late. */
bool conversation_unsend(struct lease *lease, struct exchange *x);

/* Is something of a request still to be sent? */
bool conversation_is_sending(const struct conversation *t);

/* ... of one that it has answered already? Those in flight are behind that. */
bool conversation_owes(const struct conversation *t);

/* May another request follow what is in flight, as far as the pipe goes? */
bool conversation_has_room(const struct conversation *t);

/* Sends PING; false when it cannot be sent. */
bool conversation_ping(struct lease *lease);

/*
 * Has it written something that nobody has read? Before the first request
 * that is what nobody has asked for.
 */
bool conversation_is_stale(const struct lease *lease);

/* Is it about to be heard of in this turn? */
bool conversation_has_news(const struct lease *lease);

/* The request that has been sent in part, or NULL. */
const struct exchange *conversation_half_sent(const struct conversation *t);

/* Takes the replies that are there now. */
void conversation_read(struct lease *lease);

/* Reads replies again, if that rested for a client; the lease's task begins. */
void conversation_unpause(struct lease *lease);

/* Takes the replies that were read and not taken. */
void conversation_take_kept(struct lease *lease);
