/* SPDX-License-Identifier: ISC */
/*
 * leases: what a worker has of one service: its leases, and the calls that
 * wait for one.
 *
 * The runner is asked once for each call that waits. A lease stays here
 * while there are calls for it, and a little longer, so that under load
 * requests cost no message.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/tree.h>

#include "conf/conf.h"
#include "ipc/death.h"
#include "worker/call.h"
#include "worker/lease.h"

struct worker;

/* Why a call ends that waits while the rules change. */
#define LEASES_CHANGED "the configuration has changed"

struct leases {
	RB_ENTRY(leases) node;
	struct worker *worker;
	struct lease_list list;
	struct call_list waiting;
	size_t n_waiting;
	size_t n_wanted;		/* asked of the runner and not come yet */
	size_t n_early;			/* ... of them, come before our rules fitted them */
	uint8_t format;			/* of requests under the rules in force */
	uint32_t format_generation;	/* ... since these */
	char why[OUTAGE_TEXT];		/* there was none the last time */
	char service[SERVICE_NAME_MAX + 1];
};

RB_HEAD(leases_tree, leases);

/* ------------------------------------------------------- said by calls --- */

/* Those of a service, made when there are none. NULL without memory. */
struct leases *leases_get(struct worker *w, const char *service);

/* Is there room for one more call that waits? */
bool leases_has_room(const struct leases *ls, const struct service *s);

/* Is a request that was made for these rules one that its handler understands today? */
bool leases_fit(const struct leases *ls, const struct service *s);

/* The lease that takes a request now, or NULL. */
struct lease *leases_find_free(const struct leases *ls, const struct service *s);

/*
 * Gives a call its lease, NULL to let it wait. Its request is in text; to
 * wait, in call->in_data.
 */
void leases_enter(struct leases *ls, struct call *call, struct lease *lease, struct buf *text);

/* Out of the queue. */
void leases_leave(struct leases *ls, struct call *call);

/* ------------------------------------------------------- said by lease --- */

/* Back to where it was: it has been taken, and nothing of it was written. */
void leases_put_back(struct leases *ls, struct call *call);

/* Those who wait get what is free, and what is missing is asked for. */
void leases_dispatch(struct leases *ls);

/* -------------------------------------------------- said by the runner --- */

/* Takes the descriptors, which become -1. */
void leases_on_granted(struct worker *w, const struct frame *f, int fds[static 3]);
void leases_on_recalled(struct worker *w, uint64_t id);
void leases_on_unable(struct worker *w, const struct frame_unable *u);

/* The broker is gone; the next one is asked anew for what waits. */
void leases_on_lost(struct worker *w);
void leases_on_attached(struct worker *w);

/* -------------------------------------------------- said by the worker --- */

/* The turn ends: what was gathered in it is sent. */
void leases_flush(struct worker *w);

/* It was stopped for so long: so may have been who is to answer PING. */
void leases_on_stall(struct worker *w, uint64_t usec);

/* Other rules are in force. */
void leases_reload(struct worker *w);

/* The worker ends: what is idle goes back in good order, no more is asked for. */
void leases_give_back(struct worker *w);

/* Frees what died during the turn. */
void leases_bury(struct worker *w);

/* Frees all of them; no call is alive. */
void leases_done(struct worker *w);
