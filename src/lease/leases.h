/* SPDX-License-Identifier: ISC */
/*
 * leases: the warm processes that a worker has. For each service there is a
 * set: its leases, and the requests that wait for one.
 *
 * The broker is asked once for each request that waits. A lease stays here
 * while there are requests for it, and a little longer, so that under load
 * requests cost no message.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/tree.h>

#include "conf/conf.h"
#include "ipc/death.h"
#include "lease/exchange.h"
#include "lease/lease.h"

/* Why a request ends that waits while the rules change. */
#define LEASES_CHANGED "the configuration has changed"

/* One read from a pipe. */
#define LEASES_READ (64u << 10)

struct lease_set {
	RB_ENTRY(lease_set) node;
	struct leases *leases;
	struct lease_list list;
	struct exchanges waiting;
	size_t n_waiting;
	size_t n_wanted;		/* asked of the broker and not come yet */
	size_t n_early;			/* ... of them, come before our rules fitted them */
	uint8_t format;			/* of requests under the rules in force */
	uint32_t format_generation;	/* ... since these */
	char why[OUTAGE_TEXT];		/* there was none the last time */
	char service[SERVICE_NAME_MAX + 1];
};

RB_HEAD(lease_sets, lease_set);

/* All of a worker's, and what they need of it. */
struct leases {
	struct loop *loop;
	char *read;			/* scratch, LEASES_READ bytes, never kept */
	const struct conf *conf;	/* in force; NULL before the first */
	const struct conf *prepared;	/* in force next, or NULL */
	/* To who lends. 0 or -ENOMEM. */
	int (*post)(struct leases *ls, const struct frame *f);

	struct lease_sets sets;		/* by service */
	struct lease_list dead;
	struct lease_list unflushed;	/* have requests to send */
};

/* ---------------------------------------------- said by who has a request --- */

/* The set of a service, made when there is none. NULL without memory. */
struct lease_set *lease_set_get(struct leases *ls, const char *service);

/* True if one more request may wait. */
bool lease_set_has_room(const struct lease_set *set, const struct service *s);

/* True if a handler of today understands a request that was made for these rules. */
bool lease_set_fits(const struct lease_set *set, const struct service *s);

/* The lease that takes a request now, or NULL. */
struct lease *lease_set_find_free(const struct lease_set *set, const struct service *s);

/*
 * Gives a request its lease, NULL to let it wait. Its bytes are in text; to
 * wait, in x->text.
 */
void lease_set_enter(struct lease_set *set, struct exchange *x, struct lease *lease,
    struct buf *text);

/* Out of the queue. */
void lease_set_leave(struct lease_set *set, struct exchange *x);

/* ------------------------------------------------------- said by lease --- */

/* Back to where it was: it has been taken, and nothing of it was written. */
void lease_set_put_back(struct lease_set *set, struct exchange *x);

/* Those who wait get what is free, and what is missing is asked for. */
void lease_set_dispatch(struct lease_set *set);

/* -------------------------------------------------- said by the broker --- */

/* Takes the descriptors, which become -1. */
void leases_on_granted(struct leases *ls, const struct frame *f, int fds[static 3]);

/* One was lent, and there was no room for its descriptors: those who wait hear it. */
void leases_on_no_room(struct leases *ls, const struct frame *f, int fds[static 3]);
void leases_on_recalled(struct leases *ls, uint64_t id);
void leases_on_unable(struct leases *ls, const struct frame_unable *u);

/* The broker is gone; the next one is asked anew for what waits. */
void leases_on_lost(struct leases *ls);
void leases_on_attached(struct leases *ls);

/* -------------------------------------------------- said by the worker --- */

void leases_init(struct leases *ls, struct loop *loop, char *read);

/* The turn ends: what was gathered in it is sent. */
void leases_flush(struct leases *ls);

/* The worker was stopped for so long: so may have been who is to answer PING. */
void leases_on_stall(struct leases *ls, uint64_t usec);

/* Other rules are in force. */
void leases_reload(struct leases *ls);

/* The worker ends: what is idle goes back in good order, no more is asked for. */
void leases_give_back(struct leases *ls);

/* Frees what died during the turn. */
void leases_bury(struct leases *ls);

/* Frees all of them; no request is alive. */
void leases_done(struct leases *ls);
