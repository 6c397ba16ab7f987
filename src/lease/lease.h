/* SPDX-License-Identifier: ISC */
/*
 * lease: a handler process that the broker has lent to this worker.
 *
 * A lease goes back between two requests. When anything goes wrong it goes back
 * as broken, and the process is killed; then each request in flight gets one
 * error, and no request is ever sent twice. leases.h decides which request a
 * lease gets next.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/loop.h"
#include "ipc/frame.h"
#include "lease/conversation.h"
#include "lease/exchange.h"

struct lease_set;
struct leases;
struct service;

/* The state in which a process goes back. */
enum lease_end {
	LEASE_WHOLE,
	LEASE_BROKEN,	/* the process is to be killed */
	LEASE_CUT,	/* ... for a deadline or a cancel */
};

struct lease {
	LIST_ENTRY(lease) link;		/* in the leases of its set, or in those that are dead */
	LIST_ENTRY(lease) unflushed;	/* in the list of unsent leases while is_unflushed */
	struct lease_set *set;		/* the set of its service */
	struct leases *leases;
	uint64_t id;
	uint32_t pid;
	uint32_t budget;		/* requests that it may get here; 0: any number */
	uint32_t n_sent;
	uint32_t n_answered;
	bool is_probe;			/* gets only PING, then goes back */
	bool proven;			/* has answered a request, and the broker knows */
	bool recalled;
	bool deaf;			/* has closed its input: takes no more requests */
	bool unknown;			/* the broker that lent it is gone */
	bool is_unflushed;		/* has requests to send at the end of the turn */
	bool dead;			/* freed at the end of the turn */
	uint64_t since_usec;
	uint64_t idle_usec;		/* the time since which nothing is in flight */
	struct loop_timer timer;	/* rings when idle for long, or when PING is not answered */
	struct loop_task task;		/* for a closed input, or to read replies again */
	struct conversation conversation;
};

LIST_HEAD(lease_list, lease);

/* ---------------------------------------------------------- for leases --- */

/*
 * Takes the descriptors. NULL when the process cannot be used: it has gone back
 * as broken then.
 */
struct lease *lease_new(struct lease_set *set, const struct frame *lent, int fds[static 3]);

/* Gives back at once a process that is not wanted. Takes the descriptors. */
void lease_decline(struct leases *ls, const struct frame *lent, int fds[static 3],
    enum lease_end end);

/*
 * Gives the lease its first request, if one waits. A probe has until due_usec
 * to answer PING.
 */
void lease_begin(struct lease *lease, uint64_t due_usec);

/* True if the lease takes a request of this service now. */
bool lease_is_free(const struct lease *lease, const struct service *s);

/*
 * Gives the lease a request, which is in text. False: the process takes no more
 * requests, and the lease ends soon; the request belongs to no lease.
 */
bool lease_give(struct lease *lease, struct exchange *x, struct buf *text);

/* Sends the requests that the lease was given during the turn. */
void lease_flush(struct lease *lease);

/*
 * Another worker waits for the process: gives it back before the next request,
 * or a little later while calls wait here.
 */
void lease_recall(struct lease *lease);

/*
 * The rules under which the process was lent have ended: gives it back before
 * the next request, even if calls wait.
 */
void lease_outdate(struct lease *lease);

/* The broker that lent the process is gone. */
void lease_disown(struct lease *lease);

/*
 * The worker ends: gives the process back if it is idle. Else its end is told
 * to nobody.
 */
void lease_give_back(struct lease *lease);

/*
 * Gives the process back and ends the lease, except for the requests in flight.
 */
void lease_part(struct lease *lease, enum lease_end end);

/* Frees a lease that is dead. */
void lease_free(struct lease *lease);

/* ---------------------------------------------------- for conversations and requests --- */

/*
 * Gives back a process that cannot be used any more, to be killed. A request of which
 * nothing was written waits for another process. The request "victim" ends with kind
 * and reason. All other written requests end because their handler is gone; if victim
 * is NULL, all written requests end so.
 */
void lease_break(struct lease *lease, const struct exchange *victim, enum outcome_kind kind,
    unsigned reason, const char *why);
