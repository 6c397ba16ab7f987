/* SPDX-License-Identifier: ISC */
/*
 * leases: the handler processes that a worker has. Each service has a set: its
 * leases, and the requests that wait for one.
 *
 * The broker is asked once for each waiting request. A lease stays here while
 * there are requests for it, and a little longer, so that under load requests
 * cost no message.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/tree.h>

#include "base/share.h"
#include "conf/conf.h"
#include "ipc/death.h"
#include "lease/exchange.h"
#include "lease/lease.h"

/* The reason why a waiting request ends when the rules change. */
#define LEASES_CHANGED "the configuration has changed"

/* Bytes of one read from a pipe. */
#define LEASES_READ (64u << 10)

struct lease_set {
	RB_ENTRY(lease_set) node;
	struct leases *leases;
	struct lease_list list;
	struct exchanges waiting;
	size_t n_waiting;
	size_t n_wanted;		/* leases asked of the broker and not received yet */
	size_t n_early;			/* ... of these, leases that came before the new
					 * rules were in force here */
	uint64_t id;			/* of no other set of this worker */
	bool is_paused;			/* nothing is given to a process, by the rules in force */
	uint8_t format;			/* the form of requests under the rules in force */
	uint32_t format_generation;	/* ... the generation that brought this form */
	char why[OUTAGE_TEXT];		/* the reason why there was no process the last time */
	char service[SERVICE_NAME_MAX + 1];
};

RB_HEAD(lease_sets, lease_set);

/* All leases of a worker, and the data that they share. */
struct leases {
	struct loop *loop;
	char *read;			/* scratch of LEASES_READ bytes; its content is
					 * never kept */
	const struct conf *conf;	/* the rules in force; NULL before the first */
	const struct conf *prepared;	/* the rules that come next, or NULL */
	/* Sends a frame to the broker. 0 or -ENOMEM. */
	int (*post)(struct leases *ls, const struct frame *f);

	struct lease_sets sets;		/* by service */
	uint64_t n_sets;		/* made so far */
	struct shares seats;		/* a hold for each waiting request, by party and set */
	struct lease_list dead;
	struct lease_list unflushed;	/* leases that have requests to send */
};

/* ------------------------------------------------- for owners of requests --- */

/*
 * Returns the set of a service; makes it when there is none. NULL when memory
 * is out.
 */
struct lease_set *lease_set_get(struct leases *ls, const char *service);

/* True if one more request may wait. */
bool lease_set_has_room(const struct lease_set *set, const struct service *s);

/* True if one more request of this party may wait, where there is room. NULL: of nobody. */
bool lease_set_is_fair(const struct lease_set *set, const struct service *s,
    const struct digest *party);

/*
 * True if a handler of today understands a request that was made for these
 * rules.
 */
bool lease_set_fits(const struct lease_set *set, const struct service *s);

/* Returns the lease that takes a request now, or NULL; NULL while the service is paused. */
struct lease *lease_set_find_free(const struct lease_set *set, const struct service *s);

/*
 * Gives a request its lease, or lets it wait if lease is NULL. Its bytes are in
 * text; those of a waiting request must be in x->text.
 */
void lease_set_enter(struct lease_set *set, struct exchange *x, struct lease *lease,
    struct buf *text);

/* Takes a request out of the queue. */
void lease_set_leave(struct lease_set *set, struct exchange *x);

/* ----------------------------------------------------------- for lease --- */

/*
 * Puts a request back to its place in the queue: a lease had it, and nothing of
 * it was written.
 */
void lease_set_put_back(struct lease_set *set, struct exchange *x);

/*
 * Gives free leases to waiting requests, and asks for the leases that are
 * missing.
 */
void lease_set_dispatch(struct lease_set *set);

/* ------------------------------------------------ events of the broker --- */

/* Takes the descriptors, which become -1. */
void leases_on_granted(struct leases *ls, const struct frame *f, int fds[static 3]);

/*
 * A process was lent, but there was no room for its descriptors: tells the
 * waiting requests.
 */
void leases_on_no_room(struct leases *ls, const struct frame *f, int fds[static 3]);
void leases_on_recalled(struct leases *ls, uint64_t id);
void leases_on_unable(struct leases *ls, const struct frame_unable *u);

/*
 * The broker is gone; the next one will be asked anew for the waiting requests.
 */
void leases_on_lost(struct leases *ls);
void leases_on_attached(struct leases *ls);

/* ------------------------------------------------ events of the worker --- */

void leases_init(struct leases *ls, struct loop *loop, char *read);

/* Sends what was gathered during the turn. */
void leases_flush(struct leases *ls);

/*
 * The worker was stopped for this time, and so may have been a process that has
 * to answer PING.
 */
void leases_on_stall(struct leases *ls, uint64_t usec);

/* Adapts the sets and leases to new rules in force. */
void leases_reload(struct leases *ls);

/*
 * The worker ends: gives idle leases back in good order and asks for no more.
 */
void leases_give_back(struct leases *ls);

/* Frees the leases that died during the turn. */
void leases_bury(struct leases *ls);

/* Frees all leases; no request is alive. */
void leases_done(struct leases *ls);
