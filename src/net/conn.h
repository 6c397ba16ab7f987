/* SPDX-License-Identifier: ISC */
/*
 * conn: one client connection: a stream, the door that gives its bytes a
 * meaning, and between them buffers, deadlines and a state.
 *
 * An event of a connection is only noted. The task of the connection, at the
 * end of the turn, sends, receives, gives the door the bytes that have come and
 * sends the bytes that the door has written; nothing else gives a door bytes.
 * Bytes are read into the worker's scratch buffer and used from there. A
 * connection owns memory only while it holds part of a request or unsent
 * replies.
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
#include "net/quota.h"
#include "net/stream.h"

struct holder;
struct net_listener;

/* The answer of net/conn-admission to a client that wants one more connection. */
enum conn_verdict {
	CONN_ADMITTED,
	CONN_FULL,		/* there is no room for anybody */
	CONN_CROWDED,		/* the caller has its share */
	CONN_SOURCE_FULL,	/* source-connections */
	CONN_SOURCE_FAST,	/* source-handshakes */
	CONN_SOURCE_STRANGE,	/* source-strangers */
};

enum conn_state {
	CONN_OPEN,	/* the peer may send */
	CONN_FIN,	/* the peer sends no more, but not all of its bytes are read */
	CONN_LEAVING,	/* all bytes are read; running requests may end soon */
	CONN_PATIENT,	/* all bytes are read; the peer waits for all requests to be done */
	CONN_QUITTING,	/* no more requests; our side is shut down when all is sent */
	CONN_CLOSING,	/* no more requests or reading; the connection ends when all is sent */
	CONN_LINGERING,	/* our side is shut down; the peer should close */
	CONN_LOST,	/* the connection is broken: its task closes it */
};

/* The reason why a door may not have the next request. */
enum conn_wait {
	CONN_READY,
	CONN_WAITS,	/* waits for conn_resume() */
	CONN_YIELDS,	/* waits for the next turn, because it has taken long */
};

/* The work that a door has. */
enum door_work {
	DOOR_NEW,	/* no request has come yet */
	DOOR_IDLE,
	DOOR_HOLDS,	/* a reply is finished that the peer still has to take */
	DOOR_BUSY,
};

/* The functions of a protocol that is spoken on connections. */
struct door_ops {
	/*
	 * Makes the door's part of a connection, zero but for the door's own
	 * fields. NULL: no memory.
	 */
	struct conn *(*create)(struct door *d);
	void (*destroy)(struct conn *c);

	/*
	 * Takes bytes that have come. Returns the number of bytes that are
	 * used; the rest is given again, with more.
	 */
	size_t (*on_bytes)(struct conn *c, struct slice bytes);

	/*
	 * Returns the number of bytes that the rest of a request may have, when
	 * the peer sends no more.
	 */
	size_t (*rest_max)(struct conn *c);

	/*
	 * The peer sends no more than these bytes. True if it waits for all
	 * requests to be done.
	 */
	bool (*on_end)(struct conn *c, struct slice bytes);

	/* Written bytes have been sent: a producer that rested may go on. */
	void (*on_room)(struct conn *c);

	/* Nobody waits for the running requests any more. */
	void (*abandon)(struct conn *c);

	enum door_work (*work)(const struct conn *c);

	/* Writes that no more requests are taken, for this reason, and quits. */
	void (*refuse)(struct conn *c, const char *why);

	/*
	 * Writes that the begun request is not whole in time, and quits. NULL: nothing is
	 * to be said.
	 */
	void (*late)(struct conn *c);

	/*
	 * Texts for a peer that there is no room for, and for one that has its share of the
	 * room; NULL: none.
	 */
	const char *full, *crowded;
};

struct door {
	const struct door_ops *ops;
};

struct conn {
	struct stream stream;
	struct loop_timer timer;
	struct loop_task task;
	uint32_t news;			/* EPOLL*, CONN_DUE: the events that the task
					 * has to handle */
	uint8_t state;			/* enum conn_state */
	uint8_t wait;			/* enum conn_wait */
	bool is_proxy;			/* the peer is a proxy, which may speak for others */
	bool is_front;			/* the peer is a proxy of HTTP: each request has its own
					 * caller, and the connection has none */
	bool is_stranger;		/* ... and counted as one */
	uint8_t refused;		/* enum conn_verdict, behind a proxy */
	bool is_over;			/* a role allows its caller no more connections */
	TAILQ_ENTRY(conn) link;
	TAILQ_ENTRY(conn) next_stranger;
	struct net_desk *net;
	struct door *door;
	struct net_listener *listener;
	struct peer peer;
	uint64_t id;
	uint64_t opened_usec;
	uint64_t active_usec;		/* the last time that bytes moved */
	uint64_t end_usec;		/* the time since which the connection leaves or lingers */
	uint64_t request_due_usec;	/* the time by which the begun request must be
					 * whole; 0: none */
	uint64_t reply_due_usec;	/* the time by which the unsent bytes must be taken */
	struct seat *seat;		/* among the connections of the listener */
	struct holder *holder;		/* counts the connection by a role; NULL: none does */
	uint64_t held;			/* bytes of requests that the door keeps beside in */
	uint64_t kept;			/* bytes counted as kept for the caller */
	struct buf in;			/* bytes received and not used yet */
	struct buf out;			/* not sent yet */
};

/*
 * Makes a new connection. Takes fd, and closes it on failure. Any other verdict than
 * CONN_ADMITTED: there is no connection, and fd is still open.
 */
enum conn_verdict conn_open(struct net_listener *p, int fd, const union sockaddr_any *peer);

/*
 * True if the peer may send a secret: no network lies between, or nobody on the way can
 * read the bytes, or only a proxy that the administrator has named.
 */
static inline bool
conn_is_private(const struct conn *c)
{
	return c->peer.is_local || c->peer.via != NULL || c->stream.ops->is_sealed;
}

/* Ends a connection and its running requests now. */
void conn_close(struct conn *c);

/* Tells the log of a client that is lost before it could make a request. */
void conn_tell(struct conn *c, enum refusal kind, const char *why);

/* Executes no more requests; the connection ends when all is sent. */
void conn_quit(struct conn *c);

/*
 * Executes and reads no more; the connection ends when all is sent, even if the
 * peer goes on sending.
 */
void conn_end(struct conn *c);

/* Marks the connection as broken: its task closes it and sends nothing more. */
void conn_lose(struct conn *c);

/*
 * Counts the connection for the caller that has just become known. False: a role of the
 * caller allows no more connections; the log has been told, and why is for the client.
 */
bool conn_lets_caller_in(struct conn *c, char why[static QUOTA_TEXT]);

/* Sets the time by which the begun request has to be whole. */
void conn_expect_rest(struct conn *c);

/* Gives the part of a request that has begun so much time, if no time is set yet. */
void conn_expect_within(struct conn *c, uint64_t usec);

/*
 * True if the connection is so new that a worker that stops lets its first
 * request come.
 */
bool conn_is_young(const struct conn *c);

/*
 * True if a request may begin. When the worker stops, only the first request of
 * a client that has just connected may.
 */
static inline bool
conn_is_in_time(const struct conn *c, bool is_first)
{
	return !c->net->stopping || (is_first && conn_is_young(c));
}

/*
 * Returns the buffer that a door writes to: the scratch buffer while the
 * connection's task runs and nothing older is unsent, else the connection's
 * own. Ask anew each time.
 */
static inline struct buf *
conn_out(struct conn *c)
{
	return c->net->writer == c && buf_len(&c->out) == 0 ? &c->net->out : &c->out;
}

/* Returns the number of unsent bytes above which a producer rests. */
static inline size_t
conn_out_high(const struct conn *c)
{
	bool is_stranger = c->peer.roles == 0 && !c->peer.is_admin;

	return is_stranger || !party_may_keep(c->peer.party, NET_OUT_HIGH) ? NET_OUT_STRANGER :
	    NET_OUT_HIGH;
}

/* True if so many bytes are unsent that the producer should rest. */
static inline bool
conn_is_congested(const struct conn *c)
{
	return buf_len(&c->out) > NET_OUT_STRANGER && buf_len(&c->out) > conn_out_high(c);
}

/* True if the door may begin with another request. */
static inline bool
conn_is_ready(const struct conn *c)
{
	return c->state <= CONN_PATIENT && c->wait == CONN_READY && !conn_is_congested(c);
}

/* Counts the bytes that the connection keeps; memory in front of them is not free yet. */
static inline void
conn_count(struct conn *c)
{
	uint64_t now = c->in.end + c->out.end + c->held + stream_held(&c->stream);

	if (now != c->kept)
		party_keep(c->peer.party, &c->kept, now);
}

/* Sends as much as the kernel takes now, keeps the rest. */
void conn_send(struct conn *c);

/*
 * The awaited reply is written: the task sends it and gives the door the kept
 * bytes.
 */
void conn_resume(struct conn *c);

/* Other bytes have been written: the task sends them. */
void conn_flush(struct conn *c);
