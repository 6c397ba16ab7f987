/* SPDX-License-Identifier: ISC */
/*
 * conn: one client connection: a stream, the door that says what its bytes
 * mean, and between them buffers, deadlines and a state.
 *
 * An event of a connection is only noted. Its task, at the end of the turn,
 * sends, receives, gives its door what has come and sends what the door has
 * written; nothing else gives a door bytes. Bytes are read into the worker's
 * scratch buffer and used from there; a connection owns memory only while it
 * holds part of a request or unsent replies.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/slice.h"
#include "net/identity.h"
#include "net/net.h"
#include "net/stream.h"

struct net_listener;

enum conn_state {
	CONN_OPEN,	/* the peer may send */
	CONN_FIN,	/* the peer sends no more, and not all of it is read */
	CONN_LEAVING,	/* all is read; what has begun may end soon */
	CONN_PATIENT,	/* all is read, and the peer waits for all of it to be done */
	CONN_QUITTING,	/* nothing more is done; our side is shut down when all is sent */
	CONN_CLOSING,	/* nothing more is done or read; it ends when all is sent */
	CONN_LINGERING,	/* our side is shut down; the peer may close first */
	CONN_LOST,	/* it cannot go on: its task closes it */
};

/* What keeps a door from the next request. */
enum conn_wait {
	CONN_READY,
	CONN_WAITS,	/* for conn_resume() */
	CONN_YIELDS,	/* for the next turn, because it has taken long */
};

/* What a door has in hand. */
enum door_work {
	DOOR_NEW,	/* it was never asked anything */
	DOOR_IDLE,
	DOOR_HOLDS,	/* something is finished, and the peer has to take it */
	DOOR_BUSY,
};

/* What is spoken on connections. */
struct door_ops {
	/* What a door has of a connection, zeroed but for what is its own. NULL: no memory. */
	struct conn *(*create)(struct door *d);
	void (*destroy)(struct conn *c);

	/* Bytes have come. Returns how many are done with; the rest is given again, with more. */
	size_t (*on_bytes)(struct conn *c, struct slice bytes);

	/* How many bytes the rest of a request may have, when the peer sends no more. */
	size_t (*rest_max)(struct conn *c);

	/* The peer sends no more than these. True if it waits for all of it to be done. */
	bool (*on_end)(struct conn *c, struct slice bytes);

	/* What was written is sent: a producer that rested may go on. */
	void (*on_room)(struct conn *c);

	/* Nobody waits for what is under way any more. */
	void (*abandon)(struct conn *c);

	enum door_work (*work)(const struct conn *c);

	/* Told to a peer that there is no room for; NULL: nothing. */
	const char *full;
};

struct door {
	const struct door_ops *ops;
};

struct conn {
	struct stream stream;
	struct loop_timer timer;
	struct loop_task task;
	uint32_t news;			/* EPOLL*, CONN_DUE: what the task has to look at */
	uint8_t state;			/* enum conn_state */
	uint8_t wait;			/* enum conn_wait */
	TAILQ_ENTRY(conn) link;
	struct net_desk *net;
	struct door *door;
	struct net_listener *listener;
	struct peer peer;
	uint64_t id;
	uint64_t opened_usec;
	uint64_t active_usec;		/* last time bytes moved */
	uint64_t end_usec;		/* since when it leaves or lingers */
	uint64_t request_due_usec;	/* a request has begun; to be whole by then; 0: none */
	uint64_t reply_due_usec;	/* what is unsent is to be taken by then */
	struct buf in;			/* received, not used yet */
	struct buf out;			/* not sent yet */
};

/* A new connection; takes fd. Closes it when something fails. */
void conn_open(struct net_listener *p, int fd, const union sockaddr_any *peer);

/* Ends a connection now, and what is under way for it. */
void conn_close(struct conn *c);

/* Nothing more is done: it ends when all is sent. */
void conn_quit(struct conn *c);

/* Nothing more is done or read: it ends when all is sent, whatever the peer still says. */
void conn_end(struct conn *c);

/* It cannot go on: its task closes it, without another word. */
void conn_lose(struct conn *c);

/* A request has begun, which has to be whole in time. */
void conn_expect_rest(struct conn *c);

/* True if it has come a moment ago, as far as it matters when the worker stops. */
bool conn_is_young(const struct conn *c);

/*
 * True if a request may begin: when the worker stops, only the first of
 * somebody who has just come.
 */
static inline bool
conn_is_in_time(const struct conn *c, bool is_first)
{
	return !c->net->stopping || (is_first && conn_is_young(c));
}

/*
 * Where a door writes: the scratch buffer while the connection's task runs and
 * nothing older is unsent, else the connection's own. Ask anew each time.
 */
static inline struct buf *
conn_out(struct conn *c)
{
	return c->net->writer == c && buf_len(&c->out) == 0 ? &c->net->out : &c->out;
}

/* How much may be unsent before its producer rests. */
static inline size_t
conn_out_high(const struct conn *c)
{
	return c->peer.roles == 0 && !c->peer.is_admin ? NET_OUT_STRANGER : NET_OUT_HIGH;
}

/* True if so much is unsent that its producer should rest. */
static inline bool
conn_is_congested(const struct conn *c)
{
	return buf_len(&c->out) > conn_out_high(c);
}

/* True if the door may begin with another request. */
static inline bool
conn_is_ready(const struct conn *c)
{
	return c->state <= CONN_PATIENT && c->wait == CONN_READY && !conn_is_congested(c);
}

/* Sends what the kernel takes now, keeps the rest. */
void conn_send(struct conn *c);

/* What was waited for is written: the task sends it, and gives the door what is held. */
void conn_resume(struct conn *c);

/* Something else has been written: the task sends it. */
void conn_flush(struct conn *c);
