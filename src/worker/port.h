/* SPDX-License-Identifier: ISC */
/*
 * port: a listening socket in a worker, shared with the other workers.
 *
 * A connection keeps its port alive: the limits it was accepted under stay
 * valid when a reload takes the listener away.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/loop.h"
#include "conf/conf.h"
#include "worker/net.h"

struct port {
	LIST_ENTRY(port) link;
	struct loop_io io;		/* fd -1: not listening any more */
	bool gone;			/* so is its listener: the number means nothing any more */
	struct loop_timer retry;	/* armed while accepting is paused */
	struct net_desk *net;
	unsigned refs;
	unsigned number;		/* index of the listener */
	char *url;
	bool is_unix;
	uint32_t max_arguments, argument_limit, request_limit;	/* of one request */
	enum listener_inline inline_requests;
	uint64_t idle_timeout_usec;
	uint32_t max_connections;
};

/*
 * Puts the listeners of a configuration in place of those in force: fds[i]
 * is the socket of listener i, taken. Ports whose URL stays keep listening
 * without a gap. 0 or -errno; on failure nothing changed but the taken fds.
 */
int ports_replace(struct net_desk *net, const struct conf *c, int *fds, size_t n_fds);

/*
 * Stops accepting, on ports that the others go on with. Connections follow
 * the listeners of this configuration all the same.
 */
void ports_retire(struct net_desk *net, const struct conf *c);

/*
 * Stops accepting on all ports. Who waits at a socket that the master has
 * sealed, so that nobody will ever accept there again, is let in first.
 */
void ports_close(struct net_desk *net);

static inline struct port *
port_ref(struct port *p)
{
	p->refs++;
	return p;
}

static inline void
port_unref(struct port *p)
{
	if (--p->refs > 0)
		return;
	free(p->url);
	free(p);
}
