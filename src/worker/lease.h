/* SPDX-License-Identifier: ISC */
/*
 * lease: a warm process that the runner has lent to this worker, and what a
 * worker has of one service: its leases, and the calls that wait for one.
 *
 * The runner is asked once for each call that waits. A lease stays here
 * while there are calls for it, and a little longer, so that under load
 * requests cost no message. It goes back between two requests; or broken,
 * to be killed, when anything went wrong: then each call in flight gets one
 * error, and none is ever sent twice (R26, R27).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include "base/loop.h"
#include "conf/conf.h"
#include "ipc/death.h"
#include "ipc/frame.h"
#include "worker/call.h"
#include "worker/talk.h"

struct worker;

/* Why a call ends that waits while the rules change. */
#define LEASES_CHANGED "the configuration has changed"

struct lease {
	LIST_ENTRY(lease) link;		/* of leases, or of the dead */
	LIST_ENTRY(lease) unflushed;	/* while is_unflushed */
	struct leases *leases;
	struct worker *worker;
	uint64_t id;
	uint32_t pid;
	uint32_t budget;		/* requests it may be given here; 0: any number */
	uint32_t n_sent;
	uint32_t n_answered;
	bool is_probe;			/* only PING, then back */
	bool proven;			/* has answered, and the runner knows */
	bool recalled;
	bool deaf;			/* takes no more requests */
	bool unknown;			/* the runner that lent it is gone */
	bool is_unflushed;		/* has requests to send at the end of the turn */
	bool dead;			/* memory goes at the end of the event */
	uint64_t since_usec;
	uint64_t idle_usec;		/* since when nothing is in flight */
	struct loop_timer timer;	/* idle for long, or PING not answered */
	struct talk talk;
};

LIST_HEAD(lease_list, lease);

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
void lease_begin(struct call *call, struct lease *lease, struct buf *text);

/* Out of the queue. */
void leases_leave(struct leases *ls, struct call *call);

/* --------------------------------------------------------- said by talk --- */

/*
 * The process cannot be used any more: it is given back to be killed. A call
 * of which nothing was written waits for another one. victim ends as it
 * says; the others in flight, and with victim NULL all of them, as victims of
 * their handler.
 */
void lease_break(struct lease *lease, struct call *victim, enum outcome_kind kind,
    unsigned reason, const char *why);

/* It has answered a call, which is out of flight. */
void lease_answered(struct lease *lease);

/* It has got all of a request that had to wait for room in the pipe. */
void lease_sent(struct lease *lease);

/* It has answered PING. */
void lease_proved(struct lease *lease);

/* ------------------------------------------------ said by the runner --- */

/* Takes the descriptors, which become -1. */
void lease_on_granted(struct worker *w, const struct frame *f, int fds[static 3]);
void lease_on_recalled(struct worker *w, uint64_t id);
void lease_on_unable(struct worker *w, const struct frame_unable *u);

/* The runner is gone; the next one is asked anew for what waits. */
void leases_on_lost(struct worker *w);

/* ------------------------------------------------- said by the worker --- */

/* The turn ends: what was gathered in it is sent. */
void leases_flush(struct worker *w);

/* Other rules are in force. */
void leases_reload(struct worker *w);

/* The worker ends: what is idle goes back in good order, no more is asked for. */
void leases_give_back(struct worker *w);

/* Frees what calls_bury() left; no call is alive. */
void leases_done(struct worker *w);

/* Frees what died during the event. */
void leases_bury(struct worker *w);
