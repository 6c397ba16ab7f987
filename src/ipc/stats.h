/* SPDX-License-Identifier: ISC */
/*
 * stats: counters in shared memory, one region per process, written only by
 * its owner. Readers copy integers and trust none of them (R7): a number may
 * be wrong, nothing else can happen.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "ipc/death.h"
#include "ipc/histogram.h"
#include "ipc/roles.h"
#include "proto/outcome.h"

struct buf;

struct service_stats {
	uint64_t calls;			/* ended, by whatever outcome */
	uint64_t rejected;		/* not started */
	uint64_t failed;		/* started, not a success */
	uint64_t outcome[OUTCOME_N];
};

/*
 * The times of the same calls, but for those refused at once. Large, and so
 * kept apart: where nothing was called its memory is not touched.
 */
struct service_times {
	struct histogram all;		/* from the request to the reply */
	struct histogram queue;		/* until a process had it, or it gave up */
	struct histogram run;		/* from then on; of those that a process had */
};

/* Of a handler's processes; the runner's page. */
struct pool_stats {
	uint32_t processes, busy, idle;
	uint32_t waiting;		/* requests, in all workers */
	uint64_t started;
	uint64_t died;			/* unasked */
	uint64_t recycled;		/* for age, memory or requests */
	uint32_t is_failing;		/* out of order until one stays up */
	struct death last;		/* of the last that died, or did not start */
	/* On the monotonic clock; 0: not at all. */
	uint64_t last_usec;		/* when that was */
	uint64_t failing_usec;		/* since when out of order */
	uint64_t retry_usec;		/* when the next one is started, if not now */
};

struct stats {
	uint32_t generation;		/* of the service numbers below */
	uint32_t pid;
	uint64_t connections_open;
	uint64_t port_connections[CONF_MAX_LISTENERS];
	uint64_t connections_total;	/* = open + closed */
	uint64_t connections_closed;
	uint64_t connections_refused;
	uint64_t requests_total;	/* all verbs; = replied + aborted + now executed */
	uint64_t requests_replied;
	uint64_t requests_aborted;	/* their connection ended first */
	uint64_t errors_total;		/* error replies */
	uint64_t protocol_errors;
	uint64_t bytes_in, bytes_out;
	uint64_t running;		/* calls in progress here */
	uint64_t log_dropped;
	/* For who finds the worker dead: what it executes now, 0: nothing. */
	uint64_t executing_conn;
	uint32_t executing_service;	/* its number and 1 */
	/* runner */
	uint64_t started_total;
	uint64_t queued;		/* waiting now */
	uint64_t strays_killed;		/* processes that had left their request */
	uint64_t bad_frames;
	struct service_stats service[CONF_MAX_SERVICES];
	struct pool_stats pool[CONF_MAX_SERVICES];
	struct service_times times[CONF_MAX_SERVICES];
};

/* The pages that a worker sees: its own, and to read those of others. */
struct stats_pages {
	struct stats *own;
	const struct stats *others[ROLE_MAX_PROCESSES];	/* by number */
	unsigned n_others;		/* other workers */
	unsigned slot;			/* ours */
};

/*
 * Connections on a listener, which lets in max, over all workers; none of them
 * has more than worker_max.
 */
uint64_t stats_pages_port_connections(const struct stats_pages *pages, unsigned number,
    uint64_t worker_max, uint64_t max);

/*
 * Moves what is counted by service number to the numbers of other rules. from
 * NULL: the owner is new; what a predecessor has counted under these rules
 * goes on.
 */
void stats_renumber(struct stats *s, const struct conf *from, const struct conf *to);

/* Why a service is out of order; false when it is not. */
bool pool_stats_outage(const struct pool_stats *p, uint64_t now, char ret[static OUTAGE_TEXT]);

/*
 * The same in a line for who asks about that service, or what else keeps it out of order;
 * nothing and false when it is not. p: its pool; NULL: none.
 */
bool service_explain_outage(const struct service *s, const struct pool_stats *p, uint64_t now,
    struct buf *out);

/* What all pages say of one service. */
struct service_total {
	struct service_stats n;
	struct service_times times;
};

/* A new region; descriptor or -errno. Sparse: pages cost when touched. */
int stats_create(void);

/* A descriptor of the same region that can only be read. */
int stats_reopen_readonly(int fd);

/* Maps it, for writing (its owner) or reading. NULL with errno on failure. */
struct stats *stats_map_own(int fd);
const struct stats *stats_map_other(int fd);
void stats_unmap(const struct stats *s);

/*
 * What an owner that is gone can no longer correct: gauges back to zero, and
 * what was open has ended with it.
 */
void stats_reset_gauges(struct stats *s);

/* Counts a call that has ended. */
void stats_count(struct service_stats *s, const struct outcome *o);

/* Adds what a page says of the service of this number. */
void service_total_add(struct service_total *sum, const struct stats *from, uint16_t number);

/* Forgets it. */
void stats_clear_service(struct stats *s, uint16_t number);
