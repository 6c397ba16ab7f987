/* SPDX-License-Identifier: ISC */
/*
 * worker: a process that accepts connections, speaks the protocol, decides who
 * may call a service, and serves calls. All data of a worker is in or below
 * this struct.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/loop.h"
#include "call/call.h"
#include "call/kits.h"
#include "conf/conf.h"
#include "door/http/httpsession.h"
#include "door/resp/session.h"
#include "ipc/member.h"
#include "ipc/stats.h"
#include "lease/leases.h"
#include "net/authlink.h"
#include "net/net.h"
#include "net/tlsstream.h"
#include "worker/brokerlink.h"
#include "worker/controllink.h"

/*
 * Bytes of one read from a socket or pipe, for the object that is being served.
 */
#define WORKER_READ (64u << 10)

struct worker {
	struct loop loop;
	struct member member;		/* this process as the master sees it */
	unsigned slot;
	struct conf *conf;		/* the rules in force; NULL before the first COMMIT */
	int prepared_fds[CONF_MAX_LISTENERS + 1];	/* listeners, secrets of webhooks */
	size_t n_prepared_fds;
	bool retired;			/* has no listeners: ends with its last connection */
	bool done;			/* leave the loop */
	struct loop_timer drain;	/* rings when the drain ends by force */
	uint64_t trimmed_at;		/* requests_total when memory was last given back */

	/*
	 * The layers, the highest first. No layer knows a higher one, nor this
	 * struct.
	 */
	struct resp_door door;		/* the protocols on connections */
	struct http_door http;
	struct call_desk desk;		/* calls */
	struct leases leases;		/* handler processes */
	struct net_desk net;		/* listeners and connections */
	struct tls_desk tls;		/* connections with TLS */
	struct authlink auth;		/* checks of passwords */

	struct brokerlink link;
	struct controllink control;
	struct kits kits;		/* pipes for programs, sent by the broker in advance */
	struct stats_pages pages;
	char read[WORKER_READ];		/* scratch for one read; its content is never kept */
};

/* Runs the role; descriptors as in ipc/roles.h. Returns an exit code. */
int worker_main(unsigned slot);

/* Ends and frees all that the worker holds, but not the struct itself. */
void worker_done(struct worker *w);

/*
 * The process was stopped for this time, which must not count against any
 * client or process. For the loop.
 */
void worker_on_stall(struct loop *l, uint64_t usec);

/*
 * Ends a turn of the loop: sends what was gathered for handlers and frees ended
 * objects.
 */
static inline void
worker_settle(struct worker *w)
{
	if (!LIST_EMPTY(&w->leases.unflushed))
		leases_flush(&w->leases);
	if (!TAILQ_EMPTY(&w->desk.hungry) && w->net.parties.has_freed)
		kept_feed(&w->desk);
	w->net.parties.has_freed = false;
	w->pages.own->kept_bytes = w->net.parties.bytes;
	calls_settle(&w->desk);
	if (!TAILQ_EMPTY(&w->desk.dead))
		calls_bury(&w->desk);
	if (!LIST_EMPTY(&w->leases.dead))
		leases_bury(&w->leases);
	if (!TAILQ_EMPTY(&w->net.dead))
		net_bury(&w->net);
}

/* Connects the layers; the loop and the stats page must be there. */
void worker_wire(struct worker *w);

/* Puts these rules in force. Takes a reference, returns the old rules. */
struct conf *worker_set_conf(struct worker *w, struct conf *c);
