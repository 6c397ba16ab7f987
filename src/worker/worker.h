/* SPDX-License-Identifier: ISC */
/*
 * worker: one of the processes that accept, speak the protocol, decide who
 * may call what, and serve. Everything a worker has hangs off this struct.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/loop.h"
#include "call/call.h"
#include "call/kits.h"
#include "conf/conf.h"
#include "door/resp/session.h"
#include "ipc/stats.h"
#include "lease/leases.h"
#include "net/net.h"
#include "worker/brokerlink.h"

/* One read from a socket or pipe, for whichever object is being served. */
#define WORKER_READ (64u << 10)

struct worker {
	struct loop loop;
	struct loop_io master;		/* channel to the master */
	unsigned slot;
	struct conf *conf;		/* in force; NULL before the first COMMIT */
	struct conf *prepared;
	int prepared_fds[CONF_MAX_LISTENERS];
	size_t n_prepared_fds;
	bool retired;			/* given no listeners: ends with its last connection */
	bool done;			/* leave the loop */
	struct loop_timer drain;	/* when the drain ends by force */

	/* The layers, the highest first. None knows a higher one, nor this struct. */
	struct resp_door door;		/* what is spoken on connections */
	struct call_desk desk;		/* calls */
	struct leases leases;		/* of handlers */
	struct net_desk net;		/* listeners and connections */

	struct brokerlink link;
	struct kits kits;		/* of desk */
	struct stats_pages pages;
	char read[WORKER_READ];		/* scratch, from a socket or pipe; never kept */
};

/* Role entry: descriptors as in ipc/roles.h. Returns an exit code. */
int worker_main(unsigned slot);

/* Ends and frees all that the worker holds, but not itself. */
void worker_done(struct worker *w);

/* It was stopped for so long: nobody else is to pay for that. For the loop. */
void worker_on_stall(struct loop *l, uint64_t usec);

/* Behind a turn of the loop: sends what was gathered for handlers, frees what has ended. */
static inline void
worker_settle(struct worker *w)
{
	if (!LIST_EMPTY(&w->leases.unflushed))
		leases_flush(&w->leases);
	if (!TAILQ_EMPTY(&w->desk.dead))
		calls_bury(&w->desk);
	if (!LIST_EMPTY(&w->leases.dead))
		leases_bury(&w->leases);
	if (!TAILQ_EMPTY(&w->net.dead))
		net_bury(&w->net);
}

/* Makes the layers; the loop and our page are there. */
void worker_wire(struct worker *w);

/* These rules are in force from now on; takes a reference, returns the old ones. */
struct conf *worker_set_conf(struct worker *w, struct conf *c);
