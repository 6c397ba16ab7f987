/* SPDX-License-Identifier: ISC */
/*
 * conn: one client connection and what it is waiting for.
 *
 * An event of a connection is only noted. Its task, at the end of the turn,
 * sends, receives, executes requests and sends their replies; nothing else
 * executes a request, and none is executed inside another one. Requests are
 * executed strictly one after another. Bytes are read into the worker's scratch
 * buffer and executed from there; a connection owns memory only while it holds
 * part of a request or unsent replies.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/loop.h"
#include "conf/access.h"
#include "proto/request.h"
#include "proto/resp.h"
#include "worker/sink.h"

struct call;
struct peer_identity;
struct port;
struct worker;

/* Why the next request of a connection has to wait. */
enum conn_wait {
	CONN_WAIT_NONE,
	CONN_WAIT_CALL,		/* the final reply of a call */
	CONN_WAIT_START,	/* --open: has it started? */
	CONN_WAIT_INPUT,	/* a chunk on its way into the program */
	CONN_WAIT_CANCEL,	/* the runner's answer to CANCEL */
	CONN_WAIT_TURN,		/* the next turn, because it has executed for long */
};

struct conn {
	struct loop_io io;
	struct loop_timer timer;
	struct loop_task task;
	uint32_t news;			/* EPOLL*, CONN_DUE: what the task has to look at */
	TAILQ_ENTRY(conn) link;
	struct worker *worker;
	struct port *port;
	uint64_t id;
	uint64_t active_usec;		/* last time bytes moved */
	uint64_t end_usec;		/* since when fin, eof or lingering */
	uint64_t request_due_usec;	/* a request has begun; to be whole by then */
	uint64_t reply_due_usec;	/* what is unsent is to be taken by then */
	struct buf in;			/* received, not executed yet */
	struct buf out;			/* replies not sent yet */
	struct request_cursor cursor;	/* into in */
	struct call_sink sink;		/* hears of the call */
	struct call *call;		/* running, or open */
	uint8_t form;			/* ... enum reply_form of its result */
	bool notify;			/* ... a push tells when it has ended before its input */
	struct peer_identity *identity;	/* of who makes calls; NULL: none was made yet */
	struct caller *caller;		/* unix peers */
	union {
		struct sockaddr sa;
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
	} peer;				/* TCP peers */
	uint64_t roles;			/* of generation roles_generation */
	uint32_t roles_generation;
	uint8_t version;		/* enum resp_version */
	uint8_t wait;			/* enum conn_wait */
	uint8_t n_asked;		/* requests, without introductions; 2: or more */
	bool is_admin;
	bool fin;			/* the peer sends no more; not all is read */
	bool eof;			/* ... all of it is read */
	bool patient;			/* ... but a QUIT says: finish it all */
	bool hung;			/* both directions are closed */
	bool quit;			/* execute nothing more, close when sent */
	bool lingering;			/* our side is shut down; waiting for the peer */
	bool lost;			/* it cannot go on: its task closes it */
	bool owes;			/* a reply to the request it waits for */
	char *name;			/* CLIENT SETNAME */
	char *lib_name, *lib_version;	/* CLIENT SETINFO */
	uint64_t opened_usec;
};

/* A new connection; takes fd. Closes it when something fails. */
void conn_open(struct port *p, int fd, const union sockaddr_any *peer);

/*
 * Ends a connection now. A running call is cancelled unless its service
 * finishes without a client.
 */
void conn_close(struct conn *c);

/*
 * The worker stops: what the peer has sent is answered, then the connection
 * ends without a reset, unless it has a call to wait for. Its task does so.
 */
void conn_stop(struct conn *c);

/* May a call begin here? When the worker stops, only as the first request of who has just come. */
bool conn_may_call(const struct conn *c);

/* Frees what was closed during the turn. */
void conns_bury(struct worker *w);

/* The worker was stopped for so long: that counts against no connection. */
void conns_on_stall(struct worker *w, uint64_t usec);

/*
 * Where replies go: the worker's scratch buffer while the connection's task
 * runs and nothing older is unsent, else the connection's own. Ask anew for
 * every reply.
 */
struct buf *conn_out(struct conn *c);

/*
 * A reply that was waited for has been written: the task sends it, with those
 * of the requests behind it, which it executes.
 */
void conn_resume(struct conn *c);

/* Something else has been written (pushes): the task sends it. */
void conn_flush(struct conn *c);

/* Is so much unsent that its producer should rest? */
bool conn_is_congested(const struct conn *c);

/* Who the kernel says is behind a unix socket; to be freed. NULL: no memory. */
struct caller *conn_caller_new(int fd);

/* Who is at the other end, in full. */
void conn_caller(const struct conn *c, struct caller *ret);

/* Who calls, made when it is asked for first; borrowed. NULL without memory. */
struct peer_identity *conn_identity(struct conn *c);

/* Roles under the configuration in force (R35). */
uint64_t conn_roles(struct conn *c);

/* "127.0.0.1:4242" or "unix"; ADDR_TEXT bytes. */
void conn_peer(const struct conn *c, char *ret, size_t ret_len);

/* The limits that hold for the next request (R16). */
struct request_limits conn_limits(struct conn *c);

/* -------------------------------------- between conn.c and connrun.c --- */

/* A request must be whole so long after its first byte; see conn.c. */
#define CONN_REQUEST_USEC (120 * USEC_PER_SEC)

/* A request that was executed has its reply now, or waits for it. */
void conn_count_request(struct conn *c);

/* Sends what the kernel takes, keeps the rest. */
void conn_send(struct conn *c);

/* How much may be unsent before its producer rests. */
size_t conn_out_high(const struct conn *c);

bool conn_may_execute(const struct conn *c);

/*
 * Executes the whole requests at the start of data, for as long as the
 * connection may. Returns how many bytes are done with.
 */
size_t conn_execute(struct conn *c, struct slice data);

/* The same for what is held in c->in. */
void conn_run(struct conn *c);

/*
 * At the end of input, with requests still waiting their turn: a QUIT among
 * them says that the client wants all of it done (and only then).
 */
bool conn_has_quit(struct conn *c);
