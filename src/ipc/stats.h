/* SPDX-License-Identifier: ISC */
/*
 * stats: counters in shared memory, one region per process, written only by
 * its owner. Readers copy integers and trust none of them (R7): a number may
 * be wrong, nothing else can happen.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "proto/outcome.h"

#define STATS_BUCKETS 40	/* log2 of microseconds: 1 us .. 6 days */

struct service_stats {
	uint64_t calls;			/* ended, by whatever outcome */
	uint64_t usec;			/* sum of durations */
	uint64_t rejected;		/* not started */
	uint64_t failed;		/* started, not a success */
	uint64_t outcome[OUTCOME_N];
	uint64_t bucket[STATS_BUCKETS];	/* durations */
};

/* Of a handler's processes; the runner's page. */
struct pool_stats {
	uint32_t processes, busy, idle;
	uint32_t waiting;		/* requests, in all workers */
	uint64_t started;
	uint64_t died;			/* unasked */
	uint64_t recycled;		/* for age, memory or requests */
	uint32_t is_failing;		/* out of order until one stays up */
	int32_t last_status;		/* wait status of the last that died, or this: */
#define POOL_NO_STATUS (-1)		/* what it said was no reply */
	int32_t last_stage, last_error;	/* or why it did not start */
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

void stats_count(struct service_stats *s, const struct outcome *o, uint64_t usec);

/* Adds from to sum, field by field. */
void service_stats_add(struct service_stats *sum, const struct service_stats *from);

/* Upper bound in usec of the bucket that holds this share (0 < q < 1), 0 without calls. */
uint64_t stats_quantile(const struct service_stats *s, double q);
