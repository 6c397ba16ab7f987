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
#include <sys/queue.h>

#include "base/loop.h"
#include "conf/conf.h"
#include "proto/request.h"

struct worker;

struct port {
	LIST_ENTRY(port) link;
	struct loop_io io;		/* fd -1: not listening any more */
	bool gone;			/* so is its listener: the number means nothing any more */
	struct loop_timer retry;	/* armed while accepting is paused */
	struct worker *worker;
	unsigned refs;
	unsigned number;		/* index of the listener */
	char *url;
	bool is_unix;
	struct request_limits limits;	/* inline_allowed: for all peers */
	bool inline_loopback;		/* ... or for loopback and unix peers */
	uint64_t idle_timeout_usec;
	uint32_t max_connections;
};

LIST_HEAD(ports, port);

/*
 * Puts the listeners of a configuration in place of those in force: fds[i]
 * is the socket of listener i, taken. Ports whose URL stays keep listening
 * without a gap. 0 or -errno; on failure nothing changed but the taken fds.
 */
int ports_replace(struct worker *w, const struct conf *c, int *fds, size_t n_fds);

/*
 * Stops accepting, on ports that the others go on with. Connections follow
 * the listeners of this configuration all the same.
 */
void ports_retire(struct worker *w, const struct conf *c);

/*
 * Stops accepting on all ports. Who waits at a socket that the master has
 * sealed, so that nobody will ever accept there again, is let in first.
 */
void ports_close(struct worker *w);

struct port *port_ref(struct port *p);
void port_unref(struct port *p);
