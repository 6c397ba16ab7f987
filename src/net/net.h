/* SPDX-License-Identifier: ISC */
/*
 * net: the listeners and connections of a worker, and what they need of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/loop.h"
#include "conf/conf.h"
#include "ipc/stats.h"

struct conn;
struct door;
struct net_listener;
struct stats_pages;

LIST_HEAD(net_listeners, net_listener);
TAILQ_HEAD(conns, conn);

/* One read from a socket. */
#define NET_READ (64u << 10)

/* Unsent bytes above which a connection is not read any further. */
#define NET_OUT_HIGH (256u << 10)
#define NET_OUT_STRANGER (16u << 10)	/* ... of a caller without a role */

struct net_desk {
	struct loop *loop;
	char *read;			/* scratch, NET_READ bytes, never kept */
	const struct conf *conf;	/* in force */
	struct stats_pages *pages;
	struct door *door;		/* what is spoken on new connections */
	void (*on_less)(struct net_desk *net);	/* there is one connection less */

	bool stopping;			/* what has come is answered, and no more */
	uint32_t sealed;		/* listeners that end for everybody, by number */
	struct net_listeners listeners;
	struct conns conns;
	struct conns dead;		/* closed in this turn */
	size_t n_conns;
	size_t max_conns;		/* from RLIMIT_NOFILE */
	int spare_fd;			/* given up to accept and refuse at EMFILE */
	uint64_t next_conn;
	struct buf out;			/* what one task writes, before it is sent */
	struct conn *writer;		/* whose task runs; NULL: none */
};

void net_init(struct net_desk *net, struct loop *loop, char *read);

/* Ends and frees all connections; listeners are closed already. */
void net_done(struct net_desk *net);

/* Each connection ends with the answer to what its client has sent until now. */
void net_stop(struct net_desk *net);

/* Rules or listeners have changed: counts anew what each listener has. */
void net_count(struct net_desk *net);

/* The process was stopped for so long: that counts against no connection. */
void net_on_stall(struct net_desk *net, uint64_t usec);

/* Frees what was closed during the turn. */
void net_bury(struct net_desk *net);
