/* SPDX-License-Identifier: ISC */
/*
 * net: the listeners and connections of a worker, and the data that they share.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/ratelimit.h"
#include "conf/conf.h"
#include "ipc/stats.h"
#include "net/party.h"

struct conn;
struct door;
struct net_listener;
struct stats_pages;
struct tls_desk;

LIST_HEAD(net_listeners, net_listener);
TAILQ_HEAD(conns, conn);

/* Bytes of one read from a socket. */
#define NET_READ (64u << 10)

/* Strangers of one worker; the oldest makes room. */
#define NET_MAX_STRANGERS 1024

/* Bytes that one connection sends in one turn. */
#define NET_SEND (128u << 10)

/* A connection with more unsent bytes than this is not read any further. */
#define NET_OUT_HIGH (256u << 10)
#define NET_OUT_STRANGER (16u << 10)	/* ... of a caller without a role, or without room */

/* Kinds of refusal, each with an event of the log. */
enum refusal {
	REFUSAL_CLIENT,		/* the bytes are no request */
	REFUSAL_FULL,		/* no room for anybody, or for this caller beside others */
	REFUSAL_CALLER,		/* connections of a role */
	REFUSAL_SOURCE,
	REFUSAL_STRANGER,
	REFUSAL_HANDSHAKES,
	REFUSAL_TLS,		/* a handshake has failed */
	REFUSAL_PROXY,
	REFUSAL_CERTIFICATE,	/* ... of a client, which is good for nothing */
	REFUSAL_N,
};

struct net_desk {
	struct loop *loop;
	char *read;			/* scratch of NET_READ bytes; its content is never kept */
	const struct conf *conf;	/* the rules in force */
	struct stats_pages *pages;
	struct door *doors[PROTOCOL_N];	/* the protocols on new connections */
	struct tls_desk *tls;		/* for listeners with TLS */
	void (*on_less)(struct net_desk *net);	/* Tells that a connection has ended. */

	bool stopping;			/* requests that have come are answered, but no others */
	bool is_leaving;		/* a stop has begun, and the listeners are still open */
	uint32_t sealed;		/* listeners that end in all workers, by number */
	struct net_listeners listeners;
	struct conns conns;
	struct conns dead;		/* connections closed in this turn */
	size_t n_conns;
	struct parties parties;		/* of the connections */
	struct shares holders;		/* of struct holder: what callers have by their roles */
	struct conns strangers;		/* callers without role and login, the oldest first */
	size_t n_strangers;
	struct ratelimit refusals[REFUSAL_N];	/* lines of the log about refused clients */
	size_t max_conns;		/* limit that follows from RLIMIT_NOFILE */
	unsigned n_yields;		/* rests that left new clients to others, since then */
	uint64_t yields_usec;
	int spare_fd;			/* closed at EMFILE, to accept a client and refuse it */
	uint64_t next_conn;
	uint64_t n_listeners;		/* made so far */
	struct buf out;			/* output of one task before it is sent */
	struct conn *writer;		/* the connection whose task runs; NULL: none */
};

void net_init(struct net_desk *net, struct loop *loop, char *read);

/* Ends and frees all connections; the listeners are closed already. */
void net_done(struct net_desk *net);

/*
 * Ends each connection with the answers to the requests that its client has
 * sent until now.
 */
void net_stop(struct net_desk *net);

/*
 * Rules or listeners have changed: counts the connections of each listener
 * anew.
 */
void net_count(struct net_desk *net);

/* The process was stopped for this time, which counts against no connection. */
void net_on_stall(struct net_desk *net, uint64_t usec);

/* Frees the connections that were closed during the turn. */
void net_bury(struct net_desk *net);
