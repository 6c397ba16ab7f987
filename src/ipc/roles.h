/* SPDX-License-Identifier: ISC */
/*
 * roles: the processes of reqd and what each inherits.
 *
 * Every role but the master starts as "reqd --role=NAME --slot=N" with these
 * descriptors and nothing else; all that changes later (configuration,
 * listeners, links to other roles) comes as frames over CHANNEL_FD, at the
 * first start just as at a reload.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

/* The roles that the master starts: one process of each, but several workers. */
enum role_kind { ROLE_LOG, ROLE_RUNNER, ROLE_BROKER, ROLE_CONTROL, ROLE_KEYS,
	ROLE_AUTH, ROLE_WORKER, ROLE_N };

/* Limit of the number of processes. Each has a number below this. */
#define ROLE_MAX_PROCESSES (CONF_MAX_WORKERS + ROLE_WORKER)

/* Returns the slot of the worker that made this request id. */
static inline uint16_t
request_slot(uint64_t id)
{
	return (id >> 32) & 0xff;
}

/*
 * A worker speaks one protocol, and which one follows from its slot. So a mistake in the
 * decoder of one protocol is out of reach of clients of the other.
 */
static inline enum listener_protocol
role_slot_protocol(unsigned slot)
{
	return slot < CONF_MAX_CLASS ? PROTOCOL_RESP : PROTOCOL_HTTP;
}

/* The place of a slot among those of its protocol. */
static inline unsigned
role_slot_index(unsigned slot)
{
	return slot % CONF_MAX_CLASS;
}

/* Descriptors at birth. 0 is /dev/null; 1 and 2 are the master's. */
#define ROLE_CHANNEL_FD 3	/* SOCK_SEQPACKET to the master */
#define ROLE_LOG_FD 4		/* SOCK_SEQPACKET to the log; not in the log */
#define ROLE_STATS_FD 5		/* stats memory; worker: its own, writable */
#define ROLE_N_FDS 6

/* Exit codes the master tells apart. */
#define ROLE_EXIT_OK 0		/* told to stop, or the master is gone */
#define ROLE_EXIT_SETUP 78	/* could not start: do not loop at once */

/* Open files that a worker keeps for pipes of calls and the like, not for connections. */
#define ROLE_WORKER_RESERVE 1024

/*
 * The number of a process in frames and tables. A worker's number is its slot,
 * so tables of workers are short; the other processes follow the workers.
 */
#define ROLE_PROCESS(kind, slot)                                             \
	((kind) == ROLE_WORKER ? (unsigned)(slot) : CONF_MAX_WORKERS + (unsigned)(kind))

/*
 * The largest file that a worker may write: a result that is kept for --id. The
 * limit is the same for every configuration, as nobody could raise it in a
 * running worker.
 */
#define ROLE_MAX_FILE (256u << 20)

const char *role_name(enum role_kind k);

#define ROLE_TEXT 32

/* Writes the name of a process: "broker", "worker 3", "web 0". */
void role_format(enum role_kind kind, unsigned slot, char ret[static ROLE_TEXT]);

/* The role of this name; ROLE_N: there is none. */
enum role_kind role_find(const char *name);

/* The largest number of processes of this role. */
unsigned role_slots(enum role_kind k);

/*
 * The number by which a worker's limit of open files is below the others',
 * where there are many. The same limit holds for descriptors in transit between
 * processes of one account: a worker that could use the broker's full share
 * would leave none for the broker to send.
 */
#define ROLE_WORKER_FEWER 1024

/* The limit of open files of a worker, where that of the master is max_files. */
static inline uint64_t
role_worker_files(uint64_t max_files)
{
	return max_files < 4 * ROLE_WORKER_FEWER ? max_files : max_files - ROLE_WORKER_FEWER;
}

/* True if this configuration asks for a process of this role at all. */
bool role_is_wanted(enum role_kind kind, const struct conf *c);

/*
 * The number of workers of a protocol that this configuration asks for: none where no
 * listener speaks it.
 */
size_t role_class_wanted(const struct conf *c, enum listener_protocol p);

/* The number of all workers that this configuration asks for. */
size_t role_workers_wanted(const struct conf *c);

/* The number of connections of a worker, where the master may have max_files. */
static inline uint64_t
role_worker_connections(uint64_t max_files)
{
	return max_files <= 2 * ROLE_WORKER_RESERVE ? max_files / 2 :
	    max_files - ROLE_WORKER_RESERVE;
}
