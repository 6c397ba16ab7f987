/* SPDX-License-Identifier: ISC */
/*
 * stats: counters in shared memory, one region per process, written only by its
 * owner. Readers copy integers and trust none of them: a number may be wrong,
 * nothing else can happen.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "ipc/death.h"
#include "ipc/histogram.h"
#include "ipc/roles.h"
#include "ipc/tally.h"
#include "proto/outcome.h"

struct buf;

struct service_stats {
	uint64_t calls;			/* ended, by whatever outcome */
	uint64_t rejected;		/* not started */
	uint64_t failed;		/* started, not a success */
	uint64_t outcome[OUTCOME_N];
};

/*
 * The times of the same calls, except those refused at once. They are large and
 * so kept apart: memory of a service that nobody calls stays untouched.
 */
struct service_times {
	struct histogram all;		/* from the request to the reply */
	struct histogram queue;		/* until a process had the request, or its wait ended */
	struct histogram run;		/* from then on; only if a process had it */
};

/*
 * Numbers of the pool of a service with handlers; on the broker's page. Of a service with a
 * command: busy is what runs, and waiting what waits.
 */
struct pool_stats {
	uint32_t processes, busy, idle;
	uint32_t waiting;		/* requests, in all workers */
	uint64_t started;
	uint64_t died;			/* unasked */
	uint64_t recycled;		/* for age, memory or requests */
	uint32_t is_failing;		/* out of order until a process stays up */
	struct death last;		/* of the last one that died, or did not start */
	struct death_words words;	/* of the same, if known */
	uint64_t oldest_usec;		/* start of the oldest process; 0: there is none */
	/* On the monotonic clock; 0: never. */
	uint64_t last_usec;		/* time of the last death */
	uint64_t failing_usec;		/* since when out of order */
	uint64_t retry_usec;		/* time of the next start, if not now */
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
	uint64_t requests_aborted;	/* the connection ended first */
	uint64_t errors_total;		/* error replies */
	uint64_t protocol_errors;
	uint64_t logins;		/* successful ones */
	uint64_t logins_failed;
	uint64_t bytes_in, bytes_out;
	uint64_t running;		/* calls in progress here */
	uint64_t kept_bytes;		/* kept for clients; broker: results of --id */
	uint64_t over_share;		/* refused, as a caller or service had its share */
	uint64_t over_limit;		/* refused by a limit on sources, strangers or roles */
	uint64_t log_dropped;
	/* For the master that finds a worker dead: what the worker executes now; 0: nothing. */
	uint64_t executing_conn;
	uint32_t executing_service;	/* number of the service, plus 1 */
	/* runner */
	uint64_t started_total;
	uint64_t queued;		/* waiting now */
	uint64_t attached;		/* waiting now for the result of another request */
	uint64_t kept_results;
	uint64_t spent_results;		/* given up before their time */
	uint64_t strays_killed;		/* processes that had left their request */
	uint64_t bad_frames;
	struct tally tally;		/* of a worker */
	struct service_stats service[CONF_MAX_SERVICES];
	struct pool_stats pool[CONF_MAX_SERVICES];
	struct service_times times[CONF_MAX_SERVICES];
};

/* Pages that a worker sees: its own, and those of others to read. */
struct stats_pages {
	struct stats *own;
	const struct stats *others[ROLE_MAX_PROCESSES];	/* by number */
	unsigned n_others;		/* other workers of our protocol */
	unsigned slot;			/* ours */
};

/* The page of another worker of our protocol, by its slot; NULL: there is none. */
static inline const struct stats *
stats_pages_peer(const struct stats_pages *pages, unsigned slot)
{
	return slot != pages->slot && role_slot_protocol(slot) == role_slot_protocol(pages->slot) ?
	    pages->others[slot] : NULL;
}

/*
 * The connections on a listener over all workers. The listener lets in max; no
 * worker has more than worker_max.
 */
uint64_t stats_pages_port_connections(const struct stats_pages *pages, unsigned number,
    uint64_t worker_max, uint64_t max);

/* Places for connections that are free in all workers together; each has max. */
uint64_t stats_pages_free_connections(const struct stats_pages *pages, uint64_t max);

/*
 * Moves counters by service number to the numbers of other rules. from NULL:
 * the owner is new, and goes on with a predecessor's counters under these
 * rules.
 */
void stats_renumber(struct stats *s, const struct conf *from, const struct conf *to);

/* Puts the reason why a service is out of order into ret; false when it works. */
bool pool_stats_outage(const struct pool_stats *p, uint64_t now, char ret[static OUTAGE_TEXT]);

/*
 * Appends the reason why calls of a service are refused as a line, to show to a user: it is
 * drained, or out of order. False when none is refused; a line says that it is paused.
 * p: its pool; NULL: none.
 */
bool service_explain_outage(const struct service *s, const struct pool_stats *p, uint64_t now,
    struct buf *out);

/* The sum over all pages for one service. */
struct service_total {
	struct service_stats n;
	struct service_times times;
};

/* Makes a new region; descriptor or -errno. Sparse: pages cost when touched. */
int stats_create(void);

/* Opens the same region for reading only. Descriptor or -errno. */
int stats_reopen_readonly(int fd);

/* Maps a region, for writing (its owner) or reading. NULL with errno on failure. */
struct stats *stats_map_own(int fd);
const struct stats *stats_map_other(int fd);
void stats_unmap(const struct stats *s);

/*
 * Corrects the page of an owner that is gone: gauges go back to zero, and
 * everything open counts as ended. n_pools: the number of services that may have
 * a pool there; others are not looked at, as that would fill the page with memory.
 */
void stats_reset_gauges(struct stats *s, size_t n_pools);

/* Counts a call that has ended. */
void stats_count(struct service_stats *s, const struct outcome *o);

/* Adds one page's counters for the service of this number. */
void service_total_add(struct service_total *sum, const struct stats *from, uint16_t number);

/* Sets the counters of a service to zero. */
void stats_clear_service(struct stats *s, uint16_t number);
