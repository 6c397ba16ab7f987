/* SPDX-License-Identifier: ISC */
/*
 * worker: one of the processes that accept, speak the protocol, decide who
 * may call what, and serve. Everything a worker has hangs off this struct.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/loop.h"
#include "conf/conf.h"
#include "ipc/stats.h"
#include "proto/request.h"
#include "worker/call.h"
#include "worker/leases.h"
#include "worker/runnerlink.h"
#include "worker/port.h"

struct conn;
TAILQ_HEAD(conns, conn);

/* One read from a socket or pipe, for whichever object is being served. */
#define WORKER_READ (64u << 10)

/* Unsent replies above which a connection is not read any further (R17). */
#define WORKER_OUT_HIGH (256u << 10)
#define WORKER_OUT_STRANGER (16u << 10)	/* ... of a caller without a role (R16) */

struct worker {
	struct loop loop;
	struct loop_io master;		/* channel to the master */
	unsigned slot;
	struct conf *conf;		/* in force; NULL before the first COMMIT */
	struct conf *prepared;
	int prepared_fds[CONF_MAX_LISTENERS];
	size_t n_prepared_fds;
	bool stopping;			/* told to drain */
	uint32_t sealed;		/* listeners that end for everybody, by number */
	bool retired;			/* given no listeners: ends with its last connection */
	bool done;			/* leave the loop */
	uint64_t drain_usec;		/* when the drain ends by force */
	struct loop_timer drain;

	struct ports ports;
	struct conns conns;
	struct conns dead_conns;	/* memory of what ended in this turn */
	size_t n_conns;
	size_t max_conns;		/* from RLIMIT_NOFILE (R15) */
	int spare_fd;			/* given up to accept and refuse at EMFILE */
	uint64_t next_conn;

	struct call_desk desk;		/* calls */
	struct leases leases;		/* of handlers */
	struct runnerlink link;		/* to the runner */

	struct stats *stats;		/* our own page */
	const struct stats *others[CONF_MAX_WORKERS + 1];	/* the last: runner */
	unsigned n_others;		/* other workers */
	uint64_t started_usec;

	/* Scratch, never kept beyond one event or task. */
	struct request request;
	struct buf out;			/* replies of one task, before they are sent */
	struct conn *writer;		/* whose task runs; NULL: none */
	char read[WORKER_READ];		/* from a socket or pipe */
};

/* Role entry: descriptors as in ipc/roles.h. Returns an exit code. */
int worker_main(unsigned slot);

/* Ends and frees all that the worker holds, but not itself. */
void worker_done(struct worker *w);

/* Sum of connections on a port over all workers. */
uint64_t worker_port_connections(const struct worker *w, unsigned port_number);

/* It was stopped for so long: nobody else is to pay for that. For the loop. */
void worker_on_stall(struct loop *l, uint64_t usec);

/* At the end of a turn, behind all tasks: sends what was gathered, frees what has ended. */
void worker_settle(struct worker *w);

/* Leaves the loop once nothing is left to finish; called when something ended. */
void worker_check_drained(struct worker *w);

/* Makes the layers; the loop is there. */
void worker_wire(struct worker *w);

/* These rules are in force from now on; takes a reference, returns the old ones. */
struct conf *worker_set_conf(struct worker *w, struct conf *c);
